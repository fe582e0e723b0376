/* config_yaml.c -- cairn.yaml to a small tree with positions. SPDX: Apache-2.0
 * Why events and not libfyaml's documents: the file may be hostile, and an event stream lets us
 * stop at a depth and a count of our own before anything is built. Anchors, aliases and tags are
 * refused, so nothing can expand. libfyaml sees only well-formed UTF-8 without control characters
 * and never shows its own messages (its display code has had memory errors). */
#include "server/config_priv.h"

#include "base/map.h"
#include "lib/fyaml.h"

struct reader {
    struct config_load *l;
    struct fy_parser *parser;
    struct fy_diag *diag;
    size_t nodes;
    bool failed; /* a fault that ends the reading */
};

static void fault_at(struct reader *r, unsigned line, unsigned column, const char *what)
{
    struct config_node at = {.line = line, .column = column};
    config__fault(r->l, config__place(r->l, &at), (str){"", 0}, "%s", what);
}

static void stop_at(struct reader *r, unsigned line, unsigned column, const char *what)
{
    if (!r->failed)
        fault_at(r, line, column, what);
    r->failed = true;
}

/* ---- before libfyaml ---- */

static const char *bad_char(unsigned char c, unsigned char next)
{
    if (c == '\r' && next != '\n')
        return "a carriage return without a line feed";
    if (c < 0x20 && c != '\t' && c != '\r' && c != '\n')
        return "a control character";
    return c == 0x7f ? "a control character" : NULL;
}

/* A tab that indents something: YAML forbids it, and it cannot be seen. */
static bool tab_indents(str text, size_t at, size_t line_start)
{
    for (size_t i = line_start; i < at; i++)
        if (text.ptr[i] != ' ')
            return false;
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
        at++;
    return at < text.len && text.ptr[at] != '\n' && text.ptr[at] != '\r' && text.ptr[at] != '#';
}

static void scan(struct reader *r, str text)
{
    unsigned line = 1, column = 1;
    size_t start = 0;
    for (size_t i = 0; i < text.len && !r->failed; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;
        const char *bad = bad_char(c, next);
        if (bad)
            stop_at(r, line, column, bad);
        if (c == '\t' && tab_indents(text, i, start))
            stop_at(r, line, column, "a tab indents this line: use blanks");
        if (c == '\n') {
            if (!str_utf8(str_make(text.ptr + start, i - start)))
                stop_at(r, line, 1, "this line is not UTF-8");
            line++;
            column = 0;
            start = i + 1;
        }
        column += (c & 0xc0) != 0x80;
    }
    if (!r->failed && !str_utf8(str_from(text, start)))
        stop_at(r, line, 1, "this line is not UTF-8");
}

/* ---- events to nodes ---- */

/* What libfyaml says is often the symptom; these are the causes people meet. */
static const char *plainer(const char *msg)
{
    static const struct {
        const char *theirs, *ours;
    } words[] = {
        {"invalid multiline plain key", "this value goes on in the next line, which looks like a "
                                        "key: check the indentation"},
        {"could not find expected ':'", "a colon is missing behind this key"},
        {"invalid indentation in mapping", "this line is indented like none above it"},
        {"invalid nested block mapping on the same line",
         "a second colon: put the value in quotes"},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(msg, words[i].theirs) == 0)
            return words[i].ours;
    return msg;
}

static void syntax_faults(struct reader *r)
{
    void *at = NULL;
    const struct fy_diag_error *e = fyaml.fy_diag_errors_iterate(r->diag, &at);
    if (!e)
        stop_at(r, 1, 1, "this is not YAML");
    else
        stop_at(r, (unsigned)(e->line > 0 ? e->line : 1), (unsigned)(e->column > 0 ? e->column : 1),
                plainer(e->msg));
}

static struct fy_event *next_event(struct reader *r)
{
    struct fy_event *e = r->failed ? NULL : fyaml.fy_parser_parse(r->parser);
    if (!e && !r->failed && fyaml.fy_parser_get_stream_error(r->parser))
        syntax_faults(r);
    return e;
}

static struct config_node *node_new(struct reader *r, struct fy_event *e,
                                    const struct config_node *key)
{
    const struct fy_mark *m = fyaml.fy_event_start_mark(e);
    struct config_node *n = ARENA_NEW(&r->l->c->arena, struct config_node);
    n->line = m ? (unsigned)m->line + 1 : key ? key->line : 1;
    n->column = m ? (unsigned)m->column + 1 : key ? key->column : 1;
    if (++r->nodes > CONFIG_NODES_MOST)
        stop_at(r, n->line, n->column, "too many keys and values");
    return n;
}

static void refuse_decoration(struct reader *r, const struct config_node *n,
                              const struct fy_token *anchor, const struct fy_token *tag)
{
    if (anchor)
        stop_at(r, n->line, n->column, "anchors (`&name`) are not supported");
    if (tag)
        stop_at(r, n->line, n->column, "tags (`!name`) are not supported");
}

static struct config_node *read_node(struct reader *r, struct fy_event *e, unsigned depth,
                                     const struct config_node *key);

