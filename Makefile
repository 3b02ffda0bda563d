# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds, checks and installs Stasis. Everything made lands under $(O).
#
#   make             the program, the compel tool and library
#   make demo        freeze a program, bring it back, see it go on
#   make test        everything that can be checked on this machine
#   make help        the other targets
#
# ARCH=aarch64 or ARCH=ppc64le cross-builds (CROSS_COMPILE= names the
# toolchain's prefix), STATIC=1 links statically as cross-builds do, SAN=1
# builds with ASan and UBSan, V=1 shows commands, CC=clang works as well.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

HOST_ARCH := $(shell uname -m)
ARCH ?= $(HOST_ARCH)
O ?= build/$(ARCH)$(if $(SAN),-san)
PREFIX ?= /usr/local
DESTDIR ?=

NO_BUILD_GOALS := clean help deps format test test-all test-cross \
	test-guests test-kernels dist test-dist
ifneq ($(ARCH),$(HOST_ARCH))
CROSS_COMPILE ?= $(patsubst ppc64le%,powerpc64le%,$(ARCH))-linux-gnu-
STATIC ?= 1
# Target libraries come from a folder outside of the tree (SYSROOT= names
# another one); nothing is fetched for goals that build nothing.
ifeq ($(origin SYSROOT)$(filter $(NO_BUILD_GOALS),$(MAKECMDGOALS)),undefined)
SYSROOT := $(shell cross/sysroot $(ARCH))
ifeq ($(SYSROOT),)
$(error no target libraries for ARCH=$(ARCH); SYSROOT= may name a folder)
endif
endif
endif
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc $(if $(SYSROOT),--sysroot=$(SYSROOT))
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
ifeq ($(origin LD),default)
LD := $(CROSS_COMPILE)ld
endif
HOSTCC ?= gcc
PKG_CONFIG ?= pkg-config
ifneq ($(SYSROOT),)
TRIPLET := $(patsubst %-,%,$(notdir $(CROSS_COMPILE)))
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig $(PKG_CONFIG)
endif
PROTOC_C ?= protoc-c
CLANG_FORMAT ?= clang-format
PYTHON ?= /usr/bin/python3

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
endif

# --- flags ------------------------------------------------------------------

# Fields that a table leaves out are zero, and meant to be.
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef \
	-Wno-missing-field-initializers -Werror
# Code that protoc-c writes is not ours to make pretty.
WARN_GEN := -Wall -Wno-unused-parameter -Werror
PACKAGES := libprotobuf-c libnl-route-3.0 libnl-3.0 libelf
# Quotes only: our headers may be called as the C library's (features.h).
INCLUDES := -iquote core -iquote backends -I. -I$(O)/gen \
	$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
# _GNU_SOURCE is empty, so that a file that defines it, too, does no harm.
COMMON := -std=gnu11 -O2 -g -D_GNU_SOURCE= -MMD -MP
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

BUILD_CFLAGS := $(COMMON) $(INCLUDES) $(if $(SAN),$(SANITIZE)) $(CFLAGS)
# What has no table of its frames shows no call chain: ld leaves it out of
# static programs.
STATIC_FLAG := $(if $(STATIC),-static -Xlinker --eh-frame-hdr,-Xlinker -z -Xlinker now)
BUILD_LDFLAGS := $(if $(SAN),$(SANITIZE)) $(STATIC_FLAG) $(LDFLAGS)
# Sanitizers in the unit tests; a static test runs without them.
TEST_SAN := $(if $(STATIC),,$(SANITIZE))
TEST_CFLAGS := $(COMMON) $(INCLUDES) -Itests/unit $(TEST_SAN) $(CFLAGS)
TEST_LDFLAGS := $(TEST_SAN) $(STATIC_FLAG) $(LDFLAGS)

# Only the C library is shared: each library more is one to be found, mapped
# and bound whenever the program starts, and to be copied whenever it forks.
# All of it is bound at once, so that a fork finds nothing left to do. libunwind,
# which few need, is loaded when it is (inspect/unwind_library.h).
UNWIND_ARCH := $(patsubst ppc64le,ppc64,$(ARCH))
UNWIND_FLAG := $(if $(STATIC),,-DUNWIND_LIBRARY='"libunwind-$(UNWIND_ARCH).so.8"')
LIBS = $(if $(STATIC),,-Xlinker -Bstatic) \
	$(shell $(PKG_CONFIG) --static --libs $(PACKAGES)) \
	$(if $(STATIC),-lunwind-$(UNWIND_ARCH) -lunwind -llzma,-Xlinker -Bdynamic) \
	-lpthread $(EXTRA_LIBS)

