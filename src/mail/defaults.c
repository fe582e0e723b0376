/* defaults.c -- the templates of those who write none, as bytes of the program. SPDX: Apache-2.0 */
#include "mail/mail_priv.h"

#include "base/embed.h"

EMBED(mail, verify_txt, "web/mail/verify.txt");
EMBED(mail, verify_html, "web/mail/verify.html");
EMBED(mail, reset_txt, "web/mail/reset.txt");
EMBED(mail, reset_html, "web/mail/reset.html");
EMBED(mail, magic_txt, "web/mail/magic.txt");
EMBED(mail, magic_html, "web/mail/magic.html");
EMBED(mail, change_txt, "web/mail/change.txt");
EMBED(mail, change_html, "web/mail/change.html");
EMBED(mail, changed_txt, "web/mail/changed.txt");
EMBED(mail, changed_html, "web/mail/changed.html");
EMBED(mail, password_txt, "web/mail/password.txt");
EMBED(mail, password_html, "web/mail/password.html");
EMBED(mail, linked_txt, "web/mail/linked.txt");
EMBED(mail, linked_html, "web/mail/linked.html");
EMBED(mail, layout, "web/mail/layout.html");
EMBED(mail, inbox, "web/mail/inbox.css");

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
    {"linked.txt", linked_txt, linked_txt_end},
    {"linked.html", linked_html, linked_html_end},
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
