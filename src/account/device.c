/* device.c -- what a User-Agent says to people: which browser, on what. It is a guess at a text
 * that every browser fills with the names of others, so the order of the tables matters. SPDX:
 * Apache-2.0 */
#include "account/account_priv.h"

enum { NAME_MOST = 40 };

static const struct {
    const char *mark, *name;
} browsers[] = {{"Edg", "Edge"},
                {"OPR/", "Opera"},
                {"SamsungBrowser/", "Samsung Internet"},
                {"Vivaldi/", "Vivaldi"},
                {"FxiOS/", "Firefox"},
                {"Firefox/", "Firefox"},
                {"CriOS/", "Chrome"},
                {"HeadlessChrome/", "Chrome"},
                {"Chrome/", "Chrome"},
                {"Chromium/", "Chromium"},
                {"Safari/", "Safari"}},
  systems[] = {{"iPhone", "iPhone"},   {"iPad", "iPad"},     {"Android", "Android"},
               {"Windows", "Windows"}, {"CrOS", "ChromeOS"}, {"Macintosh", "macOS"},
               {"Mac OS X", "macOS"},  {"Linux", "Linux"}};

static bool has(str s, const char *mark)
{
    str m = str_of(mark);
    for (size_t i = 0; i + m.len <= s.len; i++) {
        if (memcmp(s.ptr + i, m.ptr, m.len) == 0)
            return true;
    }
    return false;
}

str device_name(struct arena *a, str agent)
{
    const char *browser = NULL, *system = NULL;
    for (size_t i = 0; i < COUNT_OF(browsers) && !browser; i++)
        browser = has(agent, browsers[i].mark) ? browsers[i].name : NULL;
    for (size_t i = 0; i < COUNT_OF(systems) && !system; i++)
        system = has(agent, systems[i].mark) ? systems[i].name : NULL;
    if (browser && system)
        return arena_printf(a, "%s on %s", browser, system);
    if (browser || system)
        return str_of(browser ? browser : system);
    size_t end = 0;
    while (end < agent.len && end < NAME_MOST &&
           (ascii_alpha(agent.ptr[end]) || ascii_digit(agent.ptr[end]) || agent.ptr[end] == '-' ||
            agent.ptr[end] == '_' || agent.ptr[end] == '.'))
        end++;
    return end ? arena_str(a, str_upto(agent, end)) : LIT("unknown");
}
