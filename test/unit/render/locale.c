/* locale.c -- languages, and sentences in them. SPDX: Apache-2.0 */
#include "render/locale.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct locale *named(const char *name)
{
    for (size_t i = 0; i < locales_built_in.count; i++)
        if (str_is(locales_built_in.list[i].name, name))
            return &locales_built_in.list[i];
    return NULL;
}

static void test_choose(void **state)
{
    static const str offers[] = {STR_INIT("en"), STR_INIT("es"), STR_INIT("de"), STR_INIT("pt-BR")};
    static const struct {
        const char *header;
        int want;
    } list[] = {
        {"es", 1},
        {"ES-mx", 1},
        {"de-Latn-CH-1996", 2},
        {"fr", -1},
        {"fr, de;q=0.3, es;q=0.5", 1},
        {"fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", 0},
        {"*", 0},
        {"es;q=0, de;q=0.1", 2},
        {"es;q=0", -1},
        {"pt-BR", 3},
        {"pt", -1},
        {"de-x-phonebk", 2},
        {"de, es", 2},
        {"es;q=2", -1},
        {"", -1},
        {",,;", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        size_t at = language_choose(str_of(list[i].header), offers, COUNT_OF(offers));
        if (at != (list[i].want < 0 ? STR_NONE : (size_t)list[i].want))
            fail_msg("%s: %zu", list[i].header, at);
    }
}

static void test_sentences(void **state)
{
    static const struct {
        const char *from, *es;
    } list[] = {
        {"'age' is required", "'age' es obligatorio"},
        {"'a' must be a whole number, not a string", "'a' debe ser un número entero, no un texto"},
        {"2 values are not valid; the first: 'x' must not be null",
         "2 valores no son válidos; el primero: 'x' no puede ser nulo"},
        {"user not found; no row of users has the id '9'",
         "no se encontró: user; ninguna fila de users tiene el id '9'"},
        {"'cty' is no field of users; did you mean 'city'?",
         "'cty' no es un campo de users; ¿quiso decir 'city'?"},
        {"'kind' must be one of 'a', 'b'", "'kind' debe ser uno de 'a', 'b'"},
        {"nobody translated this", ""},
        {"'x' is beyond words", ""},
        {"'age' is required; nobody translated this", ""},
        {"", ""},
    };
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        str out = locale_sentence(named("es"), &a, str_of(list[i].from));
        assert_string_equal(arena_str(&a, out.ptr ? out : LIT("")).ptr, list[i].es);
    }
    arena_reset(&a);
}

static void test_built_in(void **state)
{
    (void)state;
    assert_true(str_is(locale_title(named("es"), 404), "No encontrado"));
    assert_true(str_is(locale_title(named("de"), 404), "Nicht gefunden"));
    assert_int_equal(locale_title(named("de"), 402).len, 0);
    assert_int_equal(locale_title(NULL, 404).len, 0);
    for (size_t i = 0; i < locales_built_in.count; i++) {
        const struct locale *l = &locales_built_in.list[i];
        for (size_t k = 0; k < l->text_count; k++) {
            str from = l->texts[k].from, to = l->texts[k].to;
            if (!locale_fits(from, to) || !str_utf8(to))
                fail_msg("%.*s: %.*s", STR_ARG(from), STR_ARG(to));
        }
    }
    assert_false(locale_fits(LIT("{a} b"), LIT("{b}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
