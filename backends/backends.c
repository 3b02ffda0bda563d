/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends.h"

const struct backend *const backends[] = {
	&backend_x86_64,
	&backend_aarch64,
	&backend_ppc64le,
	NULL,
};

#if defined(__x86_64__)
const struct backend *const backend_native = &backend_x86_64;
#elif defined(__aarch64__)
const struct backend *const backend_native = &backend_aarch64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
const struct backend *const backend_native = &backend_ppc64le;
#endif /* others do not link: see backends/README.md */

void *backend_thread_pointer(void)
{
#if defined(__powerpc64__)
	/* gcc has no builtin for it here; the ABI keeps it in r13. */
	register void *pointer __asm__("r13");

	__asm__("" : "=r"(pointer));
	return pointer;
#else
	return __builtin_thread_pointer();
#endif
}
