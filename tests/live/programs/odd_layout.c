/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moved, split and tiny mappings all stay where they are. */
#include "checkpoint.h"

#define LEN (64u << 10)

static char before[65536], after[65536];

static char *piece_move(char *from, char *to)
{
	return CHECK_MAP(
		mremap(from, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	char *low = (char *)0x10000, *moved, *area;

	area = mem_map(LEN, rw, MAP_PRIVATE | MAP_ANONYMOUS);
	mem_fill(area, LEN, 151);
	CHECK_MAP(mmap(low, 8192, rw,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	mem_fill(low, 8192, 152);
	moved = piece_move(area + 16384, area + LEN + (1 << 20));
	CHECK_SYS(munmap(area + 24576, 4096));
	CHECK_SYS(mprotect(area + 32768, 4096, PROT_READ));
	CHECK_SYS(mprotect(area + 40960, 4096, PROT_NONE));
	CHECK_SYS(mprotect(area + 49152, 4096, PROT_READ | PROT_EXEC));
	file_read("/proc/self/maps", before, sizeof(before));
	file_read("/proc/self/maps", before, sizeof(before));
	checkpoint_here();
	file_read("/proc/self/maps", after, sizeof(after));
	CHECK_STR(after, before);
	mem_verify(area, 16384, 151, "area");
	mem_verify(low, 8192, 152, "low");
	CHECK_INT(*(uint64_t *)moved, mem_word(151, 16384 / 8));
	CHECK_INT(*(uint64_t *)(area + 49152), mem_word(151, 49152 / 8));
	CHECK_SYS(mprotect(area + 40960, 4096, PROT_READ));
	CHECK_INT(*(uint64_t *)(area + 40960), mem_word(151, 40960 / 8));
	checkpoint_ok();
}
