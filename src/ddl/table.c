/* table.c -- a SQLite table as a model: read from its CREATE TABLE text, changed, written again.
 * SPDX: Apache-2.0
 * Why from the text: the database is the truth. What ALTER TABLE cannot do in place is a rebuild,
 * and that needs every clause of the table as it stands now, also one made by another tool. The
 * reader knows SQLite's tokens and where clauses begin, not what is inside of them. */
#include "ddl/ddl_priv.h"

/* ---- tokens ---- */

static bool ident_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Length of a quoted token at s.ptr[0]; a doubled closing quote belongs to it. */
static size_t quoted_len(str s, char close)
{
    size_t at = 1;
    while (at < s.len) {
        if (s.ptr[at] != close)
            at++;
        else if (close != ']' && at + 1 < s.len && s.ptr[at + 1] == close)
            at += 2;
        else
            return at + 1;
    }
    return s.len;
}

struct ddl__token ddl__next(str *rest)
{
    *rest = str_from(*rest, ddl__skip_blank(*rest, 0));
    struct ddl__token k = {0};
    if (!rest->len)
        return k;
    char c = rest->ptr[0];
    size_t len = 1;
    k.kind = c;
    if (c == '"' || c == '`' || c == '[') {
        k.kind = 'i';
        len = quoted_len(*rest, c == '[' ? ']' : c);
        k.ident = str_make(rest->ptr + 1, len >= 2 ? len - 2 : 0);
    } else if (c == '\'') {
        k.kind = 's';
        len = quoted_len(*rest, c);
    } else if (ident_char(c)) {
        k.kind = ascii_digit(c) ? 'n' : 'w';
        while (len < rest->len &&
               (ident_char(rest->ptr[len]) || (k.kind == 'n' && rest->ptr[len] == '.')))
            len++;
        k.ident = str_upto(*rest, len);
    }
    k.text = str_upto(*rest, len);
    *rest = str_from(*rest, len);
    return k;
}

str ddl__ident_of(struct arena *a, const struct ddl__token *k)
{
    char quote = k->text.len ? k->text.ptr[0] : 0;
    if (k->kind != 'i' || str_find(k->ident, quote) == STR_NONE)
        return k->ident;
    char *out = arena_new(a, k->ident.len);
    size_t len = 0;
    for (size_t i = 0; i < k->ident.len; i++) {
        out[len++] = k->ident.ptr[i];
        i += k->ident.ptr[i] == quote;
    }
    return str_make(out, len);
}

static bool word(const struct ddl__token *k, const char *name)
{
    return k->kind == 'w' && str_eqi(k->text, str_of(name));
}

/* ---- changing ---- */

struct ddl__clause *ddl__clause_add(struct arena *a, struct ddl__clauses *c,
                                    enum ddl__clause_kind kind, str name, str text)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 4;
        struct ddl__clause *list = ARENA_ARRAY(a, struct ddl__clause, cap);
        if (c->count)
            memcpy(list, c->list, c->count * sizeof *list);
        c->list = list;
        c->cap = cap;
    }
    c->list[c->count] = (struct ddl__clause){.kind = kind, .name = name, .text = text};
    return &c->list[c->count++];
}

struct ddl__clause *ddl__clause_of(const struct ddl__clauses *c, enum ddl__clause_kind kind)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].kind == kind)
            return &c->list[i];
    return NULL;
}

void ddl__clause_cut(struct ddl__clauses *c, size_t index)
{
    for (size_t i = index; i + 1 < c->count; i++)
        c->list[i] = c->list[i + 1];
    c->count--;
}

struct ddl__column *ddl__table_column(const struct ddl__table *m, str name)
{
    for (size_t i = 0; i < m->count; i++)
        if (str_eqi(m->columns[i].name, name))
            return &m->columns[i];
    return NULL;
}

struct ddl__column *ddl__table_add(struct arena *a, struct ddl__table *m, str name, str type)
{
    if (m->count == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        struct ddl__column *list = ARENA_ARRAY(a, struct ddl__column, cap);
        if (m->count)
            memcpy(list, m->columns, m->count * sizeof *list);
        m->columns = list;
        m->cap = cap;
    }
    m->columns[m->count] = (struct ddl__column){.name = name, .type = type};
    return &m->columns[m->count++];
}

/* ---- reading ---- */

