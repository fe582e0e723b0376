/* encode.c -- gzip, brotli and zstd behind one call each way. SPDX: Apache-2.0
 * Invariants: (1) What is decoded has a ceiling before the first byte: a bomb costs that much and
 * no more. (2) zstd's window is at most 8 MiB both ways (RFC 9659). */
#include "base/mem.h"
#include "lib/brotlidec.h"
#include "lib/brotlienc.h"
#include "lib/zlib.h"
#include "lib/zstd.h"
#include "render/negotiate.h"

enum { PIECE = 16384, GZIP_WINDOW = 15 + 16, ZSTD_WINDOW_LOG = 23, BROTLI_WINDOW = 18 };

struct coder {
    enum coding coding;
    z_stream gzip;
    BrotliEncoderState *br;
    ZSTD_CCtx *zstd;
};

/* What is known to be short needs no tables for 32 KiB: to clear them costs more than it. */
static bool begin_gzip(struct coder *c, int level, size_t hint)
{
    enum { WINDOW_LEAST = 10, AHEAD = 262 }; /* AHEAD: zlib's own margin */
    int window = GZIP_WINDOW, memory = 8;
    for (; hint && window - 16 > WINDOW_LEAST && hint < ((size_t)1 << (window - 17)) - AHEAD;
         window--)
        memory--;
    return zlib.deflateInit2_(&c->gzip, level, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY,
                              ZLIB_VERSION, (int)sizeof c->gzip) == Z_OK;
}

static bool begin(struct coder *c, int level, size_t hint)
{
    switch (c->coding) {
    case CODING_GZIP:
        return begin_gzip(c, level, hint);
    case CODING_BR:
        c->br = brotlienc.BrotliEncoderCreateInstance(NULL, NULL, NULL);
        return c->br &&
               brotlienc.BrotliEncoderSetParameter(c->br, BROTLI_PARAM_QUALITY, (uint32_t)level) &&
               brotlienc.BrotliEncoderSetParameter(c->br, BROTLI_PARAM_LGWIN, BROTLI_WINDOW) &&
               brotlienc.BrotliEncoderSetParameter(c->br, BROTLI_PARAM_SIZE_HINT, (uint32_t)hint);
    default:
        c->zstd = zstd.ZSTD_createCCtx();
        return c->zstd && !zstd.ZSTD_isError(
                              zstd.ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level));
    }
}

static struct lib *library(enum coding coding, bool undoes)
{
    if (coding == CODING_BR)
        return undoes ? &lib_brotlidec : &lib_brotlienc;
    return coding == CODING_GZIP ? &lib_zlib : &lib_zstd;
}

bool coder_there(enum coding coding)
{
    struct err err = {0};
    return lib_load(library(coding, false), E_BUSY, &err) == 0;
}

struct coder *coder_new(enum coding coding, int level, size_t hint)
{
    if (!coder_there(coding))
        return NULL;
    struct coder *c = mem_zero(1, sizeof *c);
    c->coding = coding;
    if (!begin(c, level, hint))
        coder_free(&c);
    return c;
}

void coder_free(struct coder **c)
{
    struct coder *x = *c;
    if (!x)
        return;
    if (x->coding == CODING_GZIP)
        zlib.deflateEnd(&x->gzip);
    if (x->br)
        brotlienc.BrotliEncoderDestroyInstance(x->br);
    if (x->zstd)
        zstd.ZSTD_freeCCtx(x->zstd);
    mem_free(x);
    *c = NULL;
}

/* Each step takes from *in, gives to out, which has room for PIECE bytes, and says whether all of
 * this call is done; false in ok: it failed. */
