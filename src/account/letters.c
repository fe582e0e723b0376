/* letters.c -- what accounts are told by mail. SPDX: Apache-2.0
 * A link's host is of the settings and never of the request: else whoever asks could have a token
 * sent to a host of his own, in a letter of ours. */
#include "account/account_priv.h"

#include "base/clock.h"

static const struct {
    enum mail_kind mail;
    const char *flow; /* in links */
} kinds[PROOF_KINDS] = {[PROOF_VERIFY] = {MAIL_VERIFY, "verify"},
                        [PROOF_RESET] = {MAIL_RESET, "reset"},
                        [PROOF_MAGIC] = {MAIL_MAGIC, "magic"},
                        [PROOF_CHANGE] = {MAIL_CHANGE, "email"}};

str letter__address(const struct accounts *x, const struct account *who)
{
    const struct value *v = &who->cells[x->email->index];
    return v->kind == V_TEXT && mail_address(v->text) ? v->text : LIT("");
}

/* {flow} and {token} filled in; neither holds anything that a URL would have to escape. */
static str link_of(struct request *rq, const struct accounts *x, const char *flow, str token)
{
    enum { LINK_MOST = 4096 };
    const struct account_config *c = x->config;
    struct buf b = {.ptr = arena_new(&rq->arena, LINK_MOST), .cap = LINK_MOST, .limit = LINK_MOST};
    str rest = c->link_url;
    if (!rest.len)
        return arena_printf(&rq->arena, "%.*s%.*s/auth/pages/%s?token=%.*s", STR_ARG(c->page_url),
                            STR_ARG(c->prefix), flow, STR_ARG(token));
    while (rest.len) {
        bool is_flow = str_starts(rest, LIT("{flow}")), is_token = str_starts(rest, LIT("{token}"));
        if (is_flow)
            buf_str(&b, str_of(flow));
        else if (is_token)
            buf_str(&b, token);
        else
            buf_char(&b, rest.ptr[0]);
        rest = str_from(rest, is_flow ? 6 : is_token ? 7 : 1);
    }
    return buf_view(&b);
}

int letter__proof(struct request *rq, const struct accounts *x, enum proof_kind kind, str to,
                  const struct proof_made *made, bool nowhere, struct db_write *out,
                  struct err *err)
{
    struct mail_letter l = {.kind = kinds[kind].mail,
                            .to = to,
                            .link = link_of(rq, x, kinds[kind].flow, made->token),
                            .code = made->code,
                            .minutes = made->minutes,
                            .expires_at = made->expires_at,
                            .nowhere = nowhere};
    return mail_add(x->config->mail, &rq->arena, &l, out, err);
}

/* "2026-01-02 03:04 UTC" */
static str when(struct arena *a)
{
    enum { DAY = 10, MINUTES = 16 };
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(clock_wall_us(), text);
    text[DAY] = ' ';
    text[MINUTES] = '\0';
    return arena_printf(a, "%s UTC", text);
}

int letter__changed(struct request *rq, const struct accounts *x, enum mail_kind kind, str to,
                    str detail, struct writes *w, struct err *err)
{
    struct mail_letter l = {.kind = kind,
                            .to = to,
                            .new_email = detail,
                            .provider = detail,
                            .when = when(&rq->arena),
                            .address = account__client(x, rq, false)};
    if (!x->config->mail || !mail_address(to))
        return 0;
    BUG_ON(w->count == WRITES_MOST);
    return mail_add(x->config->mail, &rq->arena, &l, &w->list[w->count++], err);
}

int account__new_password(struct request *rq, const struct accounts *x, const struct account *who,
                          str hash, bool by_letter, struct writes *w, struct err *err)
{
    struct assignment set[2] = {{.column = x->password, .value = value_text(hash)}};
    struct audit_note note = {.event = AUDIT_PASSWORD_CHANGED,
                              .account = who->key,
                              .detail = by_letter ? LIT("by letter") : LIT("")};
    size_t count = 1;
    if (by_letter && !account__verified(x, who) && account__verify(rq, x, &set[1]))
        count++;
    TRY(account__assign(rq, x, who, set, count, &w->list[w->count++], err));
    writes__note(w, rq, x, &note);
    BUG_ON(w->count == WRITES_MOST);
    w->list[w->count++] = proof__end(rq, who->key);
    TRY(letter__changed(rq, x, MAIL_PASSWORD, letter__address(x, who), LIT(""), w, err));
    TRY(writes__run(w, rq, x, err));
    basic__forget(x, who);
    if (x->config->mail)
        mail_kick(x->config->mail);
    return 0;
}
