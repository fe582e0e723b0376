/* pg_error.c -- the server's SQLSTATE to our codes. SPDX: Apache-2.0
 * Of a broken constraint the server names the table's columns in its detail, in the language it
 * was set to: only "(a, b)=(" is read of it, and never what stands behind, which are values. */
#include "db/pg_priv.h"

bool pg_error__in(const char *state, const char *class_or_state)
{
    return state && strncmp(state, class_or_state, strlen(class_or_state)) == 0;
}

static str field_of(const PGresult *r, int which)
{
    return str_of(pq.resultErrorField(r, which));
}

static void unquote(str name, char *room, size_t size, size_t *used)
{
    if (name.len >= 2 && name.ptr[0] == '"')
        name = str_make(name.ptr + 1, name.len - 2);
    if (*used + name.len + 1 > size)
        return;
    if (*used)
        room[(*used)++] = ',';
    memcpy(room + *used, name.ptr, name.len);
    *used += name.len;
}

/* "Key (a, b)=(1, 2) already exists." gives "a,b"; an index over expressions is told by name. */
static str key_columns(const PGresult *r, char *room, size_t size)
{
    str detail = field_of(r, PG_DIAG_MESSAGE_DETAIL);
    size_t open = str_find(detail, '('), used = 0;
    str list = open == STR_NONE ? (str){0} : str_from(detail, open + 1);
    for (size_t i = 0; i + 3 <= list.len; i++) {
        if (!str_starts(str_from(list, i), LIT(")=(")))
            continue;
        str names = str_upto(list, i);
        if (str_find(names, '(') != STR_NONE)
            break;
        while (names.ptr)
            unquote(str_trim(str_cut(&names, ',')), room, size, &used);
        return str_make(room, used);
    }
    return field_of(r, PG_DIAG_CONSTRAINT_NAME);
}

static bool deletes(str text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\n'))
        text = str_from(text, 1);
    return str_eqi(str_upto(text, 6), LIT("delete"));
}

static int broken_constraint(const PGresult *r, const char *state, str text, struct err *err)
{
    char room[64];
    str what = key_columns(r, room, sizeof room);
    if (pg_error__in(state, "23505") || pg_error__in(state, "23P01"))
        return fail_field(err, E_UNIQUE, LIT("unique"), what,
                          "a row with this '%.*s' exists already", STR_ARG(what));
    if (pg_error__in(state, "23503") && deletes(text))
        return fail(err, E_CHILDREN, "other rows still point to this one");
    if (pg_error__in(state, "23503"))
        return fail(err, E_PARENT, "it points to a row that does not exist");
    if (pg_error__in(state, "23502")) {
        what = field_of(r, PG_DIAG_COLUMN_NAME);
        return fail_field(err, E_CHECK, LIT("required"), what, "'%.*s' must not be null",
                          STR_ARG(what));
    }
    what = field_of(r, PG_DIAG_CONSTRAINT_NAME);
    return fail_field(err, E_CHECK, LIT("check"), what, "the check '%.*s' does not hold",
                      STR_ARG(what));
}

static int refused(const PGresult *r, const char *state, struct err *err)
{
    str message = field_of(r, PG_DIAG_MESSAGE_PRIMARY);
    if (pg_error__in(state, "P0001")) /* RAISE of the project's own trigger */
        return fail_field(err, E_CHECK, LIT("check"), LIT(""), "%.*s", STR_ARG(message));
    if (pg_error__in(state, "2201B")) /* of the operator match: the message is about the pattern */
        return fail_field(err, E_BAD, LIT("bad_value"), LIT(""), "%.*s", STR_ARG(message));
    if (pg_error__in(state, "22"))
        return fail(err, E_INVALID, "the database cannot take one of the values");
    if (pg_error__in(state, "40001") || pg_error__in(state, "40P01"))
        return fail_field(err, E_BUSY, LIT("serialization"), LIT(""),
                          "it ran into another change at the same time; try again");
    if (pg_error__in(state, "25006"))
        return db__fail_read_only(err);
    if (pg_error__in(state, "55P03"))
        return fail(err, E_BUSY, "a row is locked; try again");
    if (pg_error__in(state, "57014") || pg_error__in(state, "25P03"))
        return fail(err, E_TIMEOUT, "the statement took longer than its time limit");
    if (pg_error__in(state, "53"))
        return fail(err, E_BUSY, "the database is out of resources (%s)", state);
    return fail(err, E_DB, "the database refused (%s): %.*s", state, STR_ARG(message));
}

int pg_error__result(const PGresult *r, str text, bool *again, struct err *err)
{
    const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);
    if (!state)
        return pg_error__lost(false, err);
    if (again) /* a prepared statement that is gone, or whose answer changed its columns */
        *again = pg_error__in(state, "26000") || pg_error__in(state, "0A000");
    if (pg_error__in(state, "23"))
        return broken_constraint(r, state, text, err);
    return refused(r, state, err);
}

int pg_error__lost(bool writes, struct err *err)
{
    if (writes)
        return fail_field(err, E_DB, LIT("unknown_outcome"), LIT(""),
                          "the connection to the database broke during a write: it is not known "
                          "whether it was done");
    return fail(err, E_BUSY, "the connection to the database broke; try again");
}
