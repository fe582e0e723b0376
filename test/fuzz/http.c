/* Any bytes as a connection's input, whole and cut into pieces: the requests read and the refusal
 * must be the same. What is taken keeps the promises that handlers build on. */
#include "base/mem.h"
#include "http/http_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 16, INPUT_MOST = 4096 };

static const struct http_limits limits = {
    .max_head = 700, .max_target = 200, .max_headers = HEADERS, .max_body = 300};

struct input {
    char *in; /* what a connection would hold: exactly as large as what is in it */
    size_t len;
    struct head_scan scan;
    size_t head_len;
    struct chunks chunks;
    bool chunked;
    uint64_t length;
    uint64_t digest; /* of all that was read or refused */
    bool over;
};

static void note(struct input *i, const void *ptr, size_t len)
{
    const unsigned char *at = ptr;
    for (size_t n = 0; n < len; n++)
        i->digest = (i->digest ^ at[n]) * 0x100000001b3ULL;
    i->digest = (i->digest ^ len) * 0x100000001b3ULL;
}

static void resize(struct input *i, size_t len)
{
    char *next = mem_new(len);
    if (len && i->len)
        memcpy(next, i->in, i->len < len ? i->len : len);
    mem_free(i->in);
    i->in = next;
    i->len = len;
}

static bool refused(struct input *i, const struct fault *fault)
{
    BUG_ON(fault->status < 400 || fault->status > 505 || !fault->why);
    note(i, &fault->status, sizeof fault->status);
    i->over = true;
    return false;
}

static void is_path(str path)
{
    if (str_is(path, "*"))
        return;
    BUG_ON(!path.len || path.ptr[0] != '/' || !str_utf8(path));
    for (size_t n = 0; n + 1 < path.len; n++)
        BUG_ON(!path.ptr[n] || (path.ptr[n] == '/' && path.ptr[n + 1] == '/'));
    BUG_ON(str_ends(path, LIT("/..")) || str_ends(path, LIT("/.")));
    BUG_ON(memmem(path.ptr, path.len, "/../", 4) || memmem(path.ptr, path.len, "/./", 3));
}

static void is_clean(str value)
{
    for (size_t n = 0; n < value.len; n++)
        BUG_ON(((unsigned char)value.ptr[n] < 0x20 && value.ptr[n] != '\t') || value.ptr[n] == 127);
}

static bool take_path(struct input *i, const struct head *h)
{
    struct request rq = {.query = h->query};
    struct fault fault = {0};
    struct err err = {0};
    const struct param *list;
    size_t count;
    str path, segments;
    arena_init(&rq.arena, 1 << 20);
    bool fine = path_clean(&rq.arena, h->path, &path, &segments, &fault);
    if (fine) {
        is_path(segments);
        note(i, path.ptr, path.len);
        int rc = request_query(&rq, &list, &count, &err);
        note(i, &rc, sizeof rc);
    } else {
        refused(i, &fault);
    }
    arena_reset(&rq.arena);
    return fine;
}

/* True: a head was taken. */
static bool take_head(struct input *i)
{
    struct header headers[HEADERS];
    struct head h;
    struct fault fault = {0};
    ssize_t n = head_find(&i->scan, (str){i->in, i->len}, limits.max_head, &fault);
    if (n < 0)
        return refused(i, &fault);
    if (n == 0)
        return false;
    str text = {i->in + i->scan.skipped, (size_t)n - i->scan.skipped};
    if (!head_parse(text, &limits, headers, &h, &fault))
        return refused(i, &fault);
    BUG_ON(h.chunked && (h.length >= 0 || h.minor == 0));
    BUG_ON(h.minor == 1 && !h.host.len);
    note(i, h.target.ptr, h.target.len);
    note(i, h.host.ptr, h.host.len);
    for (size_t k = 0; k < h.header_count; k++) {
        is_clean(h.headers[k].value);
        note(i, h.headers[k].name.ptr, h.headers[k].name.len);
        note(i, h.headers[k].value.ptr, h.headers[k].value.len);
    }
    if (!take_path(i, &h))
        return false;
    fault = (struct fault){413, "too large"};
    if (h.length > (int64_t)limits.max_body)
        return refused(i, &fault);
    i->head_len = (size_t)n;
    i->chunks = (struct chunks){0};
    i->chunked = h.chunked;
    i->length = h.length > 0 ? (uint64_t)h.length : 0;
    return true;
}

/* True: the body was whole, and the next message is at the front. */
static bool take_body(struct input *i)
{
    struct fault fault = {0};
    size_t used = i->length, body = i->length, len = i->len - i->head_len;
    int rc = len >= i->length;
    if (i->chunked) {
        rc = chunks_feed(&i->chunks, i->in + i->head_len, &len, limits.max_body, &fault);
        BUG_ON(i->chunks.decoded > limits.max_body || i->chunks.decoded > len);
        used = i->chunks.raw;
        body = i->chunks.decoded;
        resize(i, i->head_len + len);
    }
    if (rc < 0)
        return refused(i, &fault);
    if (rc == 0)
        return false;
    note(i, i->in + i->head_len, body);
    used += i->head_len;
    BUG_ON(used > i->len);
    memmove(i->in, i->in + used, i->len - used);
    resize(i, i->len - used);
    i->head_len = 0;
    i->scan = (struct head_scan){0};
    return true;
}

/* Feeds all in pieces that seed chooses; 0: in one. */
static uint64_t play(const char *ptr, size_t size, uint64_t seed)
{
    struct input i = {.digest = 0xcbf29ce484222325ULL};
    for (size_t at = 0; at < size && !i.over;) {
        seed = seed * 6364136223846793005ULL + (seed != 0);
        size_t n = seed ? 1 + (seed >> 33) % (seed >> 60 ? 9 : 90) : size;
        n = n < size - at ? n : size - at;
        resize(&i, i.len + n);
        memcpy(i.in + i.len - n, ptr + at, n);
        at += n;
        while (!i.over && (i.head_len ? take_body(&i) : take_head(&i)))
            ;
    }
    mem_free(i.in);
    return i.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MOST)
        return 0;
    const char *ptr = (const char *)data + 1;
    uint64_t whole = play(ptr, size - 1, 0);
    BUG_ON(play(ptr, size - 1, 1 + data[0]) != whole);
    BUG_ON(play(ptr, size - 1, 0x9E3779B97F4A7C15ULL + data[0]) != whole);
    return 0;
}