# --- sources ----------------------------------------------------------------

# The agent is no part of the program: it runs inside other processes.
AGENT_C := $(wildcard core/inject/agent.c)
AGENT_S := $(wildcard backends/$(ARCH)/agent_head.S)
AGENT_LDS := $(wildcard backends/$(ARCH)/agent.lds)
MAIN_C := $(wildcard main.c core/main.c)

PROTOS := $(wildcard proto/*.proto)
PROTO_C := $(PROTOS:%.proto=$(O)/gen/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h)

COMPEL_HOST_C := $(wildcard compel/host/*.c)
COMPEL_MAIN_C := $(shell grep -ls '^int main\b' compel/host/*.c)
COMPEL_LIB_C := $(wildcard compel/*.c)
COMPEL_EXAMPLES := $(patsubst %/,%,$(dir $(wildcard compel/examples/*/Makefile)))

ifneq ($(and $(AGENT_C),$(AGENT_S),$(AGENT_LDS),$(COMPEL_MAIN_C)),)
BLOB_C := $(O)/gen/agent_blob.c
else ifneq ($(wildcard backends/agent_blob.h),)
# Without its parts the blob is empty and nothing can be injected.
BLOB_C := $(O)/gen/agent_none.c
endif

# core/LAYERS: lines of "folder+folder folder", bottom to top; a line becomes
# the word "folder+folder,folder".
hash := \#
LAYER_LINES := $(shell awk '/^[^$(hash)]/ { gsub(/[ \t]+/, ","); print }' \
	core/LAYERS)
comma := ,
line_groups = $(subst $(comma), ,$(1))
group_folders = $(subst +, ,$(1))
LAYERS := $(foreach l,$(LAYER_LINES),$(call line_groups,$(l)))

src_of_proto := $(PROTO_C)
src_of_backends := $(wildcard backends/*.c backends/*/*.c) $(BLOB_C)
folder_src = $(or $(src_of_$(1)),$(filter-out $(MAIN_C) $(AGENT_C), \
	$(wildcard $(1)/*.c)))
group_src = $(foreach f,$(call group_folders,$(1)),$(call folder_src,$(f)))

ALL_SRC := $(foreach g,$(LAYERS),$(call group_src,$(g)))
# Generated files lose the $(O)/gen/ in front, others keep their path.
obj = $(patsubst %.c,$(O)/obj/%.o,$(patsubst $(O)/gen/%,gen/%,$(1)))
sanobj = $(patsubst %.c,$(O)/san/obj/%.o,$(patsubst $(O)/gen/%,gen/%,$(1)))

PROGRAM := $(if $(MAIN_C),$(O)/stasis)
COMPEL_TOOL := $(if $(COMPEL_MAIN_C),$(O)/compel)
COMPEL_LIB := $(if $(COMPEL_LIB_C),$(O)/libcompel.a)

UNIT_C := $(wildcard tests/unit/*/*_test.c)
UNIT_TESTS := $(UNIT_C:%.c=$(O)/san/%)

# --- the program ------------------------------------------------------------

.PHONY: all demo test test-unit test-kinds test-live test-all test-cross \
	test-interop test-fuzz live-programs test-guests test-cpus test-kernels \
	dist test-dist test-native \
	lint bench format deps install clean help objects unit-tests \
	test-two-hosts test-systemd

all: $(PROGRAM) $(COMPEL_TOOL) $(COMPEL_LIB) examples client

# Every object, linked or not: for checks on what a compiler says.
objects: $(call obj,$(ALL_SRC) $(MAIN_C))

$(O)/stasis: $(call obj,$(MAIN_C) $(ALL_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BUILD_LDFLAGS) -o $@ $^ $(LIBS)

$(O)/obj/gen/proto/%.o: $(O)/gen/proto/%.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) $(WARN_GEN) -c -o $@ $<

$(O)/obj/gen/%.o: $(O)/gen/%.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) $(WARN) -c -o $@ $<

%/core/inspect/unwind_library.o: BUILD_CFLAGS += $(UNWIND_FLAG)
%/core/inspect/unwind_library.o: TEST_CFLAGS += $(UNWIND_FLAG)

$(O)/obj/%.o: %.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) $(WARN) -c -o $@ $<

