/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vma: the bits of the image format's vma_entry, as both walks use them.
 */
#ifndef STASIS_MODEL_VMA_H
#define STASIS_MODEL_VMA_H

#include <stdbool.h>
#include <sys/mman.h>

#include "proto/memory.pb-c.h"

enum {
	VMA_REGULAR = 1u << 0,
	VMA_STACK = 1u << 1,
	VMA_VSYSCALL = 1u << 2,
	VMA_VDSO = 1u << 3,
	VMA_HEAP = 1u << 5,
	VMA_FILE_PRIVATE = 1u << 6,
	VMA_FILE_SHARED = 1u << 7,
	VMA_ANON_SHARED = 1u << 8,
	VMA_ANON_PRIVATE = 1u << 9,
	VMA_SYSVIPC = 1u << 10,
	VMA_SOCKET = 1u << 11,
	VMA_VVAR = 1u << 12,
	VMA_AIORING = 1u << 13,
	VMA_MEMFD = 1u << 14,
	VMA_SHSTK = 1u << 15,
	VMA_GUARD = 1u << 16,
	VMA_UPROBES = 1u << 17,
};

/* Bits of vma_entry.prot that only aarch64 has (PROT_BTI and PROT_MTE there):
 * indirect branches may land on marked instructions only; memory has tags. */
enum { VMA_PROT_BTI = 0x10, VMA_PROT_TAGS = 0x20 };

/* A type of mapping in vma_entry.flags (MAP_DROPPABLE, since Linux 6.11): its
 * pages may be gone at any time, and are not stored. The C library keeps the
 * state of random numbers there, which must never be used twice. */
enum { VMA_MAP_DROPPABLE = 0x08 };

/* Private memory whose pages are stored in the task's own pagemap. */
static inline bool vma_has_pages(const VmaEntry *vma)
{
	return vma->status & (VMA_FILE_PRIVATE | VMA_ANON_PRIVATE) &&
	       !(vma->flags & VMA_MAP_DROPPABLE) &&
	       !(vma->status & (VMA_VVAR | VMA_VSYSCALL | VMA_GUARD));
}

/* Private memory whose pages may come when they are touched, as in CRIU; but
 * what a child is not to see, and what has tags, is there at once. */
static inline bool vma_may_be_lazy(const VmaEntry *vma)
{
	return vma_has_pages(vma) && vma->status & VMA_ANON_PRIVATE &&
	       !(vma->status & VMA_VDSO) &&
	       !(vma->flags & (MAP_LOCKED | MAP_HUGETLB)) &&
	       !(vma->prot & VMA_PROT_TAGS) &&
	       !(vma->has_madv && vma->madv & 1ull << MADV_WIPEONFORK);
}

/* Memory where MADV_GUARD_INSTALL works: private since Linux 6.13, of files and
 * shared since 6.15. */
static inline bool vma_takes_guards(const VmaEntry *vma)
{
	return !(vma->flags & MAP_HUGETLB) &&
	       !(vma->status &
		       (VMA_VDSO | VMA_VVAR | VMA_VSYSCALL | VMA_GUARD));
}

#endif
