/* violations.c -- what the database refused, in the words of the catalog. SPDX: Apache-2.0
 * Why not before: only the database knows, at the moment of the write, whether a value is taken or
 * a parent there. It tells the constraint at most (and of a foreign key nothing); the rest is found
 * here with a few reads, on this way only.
 * Invariant: an answer names columns, tables and rules of the project, never an index or the
 * engine's own words. */
#include "resource/resource_priv.h"

enum { NAMED_MOST = 16, BLOCKERS_SHOWN = 5 };

/* The faults of one row of the body. */
struct faults {
    struct request *rq;
    size_t row; /* ROW_NONE: the body is one object */
    struct err_item items[NAMED_MOST];
    size_t count;
};

static void fault(struct faults *f, const struct column *c, str code, str message)
{
    struct arena *a = &f->rq->arena;
    for (size_t i = 0; i < f->count; i++) {
        if (str_eq(f->items[i].field, c->name))
            return;
    }
    if (f->count < NAMED_MOST)
        f->items[f->count++] = (struct err_item){
            .field = c->name,
            .pointer = resource__pointer(a, f->row, c->name),
            .code = code,
            .message = message,
        };
}

/* Hands the faults over to err. */
static int complain(const struct faults *f, int code, str text, struct err *err)
{
    struct err_item *items = ARENA_ARRAY(&f->rq->arena, struct err_item, f->count);
    if (f->count)
        memcpy(items, f->items, f->count * sizeof *items);
    fail(err, code, "%.*s", STR_ARG(text));
    err->items = items;
    err->item_count = f->count;
    return code;
}

/* "a", "a and b", "a, b and c" */
static str listed(struct arena *a, const str *names, size_t count)
{
    str all = LIT("");
    for (size_t i = 0; i < count; i++) {
        const char *glue = i == 0 ? "" : i + 1 < count ? ", " : " and ";
        all = arena_printf(a, "%.*s%s%.*s", STR_ARG(all), glue, STR_ARG(names[i]));
    }
    return all;
}

static str listed_columns(struct arena *a, const struct column *const *columns, size_t count)
{
    str names[NAMED_MOST] = {0};
    count = count < NAMED_MOST ? count : NAMED_MOST;
    for (size_t i = 0; i < count; i++)
        names[i] = columns[i]->name;
    return listed(a, names, count);
}

/* ---- UNIQUE ---- */

/* What the engine told: columns "a,b", or an index by its name. */
static size_t told_columns(const struct table *t, str told, const struct column **out)
{
    size_t count = 0;
    for (size_t i = 0; i < t->unique_count; i++) {
        const struct key *k = &t->uniques[i];
        if (!k->name.len || !str_eq(k->name, told))
            continue;
        for (; count < k->count && count < NAMED_MOST; count++)
            out[count] = k->columns[count];
        return count;
    }
    while (told.ptr && count < NAMED_MOST) {
        const struct column *c = table_stored(t, str_cut(&told, ','));
        if (c)
            out[count++] = c;
    }
    return count;
}

/* A place of a document that `unique:` names, by the name of its index; empty when it is none. */
static str told_place(struct arena *a, const struct table *t, str told)
{
    const struct schema_collection_wish *w = t->collection;
    for (size_t i = 0; w && i < w->unique_count; i++) {
        if (str_eq(told, collection_index(a, w->name, w->uniques[i], 'u')))
            return w->uniques[i];
    }
    return (str){0};
}

/* "address.city" is /address/city. */
static int taken_place(struct faults *f, const struct resource *r, str place, struct err *err)
{
    struct arena *a = &f->rq->arena;
    str steps[COLLECTION_STEPS], pointer = LIT("");
    str text = arena_printf(a, "another %.*s has this %.*s already",
                            STR_ARG(resource__noun(r->set, r->table)), STR_ARG(place));
    if (f->row != ROW_NONE)
        pointer = resource__pointer(a, f->row, (str){0});
    for (size_t i = 0, count = collection_path(place, steps); i < count; i++)
        pointer = arena_printf(a, "%.*s%.*s", STR_ARG(pointer),
                               STR_ARG(resource__pointer(a, ROW_NONE, steps[i])));
    f->items[f->count++] = (struct err_item){
        .field = place, .pointer = pointer, .code = LIT("unique"), .message = text};
    return complain(f, E_UNIQUE, text, err);
}

