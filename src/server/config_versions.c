/* config_versions.c -- the section versions: to struct api_version and struct edge_versions.
 * SPDX: Apache-2.0
 *   versions:                             # the oldest first
 *     v1:
 *       deprecated: 2026-01-01            # Deprecation (RFC 9745)
 *       sunset: 2027-01-01                # Sunset (RFC 8594)
 *       documentation: https://example.com/v2
 *       policy: https://example.com/sunset
 *       tables:
 *         users:
 *           full_name: { as: name, deprecated: { use: full_name, removed_in: v3 } }
 *           phone: hidden
 *           age: { type: string }
 *           country: { hidden: true, default: NO }
 *           nick: { from: full_name }     # a second name of the same column
 *           kind: { value: user }
 *           label: { join: [city, country], with: ", " }
 *           first: { from: full_name, part: first }
 *     v2: {}
 * Whether these tables and columns are there is for schema_version to say. */
#include "server/config_edge.h"

#include "base/clock.h"

enum { VERSIONS_MOST = 32, VERSION_NAME_MOST = 40, VERSION_FIELDS_MOST = 1000 };

static str path_at(struct config_load *l, str path, str name)
{
    return arena_printf(&l->c->arena, "%.*s.%.*s", STR_ARG(str_upto(path, 160)),
                        STR_ARG(str_upto(name, 60)));
}

static bool nothing(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

static bool is_hidden(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && str_is(n->text, "hidden");
}

static bool section(struct config_load *l, const struct config_node *n, str path, const char *what)
{
    if (n->kind == NODE_MAP || nothing(n))
        return true;
    config__fault(l, config__place(l, n), path, "expected %s", what);
    return false;
}

/* ---- a field ---- */

static bool take_type(struct config_load *l, const struct config_node *n, str path, str *out)
{
    static const char *const types[] = {"string", "integer", "number", "boolean", "unix"};
    if (!config__text(l, n, path, out))
        return false;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_is(*out, types[i]))
            return true;
    }
    const char *near = str_nearest(*out, types, COUNT_OF(types));
    config__fault(l, config__place(l, n), path,
                  "expected string, integer, number, boolean or unix, not '%.*s'%s%s%s",
                  STR_ARG(str_upto(*out, 60)), near ? " (did you mean `" : "", near ? near : "",
                  near ? "`?)" : "");
    return false;
}

/* What a constant is, by its form: 5, 0.5, true, text. */
static void take_value(struct config_load *l, const struct config_node *n, str path,
                       struct schema_field_wish *w)
{
    int64_t whole;
    str number;
    w->source = FIELD_VALUE;
    w->value_type = TYPE_TEXT;
    if (!config__text(l, n, path, &w->value))
        return;
    if (nothing(n))
        config__fault(l, config__place(l, n), path, "expected a value; \"\" is an empty text");
    else if (n->plain && (str_is(w->value, "true") || str_is(w->value, "false")))
        w->value_type = TYPE_BOOL;
    else if (n->plain && str_to_i64(w->value, &whole))
        w->value_type = TYPE_INT8;
    else if (n->plain && w->value.len < 40 && decimal_canon(&l->c->arena, w->value, 0, -1, &number))
        w->value_type = TYPE_FLOAT8;
}

static void take_deprecated(struct config_load *l, const struct config_node *n, str path,
                            struct schema_field_wish *w)
{
    static const char *const names[] = {"use", "removed_in", "message"};
    if (n->kind != NODE_MAP) {
        config__flag(l, n, path, &w->deprecated);
        return;
    }
    w->deprecated = true;
    if (!config__members(l, n, path, names, COUNT_OF(names)))
        return;
    for (n = n->child; n; n = n->next) {
        str *out = str_is(n->key->text, "use")          ? &w->use
                   : str_is(n->key->text, "removed_in") ? &w->removed
                                                        : &w->message;
        config__text(l, n, path_at(l, path, n->key->text), out);
    }
}

static void take_part(struct config_load *l, const struct config_node *n, str path,
                      struct schema_field_wish *w)
{
    str text;
    if (!config__text(l, n, path, &text))
        return;
    if (str_is(text, "first"))
        w->source = FIELD_FIRST;
    else if (str_is(text, "rest"))
        w->source = FIELD_REST;
    else
        config__fault(l, config__place(l, n), path, "expected first or rest, not '%.*s'",
                      STR_ARG(str_upto(text, 60)));
}

