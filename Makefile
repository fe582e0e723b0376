# Cairn. `make`, `make check`, `make install`; MODE=release|debug|asan|tsan|fuzz (own build folder each).
MODE    ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
VERSION := 0.1.0
B       := $(if $(filter release,$(MODE)),build,build-$(MODE))

PKGS := libuv sqlite3 libsodium
# Loaded at run time, and only when they are needed (src/lib): their headers, and as the linker knows them.
HEADERS := libpq libcurl libfyaml hiredis libcrypto libcrypt zlib libbrotlienc libbrotlidec libzstd libxml-2.0
LAZY := pq curl fyaml hiredis crypto crypt z brotlienc brotlidec zstd xml2 pg_query
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -fno-common -Werror
CPPFLAGS += -D_GNU_SOURCE -Isrc -Iinclude -I$B -DCAIRN_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) $(HEADERS))
CFLAGS_release := -O2 -g
CFLAGS_debug   := -Og -g -DCAIRN_DEBUG
CFLAGS_asan    := -O1 -g -DCAIRN_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -DCAIRN_DEBUG -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_fuzz    := -O1 -g -DCAIRN_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
ALL_CFLAGS = -std=c17 $(CFLAGS_$(MODE)) $(WARN) -fPIC -fvisibility=hidden -MMD -MP $(CFLAGS)
LDLIBS := $(shell pkg-config --libs $(PKGS)) -lpthread -ldl -lm
ifeq ($(MODE),fuzz)
CC := clang
endif

SRC := $(sort $(wildcard src/*/*.c))
OBJ := $(SRC:%.c=$B/%.o)
UNIT := $(patsubst test/unit/%.c,$B/unit/%,$(sort $(wildcard test/unit/*/*.c)))
EXAMPLES := $(patsubst examples/%/,$B/examples/%,$(sort $(dir $(wildcard examples/*/*.c))))
FUZZ := $(patsubst test/fuzz/%.c,$B/fuzz/%,$(sort $(wildcard test/fuzz/*.c)))

.PHONY: all lib examples unit check layers tidy install uninstall clean fuzz
.PRECIOUS: $B/%.o
all: $B/cairn lib examples
lib: $B/libcairn.a $B/libcairn.so

$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# The file that a program linked against the library would name.
$B/sonames.h: Makefile
	@mkdir -p $(@D)
	@for l in $(LAZY); do so=$$(objdump -p "$$($(CC) -print-file-name=lib$$l.so)" 2>/dev/null | awk '$$1 == "SONAME" {print $$2}'); \
	  echo "#define SONAME_$$l \"$${so:-lib$$l.so}\""; done > $@
$B/src/lib/libs.o $B/src/db/pg_lib.o $B/src/client/curl_lib.o: $B/sonames.h

# The pages are bytes of the program; Swagger UI too, where `./dev setup` has put it.
WEB ?= build/web
UI := $(if $(wildcard $(WEB)/swagger-ui-bundle.js),$(WEB),web/none)
$B/src/admin/assets.o: CPPFLAGS += -DCAIRN_SWAGGER_UI='"$(UI)"'
$B/src/admin/assets.o: $(wildcard web/docs.* $(UI)/*)

$B/src/mail/defaults.o: $(wildcard web/mail/*)

# One object with every inner name made local: only cairn_* can be linked against.
$B/libcairn.o: $(OBJ)
	$(LD) -r -o $@.tmp $(OBJ)
	objcopy --wildcard --keep-global-symbol='cairn_*' $@.tmp $@ && rm -f $@.tmp
$B/libcairn.a: $B/libcairn.o
	rm -f $@ && ar rcs $@ $<
$B/libcairn.so: $(OBJ)
	$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,libcairn.so.0 -o $@ $(OBJ) $(LDFLAGS) $(LDLIBS)
$B/inner.a: $(OBJ)
	rm -f $@ && ar qcs $@ $(OBJ)
$B/cairn: $B/bin/cairn.o $B/inner.a
	$(CC) $(ALL_CFLAGS) -rdynamic -o $@ $< $B/inner.a $(LDFLAGS) $(LDLIBS)

# As an embedder would: the public header and the static library.
examples: $(EXAMPLES) $B/wire/every
.SECONDEXPANSION:
$B/examples/%: $$(wildcard examples/%/*.c) include/cairn.h $B/libcairn.a
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CFLAGS_$(MODE)) $(WARN) $(CFLAGS) -Iinclude -o $@ $(filter %.c,$^) $B/libcairn.a $(LDFLAGS) $(LDLIBS)

$B/wire/%: test/wire/70-c-api/%.c include/cairn.h $B/libcairn.a
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CFLAGS_$(MODE)) $(WARN) $(CFLAGS) -Iinclude -o $@ $< $B/libcairn.a $(LDFLAGS) $(LDLIBS)

$B/unit/%: $B/test/unit/%.o $B/inner.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $< $B/inner.a $(LDFLAGS) $(LDLIBS) -Wl,--as-needed $(LAZY:%=-l%) -lcmocka
$B/fuzz/%: $B/test/fuzz/%.o $B/test/fuzz/same/chance.o $B/inner.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $B/inner.a $(LDFLAGS) $(LDLIBS)
unit: $(UNIT)
	@tools/run-unit $(UNIT)
fuzz: $(FUZZ)

# A folder may include itself and those that src/LAYERS names; what calls a WAITS function is WAITS; files are formatted.
layers:
	@grep -roE '^ *# *include +"[a-z]+/' src | awk -F'[ :/"]+' 'NR==FNR {ok[$$1,$$1]; \
	  for (i=2;i<=NF;i++) ok[$$1,$$i]; next} !(($$2,$$5) in ok) {print "layer:", $$0; bad=1} \
	  END {exit bad}' src/LAYERS -
	@tools/waits
	@sh ./dev format

# clang-tidy with the checks of .clang-tidy, again only for what has changed.
tidy: $(SRC:%.c=$B/tidy/%.ok) $B/tidy/bin/cairn.ok
$B/tidy/src/admin/assets.ok: CPPFLAGS += -DCAIRN_SWAGGER_UI='"$(UI)"'
$B/tidy/%.ok: $B/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $*.c -- -std=c17 $(CPPFLAGS) 2>$@.err || { cat $@.err; exit 1; }
	@rm -f $@.err; touch $@

check: all unit layers
	@tools/run-wire

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man1
	install -m755 $B/cairn $(DESTDIR)$(PREFIX)/bin/cairn
	install -m644 $B/libcairn.a $(DESTDIR)$(PREFIX)/lib/libcairn.a
	install -m755 $B/libcairn.so $(DESTDIR)$(PREFIX)/lib/libcairn.so.0
	ln -sf libcairn.so.0 $(DESTDIR)$(PREFIX)/lib/libcairn.so
	install -m644 include/cairn.h $(DESTDIR)$(PREFIX)/include/cairn.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tools/cairn.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/cairn.pc
	install -m644 docs/cairn.1 $(DESTDIR)$(PREFIX)/share/man/man1/cairn.1
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/cairn $(DESTDIR)$(PREFIX)/lib/libcairn.* $(DESTDIR)$(PREFIX)/include/cairn.h \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig/cairn.pc $(DESTDIR)$(PREFIX)/share/man/man1/cairn.1
clean:
	rm -rf build build-*

-include $(OBJ:.o=.d) $B/bin/cairn.d $(UNIT:$B/unit/%=$B/test/unit/%.d) $(FUZZ:$B/fuzz/%=$B/test/fuzz/%.d)