static int taken(struct faults *f, const struct resource *r, struct err *err)
{
    struct arena *a = &f->rq->arena;
    const struct column *columns[NAMED_MOST];
    str noun = resource__noun(r->set, r->table),
        place = told_place(a, r->table, str_of(err->field));
    if (place.ptr)
        return taken_place(f, r, place, err);
    size_t count = told_columns(r->table, str_of(err->field), columns);
    str text = arena_printf(a, "another %.*s has these values already", STR_ARG(noun));
    if (count)
        text = arena_printf(a, "another %.*s has this %.*s already", STR_ARG(noun),
                            STR_ARG(listed_columns(a, columns, count)));
    for (size_t i = 0; i < count; i++)
        fault(f, columns[i], LIT("unique"), text);
    return complain(f, E_UNIQUE, text, err);
}

/* ---- CHECK and NOT NULL ---- */

/* A check without a name is told by the column that its expression begins with: of several, the
 * one over more columns, for the plain ones were seen to before the write. */
static const struct check *told_check(const struct table *t, str told)
{
    const struct check *found = NULL;
    for (size_t i = 0; i < t->check_count; i++) {
        const struct check *c = &t->checks[i];
        if (c->name.len && str_eq(c->name, told))
            return c;
        bool fits =
            !c->name.len && c->count && told.len && str_eqi(column_stored(c->columns[0]), told);
        if (fits && (!found || c->count > found->count))
            found = c;
    }
    return found;
}

/* A name that a person gave the rule, with blanks: "enough_stock". None of those that PostgreSQL
 * makes up, "users_age_check". */
static str rule_name(struct arena *a, const struct table *t, str name)
{
    if (!name.len || (str_starts(name, t->name) && str_ends(name, LIT("_check"))))
        return LIT("");
    return arena_printf(a, "; the rule is '%.*s'", STR_ARG(name));
}

static str rule_text(struct arena *a, const struct resource *r, const struct check *check,
                     const struct column *const *columns, size_t count)
{
    str rule = rule_name(a, r->table, check ? check->name : LIT(""));
    str names = count ? listed_columns(a, columns, count) : LIT("the values");
    return arena_printf(a, "%.*s %s a rule of %.*s%.*s", STR_ARG(names),
                        count == 1 ? "breaks" : "together break", STR_ARG(r->table->name),
                        STR_ARG(rule));
}

static int broken(struct faults *f, const struct resource *r, struct err *err)
{
    str told = str_of(err->field);
    if (!told.len) /* a rule of the project's own, in its own words */
        return err->code;
    const struct check *check = told_check(r->table, told);
    const struct column *one = table_stored(r->table, told);
    const struct column *const *columns = check ? check->columns : &one;
    size_t count = check ? check->count : one ? 1 : 0;
    str text = rule_text(&f->rq->arena, r, check, columns, count);
    for (size_t i = 0; i < count; i++)
        fault(f, columns[i], LIT("check"), text);
    return complain(f, E_CHECK, text, err);
}

/* The database's own NOT NULL: of a column that the catalog let pass. */
static int left_out(struct faults *f, const struct resource *r, struct err *err)
{
    const struct column *c = table_stored(r->table, str_of(err->field));
    if (!c)
        return err->code;
    str text = arena_printf(&f->rq->arena, "'%.*s' is required", STR_ARG(c->name));
    fault(f, c, LIT("required"), text);
    return complain(f, E_INVALID, text, err);
}

/* ---- a foreign key that points to nothing ---- */

/* UNSURE: the row does not give all of the key, so that a default or what is stored decides. */
enum parent { PARENT_THERE, PARENT_GONE, PARENT_UNSURE };

/* A row of the body itself, made by the same statement. */
static bool in_body(const struct foreign_key *fk, const struct body *body,
                    const struct body_row *row)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct body_row *other = &body->rows[i];
        bool same = true;
        for (size_t c = 0; c < fk->to.count && same; c++) {
            size_t at = fk->to.columns[c]->index;
            same = other->given[at] &&
                   value_eq(&other->cells[at], &row->cells[fk->from.columns[c]->index]);
        }
        if (same)
            return true;
    }
    return false;
}

