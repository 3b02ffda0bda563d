# SPDX-License-Identifier: MIT
#
# The client library: one set of objects, linked as libstasis and, under the
# names that programs of others look for, as libcriu. Part of the Makefile.

CLIENT_C := $(wildcard client/*.c)
CLIENT_OBJ := $(CLIENT_C:%.c=$(O)/obj/%.o) $(O)/obj/client/rpc.pb-c.o
CLIENT_HEADERS := client/criu.h client/version.h
CLIENT_VERSION := 0
CRIU_SONAME := libcriu.so.2
CLIENT_SO := $(O)/libstasis.so.$(CLIENT_VERSION)
CLIENT_A := $(O)/libstasis.a
CRIU_SO := $(O)/$(CRIU_SONAME)
CLIENT_EXAMPLES := $(patsubst %.c,$(O)/%,$(wildcard client/example/*.c))

# The public header calls the messages' header as it is installed.
$(CLIENT_OBJ): BUILD_CFLAGS += -fPIC -iquote $(O)/gen/proto
$(O)/san/obj/client/%.o $(O)/san/obj/tests/unit/client/%.o: \
	TEST_CFLAGS += -iquote $(O)/gen/proto

$(O)/obj/client/rpc.pb-c.o: $(O)/gen/proto/rpc.pb-c.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) $(WARN_GEN) -c -o $@ $<

$(CLIENT_SO) $(CRIU_SO): $(CLIENT_OBJ) client/exports.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(BUILD_LDFLAGS) -Wl,-soname,$(@F) \
		-Wl,--version-script,client/exports.map -o $@ $(CLIENT_OBJ) \
		$(shell $(PKG_CONFIG) --libs libprotobuf-c) $(EXTRA_LIBS)

$(CLIENT_A): $(CLIENT_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/client/example/%: client/example/%.c $(CLIENT_A)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BUILD_CFLAGS) -iquote $(O)/gen/proto $(WARN) \
		$(BUILD_LDFLAGS) -o $@ $< $(CLIENT_A) \
		$(shell $(PKG_CONFIG) --libs libprotobuf-c) $(EXTRA_LIBS)

.PHONY: client install-client install-criu-compat
# What is linked statically has no use for the shared ones.
client: $(if $(STATIC),,$(CLIENT_SO) $(CRIU_SO)) $(CLIENT_A) $(CLIENT_EXAMPLES)

archives_client := $(O)/san/lib/client.a $(archives_proto)
$(O)/san/lib/client.a: $(call sanobj,$(CLIENT_C) $(O)/gen/proto/rpc.pb-c.c)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# --- installation ------------------------------------------------------------

LIB_DIR = $(DESTDIR)$(PREFIX)/lib
INCLUDE_DIR = $(DESTDIR)$(PREFIX)/include

# pc_write: file, what it is, version, -l name, folder of the headers
pc_write = printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
	'includedir=$${prefix}/include' '' 'Name: $(2)' \
	'Description: freezes programs and brings them back, over RPC' \
	'Version: $(3)' 'Libs: -L$${libdir} -l$(4)' \
	'Libs.private: -lprotobuf-c' \
	'Cflags: $(5)' >$(LIB_DIR)/pkgconfig/$(1)

install-client: client
	install -d $(LIB_DIR)/pkgconfig $(INCLUDE_DIR)/stasis
	$(if $(STATIC),,install -m 755 $(CLIENT_SO) $(LIB_DIR)/ && \
	ln -sfn $(notdir $(CLIENT_SO)) $(LIB_DIR)/libstasis.so)
	install -m 644 $(CLIENT_A) $(LIB_DIR)/
	install -m 644 client/criu.h $(INCLUDE_DIR)/stasis/client.h
	install -m 644 client/version.h proto/rpc.proto \
		$(O)/gen/proto/rpc.pb-c.h $(INCLUDE_DIR)/stasis/
	$(call pc_write,stasis.pc,Stasis,$(CLIENT_VERSION),stasis,-I$${includedir})

# Takes the place of another installation: the library that programs link or
# load, its header, and the program under the name that they start.
install-criu-compat: install client
	install -d $(LIB_DIR)/pkgconfig $(INCLUDE_DIR)/criu
	install -m 755 $(CRIU_SO) $(LIB_DIR)/
	ln -sfn $(CRIU_SONAME) $(LIB_DIR)/libcriu.so
	install -m 644 $(CLIENT_A) $(LIB_DIR)/libcriu.a
	install -m 644 $(CLIENT_HEADERS) proto/rpc.proto \
		$(O)/gen/proto/rpc.pb-c.h $(INCLUDE_DIR)/criu/
	$(call pc_write,criu.pc,CRIU,4.2,criu,-I$${includedir} -I$${includedir}/criu)
	ln -sfn stasis $(DESTDIR)$(PREFIX)/sbin/criu
