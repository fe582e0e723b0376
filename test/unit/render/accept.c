/* Weights, stars and specificity of Accept and Accept-Encoding. SPDX: Apache-2.0 */
#include "render/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct coding_config all = {.order = {CODING_ZSTD, CODING_BR, CODING_GZIP},
                                         .count = 3};

static void codings(void **state)
{
    static const struct {
        const char *header;
        enum coding want;
        bool plain;
    } list[] = {
        {NULL, CODING_NONE, true},
        {"", CODING_NONE, true},
        {"gzip", CODING_GZIP, true},
        {"x-gzip", CODING_GZIP, true},
        {"GZIP", CODING_GZIP, true},
        {"gzip, br", CODING_BR, true},
        {"gzip;q=1.0, br;q=0.9", CODING_GZIP, true},
        {" gzip ; q=0.2 , , br;Q=0.1", CODING_GZIP, true},
        {"*", CODING_ZSTD, true},
        {"*;q=0.5, zstd;q=0.4", CODING_BR, true},
        {"*;q=0", CODING_NONE, false},
        {"*;q=0, gzip", CODING_GZIP, false},
        {"*;q=0, identity", CODING_NONE, true},
        {"identity;q=0", CODING_NONE, false},
        {"identity;q=0, gzip;q=0.001", CODING_GZIP, false},
        {"identity", CODING_NONE, true},
        {"identity, gzip", CODING_GZIP, true},
        {"identity;q=0.5, gzip;q=0.4", CODING_NONE, true},
        {"gzip;q=0, br;q=0, zstd;q=0", CODING_NONE, true},
        {"deflate", CODING_NONE, true},
        {"gzip;q=1.1", CODING_NONE, true},
        {"gzip;q=0.1234", CODING_NONE, true},
        {"gzip;q=-1", CODING_NONE, true},
        {"g zip", CODING_NONE, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct coding_choice k = coding_choose(&all, str_of(list[i].header));
        if (k.coding != list[i].want || k.plain != list[i].plain)
            fail_msg("%s: %d %d", list[i].header, (int)k.coding, k.plain);
    }
}

static void formats(void **state)
{
    static const struct {
        const char *header, *want; /* NULL: nothing fits */
    } list[] = {
        {"", "application/json"},
        {"*/*", "application/json"},
        {"application/*", "application/json"},
        {"text/*", "text/csv"},
        {"text/xml", "text/xml"},
        {"TEXT/XML", "text/xml"},
        {"application/xml;q=0.2, application/json;q=0.1", "application/xml"},
        {"application/json;q=0.2, */*;q=0.1", "application/json"},
        {"application/json;q=0, */*;q=0.1", "application/x-ndjson"},
        {"text/html", NULL},
        {"image/*, text/html;q=0.4", NULL},
        {"*/*;q=0", NULL},
        {"text/html, application/json", "application/json"},
        {"text/csv, application/json", "text/csv"},
        {"application/json, text/csv", "application/json"},
        {"*/*, text/csv", "text/csv"}, /* the more exact of equals */
        {"text/*, text/csv;q=0", "text/xml"},
        {"text/csv;header=present", "text/csv"},
        {"text/csv;header=absent", NULL},
        {"application/json;charset=utf-8", "application/json"},
        {"application/json;charset=latin1", NULL},
        {"application/json;a=\"x,y;q=0\"", NULL},
        {"application/vnd.shop.v1+json", "application/json"},
        {"application/vnd.msgpack", "application/vnd.msgpack"},
        {"application/json;q=7, text/csv", "application/json"}, /* no such list: as not sent */
        {"?,", "application/json"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct format_choice f;
        bool fits = format_choose(str_of(list[i].header), &f);
        if (fits != (list[i].want != NULL) || (fits && !str_is(f.type, list[i].want)))
            fail_msg("%s: %d %.*s", list[i].header, fits, STR_ARG(f.type));
    }
}

static void there_and_back(void **state)
{
    char text[50000];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * i / 7) % 23);
    for (enum coding c = CODING_GZIP; c < CODING__COUNT; c++) {
        struct coder *coder = coder_new(c, 5, 0);
        struct buf packed, back;
        struct err err = {0};
        buf_init(&packed, 1 << 20);
        buf_init(&back, 1 << 20);
        assert_true(coder_run(coder, str_make(text, 20000), &packed, CODER_FLUSH));
        assert_true(packed.len > 0);
        assert_true(coder_run(coder, str_make(text + 20000, 30000), &packed, CODER_GO));
        assert_true(coder_run(coder, (str){"", 0}, &packed, CODER_END));
        coder_free(&coder);
        assert_int_equal(coding_undo(c, buf_view(&packed), &back, 50000, &err), 0);
        assert_true(str_eq(buf_view(&back), str_make(text, sizeof text)));
        buf_clear(&back);
        assert_int_equal(coding_undo(c, buf_view(&packed), &back, 49999, &err), E_TOOBIG);
        buf_clear(&back);
        assert_int_equal(
            coding_undo(c, str_upto(buf_view(&packed), packed.len - 3), &back, 50000, &err), E_BAD);
        buf_fini(&packed);
        buf_fini(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codings), cmocka_unit_test(formats),
                                       cmocka_unit_test(there_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