static void read_scalar(struct reader *r, struct fy_event *e, struct config_node *n)
{
    size_t len = 0;
    const char *ptr = fyaml.fy_token_get_text(e->scalar.value, &len);
    n->text = arena_str(&r->l->c->arena, str_make(ptr ? ptr : "", ptr ? len : 0));
    enum fy_scalar_style style =
        e->scalar.value ? fyaml.fy_token_scalar_style(e->scalar.value) : FYSS_PLAIN;
    n->plain = style == FYSS_PLAIN;
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && n->column > 1)
        n->column--; /* libfyaml's mark is behind the quote */
    refuse_decoration(r, n, e->scalar.anchor, e->scalar.tag);
    if (memchr(n->text.ptr, 0, n->text.len))
        stop_at(r, n->line, n->column, "a NUL character in a text");
}

/* Reads the next event as a node; NULL at the end of the collection or after a fault. */
static struct config_node *read_next(struct reader *r, unsigned depth, enum fy_event_type end,
                                     const struct config_node *key)
{
    struct fy_event *e = next_event(r);
    if (!e)
        return NULL;
    struct config_node *n = e->type == end ? NULL : read_node(r, e, depth, key);
    fyaml.fy_parser_event_free(r->parser, e);
    return r->failed ? NULL : n;
}

static bool key_is_new(struct reader *r, struct map *seen, struct config_node *key)
{
    const struct config_node *first = map_get(seen, key->text);
    if (!first) {
        map_set(seen, key->text, key);
        return true;
    }
    struct config_load *l = r->l;
    config__fault(l, config__place(l, key), key->text, "this key stands already in line %u",
                  first->line);
    return false;
}

static void read_map(struct reader *r, struct config_node *map, unsigned depth)
{
    struct map seen;
    struct config_node **tail = &map->child, *key;
    map_init(&seen);
    while ((key = read_next(r, depth, FYET_MAPPING_END, NULL))) {
        if (key->kind != NODE_SCALAR)
            stop_at(r, key->line, key->column, "a key must be a word");
        struct config_node *value = read_next(r, depth, FYET_NONE, key);
        if (!value)
            break;
        value->key = key;
        if (!key_is_new(r, &seen, key))
            continue;
        *tail = value;
        tail = &value->next;
    }
    map_fini(&seen);
}

static void read_list(struct reader *r, struct config_node *list, unsigned depth)
{
    struct config_node **tail = &list->child, *item;
    while ((item = read_next(r, depth, FYET_SEQUENCE_END, list))) {
        *tail = item;
        tail = &item->next;
    }
}

static struct config_node *read_node(struct reader *r, struct fy_event *e, unsigned depth,
                                     const struct config_node *key)
{
    struct config_node *n = node_new(r, e, key);
    if (depth > CONFIG_DEPTH_MOST) {
        stop_at(r, n->line, n->column, "nested too deeply");
    } else if (e->type == FYET_SCALAR) {
        read_scalar(r, e, n);
    } else if (e->type == FYET_MAPPING_START) {
        n->kind = NODE_MAP;
        refuse_decoration(r, n, e->mapping_start.anchor, e->mapping_start.tag);
        read_map(r, n, depth + 1);
    } else if (e->type == FYET_SEQUENCE_START) {
        n->kind = NODE_LIST;
        refuse_decoration(r, n, e->sequence_start.anchor, e->sequence_start.tag);
        read_list(r, n, depth + 1);
    } else {
        n->column -= n->column > 1; /* the mark is behind the star */
        stop_at(r, n->line, n->column, "aliases (`*name`) are not supported");
    }
    return n;
}

static void read_stream(struct reader *r, struct config_node **root)
{
    struct fy_event *e;
    unsigned documents = 0;
    while ((e = next_event(r))) {
        const struct fy_mark *m = fyaml.fy_event_start_mark(e);
        if (e->type == FYET_DOCUMENT_START && documents++)
            stop_at(r, m ? (unsigned)m->line + 1 : 1, 1, "a second document: only one is read");
        else if (e->type == FYET_SCALAR || e->type == FYET_MAPPING_START ||
                 e->type == FYET_SEQUENCE_START || e->type == FYET_ALIAS)
            *root = read_node(r, e, 0, NULL);
        fyaml.fy_parser_event_free(r->parser, e);
    }
}

bool config__yaml(struct config_load *l, str text, struct config_node **root)
{
    struct reader r = {.l = l};
    struct fy_diag_cfg quiet;
    struct err missing = {0};
    size_t before = l->fault_count;
    *root = NULL;
    if (str_starts(text, LIT("\xef\xbb\xbf")))
        text = str_from(text, 3);
    scan(&r, text);
    if (!r.failed && lib_load(&lib_fyaml, E_CONFIG, &missing) < 0)
        stop_at(&r, 1, 1, missing.text);
    if (r.failed)
        return false;
    fyaml.fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    r.diag = fyaml.fy_diag_create(&quiet);
    BUG_ON(!r.diag);
    fyaml.fy_diag_set_collect_errors(r.diag, true);
    r.parser = fyaml.fy_parser_create(&(struct fy_parse_cfg){
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = r.diag});
    BUG_ON(!r.parser);
    if (text.len && fyaml.fy_parser_set_string(r.parser, text.ptr, text.len) == 0)
        read_stream(&r, root);
    fyaml.fy_parser_destroy(r.parser);
    fyaml.fy_diag_destroy(r.diag);
    return l->fault_count == before;
}
