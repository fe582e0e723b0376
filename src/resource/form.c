/* form.c -- bodies that are no JSON: multipart/form-data, and one file by itself. SPDX: Apache-2.0
 * Read before the endpoint runs, piece by piece: files go to where they are kept, texts to a value
 * as a JSON body would make, in which each file stands as what was taken in. From there on it is a
 * body like others: columns, rules, transactions, Idempotency-Key.
 * Invariants: (1) Nothing is read for a caller who may not do such a thing at all, nor for a column
 * that holds no files. (2) Memory: the texts (uploads.max_fields) and a buffer for each file. */
#include "resource/guard.h"

#include "render/negotiate.h"

enum { HEADS = 65536 /* bytes of delimiters and heads that are granted */, SHOWN = 60 };

struct form {
    struct request *rq;
    const struct resource *r;
    struct multipart m;
    struct fields fields;
    struct member *files; /* name and value of each */
    str *prints;          /* of each of them: name, type and digest */
    struct buf text;      /* of the part that is no file */
    size_t file_count, parts, texts;
    bool empty;                  /* the part is a file field that was left empty */
    struct upload *u;            /* the part is this file, */
    const struct column *column; /* for this column */
    struct digests want_content, want_repr;
    struct digester *all; /* of the whole body, when its digest was sent */
    struct digests want_all, want_all_repr;
    uint64_t until;
};

/* ---- how much may come ---- */

static bool plain_form(const struct request *rq)
{
    return multipart_is(request_header(rq, LIT("Content-Type"))) &&
           !request_header(rq, LIT("Content-Encoding")).ptr;
}

uint64_t resource__form_pieces(const struct request *rq, const void *data)
{
    const struct resource *r = data;
    uint64_t most = 0;
    if (!plain_form(rq))
        return 0;
    for (size_t i = 0; i < r->table->column_count; i++) {
        if (r->table->columns[i].file)
            most += r->table->columns[i].file->max;
    }
    return most ? most + r->set->config->upload_fields + HEADS : 0;
}

uint64_t resource__file_pieces(const struct request *rq, const void *data)
{
    const struct resource *r = data;
    return request_header(rq, LIT("Content-Encoding")).ptr ? 0 : r->file->file->max;
}

/* ---- what all uploads share ---- */

void resource__formed(struct request *rq, const struct value *v)
{
    rq->given = v;
    rq->formed = true;
}

static int refuse(struct request *rq, const struct column *c, str code, str message,
                  struct err *err)
{
    struct err_item *item = ARENA_NEW(&rq->arena, struct err_item);
    *item = (struct err_item){.field = c->name,
                              .pointer = resource__pointer(&rq->arena, ROW_NONE, c->name),
                              .code = code,
                              .message = message};
    fail(err, E_INVALID, "%.*s", STR_ARG(message));
    err->items = item;
    err->item_count = 1;
    return E_INVALID;
}

static int too_large(const struct column *c, struct err *err)
{
    return fail_field(err, E_TOOBIG, LIT("too_big"), c->name, "'%.*s' has %llu bytes at most",
                      STR_ARG(c->name), (unsigned long long)c->file->max);
}

static int in_time(uint64_t until, struct err *err)
{
    return loop_now() <= until ? 0
                               : fail(err, E_SLOW, "the upload took longer than uploads.timeout");
}

WAITS static int take_bytes(struct upload *u, const struct column *c, str bytes, struct err *err)
{
    if (bytes.len > c->file->max || u->size > c->file->max - bytes.len)
        return too_large(c, err);
    return upload_write(u, bytes, err);
}

/* Its type: what was declared, when the bytes may be that; else what they show. */
static int settle_type(struct request *rq, struct upload *u, const struct column *c, str declared,
                       struct err *err)
{
    struct arena *a = &rq->arena;
    str found = sniff_type(str_make(u->start, u->start_len)), type;
    if (!declared.len || !media_clean(a, declared, &type) ||
        str_is(type, "application/octet-stream"))
        type = found;
    if (!sniff_agrees(type, found))
        return refuse(rq, c, LIT("file_type"),
                      arena_printf(a, "'%.*s' was sent as %.*s, but its bytes are %.*s",
                                   STR_ARG(c->name), STR_ARG(type), STR_ARG(found)),
                      err);
    if (!media_allowed(c->file->types, c->file->type_count, type)) {
        str list = LIT("");
        for (size_t i = 0; i < c->file->type_count; i++)
            list = arena_printf(a, "%.*s%s%.*s", STR_ARG(list), i ? ", " : "",
                                STR_ARG(c->file->types[i]));
        return refuse(rq, c, LIT("file_type"),
                      arena_printf(a, "'%.*s' is %.*s; it may be %.*s", STR_ARG(c->name),
                                   STR_ARG(type), STR_ARG(list)),
                      err);
    }
    u->type = type;
    return 0;
}

