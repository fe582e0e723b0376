/* defaults.c -- the templates of those who write none, as bytes of the program. SPDX: Apache-2.0 */
#include "mail/mail_priv.h"

#define BYTES(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            "cairn__mail_" #name ":\n"                                                             \
            ".incbin \"web/mail/" file "\"\n"                                                      \
            "cairn__mail_" #name "_end:\n"                                                         \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char name[] __asm__("cairn__mail_" #name) __attribute__((visibility("hidden")));  \
    extern const char name##_end[] __asm__("cairn__mail_" #name "_end")                            \
        __attribute__((visibility("hidden")))

BYTES(verify_txt, "verify.txt");
BYTES(verify_html, "verify.html");
BYTES(reset_txt, "reset.txt");
BYTES(reset_html, "reset.html");
BYTES(magic_txt, "magic.txt");
BYTES(magic_html, "magic.html");
BYTES(change_txt, "change.txt");
BYTES(change_html, "change.html");
BYTES(changed_txt, "changed.txt");
BYTES(changed_html, "changed.html");
BYTES(password_txt, "password.txt");
BYTES(password_html, "password.html");
BYTES(layout, "layout.html");
BYTES(inbox, "inbox.css");

static const struct {
    const char *name, *begin, *end;
} list[] = {
    {"verify.txt", verify_txt, verify_txt_end},
    {"verify.html", verify_html, verify_html_end},
    {"reset.txt", reset_txt, reset_txt_end},
    {"reset.html", reset_html, reset_html_end},
    {"magic.txt", magic_txt, magic_txt_end},
    {"magic.html", magic_html, magic_html_end},
    {"change.txt", change_txt, change_txt_end},
    {"change.html", change_html, change_html_end},
    {"changed.txt", changed_txt, changed_txt_end},
    {"changed.html", changed_html, changed_html_end},
    {"password.txt", password_txt, password_txt_end},
    {"password.html", password_html, password_html_end},
    {"layout.html", layout, layout_end},
    {"inbox.css", inbox, inbox_end},
};

bool mail__default(str name, str *out)
{
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        if (str_is(name, list[i].name)) {
            *out = str_make(list[i].begin, (size_t)(list[i].end - list[i].begin));
            return true;
        }
    }
    return false;
}
