/* sniff.c -- what the first bytes of a file say it is. SPDX: Apache-2.0
 * Why: a browser that is shown an image called .png which is a page would run the page, and a
 * client's word for a type costs nothing. A type with a mark of its own (PNG, PDF, ...) must have
 * it, and bytes with such a mark must be declared as what they are. Text has no mark: whatever is
 * UTF-8 without control characters may be any kind of text. */
#include "files/files.h"

#define OCTETS "application/octet-stream"

struct mark {
    size_t at, len;
    const char *bytes, *type;
};
#define M(at, bytes, type)                                                                         \
    {                                                                                              \
        at, sizeof(bytes) - 1, bytes, type                                                         \
    }

/* The first that fits. */
static const struct mark marks[] = {
    M(0, "\x89PNG\r\n\x1a\n", "image/png"),
    M(0, "\xff\xd8\xff", "image/jpeg"),
    M(0, "GIF87a", "image/gif"),
    M(0, "GIF89a", "image/gif"),
    M(8, "WEBPVP", "image/webp"),
    M(8, "WAVE", "audio/wav"),
    M(8, "AVI ", "video/x-msvideo"),
    M(4, "ftypavif", "image/avif"),
    M(4, "ftypavis", "image/avif"),
    M(4, "ftypheic", "image/heic"),
    M(4, "ftypheix", "image/heic"),
    M(4, "ftypmif1", "image/heic"),
    M(4, "ftypM4A ", "audio/mp4"),
    M(4, "ftypqt  ", "video/quicktime"),
    M(4, "ftyp", "video/mp4"),
    M(0, "BM", "image/bmp"),
    M(0, "II*\0", "image/tiff"),
    M(0, "MM\0*", "image/tiff"),
    M(0, "\0\0\1\0", "image/x-icon"),
    M(0, "8BPS\0\1", "image/vnd.adobe.photoshop"),
    M(0, "%PDF-", "application/pdf"),
    M(0, "PK\3\4", "application/zip"),
    M(0, "PK\5\6", "application/zip"),
    M(0, "\x1f\x8b", "application/gzip"),
    M(0, "BZh", "application/x-bzip2"),
    M(0,
      "\xfd"
      "7zXZ\0",
      "application/x-xz"),
    M(0, "(\xb5/\xfd", "application/zstd"),
    M(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    M(0, "Rar!\x1a\x07", "application/vnd.rar"),
    M(0, "ID3", "audio/mpeg"),
    M(0, "\xff\xfb", "audio/mpeg"),
    M(0, "\xff\xf3", "audio/mpeg"),
    M(0, "\xff\xf2", "audio/mpeg"),
    M(0, "fLaC", "audio/flac"),
    M(0, "OggS", "audio/ogg"),
    M(0, "\x1a\x45\xdf\xa3", "video/webm"),
    M(0, "\0\0\1\xba", "video/mpeg"),
    M(0, "wOFF", "font/woff"),
    M(0, "wOF2", "font/woff2"),
    M(0, "OTTO", "font/otf"),
    M(0, "\0\1\0\0\0", "font/ttf"),
    M(0, "\0asm", "application/wasm"),
    M(0,
      "\x7f"
      "ELF",
      "application/x-executable"),
    M(0, "MZ", "application/vnd.microsoft.portable-executable"),
    M(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    M(0, "SQLite format 3\0", "application/vnd.sqlite3"),
};

/* Text that a browser would run. */
static const struct {
    const char *tag, *type;
} tags[] = {{"<!doctype html", "text/html"}, {"<html", "text/html"},   {"<head", "text/html"},
            {"<body", "text/html"},          {"<script", "text/html"}, {"<iframe", "text/html"},
            {"<svg", "image/svg+xml"},       {"<?xml", "text/xml"}};

/* One type may come under several names, or be the container of others. */
static const struct {
    const char *found, *declared;
} kin[] = {{"image/jpeg", "image/jpg"},
           {"image/bmp", "image/x-ms-bmp"},
           {"image/x-icon", "image/vnd.microsoft.icon"},
           {"image/heic", "image/heif"},
           {"image/heic", "image/avif"}, /* ftypmif1 is what both may begin with */
           {"image/tiff", "image/x-*"},  /* raw photos */
           {"image/svg+xml", "text/xml"},
           {"image/svg+xml", "application/xml"},
           {"text/xml", "application/xml"},
           {"text/xml", "image/svg+xml"},
           {"text/xml", "*+xml"},
           {"text/html", "application/xhtml+xml"},
           {"application/zip", "application/vnd.*"}, /* of offices */
           {"application/zip", "application/epub+zip"},
           {"application/zip", "application/java-archive"},
           {"application/zip", "application/x-zip-compressed"},
           {"application/zip", "application/*+zip"},
           {"application/x-ole-storage", "application/msword"},
           {"application/x-ole-storage", "application/vnd.*"},
           {"application/gzip", "application/x-gzip"},
           {"application/gzip", "application/x-tar"},
           {"application/vnd.rar", "application/x-rar-compressed"},
           {"application/vnd.sqlite3", "application/x-sqlite3"},
           {"application/vnd.microsoft.portable-executable", "application/x-msdownload"},
           {"audio/mpeg", "audio/mp3"},
           {"audio/wav", "audio/x-wav"},
           {"audio/wav", "audio/wave"},
           {"audio/flac", "audio/x-flac"},
           {"audio/ogg", "video/ogg"},
           {"audio/ogg", "application/ogg"},
           {"audio/ogg", "audio/opus"},
           {"video/webm", "audio/webm"},
           {"video/webm", "video/x-matroska"},
           {"video/mp4", "audio/mp4"},
           {"video/mp4", "audio/x-m4a"},
           {"video/mp4", "video/quicktime"},
           {"video/mp4", "video/x-m4v"},
           {"video/mp4", "video/3gpp"},
           {"font/ttf", "application/x-font-ttf"},
           {"font/otf", "application/vnd.ms-opentype"}};

static bool has_mark(str bytes, const struct mark *m)
{
    if (bytes.len < m->at + m->len || memcmp(bytes.ptr + m->at, m->bytes, m->len) != 0)
        return false;
    return m->at != 8 || memcmp(bytes.ptr, "RIFF", 4) == 0;
}

/* A prefix of a text may end within a character. */
static bool is_text(str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b)
            return false;
    }
    for (size_t cut = 0; cut < 4 && cut <= bytes.len; cut++) {
        if (str_utf8(str_upto(bytes, bytes.len - cut)))
            return cut == 0 || bytes.len >= SNIFF_MOST - 4;
    }
    return false;
}

