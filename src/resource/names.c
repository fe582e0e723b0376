/* names.c -- what one row of a table is called, for sentences: users, "User not found".
 * SPDX: Apache-2.0
 * English only, and wrong for a rare word: nothing but the wording of answers depends on it. */
#include "resource/resource_priv.h"

/* Endings, the longest and most special first. cut: bytes to drop, then `add`. A lone word is one
 * that must match from a word's start. */
static const struct {
    str end;
    size_t cut;
    const char *add;
    bool word;
} rules[] = {
    {STR_INIT("people"), 4, "rson", true}, {STR_INIT("children"), 3, "", true},
    {STR_INIT("women"), 2, "an", true},    {STR_INIT("men"), 2, "an", true},
    {STR_INIT("news"), 0, "", true},       {STR_INIT("series"), 0, "", false},
    {STR_INIT("species"), 0, "", true},    {STR_INIT("movies"), 1, "", true},
    {STR_INIT("cookies"), 1, "", true},    {STR_INIT("caches"), 1, "", true},
    {STR_INIT("shoes"), 1, "", true},      {STR_INIT("quizzes"), 3, "", true},
    {STR_INIT("buses"), 2, "", true},      {STR_INIT("bonuses"), 2, "", true},
    {STR_INIT("shelves"), 3, "f", true},   {STR_INIT("leaves"), 3, "f", true},
    {STR_INIT("statuses"), 2, "", false},  {STR_INIT("analyses"), 2, "is", false},
    {STR_INIT("indices"), 4, "ex", false}, {STR_INIT("sses"), 2, "", false},
    {STR_INIT("shes"), 2, "", false},      {STR_INIT("ches"), 2, "", false},
    {STR_INIT("xes"), 2, "", false},       {STR_INIT("oes"), 2, "", false},
    {STR_INIT("ies"), 3, "y", false},      {STR_INIT("ss"), 0, "", false},
    {STR_INIT("us"), 0, "", false},        {STR_INIT("is"), 0, "", false},
    {STR_INIT("s"), 1, "", false},
};

static bool lower_ends(str s, str end)
{
    return s.len >= end.len && str_eqi(str_from(s, s.len - end.len), end);
}

static void word_put(struct buf *b, str word)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        str end = rules[i].end;
        if (!lower_ends(word, end) || word.len - rules[i].cut < 2)
            continue;
        if (rules[i].word && word.len != end.len)
            continue;
        buf_str(b, str_upto(word, word.len - rules[i].cut));
        buf_str(b, str_of(rules[i].add));
        return;
    }
    buf_str(b, word);
}

void resource__singular(str name, char *out, size_t room)
{
    struct buf b = {.ptr = out, .cap = room - 1, .limit = room - 1};
    size_t last = str_rfind(name, '_');
    last = last == STR_NONE ? 0 : last + 1;
    for (size_t i = 0; i < last; i++)
        buf_char(&b, name.ptr[i] == '_' ? ' ' : name.ptr[i]);
    word_put(&b, str_from(name, last));
    out[b.len] = '\0';
}

str resource__noun(const struct resource_set *s, const struct table *t)
{
    return s->nouns[t - s->schema->tables];
}