/* What the row itself tells: is there a whole key to look for? */
static enum parent given_key(const struct foreign_key *fk, const struct body_row *row)
{
    bool some = false, all = true;
    for (size_t i = 0; i < fk->from.count; i++) {
        const struct column *c = fk->from.columns[i];
        bool given = row->given[c->index];
        if (given && row->cells[c->index].kind == V_NULL) /* then the database looks for none */
            return PARENT_THERE;
        some = some || given || c->has_default;
        all = all && given;
    }
    return all ? PARENT_GONE : some ? PARENT_UNSURE : PARENT_THERE;
}

WAITS static int look(struct request *rq, const struct resource *r, const struct foreign_key *fk,
                      const struct body *body, const struct body_row *row, enum parent *out,
                      struct err *err)
{
    struct select sel = {.table = fk->target, .limit = 1};
    struct rows found = {0};
    *out = given_key(fk, row);
    if (*out != PARENT_GONE)
        return 0;
    for (size_t i = 0; i < fk->to.count; i++) {
        struct value v = row->cells[fk->from.columns[i]->index];
        sel.where =
            cond_and(&rq->arena, sel.where, cond_test(&rq->arena, fk->to.columns[i], OP_EQ, v));
    }
    sel.columns = fk->to.columns;
    sel.column_count = sel.shown = fk->to.count;
    TRY(resource__select(rq, r->set, &sel, 1, &found, err));
    if (found.count || (fk->target == r->table && in_body(fk, body, row)))
        *out = PARENT_THERE;
    return 0;
}

static void fault_parent(struct faults *f, const struct resource *r, const struct foreign_key *fk)
{
    str noun = resource__noun(r->set, fk->target);
    for (size_t i = 0; i < fk->from.count; i++) {
        const struct column *c = fk->from.columns[i];
        fault(f, c, LIT("parent"),
              arena_printf(&f->rq->arena, "'%.*s' points to a %.*s that does not exist",
                           STR_ARG(c->name), STR_ARG(noun)));
    }
}

/* Every foreign key of one row that is `kind`. */
WAITS static int look_all(struct faults *f, const struct resource *r, const struct body *body,
                          size_t row, enum parent kind, struct err *err)
{
    const struct table *t = r->table;
    f->row = body->array ? row : ROW_NONE;
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        enum parent found;
        if (!t->foreign_keys[i].target)
            continue;
        TRY(look(f->rq, r, &t->foreign_keys[i], body, &body->rows[row], &found, err));
        if (found == kind)
            fault_parent(f, r, &t->foreign_keys[i]);
    }
    return 0;
}

WAITS static int orphan(struct faults *f, const struct resource *r, const struct body *body,
                        size_t row, struct err *err)
{
    struct err lost = {0};
    if (r->relation && resource__parent(f->rq, r, &lost) < 0) {
        *err = lost;
        return err->code;
    }
    TRY(look_all(f, r, body, row, PARENT_GONE, err));
    /* A key that is only checked at the commit tells no row. */
    for (size_t i = 0; i < body->count && !f->count; i++)
        TRY(look_all(f, r, body, i, PARENT_GONE, err));
    if (!f->count)
        TRY(look_all(f, r, body, row, PARENT_UNSURE, err));
    bool update = f->rq->method == METHOD_PUT || f->rq->method == METHOD_PATCH;
    if (!f->count && update)
        return fail(err, E_CHILDREN, "other rows point to this %.*s by a value that would change",
                    STR_ARG(resource__noun(r->set, r->table)));
    if (!f->count)
        return fail(err, E_PARENT, "the values point to a row that does not exist");
    return complain(f, E_PARENT, f->items[0].message, err);
}

/* ---- a sum that the column cannot hold ---- */

bool resource__adds(const struct resource *r, const struct body *body)
{
    bool adds = false;
    for (size_t i = 0; i < r->table->column_count; i++)
        adds = adds || body->rows[0].added[i];
    return adds;
}

