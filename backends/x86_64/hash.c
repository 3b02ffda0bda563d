/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#ifdef __x86_64__

bool x86_64_hash_add(void *state, const void *bytes, size_t size)
{
	if (!__builtin_cpu_supports("avx2"))
		return false;
	x86_64_hash_wide(state, bytes, size);
	return true;
}

#else

bool x86_64_hash_add(void *state, const void *bytes, size_t size)
{
	(void)state;
	(void)bytes;
	(void)size;
	return false;
}

#endif
