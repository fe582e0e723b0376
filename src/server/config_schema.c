/* config_schema.c -- the JSON Schema of cairn.yaml, for editors: scalar keys from config.def, the
 * other sections by hand. What it refuses the start refuses, too; not the other way round.
 * SPDX: Apache-2.0 */
#include "server/config_priv.h"

#include "data/data.h"

static void schema_enum(struct buf *out, const struct config_key *k)
{
    str word;
    buf_lit(out, "\"enum\":[");
    for (int i = 0; (word = config__word(k, i)).len; i++) {
        if (i)
            buf_char(out, ',');
        json_text(out, word);
    }
    buf_char(out, ']');
}

static void schema_type(struct buf *out, const struct config_key *k)
{
    static const char variable[] = "},{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}]";
    buf_lit(out, "\"anyOf\":[{");
    if (k->type == CONFIG_INT)
        buf_printf(out, "\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld", (long long)k->min,
                   (long long)k->max);
    else if (k->type == CONFIG_SIZE)
        buf_lit(out, "\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]+[KMGTkmgt]?$\"");
    else if (k->type == CONFIG_MS)
        buf_lit(out, "\"type\":[\"string\",\"integer\"],\"pattern\":\"^(0|[0-9]+(ms|s|m|h|d))$\"");
    else if (k->type == CONFIG_BOOL)
        buf_lit(out, "\"type\":\"boolean\"");
    else if (k->type == CONFIG_ENUM)
        schema_enum(out, k);
    else if (k->type == CONFIG_LIST)
        buf_lit(out, "\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"string\"");
    else if (k->type == CONFIG_SECRET)
        buf_lit(out, "\"type\":\"string\",\"pattern\":\"^((file|credential|exec):.*)?$\"");
    else
        buf_lit(out, "\"type\":[\"string\",\"number\",\"boolean\"]");
    buf_str(out, str_of(variable));
}

static void schema_key(struct buf *out, const struct config_key *k)
{
    json_text(out, config__name_of(k));
    buf_lit(out, ":{\"description\":");
    json_text(out, str_of(k->help));
    if (k->type != CONFIG_SECRET) {
        bool bare = k->type == CONFIG_INT || k->type == CONFIG_BOOL;
        buf_lit(out, ",\"default\":");
        if (bare)
            buf_str(out, config__default(k));
        else
            json_text(out, config__default(k));
    }
    buf_char(out, ',');
    schema_type(out, k);
    buf_char(out, '}');
}

/* Members of sections that are lists of rules; config_check says what is wrong inside. */
static void schema_rules(struct buf *out, str section)
{
    static const char rules[] =
        "\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"object\"}},";
    if (str_is(section, "cors"))
        buf_printf(out, "\"routes%s", rules);
    if (str_is(section, "auth"))
        buf_printf(out, "\"issuers%s\"providers%s", rules, rules);
    if (str_is(section, "oauth"))
        buf_printf(out,
                   "\"clients%s\"scopes\":{\"type\":[\"object\",\"null\"],"
                   "\"additionalProperties\":{\"type\":\"object\"}},",
                   rules);
    if (str_is(section, "rate_limit"))
        buf_printf(out, "\"clients%s", rules);
}

/* A name, or a list of them. */
#define NAMES "{\"type\":[\"string\",\"array\",\"null\"],\"items\":{\"type\":\"string\"}}"
#define RULE                                                                                       \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"can\"],"                  \
    "\"anyOf\":[{\"required\":[\"roles\"]},{\"required\":[\"role\"]}],\"properties\":{"            \
    "\"roles\":" NAMES ",\"role\":" NAMES ",\"can\":" NAMES ",\"hide\":" NAMES                     \
    ",\"columns\":" NAMES ",\"where\":{\"type\":\"string\"},\"check\":{\"type\":\"string\"},"      \
    "\"set\":{\"type\":\"object\"}}}"

static const char schema_tables[] =
    ",\"roles\":{\"type\":[\"object\",\"null\"],\"description\":\"roles and what they allow\","
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
    "\"properties\":{\"includes\":" NAMES ",\"can\":" NAMES "}}}"
    ",\"access\":{\"type\":[\"object\",\"null\"],\"description\":\"rules on rows and columns of a "
    "table\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"null\"}," RULE
    ",{\"type\":\"array\",\"items\":" RULE "}]}}"
    ",\"cache_control\":{\"type\":[\"array\",\"null\"],\"description\":\"Cache-Control and Vary by "
    "path\",\"items\":{\"type\":\"object\",\"required\":[\"path\",\"value\"]}}"
    ",\"versions\":{\"type\":[\"object\",\"null\"],\"description\":\"versions of the API\","
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
    "\"properties\":{\"deprecated\":{\"type\":\"string\"},\"sunset\":{\"type\":\"string\"},"
    "\"documentation\":{\"type\":\"string\"},\"policy\":{\"type\":\"string\"},"
    "\"tables\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"oneOf\":["
    "{\"const\":\"hidden\"},{\"type\":[\"object\",\"null\"],\"additionalProperties\":{"
    "\"oneOf\":[{\"const\":\"hidden\"},{\"type\":\"object\"}]}}]}}}}}"
    ",\"limits\":{\"type\":[\"array\",\"null\"],\"description\":\"rate limits\","
    "\"items\":{\"type\":\"object\",\"required\":[\"name\"]}}"
    ",\"tables\":{\"type\":[\"object\",\"null\"],\"description\":\"wishes for single tables\","
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
    "\"properties\":{\"expose\":{\"type\":\"boolean\"},"
    "\"relations\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"reverse\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"counters\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"aggregates\":{\"type\":\"boolean\"},\"put_creates\":{\"type\":\"boolean\"},"
    "\"modified\":{\"type\":\"string\"},\"languages\":{\"type\":\"object\","
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"]}}}}},"
    "\"collections\":{\"type\":[\"object\",\"null\"],\"description\":\"resources without columns\","
    "\"propertyNames\":{\"pattern\":\"^[a-z][a-z0-9_]{0,39}$\"},"
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
    "\"properties\":{\"indexes\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"unique\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"max_size\":{\"type\":[\"string\",\"integer\"]}}}}"
    ",\"files\":{\"type\":[\"object\",\"null\"],\"description\":\"columns that hold files\","
    "\"propertyNames\":{\"pattern\":\"^.+[.][^.]+$\"},"
    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
    "\"properties\":{\"types\":{\"type\":[\"string\",\"array\"],\"items\":{\"type\":\"string\"}},"
    "\"max\":{\"type\":[\"string\",\"integer\"]}}}}";

void config_schema(struct buf *out)
{
    bool open = false;
    buf_lit(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                 "\"title\":\"cairn.yaml\",\"type\":[\"object\",\"null\"],"
                 "\"additionalProperties\":false,\"properties\":{");
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        str section = config__section_of(k);
        if (config__opens_section(k)) {
            buf_str(out, open ? LIT("}}") : LIT(""));
            buf_str(out, k == config_keys ? LIT("") : LIT(","));
            if (section.len) {
                json_text(out, section);
                buf_lit(out, ":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
                             "\"properties\":{");
                schema_rules(out, section);
            }
            open = section.len > 0;
        } else {
            buf_char(out, ',');
        }
        schema_key(out, k);
    }
    buf_str(out, open ? LIT("}}") : LIT(""));
    buf_str(out, str_of(schema_tables));
    buf_lit(out, "}}\n");
}
