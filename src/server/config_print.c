/* config_print.c -- the example, the reference page and `cairn config show`, all from config.def,
 * so that none of them can be out of date. SPDX: Apache-2.0 */
#include "server/config_priv.h"

#include "data/data.h"

str config__section_of(const struct config_key *k)
{
    str path = str_of(k->path);
    size_t dot = str_find(path, '.');
    return dot == STR_NONE ? (str){"", 0} : str_upto(path, dot);
}

str config__name_of(const struct config_key *k)
{
    str section = config__section_of(k);
    return str_from(str_of(k->path), section.len ? section.len + 1 : 0);
}

bool config__opens_section(const struct config_key *k)
{
    return k == config_keys || !str_eq(config__section_of(k), config__section_of(k - 1));
}

static const char *type_word(enum config_type type)
{
    static const char *const words[] = {
        [CONFIG_INT] = "integer",  [CONFIG_SIZE] = "size", [CONFIG_MS] = "time",
        [CONFIG_BOOL] = "boolean", [CONFIG_TEXT] = "text", [CONFIG_SECRET] = "secret",
        [CONFIG_ENUM] = "word",    [CONFIG_LIST] = "list"};
    return words[type];
}

static bool is_number(const struct config_key *k)
{
    return k->type == CONFIG_INT || k->type == CONFIG_SIZE || k->type == CONFIG_MS;
}

static void put_limit(struct buf *out, const struct config_key *k, int64_t n)
{
    if (k->type == CONFIG_SIZE)
        config__put_size(out, (uint64_t)n);
    else if (k->type == CONFIG_MS)
        config__put_ms(out, (uint64_t)n);
    else
        buf_i64(out, n);
}

static void put_words(struct buf *out, const struct config_key *k, const char *between)
{
    str word;
    for (int i = 0; (word = config__word(k, i)).len; i++)
        buf_printf(out, "%s`%.*s`", i ? between : "", STR_ARG(word));
}

