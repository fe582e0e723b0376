/* about.c -- what an account shows and takes, for those who write documents of it.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

const struct table *account_table(const struct accounts *x)
{
    return x->table;
}

const struct column *account_login(const struct accounts *x)
{
    return x->login;
}

bool account_shows(const struct accounts *x, const struct column *c)
{
    return !x->hidden[c->index];
}

/* The column in which a claim of another issuer is looked for names a person there. */
static bool outside_name(const struct accounts *x, const struct column *c)
{
    for (size_t i = 0; i < x->config->issuer_count; i++) {
        if (c != x->login && c != x->email && str_eq(x->config->issuers[i].column, c->name))
            return true;
    }
    return false;
}

/* What rules read as me.NAME is not for who registers to say, but for the names he goes by. */
static bool trusted_claim(const struct accounts *x, const struct column *c)
{
    bool claim = false;
    for (size_t i = 0; i < x->claim_count; i++)
        claim |= x->claims[i] == c;
    for (str rest = x->config->registration_claims; claim && rest.ptr;)
        claim = !str_eq(str_trim(str_cut(&rest, ',')), c->name);
    return claim && c != x->login && c != x->email;
}

/* Nobody gives himself a role, a name at another issuer, or says that he is verified. */
bool account_takes(const struct accounts *x, const struct column *c)
{
    return !outside_name(x, c) && !trusted_claim(x, c) && c != x->id && c != x->password &&
           c != x->roles && c != x->verified && !c->generated;
}

int64_t account_password_least(const struct accounts *x)
{
    return x->config->password_least;
}

const struct account_config *account_settings_of(const struct accounts *x)
{
    return x->config;
}

bool account_mails(const struct accounts *x)
{
    return x->config->mail != NULL;
}
