/* letters.c -- addresses, templates, and letters as bytes: nothing that came from outside begins a
 * header or an element. SPDX: Apache-2.0 */
#include "mail/mail_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cmocka.h>

static struct arena arena;

static void addresses(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a@b",   "ada.l+x@example.com", "o'neil@ex-ample.co.uk", "grün@exämple.de", "x@1.2.3.4",
        "-a@b.c"};
    static const char *const bad[] = {
        "",        "a",     "@b",    "a@",      "a b@c",   "a@b c",  "a@b\r\nBcc: x@y",
        "a@b,c@d", "a@b>c", "<a@b>", "a@@b",    "\"a\"@b", "a@-b",   "a@b-",
        "a@b..c",  "a@.b",  "a@b.",  "a\x01@b", "a@b\x7f", "a@\xff", "a;b@c",
        "a@b_c",   "a@b\n"};
    char longer[300];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (!mail_address(str_of(good[i])))
            fail_msg("'%s' is refused", good[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (mail_address(str_of(bad[i])))
            fail_msg("'%s' passes", bad[i]);
    }
    assert_false(mail_address(str_make("a@b\0c", 5)));
    memset(longer, 'a', sizeof longer);
    longer[65] = '@';
    assert_false(mail_address(str_make(longer, 80)));
    longer[65] = 'a';
    longer[64] = '@';
    assert_true(mail_address(str_make(longer, 80)));
    assert_false(mail_address(str_make(longer, 255)));
}

static void senders(void **state)
{
    (void)state;
    str name, address;
    assert_true(message__split(LIT("Shop \"x\" <a@b>"), &name, &address));
    assert_true(str_is(name, "Shop \"x\"") && str_is(address, "a@b"));
    assert_true(message__split(LIT(" a@b "), &name, &address));
    assert_true(name.len == 0 && str_is(address, "a@b"));
    assert_null(mail_from_fault(LIT("<a@b>")));
    assert_non_null(mail_from_fault(LIT("Shop <a@b")));
    assert_non_null(mail_from_fault(LIT("Shop a@b>")));
    assert_non_null(mail_from_fault(LIT("Sh\nop <a@b>")));
    assert_non_null(mail_from_fault(LIT("")));
}

static int parse(str text, struct mail_template *t, struct err *err)
{
    *err = (struct err){0};
    return template__parse(&arena, text, 1u << VAR_EMAIL | 1u << VAR_LINK, LIT("x.txt"), 1, t, err);
}

static str filled(str text, const str values[VARS], enum mail_escape how)
{
    struct mail_template t;
    struct err err;
    struct buf b;
    assert_int_equal(parse(text, &t, &err), 0);
    buf_init(&b, 4096);
    template__put(&b, &t, values, how);
    str s = arena_str(&arena, buf_view(&b));
    buf_fini(&b);
    return s;
}

static void templates(void **state)
{
    (void)state;
    struct mail_template t;
    struct err err;
    const str values[VARS] = {
        [VAR_EMAIL] = STR_INIT("<b>\"&'\r\nX: {{link}}"), [VAR_LINK] = STR_INIT("l")};
    assert_true(str_is(filled(LIT("{{link}}{{ email }}."), values, ESCAPE_HTML),
                       "l&lt;b&gt;&quot;&amp;&#39;\r\nX: {{link}}."));
    assert_true(
        str_is(filled(LIT("a\n{{email}}\n"), values, ESCAPE_PLAIN), "a\n<b>\"&'  X: {{link}}\n"));
    assert_true(str_is(filled(LIT("a\t{{email}}"), values, ESCAPE_LINE), "a <b>\"&'  X: {{link}}"));
    assert_true(str_is(filled(LIT("{ {x} }"), values, ESCAPE_HTML), "{ {x} }"));
    assert_int_equal(parse(LIT("ab\n {{lnik}}"), &t, &err), E_CONFIG);
    assert_string_equal(err.text,
                        "x.txt:2:2: this mail has no variable 'lnik' (did you mean `link`?)");
    assert_int_equal(parse(LIT("{{code}}"), &t, &err), E_CONFIG); /* not of this mail */
    assert_int_equal(parse(LIT("a {{link"), &t, &err), E_CONFIG);
    assert_string_equal(err.text, "x.txt:1:3: nothing closes '{{'");
    assert_int_equal(parse(LIT("{{}}"), &t, &err), E_CONFIG);
    assert_int_equal(parse(LIT("{{"), &t, &err), E_CONFIG);
    assert_int_equal(parse(LIT("}}{"), &t, &err), 0);
}

static str message(const struct mail_row *r)
{
    static struct mail_config config;
    static struct mail m;
    struct buf b;
    config.reply_to = LIT("help@example.com");
    m.config = &config;
    assert_true(message__split(LIT("Grüße \"vom\" Laden <shop@example.com>"), &m.from_name,
                               &m.from_address));
    buf_init(&b, 1 << 20);
    message__put(&b, &m, r);
    str s = arena_str(&arena, buf_view(&b));
    buf_fini(&b);
    return s;
}

