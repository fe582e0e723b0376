/* Private to src/mail. SPDX: Apache-2.0 */
#ifndef CAIRN_MAIL_PRIV_H
#define CAIRN_MAIL_PRIV_H

#include "base/buf.h"
#include "base/clock.h"
#include "mail/mail.h"

/* What a template can show. */
enum mail_var {
    VAR_PROJECT,
    VAR_EMAIL,
    VAR_LINK,
    VAR_CODE,
    VAR_MINUTES,
    VAR_NEW_EMAIL,
    VAR_WHEN,
    VAR_ADDRESS,
    VAR_PROVIDER,
    VAR_SUBJECT,
    VAR_CONTENT,
    VARS
};

/* Text, then perhaps a variable; the last one has none. */
struct mail_part {
    str text;
    int var; /* -1: none */
};
struct mail_template {
    const struct mail_part *parts;
    size_t count; /* 0: there is none */
};

struct mail_kind_of {
    struct mail_template subject, plain, html; /* html may have none */
};

struct mail {
    const struct mail_config *config;
    str from_name, from_address;
    struct mail_kind_of kinds[MAIL_KINDS];
    struct mail_template layout;
};

/* ---- template.c ---- */
/* allowed: bits of enum mail_var. place: of messages, "mail/verify.txt". text outlives the
 * template. Fails with CONFIG. */
int template__parse(struct arena *a, str text, unsigned allowed, str place, unsigned line,
                    struct mail_template *out, struct err *err);
enum mail_escape { ESCAPE_LINE, ESCAPE_PLAIN, ESCAPE_HTML };
/* VAR_CONTENT is put as it is. */
void template__put(struct buf *b, const struct mail_template *t, const str values[VARS],
                   enum mail_escape how);
void html__put(struct buf *b, str text);

/* ---- defaults.c ---- */
/* A file of web/mail; false: there is none of that name. */
bool mail__default(str name, str *out);

/* ---- message.c ---- */
enum { MAIL_ID = 36 };
struct mail_row {
    str id, kind, to, subject, plain, html; /* html empty: plain alone */
    int64_t tries, due_at, created_at, expires_at;
};
/* RFC 5322 and MIME, lines end in CRLF. */
void message__put(struct buf *b, const struct mail *m, const struct mail_row *r);
/* outbox.c: the statement that puts it in. */
void outbox__add(struct arena *a, const struct mail_row *r, const char *state,
                 struct db_write *out);
/* "Name <a@b>" or "a@b" into its parts; false when it is neither. */
bool message__split(str from, str *name, str *address);

#endif
