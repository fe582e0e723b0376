/* cases.c -- plays test/case/sql/NAME.txt: a request, and what must come of it.
 *     > users?age=gte.18          a list; `> users/1?...` asks for one row
 *     >> posts.comments 1,2       the statement of one of its includes, for parents with these keys
 * The lines up to the next blank line are the answer. CAIRN_CASES=write prints answers instead.
 * SPDX: Apache-2.0 */
#include "fixture.h"

static struct model *model;

static void put_value(struct buf *b, const struct value *v)
{
    if (v->kind == V_TEXT)
        buf_printf(b, "'%.*s'", STR_ARG(v->text));
    else if (v->kind == V_BYTES)
        buf_printf(b, "x%zu", v->text.len);
    else
        json_value(b, v);
}

static void put_binds(struct buf *b, const char *what, const struct stmt *st)
{
    buf_printf(b, "%s", what);
    for (size_t i = 0; i < st->bind_count; i++) {
        buf_char(b, ' ');
        put_value(b, &st->binds[i]);
    }
    buf_char(b, '\n');
}

static void put_stmt(struct buf *b, const struct stmt *lite, const struct stmt *post)
{
    buf_printf(b, "sqlite: %.*s\n", STR_ARG(lite->text));
    buf_printf(b, "postgres: %.*s\n", STR_ARG(post->text));
    if (lite->bind_count)
        put_binds(b, "binds:", lite);
    if (lite->bounded || lite->once)
        buf_printf(b, "flags:%s%s\n", lite->bounded ? " bounded" : "", lite->once ? " once" : "");
}

static void put_error(struct buf *b, const struct err *err)
{
    buf_printf(b, "error: %.*s %s: %s\n", STR_ARG(err->word), err->field, err->text);
}

static void put_select(struct buf *b, struct arena *a, const struct select *s)
{
    struct stmt lite, post;
    struct err err = {0};
    if (sql_select(DIALECT_SQLITE, a, s, &lite, &err) < 0) {
        put_error(b, &err);
        return;
    }
    assert_int_equal(sql_select(DIALECT_POSTGRES, a, s, &post, &err), 0);
    put_stmt(b, &lite, &post);
    if (s->shown != s->column_count)
        buf_printf(b, "shown: %zu\n", s->shown);
}

static const struct include *find_include(const struct select *s, str path)
{
    const struct include *inc = NULL;
    for (str rest = path; rest.ptr;) {
        str name = str_cut(&rest, '.');
        inc = NULL;
        for (size_t i = 0; i < s->include_count; i++) {
            if (str_eq(s->includes[i].name, name))
                inc = &s->includes[i];
        }
        assert_non_null(inc);
        s = &inc->select;
    }
    return inc;
}

static struct value key_of(struct arena *a, str text)
{
    if (str_find(text, '/') != STR_NONE) { /* composite */
        struct value v = {.kind = V_ARRAY, .items = arena_new(a, 4 * sizeof v)};
        for (str rest = text; rest.ptr;)
            v.items[v.count++] = key_of(a, str_cut(&rest, '/'));
        return v;
    }
    int64_t i;
    if (str_is(text, "null"))
        return value_null();
    if (text.ptr[0] == 'x')
        return value_bytes(text);
    return str_to_i64(text, &i) ? value_int(i) : value_text(text);
}

static void put_include(struct buf *b, struct arena *a, const struct select *s, str line)
{
    str keys = line, path = str_cut(&keys, ' ');
    struct value list = {.kind = V_ARRAY, .items = arena_new(a, 64 * sizeof list)};
    struct stmt lite, post;
    struct err err = {0};
    while (keys.ptr)
        list.items[list.count++] = key_of(a, str_cut(&keys, ','));
    const struct include *inc = find_include(s, path);
    assert_int_equal(sql_include(DIALECT_SQLITE, a, inc, &list, &lite, &err), 0);
    if (sql_include(DIALECT_POSTGRES, a, inc, &list, &post, &err) < 0)
        post = (struct stmt){.text = LIT("-")};
    put_stmt(b, &lite, &post);
    if (post.bind_count)
        put_binds(b, "postgres binds:", &post);
    if (sql_include_loose(DIALECT_SQLITE, a, inc, &list, 1000, &lite))
        buf_printf(b, "sqlite, loose: %.*s\n", STR_ARG(lite.text));
    if (sql_include_loose(DIALECT_POSTGRES, a, inc, &list, 1000, &post))
        buf_printf(b, "postgres, loose: %.*s\n", STR_ARG(post.text));
    if (inc->select.shown != inc->select.column_count)
        buf_printf(b, "shown: %zu\n", inc->select.shown);
}

