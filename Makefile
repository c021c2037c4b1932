# farebox: `make help` lists the targets. Everything is built under build/, nothing in the tree.

CC ?= gcc
BUILD ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0

PKGS := libcurl libcjson gsl libevent libevent_pthreads zlib
STANDARD := -std=gnu17 -D_GNU_SOURCE -DFAREBOX_VERSION='"$(VERSION)"' -I.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
OPTIMIZE ?= -O2 -g
ALL_CFLAGS = $(STANDARD) $(WARNINGS) $(OPTIMIZE) $(SANITIZE) $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS = $(PKG_LIBS) -lm -lpthread
# Asked for when the first file is compiled, not before: `make deps` may have to install them.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell pkg-config --cflags --libs check))$(CHECK_LIBS)

ROOMS := core core/stats core/runs workloads bench sim sim/cost sim/engine sim/mock sim/plan \
         cli cli/report
SOURCES := $(wildcard $(addsuffix /*.c,$(ROOMS)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libfarebox.a
PROGRAM := $(BUILD)/farebox
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/check_*.c))

.PHONY: all
all: $(PROGRAM)

-include .ci/targets.mk

$(PROGRAM): $(BUILD)/cli/main.o $(LIBRARY)
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(LIBRARY): $(filter-out $(BUILD)/cli/main.o,$(OBJECTS))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | deps
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c tests/unit/testing.h $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(CHECK_LIBS) $(ALL_LIBS)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)

.PHONY: deps
deps: ## install what is missing (asks pkg-config; needs root, or sudo that asks nothing)
	@./.ci/deps build

.PHONY: clean
clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: unit
unit: $(UNIT_TESTS) ## the unit tests alone (T=check_money runs one)
	@tests/unit/run $(if $(T),$(BUILD)/tests/$(T),$(UNIT_TESTS))
