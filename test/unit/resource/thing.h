/* thing.h -- a table with a column of every kind, made by hand. SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_RESOURCE_THING_H
#define CAIRN_TEST_RESOURCE_THING_H

#include "resource/resource_priv.h"

enum {
    THING_ID,
    THING_OWNER,
    THING_NAME,
    THING_CODE,
    THING_AGE,
    THING_PRICE,
    THING_WIDE,
    THING_SCORE,
    THING_ACTIVE,
    THING_UID,
    THING_DAY,
    THING_AT,
    THING_META,
    THING_PHOTO,
    THING_MOOD,
    THING_ODD,
    THING_LABEL,
    THING_COLUMNS
};

static const str thing_moods[] = {STR_INIT("sad"), STR_INIT("happy")};

#define THING_NAMED(n, word)                                                                       \
    .name = STR_INIT(word), .index = (n), .scale = -1, .min_length = -1, .max_length = -1
static const struct column thing_columns[THING_COLUMNS] = {
    {THING_NAMED(THING_ID, "id"), .type = TYPE_INT8, .has_default = true},
    {THING_NAMED(THING_OWNER, "owner_id"), .type = TYPE_INT4},
    {THING_NAMED(THING_NAME, "name"), .type = TYPE_TEXT, .length = 5},
    {THING_NAMED(THING_CODE, "code"), .type = TYPE_TEXT, .has_default = true},
    {THING_NAMED(THING_AGE, "age"), .type = TYPE_INT2, .nullable = true, .has_min = true,
     .min = STR_INIT("0")},
    {.name = STR_INIT("price"),
     .index = THING_PRICE,
     .type = TYPE_NUMERIC,
     .precision = 10,
     .scale = 2,
     .min_length = -1,
     .max_length = -1,
     .nullable = true},
    {THING_NAMED(THING_WIDE, "wide"), .type = TYPE_NUMERIC, .nullable = true, .decimal_text = true},
    {THING_NAMED(THING_SCORE, "score"), .type = TYPE_FLOAT8, .nullable = true},
    {THING_NAMED(THING_ACTIVE, "active"), .type = TYPE_BOOL, .nullable = true},
    {THING_NAMED(THING_UID, "uid"), .type = TYPE_UUID, .nullable = true},
    {THING_NAMED(THING_DAY, "day"), .type = TYPE_DATE, .nullable = true},
    {THING_NAMED(THING_AT, "at"), .type = TYPE_TIMESTAMP, .nullable = true},
    {THING_NAMED(THING_META, "meta"), .type = TYPE_JSON, .nullable = true},
    {THING_NAMED(THING_PHOTO, "photo"), .type = TYPE_BYTES, .nullable = true},
    {THING_NAMED(THING_MOOD, "mood"), .type = TYPE_ENUM, .nullable = true, .labels = thing_moods,
     .label_count = COUNT_OF(thing_moods)},
    {THING_NAMED(THING_ODD, "a/b~c"), .type = TYPE_INT4, .nullable = true},
    {THING_NAMED(THING_LABEL, "label"), .type = TYPE_TEXT, .nullable = true, .has_default = true,
     .generated = true},
};

static const struct column *thing_id[] = {&thing_columns[THING_ID]};
static const struct column *thing_owner[] = {&thing_columns[THING_OWNER]};
static const struct key thing_primary = {.columns = thing_id, .count = 1};
static const struct key thing_foreign = {.columns = thing_owner, .count = 1};

static struct table thing_new(void)
{
    struct table t = {.name = LIT("things"),
                      .columns = thing_columns,
                      .column_count = THING_COLUMNS,
                      .primary = thing_primary};
    map_init(&t.by_name);
    for (size_t i = 0; i < THING_COLUMNS; i++)
        map_set(&t.by_name, thing_columns[i].name, (void *)(uintptr_t)&thing_columns[i]);
    return t;
}

#endif
