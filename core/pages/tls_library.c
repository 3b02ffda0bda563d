/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/tls_library.h"

#ifdef GNUTLS_LIBRARY

#include <stddef.h>

#include "base/library.h"

static const struct library_function functions[] = {
#define TLS_ROW(name) {"gnutls_" #name, offsetof(struct tls_library, name)},
	TLS_FUNCTIONS(TLS_ROW)
#undef TLS_ROW
};

int tls_library_load(struct tls_library *ret, struct err *err)
{
	static const struct library library = {
		.file = GNUTLS_LIBRARY,
		.package = "libgnutls30",
		.what = "preparing an encrypted connection",
	};

	return library_load(&library, functions,
		sizeof(functions) / sizeof(*functions), ret, err);
}

#endif