$(O)/gen/proto/%.pb-c.c $(O)/gen/proto/%.pb-c.h &: proto/%.proto
	$(call say,PROTOC,$<)
	$(Q)mkdir -p $(O)/gen/proto
	$(Q)$(PROTOC_C) -Iproto --c_out=$(O)/gen/proto $<

# --- the agent: freestanding, one section, made a blob by compel -------------

AGENT_FLAGS := -O2 -ffreestanding -fno-builtin -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-jump-tables \
	-fPIC -fvisibility=hidden -std=gnu11 -g0 -MMD -MP \
	-fno-sanitize=all -fno-lto
ifeq ($(findstring clang,$(CC)),)
AGENT_FLAGS += -fno-tree-loop-distribute-patterns
endif
AGENT_FLAGS_x86_64 := -mgeneral-regs-only -mno-red-zone -fcf-protection=none
AGENT_FLAGS_aarch64 := -mgeneral-regs-only -mbranch-protection=none \
	-mno-outline-atomics
AGENT_FLAGS_ppc64le := -mcpu=power8 -mno-altivec -mno-vsx -msoft-float
AGENT_FLAGS += $(AGENT_FLAGS_$(ARCH)) -Icore -Ibackends/$(ARCH)
AGENT_OBJ := $(O)/agent/agent_head.o $(O)/agent/agent.o

