/* Cells and rows: exact digits, times, embedded JSON, and cells that do not fit their column. */
#include "render/render.h" /* before cmocka.h, which has a macro fail() */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void shows(struct column c, struct value v, const char *want)
{
    struct buf b;
    buf_init(&b, 4096);
    render_cell(&b, &c, &v);
    buf_char(&b, '\0');
    assert_false(b.full);
    assert_string_equal(b.ptr, want);
    buf_fini(&b);
}

static struct column of(enum type t)
{
    return (struct column){.name = LIT("c"), .type = t, .scale = -1};
}

static struct column numeric(int precision, int scale)
{
    return (struct column){.type = TYPE_NUMERIC, .precision = precision, .scale = scale};
}

#define TEXT(s) value_text(LIT(s))

static void whole_numbers_and_booleans(void **state)
{
    (void)state;
    shows(of(TYPE_INT8), value_int(INT64_MAX), "9223372036854775807");
    shows(of(TYPE_INT8), value_int(INT64_MIN), "-9223372036854775808");
    shows(of(TYPE_INT4), value_int(0), "0");
    shows(of(TYPE_INT4), value_null(), "null");
    shows(of(TYPE_BOOL), value_int(1), "true");
    shows(of(TYPE_BOOL), value_int(0), "false");
    shows(of(TYPE_BOOL), value_bool(true), "true");
    shows(of(TYPE_BOOL), value_int(2), "2"); /* not ours; shown as what it is */
    shows(of(TYPE_INT4), TEXT("x\"y"), "\"x\\\"y\"");
    shows(of(TYPE_FLOAT8), value_float(0.1), "0.1");
    shows(of(TYPE_FLOAT8), value_float(1.5), "1.5");
    shows(of(TYPE_FLOAT8), value_float(NAN), "null");
}

static void numerics_keep_their_scale(void **state)
{
    (void)state;
    struct column c = numeric(10, 2);
    shows(c, value_float(19.9), "19.90");
    shows(c, value_int(19), "19.00");
    shows(c, value_int(-5), "-5.00");
    shows(c, value_float(-0.05), "-0.05");
    shows(c, value_float(-0.001), "0.00");
    shows(c, value_float(0.1 + 0.2), "0.30");
    shows(c, value_float(1.005), "1.01"); /* as PostgreSQL rounds 1.005 */
    shows(c, value_float(2.675), "2.68");
    shows(c, value_float(9.995), "10.00");
    shows(c, value_float(99999999.99), "99999999.99");
    shows(numeric(15, 2), value_float(9999999999999.99), "9999999999999.99");
    shows(numeric(15, 2), value_float(-9999999999999.99), "-9999999999999.99");
    shows(numeric(15, 2), value_float(1234567890123.45), "1234567890123.45");
    shows(numeric(15, 0), value_int(999999999999999), "999999999999999");
    shows(numeric(15, 0), value_float(999999999999999.0), "999999999999999");
    shows(numeric(15, 15), value_float(0.123456789012345), "0.123456789012345");
    shows(numeric(15, 12), value_float(123.456789012345), "123.456789012345");
    shows(numeric(15, 12), value_float(0.000000000001), "0.000000000001");
    shows(numeric(15, 12), value_float(1e-13), "0.000000000000");
    shows(numeric(15, 9), value_float(0.999999999), "0.999999999");
}

static void numerics_without_scale_and_as_text(void **state)
{
    (void)state;
    struct column any = numeric(0, -1);
    shows(any, value_float(0.1), "0.1");
    shows(any, value_float(1e20), "100000000000000000000");
    shows(any, value_float(-1.5e-7), "-0.00000015");
    shows(any, value_float(0.1 + 0.2), "0.30000000000000004");
    shows(any, value_int(7), "7");
    shows(any, value_float(INFINITY), "null");
    struct column wide = numeric(30, 4);
    shows(wide, TEXT("12345678901234567890.1234"), "12345678901234567890.1234");
    shows(wide, TEXT("-7"), "-7.0000");
    shows(wide, TEXT("7.5"), "7.5000");
    shows(wide, TEXT("NaN"), "\"NaN\"");
    shows(wide, TEXT("007"), "\"007\"");
    shows(wide, TEXT("1."), "\"1.\"");
    shows(wide, TEXT(""), "\"\"");
    shows(wide, value_num(LIT("1.25")), "1.2500");
}

/* Every decimal of up to 15 digits comes back as it was written. */
static void numerics_of_fifteen_digits_are_exact(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int scale = (int)(seed >> 33) % 13, digits = 1 + (int)(seed >> 45) % 15;
        uint64_t n = seed >> 11, top = 1;
        for (int d = 0; d < digits; d++)
            top *= 10;
        n %= top;
        char text[48], want[48];
        snprintf(text, sizeof text, "%0*llu", scale + 1, (unsigned long long)n);
        int whole = (int)strlen(text) - scale;
        snprintf(want, sizeof want, "%.*s%s%s", whole, text, scale ? "." : "", text + whole);
        struct buf b;
        buf_init(&b, 4096);
        struct column c = numeric(15, scale);
        struct value v = value_float(strtod(want, NULL));
        render_cell(&b, &c, &v);
        buf_char(&b, '\0');
        assert_string_equal(b.ptr, want);
        buf_fini(&b);
    }
}

