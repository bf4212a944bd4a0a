# anamed - `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
SOURCE :=
# Make's own default is cc.
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= /usr/sbin/bpftool
V ?=
Q := $(if $(V),,@)

VERSION := 0.1.0
BPF_DIR := $(PREFIX)/lib/anamed
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
# Machines but x86 reorder loads: bpf/slot.h then has barriers.
BPF_ARCH := $(if $(filter x86_64-%,$(MULTIARCH)),x86,$(firstword $(subst -, ,$(MULTIARCH))))
BPF_CC = $(CLANG) -O2 -g -mcpu=v3 -target bpf -Wall -Wextra -Werror -Wno-unused-parameter \
	-I/usr/include/$(MULTIARCH)
PKGS := libbpf libxdp ldns libcares libuv lmdb jansson libsystemd liburcu liburcu-cds libcyaml \
	libcap-ng libxxhash openssl libcurl libmaxminddb libmicrohttpd

WARN := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wundef -Werror
OPT ?= -O2 -g
SAN ?=
CFLAGS ?=
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(SAN) -fno-strict-aliasing -D_GNU_SOURCE \
	-DANAMED_VERSION='"$(VERSION)"' -DANAMED_BPF_DIR='"$(BPF_DIR)"' -Iinclude -Iuser -isystem $(BUILD) \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcares -llmdb -lpthread -lm

