/* list.h -- intrusive doubly linked ring. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_LIST_H
#define CAIRN_BASE_LIST_H

#include <stdbool.h>

struct link {
    struct link *prev, *next;
};

static inline void list_init(struct link *head)
{
    head->prev = head->next = head;
}

static inline bool list_empty(const struct link *head)
{
    return head->next == head;
}

/* Puts item at the end of the list. */
static inline void list_push(struct link *head, struct link *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

/* Takes item out of whatever list it is in; harmless on an item that is alone. */
static inline void list_cut(struct link *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#define LIST_EACH(head, it) for (struct link *it = (head)->next; it != (head); it = it->next)

#endif
