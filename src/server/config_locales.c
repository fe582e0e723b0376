/* config_locales.c -- locales/LANGUAGE.yaml of a project: what problems say there. SPDX: Apache-2.0
 *   titles:
 *     404: Introuvable
 *   messages:
 *     "'{field}' is required": "'{field}' est obligatoire"
 * They stand before the built-in ones of that language; a language of which Cairn has nothing has
 * only these. */
#include "server/config_priv.h"

#include <dirent.h>

enum { LOCALES_MOST = 50, LOCALE_MOST = 35 };

struct reading {
    struct config_load *l;
    struct locale *out;
    struct locale_title *titles;
    struct locale_text *texts;
};

static void fault(struct reading *r, const struct config_node *n, const char *what)
{
    config__fault(r->l, config__place(r->l, n), (str){"", 0}, "%s", what);
}

static bool language_name(str s)
{
    size_t part = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = s.ptr[i] == '-';
        part = dash ? 0 : part + 1;
        if (part > 8 || (dash && (i + 1 == s.len || i < 2 || s.ptr[i - 1] == '-')) ||
            (!dash && !ascii_alpha(s.ptr[i]) && (i < 2 || !ascii_digit(s.ptr[i]))))
            return false;
    }
    return s.len >= 2 && s.len <= LOCALE_MOST;
}

static size_t children(const struct config_node *n)
{
    size_t count = 0;
    for (n = n->child; n; n = n->next)
        count++;
    return count;
}

static void take_title(struct reading *r, const struct config_node *n)
{
    int64_t status;
    if (n->kind != NODE_SCALAR || !n->text.len || !str_to_i64(n->key->text, &status) ||
        status < 400 || status > 599)
        fault(r, n->key, "expected a status from 400 to 599 and its title");
    else
        r->titles[r->out->title_count++] = (struct locale_title){(int)status, n->text};
}

static void take_text(struct reading *r, const struct config_node *n)
{
    if (n->kind != NODE_SCALAR || !n->text.len || !n->key->text.len)
        fault(r, n->key, "expected an English text and its translation");
    else if (!locale_fits(n->key->text, n->text))
        fault(r, n, "a name in braces stands here that is not in the English text");
    else
        r->texts[r->out->text_count++] = (struct locale_text){n->key->text, n->text};
}

static void take_section(struct reading *r, const struct config_node *n)
{
    bool titles = str_is(n->key->text, "titles");
    if (!titles && !str_is(n->key->text, "messages")) {
        fault(r, n->key, "expected `titles:` or `messages:`");
        return;
    }
    if (n->kind != NODE_MAP) {
        fault(r, n, "expected English texts (or statuses), each with a colon and its translation");
        return;
    }
    struct arena *a = &r->l->c->arena;
    if (titles)
        r->out->titles = r->titles = ARENA_ARRAY(a, struct locale_title, children(n));
    else
        r->out->texts = r->texts = ARENA_ARRAY(a, struct locale_text, children(n));
    for (n = n->child; n && n->key; n = n->next)
        (titles ? take_title : take_text)(r, n);
}

/* Of de-CH that is de. */
static const struct locale *built_in(str name)
{
    str names[8];
    const struct locales *b = &locales_built_in;
    for (size_t i = 0; i < b->count; i++)
        names[i] = b->list[i].name;
    size_t at = language_choose(name, names, b->count);
    return at == STR_NONE ? NULL : &b->list[at];
}

static void take_file(struct config_load *l, str path, str name, struct locale *out)
{
    struct config_node *root = NULL;
    struct reading r = {.l = l, .out = out};
    struct err err = {0};
    str text, file = l->c->file;
    *out = (struct locale){.name = name, .base = built_in(name)};
    l->c->file = path; /* places are those of this file */
    int code = config__read(&l->c->arena, path, CONFIG_FILE_MOST, &text, NULL, &err);
    if (code < 0)
        config__fault(l, path, (str){"", 0}, "%s", err.text);
    else if (!language_name(name))
        config__fault(l, path, (str){"", 0},
                      "the name of the file must be that of a language, as es.yaml or pt-BR.yaml");
    else if (config__yaml(l, text, &root) && root) {
        for (const struct config_node *n = root->child; n && n->key; n = n->next)
            take_section(&r, n);
    }
    l->c->file = file;
}

static bool known(const struct locale *list, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eqi(list[i].name, name))
            return true;
    return false;
}

void config__locales(struct config_load *l)
{
    struct config *c = l->c;
    str dir = config__join(&c->arena, c->dir, LIT("locales"));
    struct locale *list =
        ARENA_ARRAY(&c->arena, struct locale, LOCALES_MOST + locales_built_in.count);
    size_t count = 0;
    DIR *d = opendir(dir.ptr);
    for (struct dirent *e; d && (e = readdir(d));) {
        str name = str_of(e->d_name);
        if (!str_ends(name, LIT(".yaml")) || name.ptr[0] == '.')
            continue;
        if (count == LOCALES_MOST) {
            config__fault(l, dir, (str){"", 0}, "more than %d languages", LOCALES_MOST);
            break;
        }
        str path = config__join(&c->arena, dir, arena_str(&c->arena, name));
        take_file(l, path, arena_str(&c->arena, str_upto(name, name.len - 5)), &list[count++]);
    }
    if (d)
        closedir(d);
    for (size_t i = 0; i < locales_built_in.count; i++)
        if (!known(list, count, locales_built_in.list[i].name))
            list[count++] = locales_built_in.list[i];
    c->locales = (struct locales){list, count};
}