static void one_letter(void **state)
{
    (void)state;
    struct mail_row r = {.id = LIT("01890000-0000-7000-8000-000000000000"),
                         .to = LIT("a@b.c"),
                         .subject = LIT("Plain"),
                         .plain = LIT("tail \n.\nFrom x\n= é"),
                         .created_at = 784111777};
    str s = message(&r);
    assert_non_null(strstr(s.ptr, "From: =?UTF-8?B?R3LDvMOfZSAidm9tIiBMYWRlbg==?= <shop@"));
    assert_non_null(strstr(s.ptr,
                           "\r\nTo: <a@b.c>\r\nReply-To: <help@example.com>\r\n"
                           "Subject: Plain\r\nDate: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
                           "Message-ID: <01890000-0000-7000-8000-000000000000@example.com>"));
    assert_non_null(strstr(s.ptr, "\r\n\r\ntail=20\r\n.\r\nFrom x\r\n=3D =C3=A9\r\n"));
    assert_null(strstr(s.ptr, "multipart"));
    r.html = LIT("<p>x</p>");
    s = message(&r);
    assert_non_null(strstr(s.ptr, "multipart/alternative;\r\n boundary=\"=_01890000"));
    assert_non_null(
        strstr(s.ptr, "\r\n\r\n<p>x</p>\r\n--=_01890000-0000-7000-8000-000000000000--"));
}

/* Whatever the subject and the body hold: no line is longer than 78, none begins a header. */
static void hostile(void **state)
{
    (void)state;
    char text[2000];
    for (unsigned seed = 1; seed < 300; seed++) {
        unsigned n = seed;
        for (size_t i = 0; i < sizeof text; i++) {
            n = n * 1103515245 + 12345;
            text[i] = (char)(n >> 16);
            if (seed % 3 == 0)
                text[i] = "\r\n: =?aé"[(n >> 16) % 9];
        }
        struct mail_row r = {.id = LIT("01890000-0000-7000-8000-000000000000"),
                             .to = LIT("a@b.c"),
                             .subject = str_make(text, seed),
                             .plain = str_make(text, sizeof text),
                             .html = str_make(text, sizeof text)};
        str rest = message(&r), line;
        size_t lines = 0;
        bool head = true;
        while (rest.ptr && (line = str_cut(&rest, '\n'), rest.ptr)) {
            assert_true(str_ends(line, LIT("\r")));
            assert_true(line.len <= 79);
            head = head && line.len > 1;
            lines++;
            bool ours = str_starts(line, LIT("From:")) || str_starts(line, LIT("To:")) ||
                        str_starts(line, LIT("Reply-To:")) || str_starts(line, LIT("Subject:")) ||
                        str_starts(line, LIT("Date:")) || str_starts(line, LIT("Message-ID:")) ||
                        str_starts(line, LIT("Auto-Submitted:")) ||
                        str_starts(line, LIT("X-Auto-")) || str_starts(line, LIT("MIME-")) ||
                        str_starts(line, LIT("Content-Type:")) || str_starts(line, LIT(" "));
            assert_true(!head || ours);
        }
        assert_true(lines > 20);
    }
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int of_files(const char *dir, struct mail **m, struct err *err)
{
    static struct mail_config c;
    c = (struct mail_config){.from = LIT("a@b.c"), .dir = str_of(dir), .project = LIT("P")};
    *err = (struct err){0};
    return mail_new(&arena, &c, m, err);
}

static void files(void **state)
{
    (void)state;
    char dir[] = "/tmp/cairn-mail-XXXXXX";
    struct mail *m;
    struct err err;
    assert_int_equal(of_files("/nowhere", &m, &err), 0); /* our own, all of them */
    for (int i = 0; i < MAIL_KINDS; i++)
        assert_true(m->kinds[i].plain.count && m->kinds[i].subject.count && m->kinds[i].html.count);
    assert_non_null(mkdtemp(dir));
    put_file(dir, "reset.txt", "Subject: a\r\n\r\n{{code}}");
    assert_int_equal(of_files(dir, &m, &err), 0);
    assert_int_equal(m->kinds[MAIL_RESET].html.count, 0);
    assert_true(m->kinds[MAIL_VERIFY].html.count > 0);
    put_file(dir, "reset.txt", "no subject\n\nx");
    assert_int_equal(of_files(dir, &m, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "reset.txt:1:1: expected `Subject:"));
    put_file(dir, "reset.txt", "Subject: a\nnot empty\n");
    assert_int_equal(of_files(dir, &m, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "reset.txt:2:1"));
    put_file(dir, "reset.txt", "Subject: {{when}}\n\nx");
    assert_int_equal(of_files(dir, &m, &err), E_CONFIG);
    put_file(dir, "reset.txt", "Subject: a\n\n\xff");
    assert_int_equal(of_files(dir, &m, &err), E_CONFIG);
    put_file(dir, "reset.txt", "Subject: a\n\nx");
    put_file(dir, "layout.html", "{{link}}");
    assert_int_equal(of_files(dir, &m, &err), E_CONFIG);
    char path[60];
    snprintf(path, sizeof path, "%s/layout.html", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/reset.txt", dir);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(senders),
                                       cmocka_unit_test(templates), cmocka_unit_test(one_letter),
                                       cmocka_unit_test(hostile),   cmocka_unit_test(files)};
    arena_init(&arena, 512 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_reset(&arena);
    return failed;
}
