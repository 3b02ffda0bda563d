/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends.h"

const struct backend *const backends[] = {
	&backend_x86_64,
	NULL,
};

#if defined(__x86_64__)
const struct backend *const backend_native = &backend_x86_64;
#endif
