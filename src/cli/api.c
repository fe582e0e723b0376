/* api.c -- cairn api diff A B: what changed in an API, and whether it breaks clients.
 * SPDX: Apache-2.0
 * A and B are versions of the project, directories of projects, or files with OpenAPI documents. A
 * project's document is made from its files, not from its database: two checkouts can be compared
 * where neither runs. */
#include "cli/cli.h"

#include "admin/compare.h"
#include "lib/fyaml.h"
#include "server/server.h"

#include <stdio.h>
#include <sys/stat.h>

enum { DOCUMENT_MOST = 256 << 20, DIFF_MEMORY = 1 << 30, FILE_MOST = 64 << 20, YAML_DEPTH = 100 };

struct diff {
    struct cli *c;
    struct arena arena;
    const char *version, *role;
    bool json, strict;
    struct err err;
};

/* ---- documents ---- */

static int parse(struct diff *d, str text, struct value *out)
{
    static const struct json_limits limits = {.depth = 200, .nodes = 20000000};
    return json_parse(&d->arena, text, &limits, out, &d->err);
}

/* ---- YAML: what JSON can say, too ---- */

static struct value plain_scalar(struct diff *d, str text)
{
    static const struct json_limits one = {.depth = 1, .nodes = 1};
    struct err ignored = {0};
    struct value v;
    if (!text.len || str_is(text, "~"))
        return value_null();
    bool word = str_is(text, "null") || str_is(text, "true") || str_is(text, "false");
    bool number = ascii_digit(text.ptr[0]) || text.ptr[0] == '-';
    if ((word || number) && json_parse(&d->arena, text, &one, &v, &ignored) == 0)
        return v;
    return value_text(text);
}

static str scalar_text(struct diff *d, struct fy_node *n)
{
    size_t len = 0;
    const char *text = fyaml.fy_node_get_scalar(n, &len);
    return arena_str(&d->arena, str_make(text ? text : "", text ? len : 0));
}

static int from_node(struct diff *d, struct fy_node *n, unsigned depth, struct value *out);

static int from_sequence(struct diff *d, struct fy_node *n, unsigned depth, struct value *out)
{
    void *at = NULL;
    int count = fyaml.fy_node_sequence_item_count(n);
    *out = (struct value){.kind = V_ARRAY};
    out->items = ARENA_ARRAY(&d->arena, struct value, (size_t)(count > 0 ? count : 0));
    for (struct fy_node *item; (item = fyaml.fy_node_sequence_iterate(n, &at));)
        TRY(from_node(d, item, depth, &out->items[out->count++]));
    return 0;
}

static int from_mapping(struct diff *d, struct fy_node *n, unsigned depth, struct value *out)
{
    void *at = NULL;
    int count = fyaml.fy_node_mapping_item_count(n);
    *out = (struct value){.kind = V_OBJECT};
    out->fields = ARENA_ARRAY(&d->arena, struct member, (size_t)(count > 0 ? count : 0));
    for (struct fy_node_pair *p; (p = fyaml.fy_node_mapping_iterate(n, &at));) {
        struct member *m = &out->fields[out->count++];
        m->name = scalar_text(d, fyaml.fy_node_pair_key(p));
        TRY(from_node(d, fyaml.fy_node_pair_value(p), depth, &m->value));
    }
    return 0;
}

static int from_node(struct diff *d, struct fy_node *n, unsigned depth, struct value *out)
{
    if (depth > YAML_DEPTH || (n && (fyaml.fy_node_get_type(n) == FYNT_SCALAR &&
                                     fyaml.fy_node_get_style(n) == FYNS_ALIAS)))
        return fail(&d->err, E_BAD, "it is nested too deeply, or has aliases (`*name`)");
    if (n && fyaml.fy_node_get_type(n) == FYNT_SEQUENCE)
        return from_sequence(d, n, depth + 1, out);
    if (n && fyaml.fy_node_get_type(n) == FYNT_MAPPING)
        return from_mapping(d, n, depth + 1, out);
    str text = n ? scalar_text(d, n) : LIT("");
    bool plain =
        !n || fyaml.fy_node_get_style(n) == FYNS_PLAIN || fyaml.fy_node_get_style(n) == FYNS_ANY;
    *out = plain ? plain_scalar(d, text) : value_text(text);
    return 0;
}

static int from_yaml(struct diff *d, str text, struct value *out)
{
    struct fy_parse_cfg quiet = {.flags = FYPCF_QUIET};
    TRY(lib_load(&lib_fyaml, E_CONFIG, &d->err));
    struct fy_document *doc = fyaml.fy_document_build_from_string(&quiet, text.ptr, text.len);
    if (!doc)
        return fail(&d->err, E_BAD, "it is neither JSON nor YAML");
    int code = from_node(d, fyaml.fy_document_root(doc), 0, out);
    fyaml.fy_document_destroy(doc);
    return code;
}

/* ---- where documents come from ---- */

static int read_file(struct diff *d, const char *path, str *out)
{
    FILE *f = fopen(path, "rb");
    struct buf b;
    char room[65536];
    size_t got;
    if (!f)
        return fail(&d->err, E_IO, "cannot be read");
    buf_init(&b, FILE_MOST);
    while ((got = fread(room, 1, sizeof room, f)) > 0)
        buf_str(&b, str_make(room, got));
    fclose(f);
    *out = arena_str(&d->arena, buf_view(&b));
    bool full = b.full;
    buf_fini(&b);
    return full ? fail(&d->err, E_TOOBIG, "longer than %d MB", FILE_MOST >> 20) : 0;
}