$(O)/agent/agent.o: $(AGENT_C)
	$(call say,AGENT,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(AGENT_FLAGS) $(WARN) -c -o $@ $<

$(O)/agent/agent_head.o: $(AGENT_S)
	$(call say,AGENT,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(AGENT_FLAGS) -D__ASSEMBLY__ -c -o $@ $<

# Relocations are kept for compel to see that none needs an address.
$(O)/agent.elf: $(AGENT_OBJ) $(AGENT_LDS)
	$(call say,LD,$@)
	$(Q)$(LD) -static -nostdlib --build-id=none -z noexecstack \
		--emit-relocs --no-undefined -T $(AGENT_LDS) -o $@ $(AGENT_OBJ)

$(O)/gen/agent_blob.c: $(O)/agent.elf $(O)/compel
	$(call say,BLOB,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(O)/compel build --machine $(ARCH) --symbol agent_blob $< -o $@

$(O)/gen/agent_none.c:
	$(Q)mkdir -p $(@D)
	$(Q)printf '#include "%s"\n%s\n' agent_blob.h \
		'const struct blob agent_blob = {0};' >$@

# --- compel: host tool (build machine's compiler) and library ----------------

COMPEL_HOST_OBJ := $(COMPEL_HOST_C:%.c=$(O)/host/%.o)

$(O)/host/%.o: %.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(COMMON) -Icore -I. -Icompel $(WARN) -c -o $@ $<

# The tool may use the base layer, which is built for this machine, too.
COMPEL_HOST_BASE := $(patsubst %.c,$(O)/host/%.o,$(wildcard core/base/*.c))

$(O)/compel: $(COMPEL_HOST_OBJ) $(COMPEL_HOST_BASE)
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^ -lelf

COMPEL_LIB_SRC := $(COMPEL_LIB_C) \
	$(foreach f,core/base proto core core/kernel backends core/inject, \
	$(call folder_src,$(f)))

$(O)/libcompel.a: $(call obj,$(COMPEL_LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# Programs for demo and reading: examples/NAME.c, which need nothing but libc.
EXAMPLES := $(patsubst %.c,$(O)/%,$(wildcard examples/*.c))

$(O)/examples/%: examples/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) $(WARN) $(BUILD_LDFLAGS) -o $@ $< -lpthread

.PHONY: examples
examples: $(EXAMPLES) $(COMPEL_TOOL) $(COMPEL_LIB)
	$(Q)for d in $(COMPEL_EXAMPLES); do \
		$(MAKE) --no-print-directory -C $$d O=$(abspath $(O)) \
			ARCH=$(ARCH) CC='$(CC)' || exit 1; \
	done

# --- unit tests: sanitized objects, one archive a layer -----------------------

$(O)/san/obj/gen/proto/%.o: $(O)/gen/proto/%.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(WARN_GEN) -c -o $@ $<

$(O)/san/obj/gen/%.o: $(O)/gen/%.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(WARN) -c -o $@ $<

$(O)/san/obj/%.o: %.c | $(PROTO_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(WARN) -c -o $@ $<

# archives_NAME: what tests of the folder whose last name is NAME may use.
group_lib = $(O)/san/lib/$(subst /,-,$(lastword $(call group_folders,$(1)))).a

define GROUP_template
$(call group_lib,$(1)): $(call sanobj,$(call group_src,$(1)))
	$(call say,AR,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$^

$(foreach f,$(call group_folders,$(1)), \
	$(eval archives_$(notdir $(f)) := $(archives) $(call group_lib,$(1))))
endef
define LINE_template
$(foreach g,$(call line_groups,$(1)),$(eval $(call GROUP_template,$(g))))
archives += $(foreach g,$(call line_groups,$(1)),$(call group_lib,$(g)))
endef
archives :=
$(foreach l,$(LAYER_LINES),$(eval $(call LINE_template,$(l))))
# The compel tool's own parts, without its main.
archives_compel := $(archives_inject) $(O)/san/lib/compel.a
$(O)/san/lib/compel.a: $(call sanobj,\
		$(filter-out $(COMPEL_MAIN_C),$(COMPEL_HOST_C)) $(COMPEL_LIB_C))
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

include client/client.mk

UNIT_MAIN := $(O)/san/obj/tests/unit/test.o

define UNIT_template
$(O)/san/$(1): $(O)/san/obj/$(1).o $(UNIT_MAIN) \
		$$(archives_$(2))
	$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(TEST_LDFLAGS) -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LIBS)
endef
$(foreach t,$(UNIT_C:%.c=%),$(eval $(call \
	UNIT_template,$(t),$(notdir $(patsubst %/,%,$(dir $(t)))))))

# The kind law goes through every layer.
KINDS_C := $(wildcard tests/kinds/*_test.c)
KINDS_TESTS := $(KINDS_C:%.c=$(O)/san/%)
$(foreach t,$(KINDS_C:%.c=%),$(eval $(call UNIT_template,$(t),service)))

unit-tests: $(UNIT_TESTS) $(KINDS_TESTS)

test-unit: $(UNIT_TESTS)
	$(Q)scripts/run-unit $(UNIT_TESTS)

# --- rings -------------------------------------------------------------------

deps:
	$(Q)scripts/deps

# Needs the packages first; the recursive call sees what they brought.
demo: deps
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)scripts/demo $(O)

# ONLY=word: the tests of any ring that it names, here or ON=aarch64 in a guest
# (KERNEL=6.12).
test: deps
	$(Q)$(if $(ONLY),scripts/test-only --build $(O) $(ON:%=--on %) \
		$(KERNEL:%=--kernel %) '$(ONLY)',scripts/test-rings \
		--build $(O) --arch $(ARCH) \
		build lint unit kinds live clang guests)

test-all: deps
	$(Q)scripts/test-rings --build $(O) --arch $(ARCH) \
		build lint unit kinds live clang interop fuzz native cross cpus kernels hosts systemd

test-kinds: $(KINDS_TESTS)
	$(Q)scripts/run-unit $(KINDS_TESTS)

test-live: all
	$(Q)tests/live/run --stasis $(O)/stasis --build $(O)

# The live tests' C programs alone, for a machine where they cannot run.
live-programs:
	$(Q)CC='$(CC)' tests/live/run --build $(O) --compile $(ARCH)

# ARCH= and KERNEL= choose a machine and a kernel; without (or with
# MACHINES=all): all of them.
test-cross:
	$(Q)cross/run $(if $(MACHINES),,$(if $(filter command%, \
		$(origin ARCH)),--machine $(ARCH))) $(KERNEL:%=--kernel %) $(CPU:%=--cpu %)

# The same for a few tests, one guest a machine, and images that go from a
# guest's kernel to this one and back: part of every "make test".
test-guests:
	$(Q)status=0; cross/run --quick || status=1; \
		cross/kernels --quick || status=1; exit $$status

# Every CPU model of every machine whose emulator is there (docs/cpu.md).
test-cpus: all
	$(Q)cross/cpus --stasis $(O)/stasis

# Every kernel of every machine, and on its own machine this host's.
test-kernels:
	$(Q)cross/kernels

# A process goes from one guest to another through RPC alone.
test-two-hosts:
	$(Q)cross/two_hosts

# The program built on its own machine, which is a guest: some ten minutes.
test-native:
	$(Q)for machine in $(if $(filter command%,$(origin ARCH)),$(ARCH), \
			aarch64 ppc64le); do \
		cross/run --machine $$machine --kernel 6.1 --compiler \
			--limit 5400 --job '. cross/native_check' || exit 1; \
	done

# What "make install" brings, under a systemd that is a guest's first process.
test-systemd:
	$(Q)cross/systemd

# Packages that run on a Debian of ARCH, and a look whether they do.
dist:
	$(Q)$(MAKE) --no-print-directory ARCH=$(ARCH) STATIC=1 \
		O=build/dist/$(ARCH) build/dist/$(ARCH)/stasis
	$(Q)cross/dist build/dist/$(ARCH) $(ARCH)

test-dist: dist
	$(Q)cross/run --machine $(ARCH) --kernel 6.1 --no-make \
		--build build/dist/$(ARCH) --job '. cross/dist_check' \
		$$(printf -- '--add %s ' build/dist/$(ARCH)/dist/*.*)

# PEER=/path/to/a/criu runs another engine beside this one.
bench: all
	$(Q)tests/bench/run --stasis $(O)/stasis --build $(O) \
		$(if $(PEER),--peer $(PEER))

test-interop: all
	$(Q)tests/interop/run --stasis $(O)/stasis --build $(O)

# With sanitizers, which see what would not show.
test-fuzz:
	$(Q)$(MAKE) --no-print-directory SAN=1 O=$(O)/fuzz $(O)/fuzz/stasis
	$(Q)tests/fuzz/run --stasis $(O)/fuzz/stasis

lint: all objects
	$(Q)tests/lint/run --build $(O)

format:
	$(Q)find $(wildcard core backends service compel client examples tests main.c) \
		\( -name '*.c' -o -name '*.h' \) -exec $(CLANG_FORMAT) -i {} +

# --- installation ------------------------------------------------------------

MAN_PAGES := $(wildcard man/*.[1-8])
COMPEL_HEADERS := $(wildcard compel/include/*.h compel/*.h)
DOC_DIR = $(DESTDIR)$(PREFIX)/share/doc/stasis
DOCS := README.md LICENSE $(wildcard docs/*.md)
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSTEMD_UNITS := $(wildcard service/systemd/*.service service/systemd/*.socket)

install: all install-client
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/compel
	$(if $(PROGRAM),install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/sbin/)
	$(if $(COMPEL_TOOL),install -m 755 $(COMPEL_TOOL) $(DESTDIR)$(PREFIX)/bin/)
	$(if $(COMPEL_LIB),install -m 644 $(COMPEL_LIB) $(DESTDIR)$(PREFIX)/lib/)
	$(if $(COMPEL_HEADERS),install -m 644 $(COMPEL_HEADERS) \
		$(DESTDIR)$(PREFIX)/include/compel/)
	for page in $(MAN_PAGES); do \
		dir=$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}; \
		install -d $$dir && install -m 644 $$page $$dir/ || exit 1; \
	done
	install -d $(DOC_DIR) $(UNIT_DIR)
	install -m 644 $(DOCS) $(DOC_DIR)/
	install -m 644 $(SYSTEMD_UNITS) $(UNIT_DIR)/
	sed -i 's|/usr/local/sbin/|$(PREFIX)/sbin/|' \
		$(SYSTEMD_UNITS:service/systemd/%=$(UNIT_DIR)/%)

clean:
	rm -rf $(O)

help:
	@echo 'make [all]       the program, compel tool and library in $(O)'
	@echo 'make demo        freeze a program and bring it back'
	@echo 'make test        lint, unit, kinds and live tests, clang build'
	@echo 'make test ONLY=word  what it names, of any ring; ON=aarch64 KERNEL=6.12'
	@echo 'make test-unit   one ring alone; also test-kinds, test-live'
	@echo 'make test-all    test, interop, fuzzing, all machines and CPU models'
	@echo 'make test-cross  all tests in guests; ARCH= KERNEL= CPU= choose'
	@echo 'make test-cpus   images moved between CPU models, in guests'
	@echo 'make test-kernels  images moved between kernels, in guests'
	@echo 'make test-systemd  the units under a real systemd, in a guest'
	@echo 'make test-two-hosts  a process moved between guests by RPC alone'
	@echo 'make test-native  built in guests by their own compilers'
	@echo 'make dist        a static tarball and .deb of ARCH; test-dist'
	@echo 'make lint        house rules'
	@echo 'make bench       time of dump, restore, RPC; PEER= runs beside another'
	@echo 'make format      clang-format over every source file'
	@echo 'make deps        install missing Debian packages'
	@echo 'make install     DESTDIR= PREFIX=/usr/local; install-criu-compat also'
	@echo '                 puts our program and library under the names of CRIU'
	@echo 'Variables: ARCH= CROSS_COMPILE= O= CC= SAN=1 V=1'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