/* A value as it may stand behind "key: ". */
static void put_scalar(struct buf *out, const struct config_key *k, str text)
{
    bool plain = text.len > 0;
    if (k->type == CONFIG_LIST) {
        buf_printf(out, "[%.*s]", STR_ARG(text));
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        plain = plain && (ascii_alpha(text.ptr[i]) || ascii_digit(text.ptr[i]) ||
                          strchr("_./-", text.ptr[i]));
    if (plain || (k->type != CONFIG_TEXT && k->type != CONFIG_SECRET))
        buf_str(out, text);
    else
        json_text(out, text);
}

/* ---- cairn.example.yaml ---- */

static void example_comment(struct buf *out, const struct config_key *k, const char *indent)
{
    buf_printf(out, "%s# %s", indent, k->help);
    if (k->type == CONFIG_ENUM) {
        buf_lit(out, "\n");
        buf_str(out, str_of(indent));
        buf_lit(out, "# one of ");
        put_words(out, k, ", ");
    } else if (is_number(k)) {
        buf_printf(out, "\n%s# from ", indent);
        put_limit(out, k, k->min);
        buf_lit(out, " to ");
        put_limit(out, k, k->max);
    } else if (k->type == CONFIG_SECRET) {
        buf_printf(
            out,
            "\n%s# never written here: file:PATH, credential:NAME, exec:COMMAND or ${VARIABLE}",
            indent);
    }
    buf_lit(out, "\n");
}

/* What is no scalar key. */
static const char example_tail[] =
    "\n# Who may do what: docs/auth.md. With either of the two nothing is allowed that no rule "
    "allows.\n"
    "# roles:\n"
    "#   viewer: { can: [\"posts:read\"] }\n"
    "#   editor: { includes: [viewer], can: [\"posts:create\", \"posts:update:own\"] }\n"
    "#   admin: { includes: [editor], can: [\"*\"] }\n"
    "# access:\n"
    "#   posts:\n"
    "#     - { roles: anyone, can: read, where: 'status == \"public\"', hide: [notes] }\n"
    "#     - { roles: editor, can: create, set: { user_id: me.id } }\n"
    "\n# More keys of sections above.\n"
    "# auth:\n"
    "#   # others whose access tokens are taken: docs/oauth.md\n"
    "#   issuers:\n"
    "#     - { issuer: https://login.example.com, audience: https://api.example.com }\n"
    "#   # where people may sign in, too\n"
    "#   providers:\n"
    "#     - { preset: google, client_id: 1234.apps.googleusercontent.com, client_secret: "
    "file:google.secret }\n"
    "# oauth:\n"
    "#   # apps that people let in: docs/oauth.md\n"
    "#   scopes:\n"
    "#     posts.read: { text: Read your posts, can: [\"posts:read\"] }\n"
    "#   clients:\n"
    "#     - { id: shop, name: The Shop, secret: file:secrets/shop, redirect_uris: "
    "[https://shop.example.com/callback], scopes: [openid, posts.read] }\n"
    "# cors:\n"
    "#   # for single paths, the first that fits: docs/cors.md\n"
    "#   routes:\n"
    "#     - { path: /v1/public/*, origins: [\"*\"] }\n"
    "# rate_limit:\n"
    "#   # plans of callers by the SHA-256 of their key: docs/rate-limits.md\n"
    "#   clients:\n"
    "#     - { sha256: 2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683, plan: "
    "pro "
    "}\n"
    "\n# Wishes for single tables.\n"
    "# tables:\n"
    "#   posts:\n"
    "#     expose: true\n"
    "#     # posts.author: the relation over the foreign key column user_id\n"
    "#     relations: { author: user_id }\n"
    "#     # users.articles: the same foreign key, seen from the other side\n"
    "#     reverse: { articles: user_id }\n"
    "#     # posts.comments_count: how many comments a post has, kept by the database\n"
    "#     counters: { comments_count: comments }\n"
    "#     # no counts, sums and groups of its rows for clients\n"
    "#     aggregates: false\n"
    "#     # the column that tells when a row was changed last, for Last-Modified\n"
    "#     modified: updated_at\n"
    "#     # PUT of an id that is free makes the row\n"
    "#     put_creates: true\n"
    "#     # in Spanish: title as titulo, body as texto, from columns title_es and body_es\n"
    "#     languages: { es: { title: titulo, body: texto } }\n"
    "\n# Cache-Control and Vary of GETs, the first whose path fits.\n"
    "# cache_control:\n"
    "#   - { path: /v1/products/*, value: \"public, max-age=60\", vary: Accept-Language }\n"
    "\n# Rate limits: docs/rate-limits.md.\n"
    "# limits:\n"
    "#   - { name: api, match: { path: /v1/* }, key: [address], rate: 1000/h }\n"
    "\n# Versions of the API, the oldest first: docs/versions.md.\n"
    "# versions:\n"
    "#   v1:\n"
    "#     deprecated: 2026-01-01\n"
    "#     sunset: 2027-01-01\n"
    "#     tables:\n"
    "#       users:\n"
    "#         full_name: { as: name }\n"
    "#         phone: hidden\n"
    "#   v2: {}\n"
    "\n# Resources without columns: each keeps JSON objects as they come.\n"
    "# collections:\n"
    "#   events: {}\n"
    "#   products: { indexes: [brand.name, price], unique: [sku], max_size: 64K }\n"
    "\n# Columns that hold files: docs/files.md.\n"
    "# files:\n"
    "#   products.photo: { types: [image/png, image/jpeg], max: 5MB }\n";

void config_example(struct buf *out)
{
    buf_lit(out, "# Every setting of cairn.yaml with its default: an empty file means the same.\n"
                 "# Made by `cairn config example`; the words are explained in "
                 "docs/reference/config.md.\n\n");
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        str section = config__section_of(k);
        const char *indent = section.len ? "  " : "";
        if (section.len && config__opens_section(k))
            buf_printf(out, "\n%.*s:\n", STR_ARG(section));
        example_comment(out, k, indent);
        buf_printf(out, "%s%.*s: ", indent, STR_ARG(config__name_of(k)));
        put_scalar(out, k, config__default(k));
        buf_char(out, '\n');
    }
    buf_str(out, str_of(example_tail));
}

/* ---- docs/reference/config.md ---- */

