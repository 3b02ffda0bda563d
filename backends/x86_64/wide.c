/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wide: XXH3 by vectors of 32 bytes. Compiled for CPUs with AVX2 (wide.flags):
 * nothing else may be in here, and nobody calls it before he knows that the CPU
 * has that.
 */
#include "x86_64/x86_64.h"

#ifdef __x86_64__

#define XXH_INLINE_ALL
#include <xxhash.h>

void x86_64_hash_wide(void *state, const void *bytes, size_t size)
{
	XXH3_64bits_update(state, bytes, size);
}

#endif