static int from_file(struct diff *d, const char *path, struct value *out)
{
    str text;
    TRY(read_file(d, path, &text));
    str head = text;
    while (head.len && strchr(" \t\r\n", head.ptr[0]))
        head = str_from(head, 1);
    return head.len && head.ptr[0] == '{' ? parse(d, text, out) : from_yaml(d, text, out);
}

/* dir: of a project; the settings of the command line are those of the own one. */
static int from_project(struct diff *d, const char *dir, const char *version, struct value *out)
{
    struct config *config = NULL;
    struct world *world = NULL;
    struct buf b;
    bool own = strcmp(dir, d->c->dir) == 0;
    str role = str_of(d->role);
    int code = config_load(dir, d->c->over, own ? d->c->over_count : 0, &config, &d->err);
    if (code < 0) {
        cli_error(&d->err); /* its places live in config */
        config_free(&config);
        return code;
    }
    TRY(world_of_files(config, &world, &d->err));
    buf_init(&b, DOCUMENT_MOST);
    code = world_document(world, str_of(version), &role, role.len ? 1 : 0, DOCS_JSON, &b, &d->err);
    world_put(&world);
    str text = arena_str(&d->arena, buf_view(&b));
    buf_fini(&b);
    return code < 0 ? code : parse(d, text, out);
}

static int load(struct diff *d, const char *name, struct value *out)
{
    struct stat st;
    if (stat(name, &st) < 0)
        return from_project(d, d->c->dir, name, out);
    return S_ISDIR(st.st_mode) ? from_project(d, name, d->version, out) : from_file(d, name, out);
}

/* ---- what is printed ---- */

static size_t count_of(const struct api_changes *o, enum api_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++)
        count += o->list[i].level == level;
    return count;
}

static void put_json(struct buf *b, const struct api_changes *o)
{
    buf_printf(b, "{\"breaking\":%s,\"changes\":[", count_of(o, API_BREAKING) ? "true" : "false");
    for (size_t i = 0; i < o->count; i++) {
        const struct api_change *c = &o->list[i];
        buf_printf(b, "%s{\"level\":\"%s\",\"code\":", i ? "," : "", api_level_name(c->level));
        json_text(b, c->code);
        buf_lit(b, ",\"place\":");
        json_text(b, c->place);
        buf_lit(b, ",\"text\":");
        json_text(b, c->text);
        buf_char(b, '}');
    }
    buf_lit(b, "]}\n");
}

static void put_text(struct buf *b, const struct api_changes *o)
{
    for (size_t i = 0; i < o->count; i++) {
        const struct api_change *c = &o->list[i];
        buf_printf(b, "%-8s  %.*s: %.*s\n", api_level_name(c->level), STR_ARG(c->place),
                   STR_ARG(c->text));
    }
    if (!o->count)
        buf_lit(b, "no changes\n");
    else
        buf_printf(b, "%zu breaking, %zu warnings, %zu safe%s\n", count_of(o, API_BREAKING),
                   count_of(o, API_WARNING), count_of(o, API_SAFE), o->cut ? ", and more" : "");
}

static int show(struct diff *d, const struct api_changes *o)
{
    struct buf b;
    buf_init(&b, DOCUMENT_MOST);
    if (d->json)
        put_json(&b, o);
    else
        put_text(&b, o);
    bool bad = count_of(o, API_BREAKING) || (d->strict && count_of(o, API_WARNING));
    int code = cli_print(&b);
    return code != CLI_OK ? code : bad ? CLI_FAILED : CLI_OK;
}

/* ---- the command ---- */

/* A failed comparison is no breaking change: another exit code. */
static int failed(struct diff *d, const char *name)
{
    if (!d->err.item_count)
        cli_fail("%s: %s", name, d->err.text);
    return CLI_USAGE;
}

static int run(struct diff *d, const char *was_name, const char *now_name)
{
    struct value was, now;
    struct api_changes changes;
    if (load(d, was_name, &was) < 0)
        return failed(d, was_name);
    if (load(d, now_name, &now) < 0)
        return failed(d, now_name);
    if (api_compare(&d->arena, &was, &now, &changes, &d->err) < 0)
        return failed(d, "api diff");
    return show(d, &changes);
}

int cli_api(struct cli *c)
{
    struct diff d = {.c = c};
    const char *format = "text";
    d.strict = cli_flag(c, "--strict");
    if (!cli_option(c, "--format", &format) || !cli_option(c, "--role", &d.role) ||
        !cli_option(c, "--api", &d.version))
        return CLI_USAGE;
    int code = cli_expect(c, 3, 3);
    if (code)
        return code;
    if (strcmp(c->args[0], "diff") != 0)
        return cli_usage(c, "expected `diff`, not '%.60s'", c->args[0]);
    d.json = strcmp(format, "json") == 0;
    if (!d.json && strcmp(format, "text") != 0)
        return cli_usage(c, "--format is text or json");
    arena_init(&d.arena, DIFF_MEMORY);
    code = run(&d, c->args[1], c->args[2]);
    arena_reset(&d.arena);
    return code;
}