static const char docs_head[] =
    "# Configuration\n\n"
    "<!-- Made by `cairn config docs` from src/server/config.def: edit that. -->\n\n"
    "A project needs no configuration: every setting has a default, and `cairn.yaml` may be empty "
    "or\n"
    "missing. `cairn check` tells every fault with its line and column, `cairn config show` the\n"
    "values in force and where each comes from, `cairn config example` prints a file with all of\n"
    "them, `cairn config schema` a JSON Schema for editors.\n\n"
    "## Where values come from\n\n"
    "Later wins:\n\n"
    "1. the default\n"
    "2. `cairn.yaml` in the project directory (`cairn -C DIR`)\n"
    "3. `PORT` (replaces the port of the first address of `server.listen`, whose host stays) and\n"
    "   `DATABASE_URL`\n"
    "4. one environment variable for each key: `CAIRN_` and the path in capitals with `_` for "
    "`.`,\n"
    "   e.g. `CAIRN_SERVER_LISTEN`\n"
    "5. the command line: `--set KEY=VALUE`, `--listen ADDRESS`, `--data DIR`\n\n"
    "In the file, `${NAME}` stands for an environment variable, `${NAME:-text}` gives a default "
    "for\n"
    "one that is unset or empty, `$$` is a dollar sign. A variable that is not set and has no "
    "default\n"
    "is an error. Anchors, aliases and tags are refused.\n\n"
    "Types: an *integer*; a *size* in bytes with `K`, `M`, `G` or `T` (powers of 1024); a *time* "
    "with\n"
    "`ms`, `s`, `m`, `h` or `d`; *boolean* `true` or `false`; *text*; a *word* of a list; a "
    "*list*\n"
    "of texts, `[a, b]` or with commas in one text; a "
    "*secret*,\n"
    "which never stands in the file itself: write `file:PATH` (relative to the project),\n"
    "`credential:NAME` (of systemd: `LoadCredential=`), `exec:COMMAND` (what it prints, within 10 "
    "seconds; words\n"
    "between blanks, no shell) or `${NAME}`. A newline at the end is cut; a reload reads it "
    "anew.\n\n"
    "A key marked *reload* takes effect at SIGHUP; the others need a restart, and the log says "
    "so.\n"
    "A file with faults is not loaded: the running settings stay.\n";