/* Reads "users?..." or "users/1?..." into s. */
static int ask(struct arena *a, str line, struct select *s, struct err *err)
{
    struct query_param params[40];
    str query = line, path = str_cut(&query, '?'), rest = path;
    const struct table *t = model_table(model, str_cut(&rest, '/'));
    size_t count = query.ptr ? params_of(query, params, COUNT_OF(params)) : 0;
    assert_non_null(t);
    if (rest.ptr)
        return query_one(a, t, params, count, &limits, s, err);
    struct list_query l;
    int code =
        query_list(a, t, params, count,
                   &(struct list_rules){.limits = &limits, .secret = LIT("secret")}, &l, err);
    *s = l.select;
    return code;
}

/* Answers one line that starts with `>`; s keeps the request for the `>>` lines behind it. */
static void answer(struct buf *b, struct arena *a, str line, struct select *s)
{
    struct err err = {0};
    if (str_starts(line, LIT(">> "))) {
        put_include(b, a, s, str_from(line, 3));
        return;
    }
    if (ask(a, str_from(line, 2), s, &err) < 0)
        put_error(b, &err);
    else
        put_select(b, a, s);
}

static char *file_text(const char *name, size_t *len)
{
    char path[200];
    snprintf(path, sizeof path, "test/case/sql/%s.txt", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s: run from the root of the project", path);
    char *text = malloc(1 << 20);
    *len = fread(text, 1, 1 << 20, f);
    fclose(f);
    return text;
}

static str block(str *rest)
{
    const char *from = rest->ptr;
    while (rest->ptr && rest->len && rest->ptr[0] != '\n' && rest->ptr[0] != '>')
        str_cut(rest, '\n');
    return (str){from, rest->ptr ? (size_t)(rest->ptr - from) : strlen(from)};
}

static void play(const char *name)
{
    size_t len, played = 0;
    char *text = file_text(name, &len);
    text[len] = '\0';
    bool show = getenv("CAIRN_CASES") != NULL;
    struct arena a;
    struct select s = {0};
    arena_init(&a, 1 << 22);
    for (str rest = {text, len}; rest.ptr && rest.len;) {
        str line = str_cut(&rest, '\n');
        if (show)
            printf("%.*s\n", STR_ARG(line));
        if (!str_starts(line, LIT(">")))
            continue;
        str want = rest.ptr ? block(&rest) : LIT("");
        struct buf b;
        buf_init(&b, 1 << 20);
        answer(&b, &a, line, &s);
        if (show)
            printf("%.*s", STR_ARG(buf_view(&b)));
        else if (!str_eq(want, buf_view(&b)))
            fail_msg("%s.txt: %.*s\nwant\n%.*sgot\n%.*s", name, STR_ARG(line), STR_ARG(want),
                     STR_ARG(buf_view(&b)));
        buf_fini(&b);
        played++;
    }
    assert_true(played > 3);
    arena_reset(&a);
    free(text);
}

static void filters(void **state)
{
    (void)state;
    play("filters");
}

static void groups(void **state)
{
    (void)state;
    play("groups");
}

static void lists(void **state)
{
    (void)state;
    play("lists");
}

static void includes(void **state)
{
    (void)state;
    play("includes");
}

static void errors(void **state)
{
    (void)state;
    play("errors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(filters), cmocka_unit_test(lists),
                                       cmocka_unit_test(groups), cmocka_unit_test(includes),
                                       cmocka_unit_test(errors)};
    model = model_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_free(model);
    return failed;
}
