/* pg_questions.c -- what PostgreSQL's catalog is asked. SPDX: Apache-2.0
 * The answers have the cells of SQLite's (questions.c), so that one hand builds the model: one row
 * a column, grouped by table. Asked are the tables that plain names find (search_path), without
 * partitions of others, Cairn's own tables and dbmate's. An enum's type is called enum_text, as the
 * migrations' translation calls it, an array is JSON, and what has no type of ours is text. */
#include "schema/schema_priv.h"

#define OURS                                                                                       \
    " c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"                             \
    " AND pg_table_is_visible(c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema')"    \
    " AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'"                    \
    " AND c.relname NOT LIKE 'cairn\\_%' AND c.relname <> 'schema_migrations'"
#define OF_EACH_TABLE " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
#define OF_EACH_COLUMN                                                                             \
    OF_EACH_TABLE " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"                    \
                  " AND NOT a.attisdropped JOIN pg_type dt ON dt.oid = a.atttypid"                 \
                  " LEFT JOIN pg_type bt ON bt.oid = CASE WHEN dt.typtype = 'd'"                   \
                  " THEN dt.typbasetype ELSE dt.oid END"

#define QUESTION(sql)                                                                              \
    {                                                                                              \
        .text = STR_INIT(sql), .bounded = true, .once = true                                       \
    }

static const struct stmt postgres[ANSWER__COUNT] = {
    [ANSWER_TABLES] = QUESTION("SELECT c.relname, CASE WHEN c.relkind IN ('v', 'm') THEN 'view'"
                               " ELSE 'table' END, 1, ''" OF_EACH_TABLE " WHERE" OURS
                               " ORDER BY c.relname COLLATE \"C\""),
    [ANSWER_COLUMNS] = QUESTION(
        "SELECT c.relname, a.attname, CASE WHEN bt.typtype = 'e' THEN 'enum_text'"
        " WHEN bt.typcategory = 'A' THEN 'array of ' || format_type(bt.typelem, NULL)"
        " WHEN bt.typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', "
        "'text',"
        " 'varchar', 'bpchar', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'json', 'jsonb',"
        " 'bytea') THEN format_type(bt.oid, CASE WHEN dt.typtype = 'd' THEN dt.typtypmod"
        " ELSE a.atttypmod END) WHEN bt.typname = 'oid' THEN 'bigint' ELSE 'text' END,"
        " (a.attnotnull OR dt.typnotnull)::int,"
        " CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated = ''"
        " THEN coalesce(pg_get_expr(d.adbin, d.adrelid), dt.typdefault) END,"
        " coalesce(array_position(k.conkey, a.attnum), 0),"
        " CASE WHEN a.attgenerated <> '' THEN 3 ELSE 0 END" OF_EACH_COLUMN
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
        " LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'"
        " WHERE" OURS " ORDER BY c.relname COLLATE \"C\", a.attnum"),
    [ANSWER_FOREIGN] = QUESTION(
        "SELECT c.relname, f.conname, t.relname, a.attname, b.attname, CASE f.confdeltype"
        " WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'"
        " WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END" OF_EACH_TABLE
        " JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0"
        " JOIN pg_class t ON t.oid = f.confrelid AND pg_table_is_visible(t.oid)"
        " CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS u(x, y, place)"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.x"
        " JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = u.y"
        " WHERE" OURS " ORDER BY c.relname COLLATE \"C\", f.oid, u.place"),
    [ANSWER_INDEXES] = QUESTION(
        "SELECT c.relname, i.indexrelid::bigint, x.relname, (i.indisunique AND i.indisvalid)::int,"
        " CASE WHEN i.indisprimary THEN 'pk' ELSE 'c' END, (i.indpred IS NOT NULL)::int,"
        " CASE WHEN m.amname = 'btree' THEN a.attname END, CASE WHEN i.indoption[u.place - 1] = 0"
        " THEN 0 ELSE 1 END, CASE WHEN NOT i.indisvalid OR NOT o.opcdefault THEN 'other'"
        " WHEN i.indcollation[u.place - 1] = coalesce(a.attcollation, 0) THEN 'BINARY'"
        " ELSE 'other' END" OF_EACH_TABLE " JOIN pg_index i ON i.indrelid = c.oid"
        " JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u(attnum, place)"
        " JOIN pg_opclass o ON o.oid = i.indclass[u.place - 1]"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0"
        " WHERE" OURS " AND u.place <= i.indnkeyatts"
        " ORDER BY c.relname COLLATE \"C\", i.indexrelid, u.place"),
    [ANSWER_COMMENTS] =
        QUESTION("SELECT c.relname, coalesce(a.attname, ''), d.description" OF_EACH_TABLE
                 " JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass"
                 " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid"
                 " AND d.objsubid > 0 WHERE" OURS " ORDER BY c.relname COLLATE \"C\", d.objsubid"),
    [ANSWER_CHECKS] =
        QUESTION("SELECT c.relname, k.conname, pg_get_expr(k.conbin, k.conrelid)" OF_EACH_TABLE
                 " JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'"
                 " WHERE" OURS " ORDER BY c.relname COLLATE \"C\", k.oid"),
    [ANSWER_LABELS] =
        QUESTION("SELECT c.relname, a.attname, e.enumlabel" OF_EACH_COLUMN
                 " JOIN pg_enum e ON e.enumtypid = bt.oid"
                 " WHERE" OURS " ORDER BY c.relname COLLATE \"C\", a.attnum, e.enumsortorder"),
};

size_t schema__questions_postgres(const struct stmt **list)
{
    *list = postgres;
    return COUNT_OF(postgres);
}