/* The caller may not write this column. */
static bool closed(const struct resource *r, const struct column *c)
{
    return table_closed(r->table, c->index) ||
           (r->grant && r->grant->closed && r->grant->closed[c->index]);
}

/* ---- the parts of a form ---- */

static int begin_text(struct form *f, struct err *err)
{
    str rest = f->m.part.type, media = str_trim(str_cut(&rest, ';'));
    bool text =
        !media.ptr || str_eqi(media, LIT("text/plain")) || str_eqi(media, LIT("application/json"));
    f->u = NULL;
    buf_clear(&f->text);
    return text ? 0
                : fail_field(err, E_MEDIA, LIT("media_type"), f->m.part.name,
                             "the field '%.*s' is no file: its type can be text/plain or "
                             "application/json",
                             STR_ARG(str_upto(f->m.part.name, SHOWN)));
}

static int no_file_column(struct form *f, const struct column *c, struct err *err)
{
    struct column unknown = {.name = arena_str(&f->rq->arena, f->m.part.name)};
    const struct column *at = c ? c : &unknown;
    return refuse(f->rq, at, c ? LIT("type") : LIT("unknown_field"),
                  arena_printf(&f->rq->arena, "'%.*s' is no column for files", STR_ARG(at->name)),
                  err);
}

WAITS static int begin_file(struct form *f, struct err *err)
{
    const struct multipart_part *p = &f->m.part;
    const struct column *c = table_column(f->r->table, p->name);
    if (!c || !c->file)
        return no_file_column(f, c, err);
    if (closed(f->r, c))
        return refuse(f->rq, c, LIT("read_only"),
                      arena_printf(&f->rq->arena, "'%.*s' cannot be set by you", STR_ARG(c->name)),
                      err);
    for (size_t i = 0; i < f->file_count; i++) {
        if (str_eq(f->files[i].name, c->name))
            return refuse(f->rq, c, LIT("type"),
                          arena_printf(&f->rq->arena, "'%.*s' is one file", STR_ARG(c->name)), err);
    }
    f->column = c;
    f->want_content = f->want_repr = (struct digests){0};
    if (p->content_digest.ptr)
        TRY(digests_parse(p->content_digest, &f->want_content, err));
    if (p->repr_digest.ptr)
        TRY(digests_parse(p->repr_digest, &f->want_repr, err));
    TRY(upload_begin(f->r->set->config->files, f->rq, f->want_content.has | f->want_repr.has, &f->u,
                     err));
    f->u->name = file_name_clean(&f->rq->arena, p->filename);
    return 0;
}

WAITS static int begin_part(struct form *f, struct err *err)
{
    const struct multipart_part *p = &f->m.part;
    if (f->parts++ == f->r->set->config->upload_parts)
        return fail(err, E_TOOBIG, "a form has %zu parts at most (uploads.max_parts)",
                    f->r->set->config->upload_parts);
    f->empty = p->filename.ptr && !p->filename.len; /* a file field that nothing was chosen for */
    if (f->empty)
        return 0;
    return p->filename.ptr ? begin_file(f, err) : begin_text(f, err);
}

WAITS static int take_data(struct form *f, str bytes, struct err *err)
{
    size_t most = f->r->set->config->upload_fields;
    if (f->empty)
        return fail_field(err, E_BAD, LIT("malformed_form"), f->m.part.name,
                          "a file has bytes, but no name");
    if (f->u)
        return take_bytes(f->u, f->column, bytes, err);
    f->texts += bytes.len;
    if (f->texts > most)
        return fail(err, E_TOOBIG,
                    "the texts of a form have %zu bytes at most "
                    "(uploads.max_fields)",
                    most);
    buf_str(&f->text, bytes);
    return 0;
}

/* RFC 7578, 4.6: the only charset is UTF-8. */
static int end_text(struct form *f, struct err *err)
{
    struct arena *a = &f->rq->arena;
    str text = arena_str(a, buf_view(&f->text)), name = arena_str(a, f->m.part.name);
    if (!str_utf8(text) || (str_is(name, "_charset_") && !str_eqi(text, LIT("utf-8"))))
        return fail_field(err, E_BAD, LIT("malformed_form"), name,
                          "the field '%.*s' is not in UTF-8", STR_ARG(str_upto(name, SHOWN)));
    return str_is(name, "_charset_") ? 0 : fields_add(&f->fields, name, text, err);
}