static str tag_type(str text)
{
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = str_from(text, 3);
    while (text.len && strchr(" \t\r\n\f", text.ptr[0]))
        text = str_from(text, 1);
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (str_eqi(str_upto(text, strlen(tags[i].tag)), str_of(tags[i].tag)))
            return str_of(tags[i].type);
    }
    return (str){0};
}

/* An SVG may come behind an XML declaration and comments. */
static bool holds_svg(str text)
{
    return memmem(text.ptr, text.len, "<svg", 4) != NULL;
}

str sniff_type(str bytes)
{
    bytes = str_upto(bytes, SNIFF_MOST);
    for (size_t i = 0; bytes.len && i < COUNT_OF(marks); i++) {
        if (has_mark(bytes, &marks[i]) && !(marks[i].len == 2 && is_text(bytes)))
            return str_of(marks[i].type); /* "BM" and "MZ" begin words, too */
    }
    if (!bytes.len)
        return LIT("text/plain");
    if (!is_text(bytes))
        return LIT(OCTETS);
    str type = tag_type(bytes);
    if (str_is(type, "text/xml") && holds_svg(bytes))
        return LIT("image/svg+xml");
    return type.ptr ? type : LIT("text/plain");
}

static bool pattern_fits(str pattern, str type)
{
    size_t star = str_find(pattern, '*');
    if (star == STR_NONE)
        return str_eq(pattern, type);
    str before = str_upto(pattern, star), after = str_from(pattern, star + 1);
    return type.len >= before.len + after.len && str_starts(type, before) && str_ends(type, after);
}

static bool has_own_mark(str type)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (str_is(type, marks[i].type))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(kin); i++) { /* image/jpg is image/jpeg */
        str found = str_of(kin[i].found), name = str_of(kin[i].declared);
        if (str_find(name, '*') == STR_NONE && str_eq(name, type) && !str_is(found, "text/xml") &&
            !str_is(found, "text/html") && !str_is(found, "image/svg+xml") &&
            !str_is(found, "application/gzip"))
            return true;
    }
    return false;
}

static bool text_may_be(str type)
{
    bool media = str_starts(type, LIT("image/")) || str_starts(type, LIT("audio/")) ||
                 str_starts(type, LIT("video/")) || str_starts(type, LIT("font/"));
    return !media && !has_own_mark(type);
}

bool sniff_agrees(str declared, str found)
{
    bool text = str_is(found, "text/plain");
    if (str_eq(declared, found))
        return true;
    for (size_t i = 0; i < COUNT_OF(kin); i++) {
        if (str_is(found, kin[i].found) && pattern_fits(str_of(kin[i].declared), declared))
            return true;
    }
    if (text)
        return text_may_be(declared);
    /* No mark at all: a type that has none either. Text it is not. */
    return str_is(found, OCTETS) && !has_own_mark(declared) &&
           !str_starts(declared, LIT("text/")) && !str_is(declared, "image/svg+xml");
}

/* ---- media types ---- */

static bool token_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!#$&-^_.+", c));
}

static bool media_plain(str s, bool stars)
{
    size_t slash = str_find(s, '/'), star = 0;
    bool fine = slash != STR_NONE && slash > 0 && slash + 1 < s.len && s.len <= 100;
    for (size_t i = 0; fine && i < s.len; i++) {
        star += s.ptr[i] == '*';
        fine = i == slash || token_char(s.ptr[i]) || (stars && s.ptr[i] == '*');
    }
    return fine && (star <= 1 || str_is(s, "*/*"));
}

bool media_clean(struct arena *a, str type, str *out)
{
    str rest = type, media = str_trim(str_cut(&rest, ';'));
    if (!media_plain(media, false))
        return false;
    *out = arena_str(a, media);
    for (size_t i = 0; i < media.len; i++)
        ((char *)(uintptr_t)out->ptr)[i] = ascii_lower(media.ptr[i]);
    return true;
}

bool media_pattern(str pattern)
{
    return media_plain(pattern, true);
}

bool media_allowed(const str *patterns, size_t count, str type)
{
    bool fits = count == 0;
    for (size_t i = 0; i < count && !fits; i++)
        fits = str_is(patterns[i], "*/*") || pattern_fits(patterns[i], type);
    return fits;
}

bool media_harmless(str type)
{
    static const char *const types[] = {
        "image/png",  "image/jpeg", "image/gif",  "image/webp", "image/avif", "image/bmp",
        "image/heic", "audio/mpeg", "audio/wav",  "audio/flac", "audio/ogg",  "audio/mp4",
        "audio/webm", "video/mp4",  "video/webm", "video/ogg",  "text/plain"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_is(type, types[i]))
            return true;
    }
    return false;
}