static void take_member(struct config_load *l, const struct config_node *n, str field,
                        struct schema_field_wish *w)
{
    str name = n->key->text, path = path_at(l, field, name), *of = NULL;
    if (str_is(name, "as"))
        config__text(l, n, path, &w->shown);
    else if (str_is(name, "type"))
        take_type(l, n, path, &w->type);
    else if (str_is(name, "hidden"))
        config__flag(l, n, path, &w->hidden);
    else if (str_is(name, "default"))
        w->filled = config__text(l, n, path, &w->fill);
    else if (str_is(name, "deprecated"))
        take_deprecated(l, n, path, w);
    else if (str_is(name, "value"))
        take_value(l, n, path, w);
    else if (str_is(name, "part"))
        take_part(l, n, path, w);
    else if (str_is(name, "with"))
        w->has_with = config__text(l, n, path, &w->with);
    else if (config__texts(l, n, path, &of, &w->of_count)) { /* from, join */
        w->of = of;
        if (w->source == FIELD_OWN)
            w->source = str_is(name, "join") ? FIELD_JOIN : FIELD_SAME;
    }
}

static void check_field(struct config_load *l, const struct config_node *n, str path,
                        const struct schema_field_wish *w)
{
    bool from = config__member(n, "from"), join = config__member(n, "join"),
         value = config__member(n, "value"), part = config__member(n, "part");
    if (from + join + value > 1)
        config__fault(l, config__place(l, n), path, "one of `from`, `join` and `value` at most");
    else if (part && !from)
        config__fault(l, config__place(l, n), path, "`part` needs `from`, the column to split");
    else if (from && w->of_count != 1)
        config__fault(l, config__place(l, n), path, "`from` is one column; use `join` for several");
    else if (w->has_with && !join && !part)
        config__fault(l, config__place(l, n), path, "`with` belongs to `join` and `part`");
}

static void take_field(struct config_load *l, const struct config_node *n, str table,
                       struct schema_field_wish *w)
{
    static const char *const names[] = {"as",   "type", "hidden", "default", "deprecated",
                                        "from", "join", "with",   "part",    "value"};
    str path = path_at(l, table, n->key->text);
    *w = (struct schema_field_wish){
        .name = n->key->text, .place = config__place(l, n->key), .with = LIT(" ")};
    if (is_hidden(n)) {
        w->hidden = true;
        return;
    }
    if (n->kind != NODE_MAP) {
        config__fault(l, config__place(l, n), path,
                      "expected `hidden`, or what the version makes of it: {as: NAME}");
        return;
    }
    size_t before = l->fault_count;
    if (!config__members(l, n, path, names, COUNT_OF(names)) || l->fault_count != before)
        return;
    for (const struct config_node *m = n->child; m; m = m->next)
        take_member(l, m, path, w);
    check_field(l, n, path, w);
}

/* ---- a version ---- */

static size_t length(const struct config_node *n)
{
    size_t count = 0;
    for (; n; n = n->next)
        count++;
    return count;
}

static void take_table(struct config_load *l, const struct config_node *n, str path,
                       struct schema_version_table *t)
{
    str at = path_at(l, path, n->key->text);
    *t = (struct schema_version_table){.table = n->key->text, .place = config__place(l, n->key)};
    t->hidden = is_hidden(n);
    if (t->hidden || !section(l, n, at, "`hidden`, or fields and what becomes of them"))
        return;
    const struct config_node *field = n->kind == NODE_MAP ? n->child : NULL;
    size_t count = length(field);
    if (count > VERSION_FIELDS_MOST) {
        config__fault(l, config__place(l, n), at, "more than %d fields", VERSION_FIELDS_MOST);
        return;
    }
    struct schema_field_wish *list = ARENA_ARRAY(&l->c->arena, struct schema_field_wish, count);
    t->fields = list;
    for (; field; field = field->next)
        take_field(l, field, at, &list[t->field_count++]);
}

static void take_tables(struct config_load *l, const struct config_node *n, str path,
                        struct api_version *v)
{
    if (!section(l, n, path, "names of tables"))
        return;
    const struct config_node *table = n->kind == NODE_MAP ? n->child : NULL;
    struct schema_version_table *list =
        ARENA_ARRAY(&l->c->arena, struct schema_version_table, length(table));
    v->tables = list;
    for (; table; table = table->next)
        take_table(l, table, path, &list[v->table_count++]);
}

static unsigned number(const char *p, size_t digits)
{
    unsigned n = 0;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (unsigned)(p[i] - '0');
    return n;
}

