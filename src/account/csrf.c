/* csrf.c -- a browser sends a cookie whichever page asks. So a write under a cookie must come from
 * a page of ours, and hold a token that only such a page can know. Where a request comes from
 * browsers say in Sec-Fetch-Site, older ones in Origin or Referer; no page can change what they
 * say. Whose origin CORS lets use credentials is one of ours, too. Requests with a token or a key
 * in a header are not looked at: no other page can set that header. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <sodium.h>

enum from { FROM_US, FROM_ELSEWHERE, FROM_SILENCE };

/* "https://host:port" of a URL. */
str csrf__origin(str url)
{
    size_t scheme = str_find(url, ':');
    if (scheme == STR_NONE || !str_starts(str_from(url, scheme), LIT("://")))
        return (str){"", 0};
    str rest = str_from(url, scheme + 3);
    size_t slash = str_find(rest, '/');
    return str_upto(url, slash == STR_NONE ? url.len : scheme + 3 + slash);
}

static bool ours(const struct request *rq, const struct accounts *x, str origin)
{
    str host = str_starts(origin, LIT("https://"))  ? str_from(origin, 8)
               : str_starts(origin, LIT("http://")) ? str_from(origin, 7)
                                                    : (str){"", 0};
    bool safe = str_starts(origin, LIT("https://")) || cookie__plain(x, rq);
    if (host.len && safe && str_eqi(host, rq->host))
        return true;
    str public = csrf__origin(x->config->public_url);
    return public.len && str_eqi(public, origin);
}

static enum from where_from(const struct request *rq, const struct accounts *x)
{
    str site = request_header(rq, LIT("Sec-Fetch-Site"));
    str origin = request_header(rq, LIT("Origin")), referer = request_header(rq, LIT("Referer"));
    if (str_is(site, "same-origin") || str_is(site, "none"))
        return FROM_US;
    if (origin.len && x->config->trusts && x->config->trusts(rq))
        return FROM_US;
    if (site.len)
        return FROM_ELSEWHERE;
    if (origin.ptr)
        return ours(rq, x, origin) ? FROM_US : FROM_ELSEWHERE;
    if (referer.ptr)
        return ours(rq, x, csrf__origin(referer)) ? FROM_US : FROM_ELSEWHERE;
    return FROM_SILENCE;
}

static int elsewhere(struct err *err)
{
    return fail_field(err, E_DENIED, LIT("cross_site"), LIT(""),
                      "the request comes from a page of another site");
}

int csrf__from_us(const struct request *rq, const struct accounts *x, struct err *err)
{
    return where_from(rq, x) == FROM_ELSEWHERE ? elsewhere(err) : 0;
}

/* A web socket begins with a GET, can do everything, and its page can set no header. */
static bool is_socket(const struct request *rq)
{
    return request_header(rq, LIT("Upgrade")).ptr != NULL;
}

static bool reads(const struct request *rq)
{
    return !is_socket(rq) &&
           (rq->method == METHOD_GET || rq->method == METHOD_HEAD || rq->method == METHOD_OPTIONS);
}

int csrf__by_browser(const struct request *rq, const struct accounts *x, struct err *err)
{
    return reads(rq) ? 0 : csrf__from_us(rq, x, err);
}

static bool has_token(const struct request *rq, const struct accounts *x, str sid)
{
    char want[CSRF_TEXT];
    str sent = request_header(rq, LIT("X-CSRF-Token"));
    identity_csrf(x->identity, sid, want);
    return sent.len == CSRF_TEXT && sodium_memcmp(sent.ptr, want, CSRF_TEXT) == 0;
}

int csrf__check(const struct request *rq, const struct accounts *x, str sid, struct err *err)
{
    if (reads(rq))
        return 0;
    enum from from = where_from(rq, x);
    bool token = x->config->csrf_token && !is_socket(rq);
    if (from == FROM_ELSEWHERE || (from == FROM_SILENCE && !token))
        return elsewhere(err);
    if (!token || has_token(rq, x, sid))
        return 0;
    return fail_field(err, E_DENIED, LIT("csrf_token"), LIT("X-CSRF-Token"),
                      "a change under a cookie needs the header X-CSRF-Token: the csrf_token of "
                      "signing in, or of GET .../auth/csrf");
}