int resource__overflow(struct request *rq, const struct resource *r, const struct body *body,
                       struct err *err)
{
    struct faults f = {.rq = rq, .row = ROW_NONE};
    for (size_t i = 0; i < r->table->column_count; i++) {
        const struct column *c = &r->table->columns[i];
        if (body->rows[0].added[i])
            fault(&f, c, LIT("range"),
                  arena_printf(&rq->arena, "'%.*s' would go out of the range of its type",
                               STR_ARG(c->name)));
    }
    return complain(&f, E_INVALID, f.items[0].message, err);
}

int resource__refused(struct request *rq, const struct resource *r, const struct body *body,
                      size_t row, struct err *err)
{
    struct faults f = {.rq = rq, .row = body->array ? row : ROW_NONE};
    switch (err->code) {
    case E_UNIQUE:
        return taken(&f, r, err);
    case E_CHECK:
        return str_is(err->word, "required") ? left_out(&f, r, err) : broken(&f, r, err);
    case E_PARENT:
        return orphan(&f, r, body, row, err);
    case E_INVALID:
        return resource__adds(r, body) ? resource__overflow(rq, r, body, err) : err->code;
    default:
        return err->code;
    }
}

/* ---- a row that others point to ---- */

/* The row that is to go; NULL when it is gone by now. */
WAITS static int read_whole(struct request *rq, const struct resource *r, const struct value *id,
                            const struct value **out, struct err *err)
{
    struct select sel = {.table = r->table, .limit = 1};
    struct rows rows = {0};
    sel.columns = all_columns(&rq->arena, r->table);
    sel.column_count = sel.shown = r->table->column_count;
    sel.where = resource__key_cond(&rq->arena, &r->table->primary, id);
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    *out = rows.count ? rows.cells : NULL;
    return 0;
}

/* Does a row of t point to `cells` by fk? */
WAITS static int points(struct request *rq, const struct resource *r, const struct table *t,
                        const struct foreign_key *fk, const struct value *cells, bool *out,
                        struct err *err)
{
    struct select sel = {.table = t, .limit = 1};
    struct rows found = {0};
    for (size_t i = 0; i < fk->from.count; i++)
        sel.where = cond_and(
            &rq->arena, sel.where,
            cond_test(&rq->arena, fk->from.columns[i], OP_EQ, cells[fk->to.columns[i]->index]));
    sel.columns = fk->from.columns;
    sel.column_count = sel.shown = fk->from.count;
    TRY(resource__select(rq, r->set, &sel, 1, &found, err));
    *out = found.count != 0;
    return 0;
}

/* The tables whose rows keep the row, at most BLOCKERS_SHOWN. */
WAITS static int blockers(struct request *rq, const struct resource *r, const struct value *cells,
                          str *names, size_t *count, struct err *err)
{
    const struct schema *s = r->set->schema;
    *count = 0;
    for (size_t i = 0; i < s->table_count && *count < BLOCKERS_SHOWN; i++) {
        const struct table *t = &s->tables[i];
        bool blocks = false;
        for (size_t k = 0; k < t->foreign_key_count && !blocks; k++) {
            if (t->foreign_keys[k].keeps && t->foreign_keys[k].target == r->table)
                TRY(points(rq, r, t, &t->foreign_keys[k], cells, &blocks, err));
        }
        if (blocks && t->exposed)
            names[(*count)++] = t->name;
    }
    return 0;
}

int resource__kept(struct request *rq, const struct resource *r, const struct value *id,
                   struct err *err)
{
    str names[BLOCKERS_SHOWN], noun = resource__noun(r->set, r->table);
    const struct value *cells = NULL;
    size_t count = 0;
    TRY(read_whole(rq, r, id, &cells, err));
    if (cells)
        TRY(blockers(rq, r, cells, names, &count, err));
    if (!count)
        return fail(err, E_CHILDREN, "other rows still point to this %.*s", STR_ARG(noun));
    str list = listed(&rq->arena, names, count);
    return fail(err, E_CHILDREN, "rows of %.*s still point to this %.*s", STR_ARG(list),
                STR_ARG(noun));
}