static void take_time(struct config_load *l, const struct config_node *n, str path, int64_t *out)
{
    char t[TIME_CANON_LEN];
    str text;
    if (!config__text(l, n, path, &text))
        return;
    if (!time_canon(text, t)) {
        config__fault(l, config__place(l, n), path,
                      "expected a day such as 2026-01-31, or a time of RFC 3339, not '%.*s'",
                      STR_ARG(str_upto(text, 60)));
        return;
    }
    *out = clock_days(number(t, 4), number(t + 5, 2), number(t + 8, 2)) * 86400 +
           number(t + 11, 2) * 3600 + number(t + 14, 2) * 60 + number(t + 17, 2);
}

static void take_url(struct config_load *l, const struct config_node *n, str path, str *out)
{
    bool good = config__text(l, n, path, out);
    if (!good)
        return;
    good = str_starts(*out, LIT("https://")) || str_starts(*out, LIT("http://")) ||
           str_starts(*out, LIT("/"));
    for (size_t i = 0; i < out->len; i++)
        good = good && out->ptr[i] > ' ' && !strchr("<>\"", out->ptr[i]);
    if (!good || out->len > 1000)
        config__fault(l, config__place(l, n), path, "expected a URL: https://... or /...");
}

static bool good_name(str name)
{
    bool good = name.len > 0 && name.len <= VERSION_NAME_MOST;
    for (size_t i = 0; good && i < name.len; i++)
        good = ascii_alpha(name.ptr[i]) || ascii_digit(name.ptr[i]) ||
               (i && strchr("._-", name.ptr[i]));
    return good;
}

static void take_version(struct config_load *l, const struct config_node *n, struct api_version *v)
{
    static const char *const names[] = {"deprecated", "sunset", "documentation", "policy",
                                        "tables"};
    str path = path_at(l, LIT("versions"), n->key->text);
    *v = (struct api_version){.name = n->key->text, .place = config__place(l, n->key)};
    if (!good_name(v->name)) {
        config__fault(l, v->place, path, "expected a name such as v1: letters, digits, . _ -");
        return;
    }
    if (nothing(n) || !config__members(l, n, path, names, COUNT_OF(names)))
        return;
    for (const struct config_node *m = n->child; m; m = m->next) {
        str at = path_at(l, path, m->key->text);
        if (str_is(m->key->text, "deprecated"))
            take_time(l, m, at, &v->deprecated_s);
        else if (str_is(m->key->text, "sunset"))
            take_time(l, m, at, &v->sunset_s);
        else if (str_is(m->key->text, "documentation"))
            take_url(l, m, at, &v->documentation);
        else if (str_is(m->key->text, "policy"))
            take_url(l, m, at, &v->policy);
        else if (str_is(m->key->text, "tables"))
            take_tables(l, m, at, v);
    }
    if (v->sunset_s && v->deprecated_s > v->sunset_s)
        config__fault(l, v->place, path, "the sunset comes before the version is deprecated");
}

/* ---- to what edge/ sends ---- */

/* RFC 9745, RFC 8594. */
static str lines(struct config_load *l, const struct api_version *v)
{
    char date[CLOCK_HTTP_LEN];
    struct arena *a = &l->c->arena;
    str out = LIT("");
    if (v->deprecated_s)
        out = arena_printf(a, "\r\nDeprecation: @%lld", (long long)v->deprecated_s);
    if (v->sunset_s) {
        clock_http(v->sunset_s, date);
        out = arena_printf(a, "%.*s\r\nSunset: %.*s", STR_ARG(out), CLOCK_HTTP_LEN, date);
    }
    if (v->documentation.len)
        out = arena_printf(a, "%.*s\r\nLink: <%.*s>; rel=\"deprecation\"; type=\"text/html\"",
                           STR_ARG(out), STR_ARG(v->documentation));
    if (v->policy.len)
        out = arena_printf(a, "%.*s\r\nLink: <%.*s>; rel=\"sunset\"; type=\"text/html\"",
                           STR_ARG(out), STR_ARG(v->policy));
    return out;
}

/* The next version that stays; or nothing. */
static size_t successor(const struct config *c, size_t i)
{
    const struct api_version *v = c->versions;
    if (!v[i].deprecated_s && !v[i].sunset_s)
        return SIZE_MAX;
    for (size_t k = i + 1; k < c->version_count; k++) {
        if (!v[k].deprecated_s && !v[k].sunset_s)
            return k;
    }
    return i + 1 < c->version_count ? c->version_count - 1 : SIZE_MAX;
}

