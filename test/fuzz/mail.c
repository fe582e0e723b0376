/* Any text as an address, a sender, a template and a letter: an address holds nothing that could
 * begin a header, and a letter's lines end as lines do. */
#include "mail/mail_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mail *m, str text)
{
    struct buf b;
    struct mail_row r = {.id = LIT("01890000-0000-7000-8000-000000000000"),
                         .to = LIT("a@b.c"),
                         .subject = text,
                         .plain = text,
                         .html = text};
    buf_init(&b, 16 << 20);
    message__put(&b, m, &r);
    for (size_t i = 0; i < b.len; i++)
        BUG_ON(b.ptr[i] == '\0' || (b.ptr[i] == '\n' && (i == 0 || b.ptr[i - 1] != '\r')) ||
               (b.ptr[i] == '\r' && b.ptr[i + 1] != '\n'));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mail_config config;
    struct mail m = {.config = &config, .from_address = STR_INIT("a@b.c")};
    struct arena a;
    struct err err = {0};
    struct mail_template t;
    str text = {(const char *)data, size}, name, address;
    arena_init(&a, 64 << 20);
    if (mail_address(text))
        BUG_ON(memchr(text.ptr, '\r', text.len) || memchr(text.ptr, '\n', text.len) ||
               memchr(text.ptr, ' ', text.len) || memchr(text.ptr, '>', text.len));
    if (message__split(text, &name, &address)) {
        m.from_name = name;
        m.from_address = address;
    }
    if (template__parse(&a, text, ~0u, LIT("x"), 1, &t, &err) == 0) {
        struct buf b;
        const str values[VARS] = {[VAR_EMAIL] = STR_INIT("<\r\n>")};
        buf_init(&b, 16 << 20);
        template__put(&b, &t, values, ESCAPE_LINE);
        BUG_ON(b.len && (memchr(b.ptr, '\n', b.len) || memchr(b.ptr, '\r', b.len)));
        buf_fini(&b);
    } else {
        BUG_ON(!err.text[0]);
    }
    check(&m, text);
    arena_reset(&a);
    return 0;
}