static bool gzip_step(struct coder *c, str *in, struct buf *out, enum coder_end end, bool *ok)
{
    static const int flush[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = &c->gzip;
    z->next_in = (Bytef *)(uintptr_t)in->ptr;
    z->avail_in = (uInt)in->len;
    z->next_out = (Bytef *)out->ptr + out->len;
    z->avail_out = PIECE;
    int code = zlib.deflate(z, flush[end]);
    *in = str_from(*in, in->len - z->avail_in);
    out->len += PIECE - z->avail_out;
    *ok = code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
    return end == CODER_END ? code == Z_STREAM_END : z->avail_out > 0;
}

static bool br_step(struct coder *c, str *in, struct buf *out, enum coder_end end, bool *ok)
{
    static const BrotliEncoderOperation op[] = {BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                                BROTLI_OPERATION_FINISH};
    const uint8_t *from = (const uint8_t *)in->ptr;
    uint8_t *to = (uint8_t *)out->ptr + out->len;
    size_t left = in->len, room = PIECE;
    *ok = brotlienc.BrotliEncoderCompressStream(c->br, op[end], &left, &from, &room, &to, NULL);
    *in = str_from(*in, in->len - left);
    out->len += PIECE - room;
    if (end == CODER_END)
        return brotlienc.BrotliEncoderIsFinished(c->br);
    return !left && !brotlienc.BrotliEncoderHasMoreOutput(c->br);
}

static bool zstd_step(struct coder *c, str *in, struct buf *out, enum coder_end end, bool *ok)
{
    static const ZSTD_EndDirective op[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer from = {in->ptr, in->len, 0};
    ZSTD_outBuffer to = {out->ptr + out->len, PIECE, 0};
    size_t left = zstd.ZSTD_compressStream2(c->zstd, &to, &from, op[end]);
    *ok = !zstd.ZSTD_isError(left);
    *in = str_from(*in, from.pos);
    out->len += to.pos;
    return end == CODER_GO ? !in->len : left == 0;
}

bool coder_run(struct coder *c, str in, struct buf *out, enum coder_end end)
{
    bool done = false, ok = true;
    while (!done && ok) {
        if (!buf_room(out, PIECE))
            return false;
        if (c->coding == CODING_GZIP)
            done = gzip_step(c, &in, out, end, &ok);
        else if (c->coding == CODING_BR)
            done = br_step(c, &in, out, end, &ok);
        else
            done = zstd_step(c, &in, out, end, &ok);
    }
    return ok;
}

/* ---- the other way ---- */

enum undo { UNDO_DONE, UNDO_BAD, UNDO_FULL };

static bool room(struct buf *out, size_t most)
{
    return out->len <= most && buf_room(out, PIECE);
}

/* Several members behind one another are one body (RFC 1952, 2.2). */
static enum undo ungzip(str in, struct buf *out, size_t most)
{
    z_stream z = {0};
    int code = zlib.inflateInit2_(&z, GZIP_WINDOW, ZLIB_VERSION, (int)sizeof z);
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    while (code == Z_OK && room(out, most)) {
        z.next_out = (Bytef *)out->ptr + out->len;
        z.avail_out = PIECE;
        code = zlib.inflate(&z, Z_NO_FLUSH);
        out->len += PIECE - z.avail_out;
        if (code == Z_STREAM_END && z.avail_in)
            code = zlib.inflateReset(&z);
    }
    zlib.inflateEnd(&z);
    if (out->len > most || out->full)
        return UNDO_FULL;
    return code == Z_STREAM_END ? UNDO_DONE : UNDO_BAD;
}

static enum undo unbr(str in, struct buf *out, size_t most)
{
    BrotliDecoderState *d = brotlidec.BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *from = (const uint8_t *)in.ptr;
    size_t left = in.len;
    BrotliDecoderResult r = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    while (d && r == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && room(out, most)) {
        uint8_t *to = (uint8_t *)out->ptr + out->len;
        size_t space = PIECE;
        r = brotlidec.BrotliDecoderDecompressStream(d, &left, &from, &space, &to, NULL);
        out->len += PIECE - space;
    }
    if (d)
        brotlidec.BrotliDecoderDestroyInstance(d);
    if (out->len > most || out->full)
        return UNDO_FULL;
    return r == BROTLI_DECODER_RESULT_SUCCESS && !left ? UNDO_DONE : UNDO_BAD;
}

static enum undo unzstd(str in, struct buf *out, size_t most)
{
    ZSTD_DCtx *d = zstd.ZSTD_createDCtx();
    ZSTD_inBuffer from = {in.ptr, in.len, 0};
    size_t left = 1;
    bool stuck = !d || zstd.ZSTD_isError(
                           zstd.ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
    while (!stuck && (left || from.pos < from.size) && room(out, most)) {
        ZSTD_outBuffer to = {out->ptr + out->len, PIECE, 0};
        size_t before = from.pos;
        left = zstd.ZSTD_decompressStream(d, &to, &from);
        out->len += to.pos;
        stuck = zstd.ZSTD_isError(left) || (!to.pos && from.pos == before);
    }
    zstd.ZSTD_freeDCtx(d);
    if (out->len > most || out->full)
        return UNDO_FULL;
    return stuck || left ? UNDO_BAD : UNDO_DONE;
}

int coding_undo(enum coding coding, str in, struct buf *out, size_t most, struct err *err)
{
    TRY(lib_load(library(coding, true), E_BUSY, err));
    enum undo u = coding == CODING_GZIP ? ungzip(in, out, most)
                  : coding == CODING_BR ? unbr(in, out, most)
                                        : unzstd(in, out, most);
    str name = coding_name(coding);
    if (u == UNDO_FULL)
        return fail(err, E_TOOBIG, "the body is larger than %zu bytes when its '%.*s' is undone",
                    most, STR_ARG(name));
    if (u == UNDO_BAD)
        return fail_field(err, E_BAD, LIT("malformed_coding"), LIT(""),
                          "the body is no well-formed '%.*s', as its Content-Encoding says",
                          STR_ARG(name));
    return 0;
}

WAITS static int undo_into(struct request *rq, const struct coding_config *c, enum coding coding,
                           struct err *err)
{
    enum { FREE = 65536 };
    str in;
    struct buf out;
    TRY(request_body(rq, &in, err));
    if (!in.len)
        return 0;
    size_t most = c->max_body, grown = in.len < most / c->ratio ? in.len * c->ratio : most;
    most = grown > FREE ? grown : most < FREE ? most : FREE;
    buf_init(&out, most + 2 * PIECE);
    int code = coding_undo(coding, in, &out, most, err);
    char *copy = code == 0 ? arena_try(&rq->arena, out.len + 1) : NULL;
    if (copy)
        memcpy(copy, out.ptr, out.len);
    rq->plain = (str){copy, copy ? out.len : 0};
    buf_fini(&out);
    if (code == 0 && !copy)
        return fail(err, E_TOOBIG, "the body needs more memory than http.request_memory allows");
    return code;
}

int body_decode(struct request *rq, const struct coding_config *c, struct err *err)
{
    str name = str_trim(request_header(rq, LIT("Content-Encoding")));
    enum coding coding = coding_of(name);
    if (coding == CODING_NONE)
        return 0;
    if (coding != CODING__COUNT)
        return undo_into(rq, c, coding, err);
    reply_header(rq->reply, LIT("Accept-Encoding"), LIT("gzip, br, zstd"));
    return fail(err, E_MEDIA,
                "the body is encoded with '%.*s'; gzip, br, zstd or nothing is understood",
                STR_ARG(str_upto(name, 100)));
}