static size_t fallback(struct config_load *l)
{
    const struct config *c = l->c;
    const char **names = ARENA_ARRAY(&l->c->arena, const char *, c->version_count);
    for (size_t i = 0; i < c->version_count; i++) {
        names[i] = c->versions[i].name.ptr;
        if (!c->version_default.len || str_eq(c->versions[i].name, c->version_default))
            return i;
    }
    const char *near = str_nearest(c->version_default, names, c->version_count);
    config__fault(l, c->origin[CONFIG_KEY_version_default], LIT("api.default_version"),
                  "there is no version '%.*s'%s%s%s", STR_ARG(str_upto(c->version_default, 60)),
                  near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    return 0;
}

/* The project's own name, as far as a media type can hold it. */
static str own_vendor(struct config_load *l)
{
    char *out = arena_new(&l->c->arena, l->c->name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < l->c->name.len; i++) {
        char c = ascii_lower(l->c->name.ptr[i]);
        if (ascii_alpha(c) || ascii_digit(c) || (len && strchr("-_", c)))
            out[len++] = c;
    }
    return str_make(out, len);
}

static void check_vendors(struct config_load *l, const struct edge_versions *e)
{
    for (size_t i = 0; i < e->vendor_count; i++) {
        bool good = e->vendors[i].len <= 64;
        for (size_t k = 0; k < e->vendors[i].len; k++)
            good =
                good && (ascii_alpha(e->vendors[i].ptr[k]) || ascii_digit(e->vendors[i].ptr[k]) ||
                         strchr("._-", e->vendors[i].ptr[k]));
        if (!good)
            config__fault(l, l->c->origin[CONFIG_KEY_version_vendors], LIT("api.vendors"),
                          "'%.*s': expected letters, digits, `.`, `_` and `-`",
                          STR_ARG(str_upto(e->vendors[i], 60)));
    }
}

static void make_edge(struct config_load *l)
{
    struct config *c = l->c;
    struct edge_versions *e = &c->edge.versions;
    struct edge_version *list = ARENA_ARRAY(&c->arena, struct edge_version, c->version_count);
    str *prefixes = ARENA_ARRAY(&c->arena, str, c->version_count), *items, own = own_vendor(l);
    bool versioned = config__version_of(c->prefix).len > 0;
    *e = (struct edge_versions){
        .list = list, .count = c->version_count, .header = c->version_header};
    e->base = versioned ? str_upto(c->prefix, str_rfind(c->prefix, '/')) : c->prefix;
    e->public_url = c->public_url;
    e->fallback = fallback(l);
    e->parameter_count = config__items(l, c->version_parameters, &items);
    e->parameters = items;
    e->vendor_count = config__items(l, c->version_vendors, &items);
    if (own.len && e->vendor_count < EDGE_ITEMS_MOST)
        items[e->vendor_count++] = own;
    e->vendors = items;
    check_vendors(l, e);
    for (size_t i = 0; i < c->version_count; i++) {
        prefixes[i] =
            arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(e->base), STR_ARG(c->versions[i].name));
        list[i] = (struct edge_version){
            .name = c->versions[i].name, .prefix = prefixes[i], .lines = lines(l, &c->versions[i])};
    }
    for (size_t i = 0; i < c->version_count; i++) {
        size_t next = successor(c, i);
        list[i].successor = next == SIZE_MAX ? LIT("") : prefixes[next];
    }
    c->prefixes = prefixes;
    c->prefix_count = c->version_count;
}

void config__versions(struct config_load *l)
{
    struct config *c = l->c;
    const struct config_node *n = l->versions;
    size_t before = l->fault_count;
    c->prefixes = &c->prefix;
    c->prefix_count = 1;
    if (!n || nothing(n) || !section(l, n, LIT("versions"), "names of versions"))
        return;
    size_t count = length(n->child);
    if (count > VERSIONS_MOST) {
        config__fault(l, config__place(l, n), LIT("versions"), "more than %d versions",
                      VERSIONS_MOST);
        return;
    }
    struct api_version *list = ARENA_ARRAY(&c->arena, struct api_version, count);
    c->versions = list;
    for (n = n->child; n; n = n->next)
        take_version(l, n, &list[c->version_count++]);
    if (l->fault_count == before && c->version_count)
        make_edge(l);
}