WAITS static int end_file(struct form *f, struct err *err)
{
    struct upload *u = f->u;
    struct digests got;
    f->u = NULL;
    upload_digest(u, &got);
    TRY(digests_check(&f->want_content, &got, "Content-Digest", err));
    TRY(digests_check(&f->want_repr, &got, "Repr-Digest", err));
    TRY(settle_type(f->rq, u, f->column, f->m.part.type, err));
    TRY(upload_end(u, err));
    f->prints[f->file_count] = arena_printf(&f->rq->arena, "%.*s\n%.*s\n%s", STR_ARG(u->name),
                                            STR_ARG(u->type), u->sha256);
    f->files[f->file_count++] = (struct member){f->column->name, upload_value(&f->rq->arena, u)};
    return 0;
}

WAITS static int take_event(struct form *f, enum multipart_event event, struct err *err)
{
    switch (event) {
    case MULTIPART_PART:
        return begin_part(f, err);
    case MULTIPART_DATA:
        return take_data(f, f->m.data, err);
    case MULTIPART_LAST:
        return f->empty ? 0 : f->u ? end_file(f, err) : end_text(f, err);
    default:
        return 0;
    }
}

/* ---- the form ---- */

static void let_go(void *arg)
{
    struct form *f = arg;
    buf_fini(&f->text);
    digester_free(&f->all);
}

/* Digests of the body as it came; those of an encoded body are of other bytes than are seen here.
 */
static int begin_digests(struct form *f, struct err *err)
{
    str content = request_header(f->rq, LIT("Content-Digest"));
    str repr = request_header(f->rq, LIT("Repr-Digest"));
    if (content.ptr)
        TRY(digests_parse(content, &f->want_all, err));
    if (repr.ptr)
        TRY(digests_parse(repr, &f->want_all_repr, err));
    unsigned kinds = f->want_all.has | f->want_all_repr.has;
    if (kinds && !f->rq->plain.ptr)
        return digester_new(kinds, &f->all, err);
    return 0;
}

static int end_digests(struct form *f, struct err *err)
{
    struct digests got;
    if (!f->all)
        return 0;
    digester_done(f->all, &got);
    TRY(digests_check(&f->want_all, &got, "Content-Digest", err));
    return digests_check(&f->want_all_repr, &got, "Repr-Digest", err);
}

WAITS static int read_all(struct form *f, struct err *err)
{
    enum multipart_event event;
    str piece;
    TRY(request_read(f->rq, &piece, err));
    while (piece.len) {
        if (f->all)
            digester_add(f->all, piece);
        while (piece.len) {
            TRY(multipart_next(&f->m, &piece, &event, err));
            TRY(take_event(f, event, err));
        }
        TRY(in_time(f->until, err));
        TRY(request_read(f->rq, &piece, err));
    }
    TRY(multipart_done(&f->m, err));
    return end_digests(f, err);
}

/* What Idempotency-Key takes for the body: the same for the same fields and files. */
static void fingerprint(struct form *f, const struct value *texts)
{
    struct request *rq = f->rq;
    struct buf b;
    buf_init(&b, rq->arena.limit);
    json_value(&b, texts);
    for (size_t i = 0; i < f->file_count; i++) {
        json_text(&b, f->files[i].name);
        json_text(&b, f->prints[i]);
    }
    char *copy = arena_try(&rq->arena, b.len + 1);
    if (copy)
        memcpy(copy, b.ptr, b.len);
    rq->plain = (str){copy, copy ? b.len : 0};
    buf_fini(&b);
}

/* The fields, with the files among them. */
static int finish(struct form *f, struct err *err)
{
    struct arena *a = &f->rq->arena;
    struct value *v = ARENA_NEW(a, struct value), texts = fields_value(&f->fields);
    *v = (struct value){.kind = V_OBJECT};
    v->fields = ARENA_ARRAY(a, struct member, texts.count + f->file_count);
    for (uint32_t i = 0; i < texts.count; i++)
        v->fields[v->count++] = texts.fields[i];
    for (size_t i = 0; i < f->file_count; i++) {
        if (value_get(&texts, f->files[i].name))
            return fail_field(err, E_BAD, LIT("malformed_form"), f->files[i].name,
                              "the field '%.*s' is sent as a text and as a file",
                              STR_ARG(f->files[i].name));
        v->fields[v->count++] = f->files[i];
    }
    fingerprint(f, &texts);
    resource__formed(f->rq, v);
    return 0;
}

int resource__form_receive(struct request *rq, const void *data, struct err *err)
{
    struct resource *copy = ARENA_NEW(&rq->arena, struct resource);
    const struct resource *r;
    str type = request_header(rq, LIT("Content-Type"));
    if (!multipart_is(type))
        return 0;
    TRY(resource__as(rq, data, rq->method == METHOD_POST ? ACTION_CREATE : ACTION_UPDATE, copy, &r,
                     err));
    struct form *f = ARENA_NEW(&rq->arena, struct form);
    f->rq = rq;
    f->r = r;
    f->until = loop_now() + r->set->config->upload_ms * 1000000;
    f->files = ARENA_ARRAY(&rq->arena, struct member, r->table->column_count);
    f->prints = ARENA_ARRAY(&rq->arena, str, r->table->column_count);
    buf_init(&f->text, r->set->config->upload_fields);
    fields_init(&f->fields, &rq->arena);
    fiber_defer(let_go, f);
    TRY(multipart_init(&f->m, type, err));
    TRY(begin_digests(f, err));
    TRY(read_all(f, err));
    return finish(f, err);
}

