/* Values against columns: what is taken and in which form, what is refused and with which words.
 * SPDX: Apache-2.0 */
#include "schema/schema.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct column of(enum type t)
{
    return (struct column){
        .name = LIT("c"), .type = t, .scale = -1, .min_length = -1, .max_length = -1};
}

static struct column numeric(int precision, int scale)
{
    struct column c = of(TYPE_NUMERIC);
    c.precision = precision;
    c.scale = scale;
    return c;
}

static struct column between(enum type t, const char *min, const char *max)
{
    struct column c = of(t);
    c.has_min = min != NULL;
    c.has_max = max != NULL;
    c.min = str_of(min);
    c.max = str_of(max);
    return c;
}

/* The stored value as text: kind and content. */
static str told(const struct value *v)
{
    static const char *const kinds[] = {"null", "bool", "int", "float", "num", "text", "bytes"};
    struct buf b;
    assert_true(v->kind <= V_BYTES);
    buf_init(&b, 1 << 16);
    buf_printf(&b, "%s ", kinds[v->kind]);
    if (v->kind >= V_NUM)
        buf_str(&b, v->text);
    else
        json_value(&b, v);
    str out = arena_str(&arena, buf_view(&b));
    buf_fini(&b);
    return out;
}

static void expect(const struct column *c, const char *text, bool from_text, const char *want)
{
    struct value in = value_text(str_of(text)), out = value_null();
    struct value_fault fault = {{NULL, 0}, {NULL, 0}};
    struct err err = {0};
    if (!from_text && json_parse(&arena, str_of(text), &json_limits_default, &in, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    str got = column_take(c, &arena, &in, from_text, &out, &fault)
                  ? told(&out)
                  : arena_printf(&arena, "%.*s: %.*s", STR_ARG(fault.code), STR_ARG(fault.message));
    if (!str_is(got, want))
        fail_msg("%s %s: %.*s, not %s", type_name(c->type), text, STR_ARG(got), want);
}

/* A JSON value, and a text of a path or query. */
static void json(struct column c, const char *text, const char *want)
{
    expect(&c, text, false, want);
}

static void plain(struct column c, const char *text, const char *want)
{
    expect(&c, text, true, want);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const char most[] = "range: must be between -9223372036854775808 and "
                               "9223372036854775807";
    struct column big = of(TYPE_INT8), i = of(TYPE_INT4), small = of(TYPE_INT2);
    json(big, "9223372036854775807", "int 9223372036854775807");
    json(big, "-9223372036854775808", "int -9223372036854775808");
    json(big, "9007199254740993", "int 9007199254740993");
    json(big, "9007199254740993.0", "int 9007199254740993");
    json(big, "-0", "int 0");
    json(big, "1e3", "int 1000");
    json(big, "\"9223372036854775807\"", "int 9223372036854775807");
    json(big, "\"twelve\"", "type: must be a whole number, not a string");
    json(big, "1200e-2", "int 12");
    json(big, "9223372036854775808", most);
    json(big, "-9223372036854775809", most);
    json(big, "1e30", most);
    json(big, "1e1000", most);
    json(big, "-1e9999", most);
    json(big, "1e-1000", "type: must be a whole number");
    json(big, "1.5", "type: must be a whole number");
    json(big, "\"1\"", "int 1");
    json(big, "true", "type: must be a whole number, not a boolean");
    json(big, "[1]", "type: must be a whole number, not an array");
    json(big, "{}", "type: must be a whole number, not an object");
    json(i, "2147483647", "int 2147483647");
    json(i, "-2147483648", "int -2147483648");
    json(i, "2147483648", "range: must be between -2147483648 and 2147483647");
    json(i, "99999999999", "range: must be between -2147483648 and 2147483647");
    json(small, "-32768", "int -32768");
    json(small, "32768", "range: must be between -32768 and 32767");
}

static void whole_numbers_in_text(void **state)
{
    (void)state;
    struct column big = of(TYPE_INT8);
    static const char form[] = "format: must be a whole number, written with its digits only";
    plain(big, "42", "int 42");
    plain(big, "-42", "int -42");
    plain(big, "0", "int 0");
    plain(big, "9223372036854775807", "int 9223372036854775807");
    plain(big, "9223372036854775808",
          "range: must be between -9223372036854775808 and 9223372036854775807");
    static const char *const others[] = {"01", "-0", "1e0", "1.0", "00", "-01"};
    for (size_t k = 0; k < COUNT_OF(others); k++)
        plain(big, others[k], form);
    static const char *const none[] = {"",  "abc", "1.5", "+1", " 1", "1 ", "0x10",
                                       "-", "1,2", "1e",  ".5", "5.", "--1"};
    for (size_t k = 0; k < COUNT_OF(none); k++)
        plain(big, none[k], "type: must be a whole number");
    plain(of(TYPE_INT4), "2147483648", "range: must be between -2147483648 and 2147483647");
}

static void bounds(void **state)
{
    (void)state;
    struct column age = between(TYPE_INT4, "0", "150");
    json(age, "0", "int 0");
    json(age, "150", "int 150");
    json(age, "-1", "range: must be at least 0");
    json(age, "151", "range: must be at most 150");
    age.min_open = age.max_open = true;
    json(age, "1", "int 1");
    json(age, "0", "range: must be greater than 0");
    json(age, "150", "range: must be less than 150");
    json(between(TYPE_INT4, NULL, "5.5"), "6", "range: must be at most 5.5");
    struct column price = numeric(10, 2);
    price.has_min = true;
    price.min = LIT("0.01");
    json(price, "0.01", "num 0.01");
    json(price, "0", "range: must be at least 0.01");
    json(between(TYPE_FLOAT8, "-0.5", "1"), "-0.6", "range: must be at least -0.5");
    json(between(TYPE_FLOAT8, "-0.5", "1"), "1e-5000", "float 0");
    json(between(TYPE_FLOAT8, "-0.5", "1"), "1.0000001", "range: must be at most 1");
    plain(age, "151", "range: must be less than 150");
}

static void decimals(void **state)
{
    (void)state;
    struct column price = numeric(10, 2), wide = numeric(30, 10), any = numeric(0, -1);
    json(price, "19.9", "num 19.90");
    json(price, "19.90", "num 19.90");
    json(price, "19.9000", "num 19.90");
    json(price, "5", "num 5.00");
    json(price, "-0.01", "num -0.01");
    json(price, "-0", "num 0.00");
    json(price, "1e2", "num 100.00");
    json(price, "99999999.99", "num 99999999.99");
    json(price, "100000000", "range: must have at most 8 digits before the decimal point");
    json(price, "1e9", "range: must have at most 8 digits before the decimal point");
    json(price, "1.005", "range: must have at most 2 decimal places");
    json(numeric(3, 1), "1.25", "range: must have at most 1 decimal place");
    json(numeric(4, 2), "\"12.5\"", "num 12.50");
    json(numeric(4, 2), "\"much\"", "type: must be a number, not a string");
    json(numeric(2, 1), "12", "range: must have at most 1 digit before the decimal point");
    json(numeric(5, 0), "1.5", "range: must be a whole number");
    json(numeric(2, 2), "1", "range: must have at most 0 digits before the decimal point");
    json(price, "\"x\"", "type: must be a number, not a string");
    json(price, "\"19.90\"", "num 19.90");
    json(price, "null", "required: must not be null");
    json(wide, "12345678901234567890.0123456789", "num 12345678901234567890.0123456789");
    json(wide, "123456789012345678901",
         "range: must have at most 20 digits before the decimal point");
    json(any, "3.14159265358979323846264338327950288", "num 3.14159265358979323846264338327950288");
    json(any, "18446744073709551616", "num 18446744073709551616");
    json(any, "1.500", "num 1.5");
    json(any, "1e5000", "range: must have an exponent of three digits at most");
    plain(price, "10.250", "num 10.25");
    plain(price, "10", "num 10.00");
    plain(any, "10.250", "num 10.25");
    static const char *const none[] = {"", "a", "+1", "1,5", "NaN", "Infinity", "1e", "0x1"};
    for (size_t k = 0; k < COUNT_OF(none); k++)
        plain(price, none[k], "type: must be a number");
}

static void floats(void **state)
{
    (void)state;
    struct column d = of(TYPE_FLOAT8), r = of(TYPE_FLOAT4);
    json(d, "0.1", "float 0.1");
    json(d, "1", "float 1");
    json(d, "5e-324", "float 5e-324");
    json(d, "123456789.123456789", "float 123456789.12345679");
    json(d, "1e999", "range: must be a number of at most 1.79769e+308 in size");
    json(d, "-1e999", "range: must be a number of at most 1.79769e+308 in size");
    json(d, "\"1\"", "type: must be a number, not a string");
    json(r, "0.1", "float 0.1");
    json(r, "1e39", "range: must be a number of at most 3.40282e+38 in size");
    plain(d, "0.1", "float 0.1");
    plain(d, "-1e-3", "float -0.001");
    static const char *const none[] = {"", "nan", "inf", "0x1p3", "1 ", "1e", "."};
    for (size_t k = 0; k < COUNT_OF(none); k++)
        plain(d, none[k], "type: must be a number");
}

/* Handlers and scripts hand in doubles and bytes, which no JSON gives. */
static void values_of_programs(void **state)
{
    (void)state;
    struct value out, in = value_float(3);
    struct value_fault fault;
    struct column i = of(TYPE_INT4), d = of(TYPE_FLOAT8), n = numeric(10, 2), b = of(TYPE_BYTES);
    assert_true(column_take(&i, &arena, &in, false, &out, &fault));
    assert_true(str_is(told(&out), "int 3"));
    assert_true(column_take(&n, &arena, &in, false, &out, &fault));
    assert_true(str_is(told(&out), "num 3.00"));
    in = value_float(0.25);
    assert_false(column_take(&i, &arena, &in, false, &out, &fault));
    assert_true(str_is(fault.code, "type"));
    assert_true(column_take(&n, &arena, &in, false, &out, &fault));
    assert_true(str_is(told(&out), "num 0.25"));
    for (int k = 0; k < 2; k++) {
        in = value_float(k ? NAN : INFINITY);
        assert_false(column_take(&d, &arena, &in, false, &out, &fault));
        assert_false(column_take(&i, &arena, &in, false, &out, &fault));
        assert_false(column_take(&n, &arena, &in, false, &out, &fault));
    }
    in = value_float(2.0 * (double)FLT_MAX);
    assert_true(column_take(&d, &arena, &in, false, &out, &fault));
    assert_true(out.f > (double)FLT_MAX);
    in = value_bytes(LIT("\x00\xff"));
    assert_true(column_take(&b, &arena, &in, false, &out, &fault));
    assert_true(out.kind == V_BYTES && str_eq(out.text, LIT("\x00\xff")));
}

static void booleans(void **state)
{
    (void)state;
    struct column c = of(TYPE_BOOL);
    json(c, "true", "bool true");
    json(c, "false", "bool false");
    json(c, "1", "type: must be true or false, not a number");
    json(c, "\"true\"", "type: must be true or false, not a string");
    plain(c, "true", "bool true");
    plain(c, "false", "bool false");
    static const char *const none[] = {"", "1", "0", "TRUE", "t", "yes", "maybe"};
    for (size_t k = 0; k < COUNT_OF(none); k++)
        plain(c, none[k], "type: must be true or false");
}

static void texts(void **state)
{
    (void)state;
    struct column t = of(TYPE_TEXT), five = of(TYPE_TEXT);
    five.length = 5;
    json(t, "\"\"", "text ");
    json(t, "\"a\\u00e9\\n\"", "text a\xC3\xA9\n");
    json(t, "5", "type: must be a string, not a number");
    json(t, "{}", "type: must be a string, not an object");
    json(t, "\"a\\u0000b\"", "format: must not hold the character NUL");
    json(five, "\"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xF0\x9F\x8E\x89x\"",
         "text \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xF0\x9F\x8E\x89x");
    json(five, "\"abcdef\"", "length: must have at most 5 characters, not 6");
    five.max_length = 3;
    json(five, "\"abcd\"", "length: must have at most 3 characters, not 4");
    five.length = 1;
    json(five, "\"ab\"", "length: must have at most 1 character, not 2");
    struct column some = of(TYPE_TEXT);
    some.min_length = 1;
    json(some, "\"\"", "length: must not be empty");
    json(some, "\"x\"", "text x");
    some.min_length = 3;
    json(some, "\"\xC3\xA9\xC3\xA9\"", "length: must have at least 3 characters, not 2");
    json(some, "\"\"", "length: must have at least 3 characters, not 0");
    plain(t, "5", "text 5");
    plain(t, "", "text ");
    plain(t, "\xFF", "format: must be UTF-8");
}

static void words_out_of_a_list(void **state)
{
    (void)state;
    static const str moods[] = {STR_INIT("sad"), STR_INIT("it's"), STR_INIT("happy")};
    struct column c = of(TYPE_ENUM);
    c.labels = moods;
    c.label_count = 3;
    json(c, "\"it's\"", "text it's");
    json(c, "\"angry\"", "enum: must be one of 'sad', 'it's', 'happy'");
    json(c, "\"\"", "enum: must be one of 'sad', 'it's', 'happy'");
    json(c, "\"SAD\"", "enum: must be one of 'sad', 'it's', 'happy'");
    json(c, "1", "type: must be a string, not a number");
    plain(c, "happy", "text happy");
    plain(c, "x", "enum: must be one of 'sad', 'it's', 'happy'");
    c.type = TYPE_TEXT;
    c.label_count = 1;
    json(c, "\"x\"", "enum: must be 'sad'");
    c.label_count = 0;
    json(c, "\"x\"", "text x");
}

static void a_list_without_end_is_cut(void **state)
{
    (void)state;
    str labels[30];
    struct column c = of(TYPE_ENUM);
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        labels[i] = LIT("w");
    c.labels = labels;
    c.label_count = COUNT_OF(labels);
    json(c, "\"x\"",
         "enum: must be one of 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', "
         "'w', 'w', 'w', 'w', 'w', 'w', 'w', ...");
}

static void uuids_dates_and_times(void **state)
{
    (void)state;
    struct column u = of(TYPE_UUID), day = of(TYPE_DATE), clock = of(TYPE_TIME);
    struct column stamp = of(TYPE_TIMESTAMP);
    static const char no_uuid[] = "format: must be a UUID, as 6f9619ff-8b86-d011-b42d-00cf4fc964ff";
    json(u, "\"6F9619FF-8B86-D011-B42D-00CF4FC964FF\"",
         "text 6f9619ff-8b86-d011-b42d-00cf4fc964ff");
    json(u, "\"6f9619ff\"", no_uuid);
    json(u, "5", "type: must be a UUID in a string, not a number");
    plain(u, "1", no_uuid);
    json(day, "\"2024-02-29\"", "text 2024-02-29");
    json(day, "\"2023-02-29\"", "format: must be a date, as 2026-01-31");
    json(day, "\"2024-02-29T00:00:00Z\"", "format: must be a date, as 2026-01-31");
    json(day, "20240229", "type: must be a date in a string, not a number");
    plain(day, "today", "format: must be a date, as 2026-01-31");
    json(clock, "\"23:59:59\"", "text 23:59:59.000000");
    json(clock, "\"24:00:00\"", "format: must be a time of day, as 23:59:59");
    json(stamp, "\"2026-01-01T02:30:00+02:30\"", "text 2026-01-01T00:00:00.000000Z");
    json(stamp, "\"2026-01-01 00:00:00.5\"", "text 2026-01-01T00:00:00.500000Z");
    json(stamp, "\"2026-02-30T00:00:00Z\"", "format: must be a time, as 2026-01-31T23:59:59Z");
    json(stamp, "1700000000", "type: must be a time in a string, not a number");
    json(stamp, "\"2026-01-01T00:00:00Z\\u0000\"",
         "format: must be a time, as 2026-01-31T23:59:59Z");
    plain(stamp, "2026-01-01T14:00:00+02:00", "text 2026-01-01T12:00:00.000000Z");
}

static void any_json(void **state)
{
    (void)state;
    struct column c = of(TYPE_JSON);
    json(c, " { \"b\" : [ 1, 2.50, {\"c\": null} ],\n \"a\":\"\xC3\xA9\" } ",
         "text {\"b\":[1,2.50,{\"c\":null}],\"a\":\"\xC3\xA9\"}");
    json(c, "\"text\"", "text \"text\"");
    json(c, "9223372036854775807", "text 9223372036854775807");
    json(c, "123456789012345678901234567890.5", "text 123456789012345678901234567890.5");
    json(c, "true", "text true");
    json(c, "[]", "text []");
    json(c, "null", "required: must not be null");
    c.nullable = true;
    json(c, "null", "null null");
    plain(c, " [1, 2]", "text [1,2]");
    plain(c, "\"x\"", "text \"x\"");
    struct value in = value_text(LIT("x")), out;
    struct value_fault fault;
    assert_false(column_take(&c, &arena, &in, true, &out, &fault));
    assert_true(str_is(fault.code, "format"));
    assert_true(str_starts(fault.message, LIT("must be JSON: line 1")));
}

/* A big one goes through a chunk of its own and is freed on every way. */
static void long_json(void **state)
{
    (void)state;
    struct column c = of(TYPE_JSON);
    size_t len = 1 << 20;
    char *text = arena_new(&arena, len);
    memset(text, '\x01', len);
    struct value in = value_text(str_make(text, len)), out;
    struct value_fault fault;
    assert_true(column_take(&c, &arena, &in, false, &out, &fault));
    assert_int_equal(out.text.len, len * 6 + 2);
    assert_true(str_starts(out.text, LIT("\"\\u0001\\u0001")));
}

static void bytes(void **state)
{
    (void)state;
    struct column c = of(TYPE_BYTES);
    json(c, "\"aGk=\"", "bytes hi");
    json(c, "\"\"", "bytes ");
    json(c, "\"/w==\"", "bytes \xFF");
    json(c, "\"###\"", "format: must be base64 with its padding");
    json(c, "\"AA\"", "format: must be base64 with its padding");
    json(c, "\"aGl=\"", "format: must be base64 with its padding");
    json(c, "7", "type: must be base64 in a string, not a number");
    plain(c, "aGk=", "bytes hi");
    c.max_length = 1;
    json(c, "\"aGk=\"", "length: must have at most 1 byte, not 2");
}

static void null(void **state)
{
    (void)state;
    for (int t = 0; t < TYPE__COUNT; t++) {
        struct column c = of((enum type)t);
        json(c, "null", "required: must not be null");
        c.nullable = true;
        json(c, "null", "null null");
    }
}

/* No type lets a value of a foreign kind by, and each says so. */
static void kinds(void **state)
{
    (void)state;
    static const char *const wrong[] = {"true", "1", "\"~\"", "[]", "{}"};
    for (int t = 0; t < TYPE__COUNT; t++) {
        struct column c = of((enum type)t);
        size_t taken = 0;
        for (size_t k = 0; k < COUNT_OF(wrong); k++) {
            struct value in, out;
            struct value_fault fault = {{NULL, 0}, {NULL, 0}};
            struct err err = {0};
            json_parse(&arena, str_of(wrong[k]), &json_limits_default, &in, &err);
            bool ok = column_take(&c, &arena, &in, false, &out, &fault);
            taken += ok;
            if (!ok)
                assert_true(str_is(fault.code, "type") || str_is(fault.code, "format"));
            if (!ok)
                assert_true(str_starts(fault.message, LIT("must be ")));
        }
        bool form = t >= TYPE_UUID && t <= TYPE_TIMESTAMP; /* a string, but none such as "~" */
        assert_int_equal(taken, t == TYPE_JSON ? 5 : form || t == TYPE_BYTES ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(whole_numbers_in_text),
        cmocka_unit_test(bounds),
        cmocka_unit_test(decimals),
        cmocka_unit_test(floats),
        cmocka_unit_test(values_of_programs),
        cmocka_unit_test(booleans),
        cmocka_unit_test(texts),
        cmocka_unit_test(words_out_of_a_list),
        cmocka_unit_test(a_list_without_end_is_cut),
        cmocka_unit_test(uuids_dates_and_times),
        cmocka_unit_test(any_json),
        cmocka_unit_test(long_json),
        cmocka_unit_test(bytes),
        cmocka_unit_test(null),
        cmocka_unit_test(kinds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