ROOMS := base zone sign steer health upstream kernel answer transfer serve show control
LIB_SRC := $(sort $(foreach room,$(ROOMS),$(wildcard user/$(room)/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libanamed.a
TEST_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)
SKELETON := $(BUILD)/anamed.skel.h
DISPATCHER := $(BUILD)/xdp-dispatcher.o
BPF_OBJ := $(BUILD)/anamed.bpf.o

.PHONY: all help clean install man format lint check unit demo bench vmtest fuzz deps demo-down \
	unit-asan peers-test fuzz-short fuzz-run layers e2e differential vmtest-load kernel-test publish-test
all: $(BUILD)/anamed $(BUILD)/anamectl $(DISPATCHER) ## build build/anamed, build/anamectl and the BPF object

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | expand -t 14

$(BPF_OBJ): $(SOURCE)bpf/anamed.bpf.c $(wildcard bpf/*.h include/anamed/*.h)
	@mkdir -p $(@D)
	$(Q)$(BPF_CC) -D__TARGET_ARCH_$(BPF_ARCH) -I$(SOURCE)include -I$(SOURCE)bpf -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp && rm -f $@.tmp

# For libxdp, which looks for it by this name.
$(DISPATCHER): bpf/dispatcher.bpf.c
	@mkdir -p $(@D)
	$(Q)$(BPF_CC) -c $< -o $@

$(SKELETON): $(BPF_OBJ)
	$(Q)$(BPFTOOL) gen skeleton $< name anamed_bpf > $@.tmp && mv $@.tmp $@

$(BUILD)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/user/kernel/maps.o: $(SKELETON)

$(LIB): $(LIB_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/anamed: $(BUILD)/user/anamed.o $(LIB)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/anamectl: $(BUILD)/user/anamectl.o $(LIB)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

# One cmocka program a room.
$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Ibpf -MMD -MP $(TEST_LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka

# Allocations of the library that fail.
$(BUILD)/tests/unit/answer/test_memory: private TEST_LDFLAGS := \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free

unit: $(TEST_BIN) ## build and run the unit tests
	$(Q)JOBS=2 tests/run-unit $(TEST_BIN)

# The real program through BPF_PROG_TEST_RUN.
KERNEL_TEST_BIN := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/kernel/test_*.c)))
KERNEL_TEST_PARTS := $(addprefix tests/kernel/,fixture.c packet.c reference.c)

$(BUILD)/tests/kernel/%: tests/kernel/%.c $(KERNEL_TEST_PARTS) \
		$(wildcard tests/kernel/*.h include/anamed/*.h) $(SKELETON)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/kernel -o $@ $< $(KERNEL_TEST_PARTS) -lbpf -lcmocka

kernel-test: $(KERNEL_TEST_BIN) ## the XDP program, packet by packet, in this kernel (root)
	$(Q)tests/run-unit $(KERNEL_TEST_BIN)

# The sub-makes look at the machine again, after deps has changed it.

deps: ## install from Debian what the tests need
	$(Q)tests/deps check

demo: ## show it all in namespaces of its own (root; KEEP=1 leaves the edge up)
	$(Q)tests/deps demo
	$(Q)$(MAKE) --no-print-directory -s all
	$(Q)KEEP=$(KEEP) tests/demo/run $(BUILD)

demo-down: ## take down what `make demo KEEP=1` left up
	$(Q)tests/demo/run --down

check: ## every test (root)
	$(Q)tests/deps check
	$(Q)$(MAKE) --no-print-directory -s all
	$(Q)tests/check

unit-asan: ## the unit tests under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' unit

# The rooms once more, by clang, with the fuzzer's and the sanitizers' eyes in them.
FUZZ_SECONDS ?= 60
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Ibpf -fsanitize=fuzzer -MMD -MP -o $@ $< $(LIB) $(LIBS)

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=$(CLANG) OPT='-O1 -g' WARN=-w \
		SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzz-run

fuzz-run: $(FUZZ_BIN)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_BIN)

fuzz-short: ## every fuzz target for three seconds
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=3

$(BUILD)/tests/peers/%: tests/peers/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LIBS) -lcmocka

peers-test: $(BUILD)/tests/peers/test_upstream ## upstream against real knotd and unbound
	$(Q)tests/peers/run $(BUILD)

KERNEL_USER_TEST := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/kernel-user/test_*.c)))

publish-test: $(KERNEL_USER_TEST) ## loading, attaching, publishing with the kernel's own maps (root)
	$(Q)tests/run-unit $(KERNEL_USER_TEST)

$(BUILD)/tests/kernel-user/%: tests/kernel-user/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -o $@ $< $(LIB) $(LIBS) -lcmocka

$(BUILD)/tests/transfer/%: tests/transfer/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LIBS)

.PHONY: transfer-test
transfer-test: all $(BUILD)/tests/transfer/in_host ## transfers with real knotd, named, nsd and pdns (CASE=words picks some)
	$(Q)tests/transfer/run $(BUILD) $(CASE)

$(BUILD)/tests/show/render: tests/show/render.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIB) $(LIBS)

.PHONY: show-test
show-test: all $(BUILD)/tests/show/render ## status page in Chromium, metrics by promtool (root; CASE=words picks some)
	$(Q)tests/show/run $(BUILD) $(CASE)

$(BUILD)/tests/geo/%: tests/geo/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LIBS)

.PHONY: geo-test
GEO_CASES ?= 25
SEED ?= 1
geo-test: all $(BUILD)/tests/geo/leaves ## databases and policies: GEO_CASES=25 random ones of SEED=1 against a reference
	$(Q)tests/geo/run $(BUILD) $(GEO_CASES) $(SEED)

.PHONY: migration-test
migration-test: all ## geo set-ups beside the real gdnsd and pdns with GeoLite2 City (root; CASE=words picks some)
	$(Q)tests/migration/run $(BUILD) $(CASE)

layers: ## includes go downward, as docs/layers.txt has it
	$(Q)tests/check-layers

.PHONY: semantics
semantics: ## every sentence of docs/SEMANTICS.md has its code and its tests
	$(Q)tests/check-semantics

e2e: all ## end to end: client, edge, unbound, knotd (root; CASE=words picks some)
	$(Q)tests/e2e/run $(BUILD) $(CASE)

$(BUILD)/tests/health/%: tests/health/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LIBS)

.PHONY: health-test
health-test: $(BUILD)/tests/health/host ## health checks of every kind against real services (root; CASE=words picks some)
	$(Q)tests/health/run $(BUILD) $(CASE)

.PHONY: dnssec-test
dnssec-test: all ## signed zones, ours and such as come signed, before real validators (root; CASE=words picks some)
	$(Q)tests/dnssec/run $(BUILD) $(CASE)

$(BUILD)/tests/dnssec/%: tests/dnssec/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIB) $(LIBS)

.PHONY: bench-dnssec
bench-dnssec: all $(BUILD)/tests/dnssec/sign_speed ## what signing costs (root)
	$(Q)tests/deps bench
	$(Q)tests/dnssec/speed $(BUILD)

.PHONY: resolvers
resolvers: all ## real resolvers from Debian are answered in the kernel (root)
	$(Q)tests/resolvers/run $(BUILD)

.PHONY: differential-kernel
differential-kernel: all ## kernel and daemon give the same octets (root)
	$(Q)tests/differential/run $(BUILD)

.PHONY: compliance
compliance: all ## every EDNS combination, kernel and daemon, UDP and TCP (root)
	$(Q)tests/compliance/run $(BUILD)

.PHONY: zonecheck
zonecheck: all ## faulty zones: ours, named-checkzone and kzonecheck
	$(Q)tests/zonecheck/run $(BUILD)

$(BUILD)/differential-ask: $(wildcard tests/differential/peers/*.c tests/differential/peers/*.h) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -o $@ $(filter %.c %.a,$^) $(LIBS)

N ?= 60
SEED ?= 1
differential: ## anamed against knotd, nsd and named: N=60 random zones of SEED=1, and hand-made ones
	$(Q)tests/deps differential
	$(Q)$(MAKE) --no-print-directory -s all $(BUILD)/differential-ask
	$(Q)tests/differential/peers/run $(BUILD) $(N) $(SEED)

# The daemon under ASan and UBSan.
.PHONY: badinput
badinput: ## bad zone files and configurations, reloaded by a daemon that is asked meanwhile (root)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' all
	$(Q)tests/badinput/run $(BUILD)-asan

# What a hostile primary sends, under ASan and UBSan.
.PHONY: transfer-asan
transfer-asan: ## broken and cut transfers, with sanitizers (root)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		CASE='leaves the old data' transfer-test

# Pools and regions, killed and started again, under ASan and UBSan.
.PHONY: steer-asan
steer-asan: ## pools and regions over a restart, with sanitizers (root)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		CASE='over restart' e2e

# The daemon on sockets alone, beside others.
.PHONY: bench-daemon
$(BUILD)/bench-daemon-load: tests/bench/daemon_load.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $<

ROUNDS ?= 5
bench-daemon: ## the daemon without XDP beside knotd and nsd (root; ROUNDS=5|instructions)
	$(Q)tests/deps bench
	$(Q)$(MAKE) --no-print-directory -s all $(BUILD)/bench-daemon-load
	$(Q)tests/bench/daemon.py $(BUILD) $(ROUNDS)

.PHONY: bench-misses
bench-misses: ## what a query costs that the kernel passes up; first flattenings (root)
	$(Q)tests/deps bench
	$(Q)$(MAKE) --no-print-directory -s all
	$(Q)tests/bench/misses.py $(BUILD)

.PHONY: bench-zones
bench-zones: ## a million records: time and memory beside knotd and nsd (root)
	$(Q)tests/deps bench
	$(Q)$(MAKE) --no-print-directory -s all
	$(Q)tests/bench/zones.py $(BUILD)

# The benchmark: generator, reflectors, timing, entries.
BENCH_PARTS := $(addprefix tests/bench/,query.c wire.c data.c)
BENCH_BIN := $(addprefix $(BUILD)/bench-,blast cost fill)
BENCH_CC = $(CC) $(ALL_CFLAGS) -Itests/bench

$(BUILD)/bench.skel.h: tests/bench/bench.bpf.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -mcpu=v3 -target bpf -Wall -Wextra -Werror -I/usr/include/$(MULTIARCH) \
		-Itests/bench -c $< -o $(BUILD)/bench.tmp
	$(Q)$(BPFTOOL) gen object $(BUILD)/bench.bpf.o $(BUILD)/bench.tmp && rm -f $(BUILD)/bench.tmp
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/bench.bpf.o name bench_bpf > $@.tmp && mv $@.tmp $@

$(BUILD)/bench-blast $(BUILD)/bench-cost: $(BUILD)/bench-%: tests/bench/%.c $(BENCH_PARTS) \
		$(wildcard tests/bench/*.h) $(BUILD)/bench.skel.h
	$(Q)$(BENCH_CC) -o $@ $< $(BENCH_PARTS) -lbpf

$(BUILD)/bench-fill: tests/bench/fill.c tests/bench/data.c tests/bench/data.h $(LIB)
	$(Q)$(BENCH_CC) -o $@ tests/bench/fill.c tests/bench/data.c $(LIB) $(LIBS)

.PHONY: failover-test
failover-test: all ## what clients get while members of pools die in every way (root; CASE=words picks some)
	$(Q)tests/failover/matrix $(BUILD) $(CASE)

$(BUILD)/tests/failover/load: tests/failover/load.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIB) $(LIBS)

$(BUILD)/bench-geo: tests/bench/geo_cost.c $(BENCH_PARTS) $(wildcard tests/bench/*.h) \
		$(BUILD)/bench.skel.h $(LIB)
	$(Q)$(BENCH_CC) -o $@ $< $(BENCH_PARTS) $(LIB) $(LIBS)

.PHONY: bench-geo
bench-geo: all $(BUILD)/bench-geo ## the program's time with and without places (root)
	$(Q)tests/bench/geo.py $(BUILD)

.PHONY: bench-checks
bench-checks: all $(BUILD)/tests/failover/load ## 5000 HTTP and HTTPS checks of a real nginx, under queries: what they cost (root)
	$(Q)tests/failover/crowd $(BUILD)

QUICK ?=
.PHONY: bench-failover
bench-failover: ## how long wrong answers go out of the kernel: deaths, changes (root; QUICK=1)
	$(Q)tests/deps failover
	$(Q)$(MAKE) --no-print-directory -s all $(BUILD)/tests/failover/load
	$(Q)tests/failover/run $(BUILD) $(if $(QUICK),--quick)

bench: ## replies a second beside a bare reflector and other servers (root; QUICK=1: under a minute)
	$(Q)tests/deps bench
	$(Q)$(MAKE) --no-print-directory -s all $(BENCH_BIN) $(BUILD)/bench-geo
	$(Q)tests/bench/run $(BUILD) $(if $(QUICK),--quick)
	$(Q)tests/bench/geo.py $(BUILD) $(if $(QUICK),--quick)
	$(if $(QUICK),,$(Q)$(MAKE) --no-print-directory bench-daemon bench-misses)

# Never torn, never wrong: entries rewritten, maps replaced, daemons killed under full load.
TORTURE := $(BUILD)/tests/torture/torture
TORTURE_SECONDS ?= 60
SOAK_SECONDS ?= 600

$(BUILD)/torture.skel.h: tests/torture/torture.bpf.c tests/torture/torture.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -mcpu=v3 -target bpf -Wall -Wextra -Werror -I/usr/include/$(MULTIARCH) \
		-Itests/torture -c $< -o $(BUILD)/torture.tmp
	$(Q)$(BPFTOOL) gen object $(BUILD)/torture.bpf.o $(BUILD)/torture.tmp && rm -f $(BUILD)/torture.tmp
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/torture.bpf.o name torture_bpf > $@.tmp && mv $@.tmp $@

$(TORTURE): $(wildcard tests/torture/*.c) $(wildcard tests/torture/*.h) $(BUILD)/torture.skel.h $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/torture -o $@ \
		$(filter-out %.bpf.c,$(wildcard tests/torture/*.c)) $(LIB) $(LIBS)

# What is not this anamed, for changing over: $(1) in the build folder, from sources that the
# sed command $(2) changes, of which user/kernel has another program in it.
define VARIANT
$(BUILD)/$(1)/source: $(wildcard include/anamed/*.h bpf/*.[ch])
	$(Q)mkdir -p $$@ && cp -r include bpf $$@/
	$(Q)sed -i $(2) $$@/include/anamed/treaty.h $$@/bpf/slot.h && touch $$@

$(BUILD)/$(1)/anamed.skel.h: $(BUILD)/$(1)/source
	$(Q)$$(MAKE) --no-print-directory -s BUILD=$(BUILD)/$(1) SOURCE=$$</ $$@

$(BUILD)/$(1)/user/%.o: user/%.c $(BUILD)/$(1)/anamed.skel.h $(wildcard user/*/*.h)
	@mkdir -p $$(@D)
	$(Q)$(CC) -I$(BUILD)/$(1)/source/include -isystem $(BUILD)/$(1) $$(ALL_CFLAGS) -c $$< -o $$@

$(BUILD)/$(1)/anamed $(BUILD)/$(1)/anamectl: $(BUILD)/$(1)/%: $(BUILD)/user/%.o \
		$(patsubst %.c,$(BUILD)/$(1)/%.o,$(wildcard user/kernel/*.c)) $(LIB)
	$(Q)$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(eval $(call VARIANT,older,'s/^.define AN_ABI_VERSION .*/#define AN_ABI_VERSION 1/'))
$(eval $(call VARIANT,other,'s/^.define SLOT_TRIES .*/#define SLOT_TRIES 3/'))
VARIANTS := $(BUILD)/older/anamed $(BUILD)/older/anamectl $(BUILD)/other/anamectl

.PHONY: torture torture-check
torture: all $(TORTURE) $(VARIANTS) ## entries rewritten, reloaded, replaced, killed under load (root; TORTURE_SECONDS=60 each)
	$(Q)tests/torture/run $(BUILD) $(TORTURE_SECONDS)

torture-check: all $(TORTURE) $(VARIANTS) ## the same, three seconds each
	$(Q)tests/torture/run $(BUILD) 3

.PHONY: soak
soak: all ## everything that is kept turns over for SOAK_SECONDS=600: is memory flat? (root)
	$(Q)tests/soak/run $(BUILD) $(SOAK_SECONDS)

# Debian's kernels under qemu.
VMTEST_PROGRAMS := $(addprefix $(BUILD)/vmtest-,ask loader other tags)
VMTEST_OBJECTS := $(addprefix $(BUILD)/vmtest/,older.bpf.o other.bpf.o pass.bpf.o barriers.bpf.o)

$(VMTEST_PROGRAMS): $(BUILD)/vmtest-%: vmtest/%.c $(wildcard include/anamed/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< -lbpf -lxdp -lresolv

$(filter-out %/barriers.bpf.o,$(VMTEST_OBJECTS)): $(BUILD)/vmtest/%.bpf.o: vmtest/%.bpf.c include/anamed/treaty.h
	@mkdir -p $(@D)
	$(Q)$(BPF_CC) -Iinclude -c $< -o $@

# As it is built for machines that reorder loads.
$(BUILD)/vmtest/barriers.bpf.o: bpf/anamed.bpf.c $(wildcard bpf/*.h include/anamed/*.h)
	@mkdir -p $(@D)
	$(Q)$(BPF_CC) -D__TARGET_ARCH_arm64 -Iinclude -Ibpf -c $< -o $@

KERNEL ?= 6.1 6.12
PARTS ?= load kernel veth dispatcher jumbo vlan virtio torture
.PHONY: vmtest-check
vmtest: ## the whole kernel suite on Debian's kernels under qemu (KERNEL=6.1 6.12, PARTS=load kernel veth ...)
	$(Q)tests/deps vmtest
	$(Q)$(MAKE) --no-print-directory -s all $(VMTEST_PROGRAMS) $(VMTEST_OBJECTS) $(KERNEL_TEST_BIN) $(TORTURE) \
		$(KERNEL_USER_TEST)
	$(Q)vmtest/run $(BUILD) "$(KERNEL)" "$(PARTS)"

vmtest-check: ## what `make check` has time for of it
	$(Q)$(MAKE) --no-print-directory -s vmtest PARTS="load kernel veth dispatcher"

vmtest-load: ## only show the object to those kernels' verifiers
	$(Q)$(MAKE) --no-print-directory -s vmtest PARTS=load

C_FILES = $(sort $(shell git ls-files '*.c' '*.h'))

format: ## clang-format every C file
	$(Q)clang-format -i $(C_FILES)

lint: ## clang-tidy, cppcheck, and the format
	$(Q)tests/deps lint
	$(Q)$(MAKE) --no-print-directory -s $(SKELETON) $(BUILD)/bench.skel.h $(BUILD)/torture.skel.h
	$(Q)status=0; \
	clang-format --dry-run --Werror $(C_FILES) || status=1; \
	printf '%s\n' $(filter-out %.bpf.c,$(filter user/%.c tests/%.c,$(C_FILES))) | \
		xargs -P $$(nproc) -I{} clang-tidy --quiet {} -- $(filter-out -W%,$(ALL_CFLAGS)) \
		-Itests -Ibpf -Itests/kernel -Itests/bench || status=1; \
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
		--suppress=missingInclude --suppress=unknownMacro --suppress=uninitvar:user/answer/* \
		--suppress=ctuuninitvar:user/answer/near.c \
		--suppress=memleak:user/kernel/publish.c -Iinclude -Iuser -D__x86_64__ user || status=1; \
	exit $$status

MAN := $(patsubst docs/man/%.scd,$(BUILD)/man/%,$(wildcard docs/man/*.scd))
DOCS := README.md LICENSE $(wildcard docs/*.md)
SHARE = $(DESTDIR)$(PREFIX)/share

$(BUILD)/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	@command -v scdoc >/dev/null || tests/deps install
	$(Q)scdoc < $< > $@.tmp && mv $@.tmp $@

man: $(MAN) ## build the man pages (scdoc)

install: all man ## install under DESTDIR, PREFIX (/usr/local); starts and enables nothing
	install -D -m 0755 $(BUILD)/anamed $(DESTDIR)$(PREFIX)/sbin/anamed
	install -D -m 0755 $(BUILD)/anamectl $(DESTDIR)$(PREFIX)/bin/anamectl
	install -D -m 0644 $(DISPATCHER) $(DESTDIR)$(BPF_DIR)/xdp-dispatcher.o
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@BINDIR@,$(PREFIX)/bin,; s,@SBINDIR@,$(PREFIX)/sbin,' docs/examples/anamed.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/anamed.service
	install -D -m 0644 docs/examples/anamed.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/anamed.conf
	install -D -m 0644 docs/examples/anamectl.bash $(SHARE)/bash-completion/completions/anamectl
	ln -sf anamectl $(SHARE)/bash-completion/completions/anamed
	install -d $(SHARE)/man/man5 $(SHARE)/man/man8 $(SHARE)/doc/anamed/examples
	install -m 0644 $(filter %.5,$(MAN)) $(SHARE)/man/man5
	install -m 0644 $(filter %.8,$(MAN)) $(SHARE)/man/man8
	install -m 0644 $(DOCS) $(SHARE)/doc/anamed
	install -d $(SHARE)/doc/anamed/adr $(SHARE)/doc/anamed/img
	install -m 0644 docs/adr/*.md $(SHARE)/doc/anamed/adr
	install -m 0644 docs/img/* $(SHARE)/doc/anamed/img
	ln -sfn . $(SHARE)/doc/anamed/docs
	install -m 0644 docs/examples/*.yaml docs/examples/*.rules docs/examples/grafana-dashboard.json zones/*.zone $(SHARE)/doc/anamed/examples
	sed -i 's,\.\./\.\./zones/,,' $(SHARE)/doc/anamed/examples/loopback.yaml

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz

-include $(LIB_OBJ:.o=.d) $(BUILD)/user/anamed.d $(BUILD)/user/anamectl.d $(TEST_BIN:=.d)