static const char docs_tail[] =
    "\n## cors.routes, limits, rate_limit.clients\n\n"
    "Lists of rules: [cors.md](../cors.md) and [rate-limits.md](../rate-limits.md) explain "
    "them.\n\n"
    "```yaml\n"
    "cors:\n"
    "  routes:                            # the first whose path fits; what is left out is as "
    "above\n"
    "    - { path: /v1/public/*, origins: [\"*\"] }\n"
    "limits:\n"
    "  - name: api\n"
    "    match: { path: /v1/*, methods: [GET, POST] }\n"
    "    key: [api_key]                   # address, user, api_key, route, any mix; or global\n"
    "    algorithm: sliding_window        # fixed_window, sliding_log, token_bucket, gcra\n"
    "    rate: 100/h\n"
    "    plans: { pro: 1000/h, enterprise: 10000/h }\n"
    "    burst: 20\n"
    "    costs: [{ path: /v1/reports, cost: 10 }]\n"
    "rate_limit:\n"
    "  clients:                           # printf %s KEY | sha256sum\n"
    "    - { sha256: 2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683, plan: pro "
    "}\n"
    "```\n"
    "\n## tables\n\n"
    "Wishes for single tables; the rest is read from the database.\n\n"
    "```yaml\n"
    "tables:\n"
    "  posts:\n"
    "    expose: true                     # has routes, whatever rest.expose says\n"
    "    relations: { author: user_id }   # include=author on posts, over posts.user_id\n"
    "    reverse: { articles: user_id }   # include=articles on users, the same key backwards\n"
    "    counters: { comments_count: comments } # how many comments a post has (counters.md)\n"
    "    aggregates: false                # no counts, sums and groups, whatever rest.aggregates "
    "says\n"
    "    modified: updated_at             # the column of Last-Modified and If-Unmodified-Since\n"
    "    put_creates: true                # PUT of an id that is free makes the row, whatever\n"
    "                                     # rest.put_creates says\n"
    "    languages:                       # rows in other languages (../formats.md#rows)\n"
    "      es: { title: titulo, body: { as: texto, from: body_spanish } }\n"
    "```\n"
    "\n## roles, access\n\n"
    "Who may do what: [roles and rules](../auth.md#who-may-do-what). With either section nothing "
    "is "
    "allowed\n"
    "that no rule allows; without both everything is open.\n\n"
    "```yaml\n"
    "roles:\n"
    "  viewer: { can: [\"posts:read\"] }    # TABLE:ACTION, posts:*, *, posts:update:own\n"
    "  editor: { includes: [viewer], can: [\"posts:create\", \"posts:update:own\"] }\n"
    "  admin: { includes: [editor], can: [\"*\"] }\n"
    "access:\n"
    "  posts:                             # or \"*\": every table\n"
    "    - roles: anyone                  # a role, a list of them, anyone, authenticated\n"
    "      can: read                      # read, create, update, delete, write, all\n"
    "      where: 'status == \"public\"'    # which rows\n"
    "      hide: [notes]                  # or columns: [...], the only ones\n"
    "    - roles: editor\n"
    "      can: create\n"
    "      check: 'me.verified == true'   # what has to hold of the row as it becomes\n"
    "      set: { user_id: me.id }\n"
    "```\n"
    "\n## auth.issuers\n\n"
    "Others whose access tokens are taken: [tokens of other "
    "issuers](../oauth.md#tokens-of-other-issuers).\n\n"
    "```yaml\n"
    "auth:\n"
    "  table: users\n"
    "  issuers:\n"
    "    - issuer: https://login.example.com  # the iss of its tokens\n"
    "      audience: https://api.example.com  # their aud must name this\n"
    "      jwks: https://login.example.com/keys # else its openid-configuration says where\n"
    "      algorithms: [RS256]              # EdDSA, ES256, RS256; all of them unless said\n"
    "      typ: at+jwt                      # any, unless said\n"
    "      account: email                   # the claim that names an account; else none does\n"
    "      column: email                    # the unique column it is looked for in; else "
    "auth.login\n"
    "      roles: realm_access.roles        # the claim of roles; else the account's are taken\n"
    "```\n"
    "\n## auth.providers\n\n"
    "Where people may sign in, too: [signing in elsewhere](../oauth.md#signing-in-elsewhere).\n\n"
    "```yaml\n"
    "auth:\n"
    "  table: users\n"
    "  providers:\n"
    "    - preset: google                   # google, github, microsoft, apple, gitlab\n"
    "      client_id: 1234.apps.googleusercontent.com\n"
    "      client_secret: ${GOOGLE_SECRET}  # or file:PATH, credential:NAME, exec:COMMAND\n"
    "    - name: corp                       # in addresses; unless said, the preset\n"
    "      issuer: https://login.example.com # of OpenID Connect; of a preset: another "
    "installation\n"
    "      client_id: cairn\n"
    "      client_secret: file:corp.secret  # none: a public client\n"
    "      scopes: openid email profile\n"
    "      trust_email: true                # its addresses count as verified; false unless said\n"
    "    - preset: microsoft\n"
    "      tenant: 5e0a...                  # the id of a directory; common unless said\n"
    "      client_id: ...\n"
    "      client_secret: file:entra.secret\n"
    "    - preset: apple\n"
    "      client_id: com.example.web       # the Services ID\n"
    "      team_id: ABCDE12345\n"
    "      key_id: FGHIJ67890\n"
    "      key: file:AuthKey_FGHIJ67890.p8\n"
    "```\n"
    "\n## oauth\n\n"
    "Apps that people let in with their account here: [apps log in "
    "here](../oauth.md#apps-that-log-in-here).\n\n"
    "```yaml\n"
    "oauth:\n"
    "  scopes:\n"
    "    posts.read: { text: Read your posts, can: [\"posts:read\"] } # as of an API key\n"
    "  clients:\n"
    "    - id: shop\n"
    "      name: The Shop                   # for the person who is asked; else the id\n"
    "      secret: file:secrets/shop        # or secret_hash (SHA-256), or jwks; else public\n"
    "      redirect_uris: [https://shop.example.com/callback]\n"
    "      scopes: [openid, profile, email, offline_access, posts.read]\n"
    "      grants: [authorization_code, refresh_token] # authorization_code, unless said\n"
    "    - id: reports\n"
    "      secret_hash: 6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090\n"
    "      scopes: [posts.read]\n"
    "      grants: [client_credentials]\n"
    "      roles: [editor]                  # of what it does for itself\n"
    "      introspect: true                 # it may ask about tokens of others\n"
    "```\n"
    "\n## cache_control\n\n"
    "`Cache-Control` and `Vary` of GETs that succeed: the first rule whose path fits, else\n"
    "`http.cache_control` ([rest.md](rest.md#caches-and-lost-updates)). Where people sign in,\n"
    "every answer says `Vary: Authorization, Cookie, X-API-Key`, too (cookies and keys where they "
    "are on).\n\n"
    "```yaml\n"
    "cache_control:\n"
    "  - { path: /v1/products/*, value: \"public, max-age=60\" }\n"
    "  - { path: /v1/news, value: \"public, max-age=10\", vary: Accept-Language }\n"
    "```\n"
    "\n## versions\n\n"
    "Versions of the API over the one schema, the oldest first; `rest.prefix` gives way to `/v1`,\n"
    "`/v2` ([versions.md](../versions.md)).\n\n"
    "```yaml\n"
    "versions:\n"
    "  v1:\n"
    "    deprecated: 2026-01-01           # Deprecation; with sunset, documentation, policy\n"
    "    tables:\n"
    "      users:\n"
    "        full_name: { as: name }      # also type, default, hidden, deprecated\n"
    "        phone: hidden\n"
    "        nick: { from: full_name }    # a field of this version; also value, join, part\n"
    "      audits: hidden                 # no routes\n"
    "  v2: {}                             # the schema as it is\n"
    "```\n"
    "\n## collections\n\n"
    "Resources without columns: `/v1/events` keeps JSON objects as they come ([documents.md]"
    "(../documents.md)).\n"
    "Cairn makes and keeps their tables; a name is small letters, digits and `_`. What is taken "
    "out "
    "of this\n"
    "section has no routes any more, and keeps its rows.\n\n"
    "```yaml\n"
    "collections:\n"
    "  events: {}\n"
    "  products:\n"
    "    indexes: [brand.name, price]     # places that filters name often\n"
    "    unique: [sku]                    # no two documents with the same value there: 409\n"
    "    max_size: 64K                    # of one document; 1M unless said, 64M at most\n"
    "```\n"
    "\n## files\n\n"
    "Columns (JSONB or TEXT) that hold files: uploads, downloads and limits are described in\n"
    "[files.md](../files.md). Where the bytes are kept is said in `uploads`.\n\n"
    "```yaml\n"
    "files:\n"
    "  products.photo:\n"
    "    types: [image/png, image/jpeg]   # media types, `image/*` for all of a kind; any unless "
    "said\n"
    "    max: 5MB                         # bytes of one file; 10M unless said, 1T at most\n"
    "```\n";