/* One definition of the table's list, cut at its end: up to a comma or the closing parenthesis. */
static bool take_item(str *rest, str *item, char *end)
{
    const char *from = rest->ptr;
    size_t depth = 0;
    for (;;) {
        struct ddl__token k = ddl__next(rest);
        if (k.kind == 0)
            return false;
        if (depth == 0 && (k.kind == ',' || k.kind == ')')) {
            *item = str_make(from, (size_t)(k.text.ptr - from));
            *end = k.kind;
            return true;
        }
        depth += k.kind == '(';
        depth -= k.kind == ')' && depth > 0;
    }
}

/* The clause that a word begins; -1 when it begins none. prev is the word before it. */
static int clause_kind(const struct ddl__token *k, const struct ddl__token *prev, str rest)
{
    struct ddl__token next = ddl__next(&rest);
    if (word(prev, "SET") || (word(prev, "DEFAULT") && !word(k, "NOT")))
        return -1;
    if (word(k, "PRIMARY"))
        return C_PRIMARY;
    if (word(k, "NOT"))
        return word(&next, "NULL") ? C_NOTNULL : -1;
    if (word(k, "NULL"))
        return word(prev, "NOT") ? -1 : C_NULL;
    if (word(k, "DEFAULT"))
        return C_DEFAULT;
    if (word(k, "UNIQUE"))
        return C_UNIQUE;
    if (word(k, "CHECK"))
        return C_CHECK;
    if (word(k, "FOREIGN"))
        return C_FOREIGN;
    if (word(k, "REFERENCES"))
        return C_FOREIGN;
    if (word(k, "COLLATE"))
        return C_COLLATE;
    if (word(k, "GENERATED") || (word(k, "AS") && !word(prev, "ALWAYS")))
        return C_GENERATED;
    return -1;
}

struct cutter {
    struct arena *a;
    struct ddl__clauses *out;
    const char *from; /* of the open clause, or NULL */
    int kind;
    str name;
};

static void close_clause(struct cutter *c, const char *end)
{
    if (!c->from)
        return;
    str text = str_make(c->from, (size_t)(end - c->from));
    while (text.len && (text.ptr[text.len - 1] == ' ' ||
                        (text.ptr[text.len - 1] >= '\t' && text.ptr[text.len - 1] <= '\r')))
        text.len--;
    ddl__clause_add(c->a, c->out, (enum ddl__clause_kind)c->kind, c->name, text);
    c->from = NULL;
    c->name = LIT("");
}

/* Cuts rest into clauses. In a table constraint FOREIGN KEY ... REFERENCES is one clause. */
static void read_clauses(struct arena *a, str rest, struct ddl__clauses *out)
{
    struct cutter c = {.a = a, .out = out};
    struct ddl__token prev = {0};
    size_t depth = 0;
    for (;;) {
        struct ddl__token k = ddl__next(&rest);
        if (k.kind == 0)
            break;
        int kind = depth ? -1 : clause_kind(&k, &prev, rest);
        bool inner = c.from && c.kind == C_FOREIGN && kind == C_FOREIGN;
        if (!depth && word(&k, "CONSTRAINT")) {
            close_clause(&c, k.text.ptr);
            k = ddl__next(&rest);
            c.name = ddl__ident_of(a, &k);
        } else if (kind >= 0 && !inner) {
            str name = c.from ? LIT("") : c.name;
            close_clause(&c, k.text.ptr);
            c.from = k.text.ptr;
            c.kind = kind;
            c.name = name;
        }
        depth += k.kind == '(';
        depth -= k.kind == ')' && depth > 0;
        prev = k;
    }
    close_clause(&c, rest.ptr);
}

/* The declared type: what stands before the first clause. */
static str read_type(str *rest)
{
    const char *from = rest->ptr, *end = rest->ptr;
    struct ddl__token prev = {0};
    size_t depth = 0;
    for (;;) {
        str before = *rest;
        struct ddl__token k = ddl__next(rest);
        if (k.kind == 0 ||
            (!depth && (word(&k, "CONSTRAINT") || clause_kind(&k, &prev, *rest) >= 0))) {
            *rest = before;
            return str_make(from, (size_t)(end - from));
        }
        if (end == from)
            from = k.text.ptr;
        depth += k.kind == '(';
        depth -= k.kind == ')' && depth > 0;
        end = k.text.ptr + k.text.len;
        prev = k;
    }
}

static bool starts_constraint(str item)
{
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    struct ddl__token k = ddl__next(&item);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (word(&k, words[i]))
            return true;
    return false;
}

static bool read_items(struct arena *a, str *rest, struct ddl__table *out)
{
    char end = ',';
    while (end == ',') {
        str item;
        if (!take_item(rest, &item, &end))
            return false;
        if (starts_constraint(item)) {
            read_clauses(a, item, &out->constraints);
            continue;
        }
        struct ddl__token name = ddl__next(&item);
        if (name.kind != 'w' && name.kind != 'i')
            return false;
        str type = read_type(&item);
        struct ddl__column *c = ddl__table_add(a, out, ddl__ident_of(a, &name), type);
        read_clauses(a, item, &c->clauses);
    }
    return true;
}

