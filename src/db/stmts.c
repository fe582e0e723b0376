/* stmts.c -- the prepared statements of one connection, found by their text, least recently used
 * thrown out first. SPDX: Apache-2.0 */
#include "base/mem.h"
#include "db/sqlite_priv.h"

void stmts__init(struct stmts *s, unsigned most)
{
    *s = (struct stmts){.most = most ? most : 1};
    map_init(&s->by_text);
    list_init(&s->lru);
}

static void drop(struct prepared *p)
{
    conn__finalize(p);
    mem_free((void *)(uintptr_t)p->text.ptr);
    mem_free(p);
}

/* Statements of one program differ in length or towards their end. */
static struct prepared **quick_of(struct stmts *s, str text)
{
    size_t n = text.len;
    if (!n)
        return &s->quick[0];
    unsigned guess = (unsigned char)text.ptr[n - 1] + 3u * (unsigned char)text.ptr[n / 2] +
                     7u * (unsigned char)text.ptr[n - n / 4 - 1] + (unsigned)n;
    return &s->quick[guess % COUNT_OF(s->quick)];
}

static void evict(struct stmts *s)
{
    struct prepared *p = OUTER(s->lru.next, struct prepared, lru);
    struct prepared **quick = quick_of(s, p->text);
    if (*quick == p)
        *quick = NULL;
    list_cut(&p->lru);
    map_cut(&s->by_text, p->text);
    s->count--;
    drop(p);
}

void stmts__fini(struct stmts *s)
{
    while (!list_empty(&s->lru))
        evict(s);
    map_fini(&s->by_text);
}

static void keep(struct stmts *s, struct prepared *p)
{
    if (s->count >= s->most)
        evict(s);
    p->kept = true;
    map_set(&s->by_text, p->text, p);
    list_push(&s->lru, &p->lru);
    s->count++;
}

static int make(struct conn *c, const struct stmt *st, struct prepared **out, struct err *err)
{
    struct prepared *p = mem_zero(1, sizeof *p);
    list_init(&p->lru);
    int code = conn__prepare(c, st->text, !st->once, p, err);
    if (code < 0) {
        mem_free(p);
        return code;
    }
    if (!st->once) {
        p->text = (str){mem_text(st->text.ptr, st->text.len), st->text.len};
        keep(&c->stmts, p);
    }
    *out = p;
    return 0;
}

int stmts__get(struct conn *c, const struct stmt *st, struct prepared **out, struct err *err)
{
    struct prepared **quick = quick_of(&c->stmts, st->text), *p = *quick;
    if (UNLIKELY(!p || !str_eq(p->text, st->text))) {
        p = map_get(&c->stmts.by_text, st->text);
        if (!p)
            return make(c, st, out, err);
        *quick = p;
    }
    if (c->stmts.lru.prev != &p->lru) {
        list_cut(&p->lru);
        list_push(&c->stmts.lru, &p->lru);
    }
    *out = p;
    return 0;
}

void stmts__put(struct prepared **pp)
{
    struct prepared *p = *pp;
    *pp = NULL;
    if (p && !p->kept)
        drop(p);
}
