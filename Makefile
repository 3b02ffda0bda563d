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
# tool: the cross compiler's, unless another was chosen.
tool = $(if $(filter default,$(origin $(1))),$(CROSS_COMPILE)$(2),$($(1)))
CC := $(call tool,CC,gcc $(if $(SYSROOT),--sysroot=$(SYSROOT)))
AR := $(call tool,AR,ar)
LD := $(call tool,LD,ld)
HOSTCC ?= gcc
PKG_CONFIG ?= pkg-config
ifneq ($(SYSROOT),)
TRIPLET := $(patsubst %-,%,$(notdir $(CROSS_COMPILE)))
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig $(PKG_CONFIG)
endif
PROTOC_C ?= protoc-c
CLANG_FORMAT ?= clang-format

Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-7s %s\n' '$(1)' '$(2)')

# Recipes that many rules share: what they say, the command's flags.
define compile
$(call say,$(1),$@)
$(Q)mkdir -p $(@D)
$(Q)$(or $(3),$(CC)) $(2) -c -o $@ $<
endef
define archive
$(call say,AR,$@)
$(Q)mkdir -p $(@D)
$(Q)rm -f $@
$(Q)$(AR) rcs $@ $^
endef

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
# All of it is bound at once, so that a fork finds nothing left to do. What few
# need is loaded when it is (inspect/unwind_library.h, pages/tls_library.h).
UNWIND_ARCH := $(patsubst ppc64le,ppc64,$(ARCH))
LOADED_FLAGS := $(if $(STATIC),,-DLOADS_LIBRARIES -DUNWIND_LIBRARY='"libunwind-$(UNWIND_ARCH).so.8"' -DGNUTLS_LIBRARY='"libgnutls.so.30"')
LIBS = $(if $(STATIC),,-Xlinker -Bstatic) \
	$(shell $(PKG_CONFIG) --static --libs $(PACKAGES)) \
	$(if $(STATIC),-lunwind-$(UNWIND_ARCH) -lunwind -llzma,-Xlinker -Bdynamic) \
	-lpthread $(EXTRA_LIBS)

# --- sources ----------------------------------------------------------------

