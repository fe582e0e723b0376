/* path.c -- the paths of settings. SPDX: Apache-2.0 */
#include "edge/edge.h"

/* `/v1/users` and `/v1/users/` are one place here, as both are one resource to people. */
static str without_end(str path)
{
    return path.len > 1 && str_ends(path, LIT("/")) ? str_upto(path, path.len - 1) : path;
}

/* A segment of its own. */
static bool star_at(str pattern, size_t i)
{
    return pattern.ptr[i] == '*' && (i == 0 || pattern.ptr[i - 1] == '/') &&
           (i + 1 == pattern.len || pattern.ptr[i + 1] == '/');
}

bool edge_path(str pattern, str path)
{
    size_t at = 0;
    pattern = without_end(pattern);
    path = without_end(path);
    if (str_ends(pattern, LIT("/*")) && str_starts(path, str_upto(pattern, pattern.len - 1)))
        return true; /* the usual form, `/v1/` and the rest; what follows would say the same */
    for (size_t i = 0; i < pattern.len; i++) {
        if (star_at(pattern, i)) {
            size_t start = at;
            if (i + 1 == pattern.len)
                return true;
            while (at < path.len && path.ptr[at] != '/')
                at++;
            if (at == start)
                return false;
        } else if (at < path.len && pattern.ptr[i] == path.ptr[at]) {
            at++;
        } else { /* all that is below a place is that place too */
            return at == path.len && str_is(str_from(pattern, i), "/*");
        }
    }
    return at == path.len;
}
