/* questions.c -- what the catalog is asked. SPDX: Apache-2.0
 * One statement a subject for all tables at once, so that a start costs four statements, however
 * many tables there are. Rows come grouped by table, in the order of declaration (the pragmas
 * count keys and indexes from the last one made). Left out: SQLite's own tables, Cairn's own,
 * dbmate's, virtual tables and the tables that those keep their data in. */
#include "schema/schema_priv.h"

#define OF_EACH_TABLE                                                                              \
    " FROM sqlite_schema s JOIN pragma_table_list(s.name) l"                                       \
    " ON l.schema = 'main' AND l.type IN ('table', 'view')"
#define OURS                                                                                       \
    " WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"              \
    " AND s.name NOT LIKE 'cairn\\_%' ESCAPE '\\' AND s.name <> 'schema_migrations'"

#define QUESTION(sql)                                                                              \
    {                                                                                              \
        .text = STR_INIT(sql), .bounded = true, .once = true                                       \
    }

static const struct stmt lite[] = {
    [ANSWER_TABLES] =
        QUESTION("SELECT s.name, l.type, l.wr, s.sql" OF_EACH_TABLE OURS " ORDER BY s.name"),
    [ANSWER_COLUMNS] =
        QUESTION("SELECT s.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, c.hidden" //
                 OF_EACH_TABLE " JOIN pragma_table_xinfo(s.name) c" OURS " ORDER BY s.name, c.cid"),
    [ANSWER_FOREIGN] = QUESTION(
        "SELECT s.name, f.id, f.\"table\", f.\"from\", f.\"to\", f.on_delete" OF_EACH_TABLE
        " JOIN pragma_foreign_key_list(s.name) f" OURS " ORDER BY s.name, f.id DESC, f.seq"),
    [ANSWER_INDEXES] =
        QUESTION("SELECT s.name, i.seq, i.name, i.\"unique\", i.origin, i.partial,"
                 " x.name, x.\"desc\", x.coll" OF_EACH_TABLE " JOIN pragma_index_list(s.name) i"
                 " JOIN pragma_index_xinfo(i.name) x" OURS
                 " AND x.key ORDER BY s.name, i.seq DESC, x.seqno"),
};

static const struct stmt lite_comments =
    QUESTION("SELECT table_name, column_name, comment FROM cairn_comments");

size_t schema_questions(enum dialect d, const struct stmt **list)
{
    if (d == DIALECT_POSTGRES)
        return schema__questions_postgres(list);
    *list = lite;
    return COUNT_OF(lite);
}

const struct stmt *schema_question_comments(enum dialect d)
{
    return d == DIALECT_SQLITE ? &lite_comments : NULL;
}