# The agent is no part of the program: it runs inside other processes.
AGENT_C := core/inject/agent.c
AGENT_LDS := backends/$(ARCH)/agent.lds
MAIN_C := main.c
PROTOS := $(wildcard proto/*.proto)
PROTO_C := $(PROTOS:%.proto=$(O)/gen/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h)
COMPEL_HOST_C := $(wildcard compel/host/*.c)
COMPEL_MAIN_C := $(shell grep -ls '^int main\b' compel/host/*.c)
COMPEL_LIB_C := $(wildcard compel/*.c)
COMPEL_EXAMPLES := $(patsubst %/,%,$(dir $(wildcard compel/examples/*/Makefile)))

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
src_of_backends := $(wildcard backends/*.c backends/*/*.c) $(O)/gen/agent_blob.c
folder_src = $(or $(src_of_$(1)),$(filter-out $(MAIN_C) $(AGENT_C), \
	$(wildcard $(1)/*.c)))
group_src = $(foreach f,$(call group_folders,$(1)),$(call folder_src,$(f)))

ALL_SRC := $(foreach g,$(LAYERS),$(call group_src,$(g)))
# Generated files lose the $(O)/gen/ in front, others keep their path.
obj = $(patsubst %.c,$(O)/obj/%.o,$(patsubst $(O)/gen/%,gen/%,$(1)))
sanobj = $(patsubst %.c,$(O)/san/obj/%.o,$(patsubst $(O)/gen/%,gen/%,$(1)))

UNIT_C := $(wildcard tests/unit/*/*_test.c)
UNIT_TESTS := $(UNIT_C:%.c=$(O)/san/%)
# --- the program ------------------------------------------------------------

.PHONY: all demo test test-unit test-kinds test-live test-all test-cross \
	test-interop test-fuzz live-programs test-guests test-cpus test-kernels \
	dist test-dist test-native \
	lint bench format deps install clean help objects unit-tests \
	test-two-hosts test-systemd examples client install-criu-compat

all: $(O)/stasis $(O)/compel $(O)/libcompel.a examples client

# Every object, linked or not: for checks on what a compiler says.
objects: $(call obj,$(ALL_SRC) $(MAIN_C))

$(O)/stasis: $(call obj,$(MAIN_C) $(ALL_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BUILD_LDFLAGS) -o $@ $^ $(LIBS)

# Objects of the program and, in san/, of its unit tests.
define OBJ_template
$(O)/$(1)/gen/proto/%.o: $(O)/gen/proto/%.c | $$(PROTO_H)
	$$(call compile,CC,$$($(2)) $$(WARN_GEN))
$(O)/$(1)/gen/%.o: $(O)/gen/%.c | $$(PROTO_H)
	$$(call compile,CC,$$($(2)) $$(WARN))
$(O)/$(1)/%.o: %.c | $$(PROTO_H)
	$$(call compile,CC,$$($(2)) $$(CPU_FLAGS) $$(WARN))
endef
$(eval $(call OBJ_template,obj,BUILD_CFLAGS))
$(eval $(call OBJ_template,san/obj,TEST_CFLAGS))
%/base/library.o %/inspect/unwind_library.o %/pages/tls.o %/pages/tls_library.o: BUILD_CFLAGS += $(LOADED_FLAGS)
%/base/library.o %/inspect/unwind_library.o %/pages/tls.o %/pages/tls_library.o: TEST_CFLAGS += $(LOADED_FLAGS)
%/backends/$(ARCH)/wide.o: CPU_FLAGS := $(file <backends/$(ARCH)/wide.flags)

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
AGENT_FLAGS += $(file <backends/$(ARCH)/agent.flags) -Icore -Ibackends/$(ARCH)
AGENT_OBJ := $(O)/agent/agent_head.o $(O)/agent/agent.o
$(O)/agent/agent.o: $(AGENT_C)
	$(call compile,AGENT,$(AGENT_FLAGS) $(WARN))
$(O)/agent/agent_head.o: backends/$(ARCH)/agent_head.S
	$(call compile,AGENT,$(AGENT_FLAGS) -D__ASSEMBLY__)

# Relocations are kept for compel to see that none needs an address.
$(O)/agent.elf: $(AGENT_OBJ) $(AGENT_LDS)
	$(call say,LD,$@)
	$(Q)$(LD) -static -nostdlib --build-id=none -z noexecstack \
		--emit-relocs --no-undefined -T $(AGENT_LDS) -o $@ $(AGENT_OBJ)

$(O)/gen/agent_blob.c: $(O)/agent.elf $(O)/compel
	$(call say,BLOB,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(O)/compel build --machine $(ARCH) --symbol agent_blob $< -o $@

# --- compel: host tool (build machine's compiler) and library ----------------

$(O)/host/%.o: %.c
	$(call compile,HOSTCC,$(COMMON) -Icore -I. -Icompel $(WARN),$(HOSTCC))

# The tool may use the base layer, which is built for this machine, too.
$(O)/compel: $(patsubst %.c,$(O)/host/%.o,$(COMPEL_HOST_C) $(wildcard core/base/*.c))
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^ -lelf

$(O)/libcompel.a: $(call obj,$(COMPEL_LIB_C) $(foreach f, \
		core/base proto core core/kernel backends core/inject, \
		$(call folder_src,$(f))))
	$(archive)

# Programs for demo and reading, which need nothing but libc.
$(O)/examples/%: $(O)/obj/examples/%.o
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_LDFLAGS) -o $@ $< -lpthread

examples: $(patsubst %.c,$(O)/%,$(wildcard examples/*.c)) $(O)/compel $(O)/libcompel.a
	$(Q)for d in $(COMPEL_EXAMPLES); do \
		$(MAKE) --no-print-directory -C $$d O=$(abspath $(O)) \
			ARCH=$(ARCH) CC='$(CC)' \
			LDFLAGS='$(if $(SAN),$(SANITIZE)) $(LDFLAGS)' || exit 1; \
	done

# --- unit tests: sanitized objects, one archive a layer -----------------------
# archives_NAME: what tests of the folder whose last name is NAME may use.
group_lib = $(O)/san/lib/$(subst /,-,$(lastword $(call group_folders,$(1)))).a
define GROUP_template
$(call group_lib,$(1)): $(call sanobj,$(call group_src,$(1)))
	$$(archive)
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
	$(archive)

# --- the client library: one set of objects, linked as libstasis and, under the
# names that programs of others look for, as libcriu

CLIENT_C := $(wildcard client/*.c)
CLIENT_OBJ := $(CLIENT_C:%.c=$(O)/obj/%.o) $(O)/obj/client/rpc.pb-c.o
CLIENT_VERSION := 0
CLIENT_SO := $(O)/libstasis.so.$(CLIENT_VERSION) $(O)/libcriu.so.2
CLIENT_LIBS := $(shell $(PKG_CONFIG) --libs libprotobuf-c) $(EXTRA_LIBS)

# The public header calls the messages' header as it is installed.
$(CLIENT_OBJ): BUILD_CFLAGS += -fPIC -iquote $(O)/gen/proto
$(O)/san/obj/client/%.o $(O)/san/obj/tests/unit/client/%.o: \
	TEST_CFLAGS += -iquote $(O)/gen/proto
$(O)/obj/client/rpc.pb-c.o: $(O)/gen/proto/rpc.pb-c.c
	$(call compile,CC,$(BUILD_CFLAGS) $(WARN_GEN))
$(CLIENT_SO): $(CLIENT_OBJ) client/exports.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(BUILD_LDFLAGS) -Wl,-soname,$(@F) \
		-Wl,--version-script,client/exports.map -o $@ $(CLIENT_OBJ) $(CLIENT_LIBS)
$(O)/libstasis.a: $(CLIENT_OBJ)
	$(archive)
$(O)/obj/client/example/%.o: BUILD_CFLAGS += -iquote $(O)/gen/proto
$(O)/client/example/%: $(O)/obj/client/example/%.o $(O)/libstasis.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

# What is linked statically has no use for the shared ones.
client: $(if $(STATIC),,$(CLIENT_SO)) $(O)/libstasis.a $(patsubst %.c,$(O)/%,$(wildcard client/example/*.c))
archives_client := $(O)/san/lib/client.a $(archives_proto)
$(O)/san/lib/client.a: $(call sanobj,$(CLIENT_C) $(O)/gen/proto/rpc.pb-c.c)
	$(archive)

define UNIT_template
$(O)/san/$(1): $(O)/san/obj/$(1).o $(O)/san/obj/tests/unit/test.o \
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

# --- rings -------------------------------------------------------------------
deps:
	$(Q)scripts/deps

# Needs the packages first; the recursive call sees what they brought.
demo: deps
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)scripts/demo $(O)

# ONLY=word: the tests of any ring that it names, here or ON=aarch64 in a guest
# (KERNEL=6.12).
RINGS := scripts/test-rings --build $(O) --arch $(ARCH)
test: deps
	$(Q)$(if $(ONLY),scripts/test-only --build $(O) $(ON:%=--on %) \
		$(KERNEL:%=--kernel %) '$(ONLY)', \
		$(RINGS) build lint unit kinds live clang guests)
test-all: deps
	$(Q)$(RINGS) build lint unit kinds live clang interop fuzz native cross \
		cpus kernels hosts systemd

test-unit: $(UNIT_TESTS)
	$(Q)scripts/run-unit $^
test-kinds: $(KINDS_TESTS)
	$(Q)scripts/run-unit $^
test-live: all
	$(Q)tests/live/run --stasis $(O)/stasis --build $(O)
# The live tests' C programs alone, for a machine where they cannot run.
live-programs:
	$(Q)CC='$(CC)' tests/live/run --build $(O) --compile $(ARCH)

# In guests (cross/README.md). ARCH= and KERNEL= choose a machine and a kernel;
# without (or with MACHINES=all): all of them.
ONE_ARCH := $(if $(filter command%,$(origin ARCH)),$(ARCH))
test-cross:
	$(Q)cross/run $(if $(MACHINES),,$(ONE_ARCH:%=--machine %)) \
		$(KERNEL:%=--kernel %) $(CPU:%=--cpu %)
# A few tests, one guest a machine, and images that go from a guest's kernel to
# this one and back.
test-guests:
	$(Q)status=0; cross/run --quick || status=1; \
		cross/kernels --quick || status=1; exit $$status
test-cpus: all
	$(Q)cross/cpus --stasis $(O)/stasis
test-kernels test-two-hosts test-systemd:
	$(Q)cross/$(subst -,_,$(@:test-%=%))
# The program built on its own machine: some ten minutes.
test-native:
	$(Q)for machine in $(or $(ONE_ARCH),aarch64 ppc64le); do \
		cross/run --machine $$machine --kernel 6.1 --compiler \
			--limit 5400 --job '. cross/native_check' || exit 1; \
	done
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
	$(Q)tests/bench/run --stasis $(O)/stasis --build $(O) $(PEER:%=--peer %)
test-interop: all
	$(Q)tests/interop/run --stasis $(O)/stasis --build $(O)
# With sanitizers, which see what would not show.
test-fuzz:
	$(Q)$(MAKE) --no-print-directory SAN=1 O=$(O)/fuzz $(O)/fuzz/stasis
	$(Q)tests/fuzz/run --stasis $(O)/fuzz/stasis
lint: all objects
	$(Q)tests/lint/run --build $(O)
format:
	$(Q)find core backends service compel client examples tests main.c \
		\( -name '*.c' -o -name '*.h' \) -exec $(CLANG_FORMAT) -i {} +

# --- installation ------------------------------------------------------------

INSTALL := O='$(O)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' STATIC='$(STATIC)' \
	CLIENT_VERSION='$(CLIENT_VERSION)' scripts/install
install: all
	$(Q)$(INSTALL)
# Takes the place of another installation: the library that programs link or
# load, its header, and the program under the name that they start.
install-criu-compat: install client
	$(Q)$(INSTALL) --criu-compat

clean:
	rm -rf $(O)
help:
	@cat scripts/help

-include $(shell find $(O) -name '*.d' 2>/dev/null)
