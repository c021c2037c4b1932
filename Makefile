# farebox: `make help` lists the targets. Everything is built under build/, nothing in the tree.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0

MAKEFLAGS += --jobs=$(shell nproc)
# `make V=1` shows the commands whole.
Q := $(if $(V),,@)
show = $(if $(V),,@echo "  $(1)	$(patsubst $(BUILD)/%,%,$@)")

PKGS := libcurl libcjson gsl libevent libevent_pthreads sqlite3 zlib
STANDARD := -std=gnu17 -D_GNU_SOURCE -DFAREBOX_VERSION='"$(VERSION)"' -I.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
OPTIMIZE ?= -O2 -g
# What makes an error of memory end the program instead of being used: checks of the stack and of copies, and no
# table of functions that can be written. Sanitizers bring their own, and copies are checked in optimized code only.
HARDEN ?= $(if $(SANITIZE),,-fPIE -fstack-protector-strong -fstack-clash-protection $(if $(filter -O0,$(OPTIMIZE))$(findstring \
    _FORTIFY_SOURCE,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3))
HARDEN_LINK ?= $(if $(SANITIZE),,-pie) -Wl,-z,relro,-z,now,-z,noexecstack
ALL_CFLAGS = $(STANDARD) $(WARNINGS) $(OPTIMIZE) $(HARDEN) $(SANITIZE) $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS = $(PKG_LIBS) -lm -lpthread
# Asked for when the first file is compiled, not before: `make deps` may have to install them.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell pkg-config --cflags --libs check))$(CHECK_LIBS)

# Whatever stands in the rooms; .ci/layers has their list.
SOURCES := $(sort $(filter-out cli/mpi/%,$(shell find core workloads bench sim cli -name '*.c')))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
EMBEDDED_FOLDERS := $(wildcard workloads/scenario/scenarios workloads/trace/forms sim/engine/presets sim/engine/hardware/models sim/engine/hardware/gpus sim/cost/book/books)
EMBEDDED := $(sort $(wildcard $(EMBEDDED_FOLDERS:=/*.json)) cli/report/page/assets/page.css cli/report/page/assets/page.js)
LIBRARY := $(BUILD)/libfarebox.a
PROGRAM := $(BUILD)/farebox
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/check_*.c))

.PHONY: all
all: $(PROGRAM) ## build build/farebox

$(PROGRAM): $(BUILD)/cli/main.o $(LIBRARY)
	$(call show,LINK)
	$(Q)$(CC) $(SANITIZE) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(LIBRARY): $(filter-out $(BUILD)/cli/main.o,$(OBJECTS)) $(BUILD)/embedded.o
	$(call show,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | deps
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Every row of a bill goes through these two: their short loops are worth unrolling.
$(BUILD)/sim/cost/book/price.o $(BUILD)/sim/cost/bill/tariff.o: OPTIMIZE += -O3

$(BUILD)/embedded.c: core/embed.sh $(EMBEDDED) $(EMBEDDED_FOLDERS)
	@mkdir -p $(@D)
	$(Q)core/embed.sh $(EMBEDDED) >$@

$(BUILD)/embedded.o: $(BUILD)/embedded.c | deps
	$(call show,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c tests/unit/testing.h $(LIBRARY)
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(CHECK_LIBS) $(ALL_LIBS)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)

# The second program, for many machines: the same library, and cli/mpi/ on top of MPI. mpicc says
# how to compile and link (of Open MPI and MPICH alike); nothing of it is in the first program.
MPICC ?= mpicc
MPI_SOURCES := $(sort $(wildcard cli/mpi/*.c))
MPI_OBJECTS := $(MPI_SOURCES:%.c=$(BUILD)/%.o)
MPI_PROGRAM := $(BUILD)/farebox-mpi
MPI_FLAGS = $(eval MPI_FLAGS := $$(shell $(MPICC) -show | tr ' ' '\n' | sed -n 's/^-I/-isystem /p'))$(MPI_FLAGS)
MPI_LIBS = $(eval MPI_LIBS := $$(shell $(MPICC) -show | tr ' ' '\n' | grep -e '^-L' -e '^-l' -e '^-Wl'))$(MPI_LIBS)

.PHONY: mpi deps-mpi
mpi: $(MPI_PROGRAM) ## build build/farebox-mpi, which runs on many machines (needs mpicc: make deps-mpi)

deps-mpi: ## install Open MPI, for make mpi and make check-mpi
	@.ci/deps build check mpi

$(MPI_PROGRAM): $(MPI_OBJECTS) $(LIBRARY)
	$(call show,LINK)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(ALL_LIBS) $(MPI_LIBS)

$(BUILD)/cli/mpi/%.o: cli/mpi/%.c | deps
	@command -v $(MPICC) >/dev/null || { echo "farebox-mpi needs MPI's compiler, $(MPICC): make deps-mpi installs it" >&2; exit 1; }
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(MPI_FLAGS) -MMD -MP -c -o $@ $<

.PHONY: check-mpi check-mpi-long
check-mpi: deps-mpi ## farebox-mpi over hosts of its own (namespaces): the same run, clocks apart, failures
	@$(MAKE) --no-print-directory mpi all
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_MPI=$(abspath $(MPI_PROGRAM)) tests/mpi/run $(T)
check-mpi-long: ## the same with 20 instants of each failure (about 20 minutes)
	@FAREBOX_MPI_LONG=1 $(MAKE) --no-print-directory check-mpi

-include $(MPI_OBJECTS:.o=.d)

.PHONY: demo
demo: $(PROGRAM) ## the whole road in under a minute: mock, workload, bench, bill, plots
	$(PROGRAM) demo --force

.PHONY: check
check: deps-check ## every test that fits ten minutes: unit tests, then the program as a user runs it
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory e2e

.PHONY: unit
unit: $(UNIT_TESTS) ## the unit tests alone (T=check_money runs one)
	@tests/unit/run $(if $(T),$(BUILD)/tests/$(T),$(UNIT_TESTS))

FAILING_IO := $(BUILD)/tests/failing_io.so
FAILING_ALLOC := $(BUILD)/tests/failing_alloc.so
.PHONY: e2e
e2e: $(PROGRAM) $(FAILING_IO) $(FAILING_ALLOC) ## the program run as a user would (T=test_bill runs one file)
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_FAILING_IO=$(abspath $(FAILING_IO)) \
	    FAREBOX_FAILING_ALLOC=$(abspath $(FAILING_ALLOC)) python3 tests/e2e/run.py $(T)

$(BUILD)/tests/%.so: tests/faults/%.c
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STANDARD) $(WARNINGS) -O1 -fPIC -shared -o $@ $<

KILLS ?= 200
.PHONY: check-kill
check-kill: $(PROGRAM) $(FAILING_IO) ## bench, sim, sweeps and the recorder killed at KILLS=200 random instants: nothing lost (minutes)
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_FAILING_IO=$(abspath $(FAILING_IO)) FAREBOX_KILLS=$(KILLS) python3 tests/e2e/run.py test_kills

.PHONY: check-io
check-io: $(PROGRAM) $(FAILING_IO) ## every call on a file of every command that writes one fails once, in each way it can (minutes)
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_FAILING_IO=$(abspath $(FAILING_IO)) FAREBOX_IO_ALL=1 python3 tests/e2e/run.py test_io_faults

.PHONY: check-memory
check-memory: $(PROGRAM) $(FAILING_ALLOC) ## every place where a command allocates fails, itself and with all that follow (minutes)
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_FAILING_ALLOC=$(abspath $(FAILING_ALLOC)) FAREBOX_MEMORY_ALL=1 \
	    python3 tests/e2e/run.py test_memory

NUMBERS ?= 100000
.PHONY: check-numbers
check-numbers: deps-check ## 100,000 extreme and random numbers (NUMBERS, SEED) in every option, file and server's answer, under ASan and UBSan (hours)
	@$(MAKE) --no-print-directory $(ASAN) all
	@FAREBOX_NUMBERS=$$(($(NUMBERS) / 12)) FAREBOX_NUMBERS_SEED=$(or $(SEED),1) tests/e2e/sanitized $(abspath $(BUILD)/asan) test_numbers

MARKETS ?= 10000
.PHONY: check-decide
check-decide: $(BUILD)/tests/check_decide ## is decide's probability right? 10,000 synthetic markets (MARKETS) whose truth is known
	@MARKETS=$(MARKETS) $<

.PHONY: check-bands
check-bands: $(PROGRAM) ## do the forecast's bands hold the truth? 500 months, minutes (MONTHS, PUBLIC; BEFORE=program to compare)
	@FAREBOX=$(abspath $(PROGRAM)) tests/perf/bands.py

PAIRS ?= 10000
.PHONY: check-bills
check-bills: $(PROGRAM) ## 10,000 random plans and workloads (PAIRS, SEED) against a biller that is slow and obvious
	@FAREBOX=$(abspath $(PROGRAM)) FAREBOX_BILL_PAIRS=$(PAIRS) FAREBOX_BILL_SEED=$(or $(SEED),1) python3 tests/e2e/run.py test_bills

N ?= 10
TIMED := $(addprefix $(BUILD)/tests/,check_bench check_bench_ends check_mock check_retry)
.PHONY: timing
timing: $(PROGRAM) $(TIMED) ## the tests that take times, N=10 times in a row: passed, skipped, failed (STRESS=1: beside stress-ng)
	@[ -z "$(STRESS)" ] || .ci/deps stress
	@export FAREBOX=$(abspath $(PROGRAM)); $(if $(STRESS),stress-ng --quiet --cpu 2 --timeout 0 & trap "kill $$!" EXIT; )tests/timing $(N) $(TIMED)

.PHONY: clients
clients: $(PROGRAM) ## the official OpenAI and Anthropic clients against the mock, prompts against real tokenizers (needs node; skips where npm does not answer)
	@FAREBOX=$(abspath $(PROGRAM)) tests/clients/run

.PHONY: focus
focus: $(PROGRAM) ## bills as FOCUS rows before the FinOps Foundation's validator (needs Python 3.12; skips where PyPI does not answer)
	@FAREBOX=$(abspath $(PROGRAM)) tests/focus/run

.PHONY: otlp
otlp: $(PROGRAM) ## runs as OTLP before OpenTelemetry's own message types (skips where PyPI does not answer)
	@FAREBOX=$(abspath $(PROGRAM)) tests/otlp/run

.PHONY: differential
differential: $(PROGRAM) ## 36,000 random usages against LiteLLM, genai-prices and tokencost themselves (skips where PyPI does not answer)
	@FAREBOX=$(abspath $(PROGRAM)) tests/differential/run

.PHONY: browser
browser: $(PROGRAM) ## report pages in a headless Chromium, WHOLE=1 at every width light and dark (skips where there is none)
	@FAREBOX=$(abspath $(PROGRAM)) python3 tests/browser/test_report.py

# With frame pointers: whose call a leak is is read from them.
ASAN = BUILD=$(BUILD)/asan OPTIMIZE="-O1 -g -fno-omit-frame-pointer" \
    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"
TSAN = BUILD=$(BUILD)/tsan OPTIMIZE="-O1 -g -fno-omit-frame-pointer" SANITIZE=-fsanitize=thread
.PHONY: asan asan-e2e tsan tsan-e2e
asan: deps-check ## unit tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory $(ASAN) FAREBOX_FEW_DRAWS=1 unit
asan-e2e: deps-check ## the program itself under both, through the end-to-end tests that take no times (T="test_bill test_sim" runs some)
	@$(MAKE) --no-print-directory $(ASAN) all
	@tests/e2e/sanitized $(abspath $(BUILD)/asan) $(T)
tsan: deps-check ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory $(TSAN) FAREBOX_FEW_DRAWS=1 unit
THREADED := test_bench test_mock test_mock_metrics test_record test_record_rows test_http2 test_server_metrics \
    test_peers test_budget test_threads test_apis test_exports
tsan-e2e: deps-check ## bench, mock and recorder under ThreadSanitizer, through their end-to-end tests (T=test_record runs one)
	@$(MAKE) --no-print-directory $(TSAN) all
	@tests/e2e/sanitized $(abspath $(BUILD)/tsan) $(or $(T),$(THREADED))

.PHONY: analyze
analyze: deps-check ## gcc's -fanalyzer over every source: what it finds is mended, or has a reason in .ci/findings (T="core/json.c" looks at some)
	@.ci/analyze $(STANDARD) $(PKG_CFLAGS) -- $(T)

FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ENGINE ?= -fsanitize=fuzzer
FUZZ_LINK ?= $(CC) $(SANITIZE)
SECONDS ?= 20
.PHONY: fuzz
fuzz: ## every fuzzer for SECONDS=20, T=fuzz_http alone (needs clang with libFuzzer)
	@$(MAKE) --no-print-directory CC="$(if $(filter clang,$(CC)),$(CC),clang)" BUILD=$(BUILD)/fuzzing OPTIMIZE="-O1 -g" \
	    SANITIZE="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all" fuzzers
	@tests/fuzz/run $(BUILD)/fuzzing $(SECONDS) $(T)

.PHONY: fuzzers
fuzzers: $(FUZZERS)
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzzing.h $(LIBRARY)
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@.o $<
	$(Q)$(FUZZ_LINK) $(FUZZ_ENGINE) -o $@ $@.o $(LIBRARY) $(ALL_LIBS)

PERF := $(patsubst tests/perf/%.c,$(BUILD)/perf/%,$(wildcard tests/perf/perf_*.c))
GRIDS ?= $(wildcard ../shared/engine/grids/*.json)
.PHONY: engine-fit
engine-fit: $(PROGRAM) ## errors of the fits to grids of step times (GRIDS="a.json b.json")
	@$(if $(GRIDS),$(PROGRAM) engine fit $(GRIDS),echo "no grids: GRIDS=\"a.json b.json\" names them")

.PHONY: perf
perf: $(PERF) $(PROGRAM) ## the benchmarks, each beside its yardstick (T=perf_price runs one)
	@.ci/deps perf || echo "some yardsticks cannot be installed here; they are left out"
	@FAREBOX=$(abspath $(PROGRAM)) tests/perf/run $(if $(T),$(or $(wildcard tests/perf/$(T)),$(BUILD)/perf/$(T)),$(PERF) $(wildcard tests/perf/perf_*.sh tests/perf/perf_*.py))
$(BUILD)/perf/%: tests/perf/%.c $(LIBRARY)
	$(call show,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(ALL_LIBS)
-include $(PERF:=.d)

.PHONY: record-long
record-long: $(PROGRAM) ## a million chunks of 500 streams through farebox record: the same to the byte?
	@FAREBOX=$(abspath $(PROGRAM)) tests/perf/record_long.py

.PHONY: docs
docs: $(PROGRAM) ## run the commands that README and docs/ show and put their output in place
	@FAREBOX=$(abspath $(PROGRAM)) python3 tests/e2e/shown.py --write README.md $(wildcard docs/*.md)
	docs/images.sh $(abspath $(PROGRAM))

.PHONY: calibrate
calibrate: $(PROGRAM) ## is diff calibrated? hundreds of pairs of whole runs, many minutes (PAIRS=20 tries)
	@FAREBOX=$(abspath $(PROGRAM)) python3 tests/perf/calibrate.py

.PHONY: reference
reference: $(PROGRAM) ## make results/reference/ anew; the tests compare it byte for byte
	@FAREBOX=$(abspath $(PROGRAM)) tests/e2e/reference.sh .

.PHONY: lint
lint: deps-lint ## format, layers, examples of headers, cppcheck, sizes
	@.ci/lint

.PHONY: format
format: deps-lint ## rewrite the sources as .clang-format has them
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: install uninstall
install: $(PROGRAM) ## install program, man page, completions and pages under PREFIX (default /usr/local; DESTDIR before it)
	@.ci/package/install $(PROGRAM) $(DESTDIR)$(PREFIX)
uninstall: ## remove exactly what make install put there (the same PREFIX and DESTDIR)
	@.ci/package/install --remove $(DESTDIR)$(PREFIX)

.PHONY: dist deb check-deb image check-image
dist: ## build/farebox-VERSION.tar.gz of the last commit: the same bytes every time
	@.ci/package/dist $(VERSION) $(BUILD)
deb: dist ## build/farebox_VERSION_ARCH.deb of the last commit; lintian finds no error and no warning
	@.ci/deps deb
	@.ci/package/deb $(VERSION) $(BUILD)
check-deb: $(if $(SUITE),dist,deb) ## the package in a fresh system: installs, runs the demo, purges without a trace (root; SUITE=trixie builds it there)
	@.ci/deps chroot
	@.ci/package/check-deb $(VERSION) $(BUILD) $(SUITE)
image: dist ## a container's image of the last commit, by podman or docker
	@.ci/package/image $(VERSION) $(BUILD)
check-image: dist ## the same image where no registry of images is: its base is a fresh Debian (root; buildah)
	@.ci/deps chroot buildah
	@.ci/package/check-image $(VERSION) $(BUILD)

.PHONY: deps deps-check deps-lint
DEPS ?= .ci/deps
deps: ## install what the build needs and is missing (root, or sudo that asks nothing; DEPS=true leaves it)
	@$(DEPS) build
deps-check:
	@.ci/deps build check
deps-lint:
	@.ci/deps build lint

.PHONY: clean
clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