bool ddl__table_read(struct arena *a, str text, struct ddl__table *out)
{
    *out = (struct ddl__table){0};
    struct ddl__token k = ddl__next(&text);
    if (!word(&k, "CREATE"))
        return false;
    do {
        k = ddl__next(&text);
        if (k.kind == 0 || word(&k, "VIRTUAL") || word(&k, "AS"))
            return false;
        if (k.kind == 'i' || k.kind == 'w')
            out->name = ddl__ident_of(a, &k);
    } while (k.kind != '(');
    if (!read_items(a, &text, out))
        return false;
    out->tail = str_from(text, ddl__skip_blank(text, 0));
    return out->count > 0;
}

/* ---- writing ---- */

static void put_ident(struct buf *b, str name)
{
    buf_char(b, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_char(b, '"');
        buf_char(b, name.ptr[i]);
    }
    buf_char(b, '"');
}

static void put_clauses(struct buf *b, const struct ddl__clauses *c, const char *before)
{
    for (size_t i = 0; i < c->count; i++) {
        buf_str(b, str_of(before));
        if (c->list[i].name.len) {
            buf_lit(b, "CONSTRAINT ");
            put_ident(b, c->list[i].name);
            buf_char(b, ' ');
        }
        buf_str(b, c->list[i].text);
    }
}

void ddl__column_write(struct buf *b, const struct ddl__column *c)
{
    put_ident(b, c->name);
    if (c->type.len)
        buf_char(b, ' ');
    buf_str(b, c->type);
    put_clauses(b, &c->clauses, " ");
}

void ddl__table_write(struct buf *b, const struct ddl__table *m, str name)
{
    buf_lit(b, "CREATE TABLE ");
    put_ident(b, name);
    buf_lit(b, " (\n  ");
    for (size_t i = 0; i < m->count; i++) {
        if (i)
            buf_lit(b, ",\n  ");
        ddl__column_write(b, &m->columns[i]);
    }
    put_clauses(b, &m->constraints, ",\n  ");
    buf_lit(b, "\n)");
    if (m->tail.len)
        buf_char(b, ' ');
    buf_str(b, m->tail);
}

/* ---- names inside a text ---- */

bool ddl__mentions(str text, str name)
{
    for (struct ddl__token k = ddl__next(&text); k.kind; k = ddl__next(&text))
        if ((k.kind == 'w' || k.kind == 'i') && str_eqi(k.ident, name))
            return true;
    return false;
}

str ddl__renamed(struct arena *a, str text, str from, str to)
{
    struct buf b;
    buf_init(&b, DDL__OUT_MOST);
    str rest = text;
    const char *done = text.ptr;
    for (struct ddl__token k = ddl__next(&rest); k.kind; k = ddl__next(&rest)) {
        if ((k.kind != 'w' && k.kind != 'i') || !str_eqi(k.ident, from))
            continue;
        buf_add(&b, done, (size_t)(k.text.ptr - done));
        put_ident(&b, to);
        done = k.text.ptr + k.text.len;
    }
    buf_add(&b, done, (size_t)(text.ptr + text.len - done));
    str out = arena_str(a, buf_view(&b));
    buf_fini(&b);
    return out;
}

/* ---- the catalog's tables ---- */

bool ddl__table_known(struct ddl__tr *t, str name, struct ddl__table *out)
{
    const struct ddl_object *o = ddl_catalog_get(t->cat, DDL_TABLE, name);
    return o && ddl__table_read(t->a, o->text, out);
}

int ddl__table_of(struct ddl__tr *t, str name, int64_t place, struct ddl__table *out)
{
    if (ddl__table_known(t, name, out))
        return 0;
    if (ddl_catalog_get(t->cat, DDL_TABLE, name))
        return ddl__refuse(t, place, "table '%s' was made in a way that cannot be rebuilt",
                           ddl__dup(t, name));
    return ddl__refuse(t, place, "table '%s' does not exist", ddl__dup(t, name));
}

void ddl__table_store(struct ddl__tr *t, const struct ddl__table *m)
{
    size_t mark = t->b.len;
    ddl__table_write(&t->b, m, m->name);
    struct ddl_object o = {.kind = DDL_TABLE, .name = m->name, .text = ddl__cut(t, mark)};
    ddl_catalog_put(t->cat, &o);
}