static void docs_row(struct buf *out, const struct config_key *k)
{
    str preset = config__default(k);
    buf_printf(out, "| `%s` | %s | ", k->path, type_word(k->type));
    if (preset.len)
        buf_printf(out, "`%.*s`", STR_ARG(preset));
    else
        buf_lit(out, "empty");
    buf_lit(out, " | ");
    if (k->type == CONFIG_ENUM) {
        put_words(out, k, ", ");
    } else if (is_number(k)) {
        put_limit(out, k, k->min);
        buf_lit(out, " to ");
        put_limit(out, k, k->max);
    }
    buf_printf(out, " | %s | %s |\n", k->reload ? "yes" : "", k->help);
}

void config_docs(struct buf *out)
{
    buf_str(out, str_of(docs_head));
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        str section = config__section_of(k);
        if (config__opens_section(k)) {
            buf_printf(out, "\n## %.*s\n\n", STR_ARG(section.len ? section : LIT("General")));
            buf_lit(out, "| key | type | default | range | reload | meaning |\n"
                         "|---|---|---|---|---|---|\n");
        }
        docs_row(out, k);
    }
    buf_str(out, str_of(docs_tail));
}

/* ---- cairn config show ---- */

/* Length of the password at `at` of a URL; 0: none begins there. */
static size_t password_len(str url, size_t at, size_t host)
{
    static const char word[] = "password=";
    str rest = str_from(url, at);
    size_t colon = str_find(url, ':');
    bool inside = host != STR_NONE && at > colon + 3 && at < host && url.ptr[at - 1] == ':';
    if (inside)
        return host - at;
    size_t len = sizeof word - 1, n = 0;
    if (at < len || !str_starts(str_from(url, at - len), str_of(word)))
        return 0;
    while (n < rest.len && rest.ptr[n] != '&' && rest.ptr[n] != ' ')
        n++;
    return n;
}

/* A URL with the stars of its password. */
static void url_put(struct buf *out, const struct config_key *k, str url)
{
    struct buf b;
    size_t host = str_rfind(str_upto(url, str_find(url, '?')), '@');
    buf_init(&b, url.len * 4 + 16);
    for (size_t at = 0; at < url.len;) {
        size_t n = password_len(url, at, host);
        if (n)
            buf_lit(&b, "***");
        else
            buf_char(&b, url.ptr[at++]);
        at += n;
    }
    put_scalar(out, k, buf_view(&b));
    buf_fini(&b);
}

void config_show(const struct config *c, struct buf *out)
{
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        size_t start = out->len;
        buf_printf(out, "%s: ", k->path);
        if (k - config_keys == CONFIG_KEY_database_url)
            url_put(out, k, c->database_url);
        else if (k->type == CONFIG_TEXT)
            put_scalar(out, k, *(const str *)(const void *)((const char *)c + k->offset));
        else
            config__put(out, k, c);
        while (out->len - start < 44 && !out->full)
            buf_char(out, ' ');
        buf_printf(out, " # %.*s\n", STR_ARG(c->origin[k - config_keys]));
    }
}
