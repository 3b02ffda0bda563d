/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/tls_library.h"

#ifdef GNUTLS_LIBRARY

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

static const struct {
	const char *name;
	size_t at;
} functions[] = {
#define TLS_ROW(name) {"gnutls_" #name, offsetof(struct tls_library, name)},
	TLS_FUNCTIONS(TLS_ROW)
#undef TLS_ROW
};

static int load_failed(struct err *err)
{
	err_set(err, ELIBACC, "preparing an encrypted connection: %s",
		dlerror());
	return err_hint(err, "install " GNUTLS_LIBRARY " (in Debian the "
			     "package libgnutls30)");
}

int tls_library_load(struct tls_library *ret, struct err *err)
{
	void *library = dlopen(GNUTLS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct tls_library loaded;

	if (!library)
		return load_failed(err);
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return load_failed(err);
		*(void **)((char *)&loaded + functions[i].at) = function;
	}
	*ret = loaded;
	return 0;
}

#endif