static void times_and_texts(void **state)
{
    (void)state;
    shows(of(TYPE_TIMESTAMP), TEXT("2026-01-02T03:04:05.000000Z"), "\"2026-01-02T03:04:05Z\"");
    shows(of(TYPE_TIMESTAMP), TEXT("2026-01-02T03:04:05.120000Z"), "\"2026-01-02T03:04:05.12Z\"");
    shows(of(TYPE_TIMESTAMP), TEXT("2026-01-02 03:04:05"), "\"2026-01-02T03:04:05Z\"");
    shows(of(TYPE_TIMESTAMP), TEXT("soon"), "\"soon\"");
    shows(of(TYPE_TIMESTAMP), value_int(5), "5");
    shows(of(TYPE_TIME), TEXT("03:04:05.000000"), "\"03:04:05\"");
    shows(of(TYPE_TIME), TEXT("late\n"), "\"late\\n\"");
    shows(of(TYPE_DATE), TEXT("2026-01-02"), "\"2026-01-02\"");
    shows(of(TYPE_UUID), TEXT("0190e2a4-0000-7000-8000-000000000001"),
          "\"0190e2a4-0000-7000-8000-000000000001\"");
    shows(of(TYPE_UUID), TEXT("0190e2a4-0000-7000-8000-00000000000\""),
          "\"0190e2a4-0000-7000-8000-00000000000\\\"\"");
    shows(of(TYPE_TEXT),
          TEXT("a\x01"
               "b/\xC3\xA9"),
          "\"a\\u0001b/\xC3\xA9\"");
    shows(of(TYPE_ENUM), TEXT("red"), "\"red\"");
    shows(of(TYPE_BYTES), value_bytes(LIT("\xff\x00z")), "\"/wB6\"");
    shows(of(TYPE_BYTES), TEXT("ab"), "\"YWI=\"");
}

static void embedded_json(void **state)
{
    (void)state;
    struct column c = of(TYPE_JSON);
    shows(c, TEXT("{\"a\": [1, 2]}"), "{\"a\": [1, 2]}");
    shows(c, TEXT("null"), "null");
    shows(c, TEXT(" [] "), " [] ");
    shows(c, TEXT("\"x\""), "\"x\"");
    shows(c, TEXT("-1.5e3"), "-1.5e3");
    shows(c, value_int(5), "5"); /* SQLite keeps '5' in a JSON column as a number */
    shows(c, TEXT("{\"a\":"), "\"{\\\"a\\\":\"");
    shows(c, TEXT("nope"), "\"nope\"");
    shows(c, TEXT(""), "\"\"");
    shows(c, TEXT("-"), "\"-\"");
    shows(c, TEXT("1;2"), "\"1;2\"");
    shows(c, TEXT("{\xff}"), "\"{\xEF\xBF\xBD}\"");
}

static void rows(void **state)
{
    (void)state;
    struct column id = {.name = LIT("id"), .type = TYPE_INT8};
    struct column odd = {.name = LIT("a\"b"), .type = TYPE_TEXT};
    const struct column *columns[] = {&id, &odd};
    struct value cells[] = {value_int(1), TEXT("x")};
    struct arena a;
    struct buf b, c;
    struct row_shape shape, none;
    arena_init(&a, 1 << 16);
    buf_init(&b, 256);
    buf_init(&c, 256);
    row_shape_init(&shape, &a, columns, 2);
    row_shape_init(&none, &a, columns, 0);
    render_row(&b, columns, 2, cells);
    render_shape(&c, &shape, cells);
    assert_true(str_is(buf_view(&b), "{\"id\":1,\"a\\\"b\":\"x\"}"));
    assert_true(str_eq(buf_view(&b), buf_view(&c)));
    buf_clear(&b);
    assert_true(render_shape_open(&b, &shape, cells));
    assert_true(str_is(buf_view(&b), "{\"id\":1,\"a\\\"b\":\"x\""));
    buf_clear(&b);
    assert_false(render_shape_open(&b, &none, cells));
    assert_true(str_is(buf_view(&b), "{"));
    buf_clear(&b);
    render_shape(&b, &none, cells);
    assert_true(str_is(buf_view(&b), "{}"));
    buf_clear(&b);
    render_row(&b, columns, 0, cells);
    assert_true(str_is(buf_view(&b), "{}"));
    buf_fini(&b);
    buf_fini(&c);
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_and_booleans),
        cmocka_unit_test(numerics_keep_their_scale),
        cmocka_unit_test(numerics_without_scale_and_as_text),
        cmocka_unit_test(numerics_of_fifteen_digits_are_exact),
        cmocka_unit_test(times_and_texts),
        cmocka_unit_test(embedded_json),
        cmocka_unit_test(rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