/* ---- one file by itself ---- */

/* Is there a row, as far as the caller can tell? *has: it has a file there. */
WAITS static int look(struct request *rq, const struct resource *r, bool *has, struct err *err)
{
    struct resource reader;
    const struct column *wanted = r->file;
    struct select sel = {.table = r->table, .limit = 1};
    struct rows rows = {0};
    struct value *id;
    *has = false;
    TRY(resource__id(rq, r->set, r->table, &id, err));
    if (!resource__also(rq, r, ACTION_READ, &reader))
        return 0;
    sel.columns = &wanted;
    sel.column_count = sel.shown = 1;
    sel.where = resource__granted(&rq->arena, &reader,
                                  resource__key_cond(&rq->arena, &r->table->primary, id));
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    *has = rows.count && rows.cells[0].kind != V_NULL;
    return rows.count ? 0 : resource__missing(rq, r->set, r->table, err);
}

WAITS static int receive_bytes(struct request *rq, const struct resource *r, struct upload *u,
                               struct err *err)
{
    uint64_t until = loop_now() + r->set->config->upload_ms * 1000000;
    str piece;
    TRY(request_read(rq, &piece, err));
    while (piece.len) {
        TRY(take_bytes(u, r->file, piece, err));
        TRY(in_time(until, err));
        TRY(request_read(rq, &piece, err));
    }
    return 0;
}

static int digests_sent(const struct request *rq, struct digests *content, struct digests *repr,
                        struct err *err)
{
    str a = request_header(rq, LIT("Content-Digest")), b = request_header(rq, LIT("Repr-Digest"));
    *content = *repr = (struct digests){0};
    if (a.ptr)
        TRY(digests_parse(a, content, err));
    return b.ptr ? digests_parse(b, repr, err) : 0;
}

/* The name that a client may give in Content-Disposition; else "photo". */
static str name_of(struct request *rq, const struct resource *r)
{
    str said = request_header(rq, LIT("Content-Disposition")), name, value;
    str rest = str_from(said, str_find(said, ';'));
    while (param_next(&rest, &name, &value) > 0) {
        if (str_eqi(name, LIT("filename")))
            return file_name_clean(&rq->arena,
                                   param_plain(value, arena_new(&rq->arena, value.len + 1)));
    }
    return file_name_clean(&rq->arena, r->file->name);
}

int resource__file_receive(struct request *rq, const void *data, struct err *err)
{
    struct resource *copy = ARENA_NEW(&rq->arena, struct resource);
    const struct resource *r;
    struct digests content, repr, got;
    struct upload *u;
    uint64_t length;
    bool has;
    str type = request_header(rq, LIT("Content-Type"));
    TRY(resource__as(rq, data, ACTION_UPDATE, copy, &r, err));
    if (closed(r, r->file))
        return resource__denied(rq, r->table, ACTION_UPDATE, err);
    if (rq->plain.ptr || multipart_is(type))
        return fail(err, E_MEDIA,
                    "the body is the file itself, with its own Content-Type and "
                    "without a Content-Encoding");
    TRY(look(rq, r, &has, err));
    if (str_to_u64(request_header(rq, LIT("Content-Length")), &length) &&
        length > r->file->file->max)
        return too_large(r->file, err);
    TRY(digests_sent(rq, &content, &repr, err));
    TRY(upload_begin(r->set->config->files, rq, content.has | repr.has, &u, err));
    u->name = name_of(rq, r);
    TRY(receive_bytes(rq, r, u, err));
    upload_digest(u, &got);
    TRY(digests_check(&content, &got, "Content-Digest", err));
    TRY(digests_check(&repr, &got, "Repr-Digest", err));
    TRY(settle_type(rq, u, r->file, type, err));
    TRY(upload_end(u, err));
    u->replaces = has;
    struct value *v = ARENA_NEW(&rq->arena, struct value);
    *v = (struct value){.kind = V_OBJECT, .count = 1};
    v->fields = ARENA_NEW(&rq->arena, struct member);
    v->fields[0] = (struct member){r->file->name, upload_value(&rq->arena, u)};
    rq->plain = arena_str(&rq->arena, str_of(u->sha256));
    resource__formed(rq, v);
    return 0;
}
