/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moved, split and tiny mappings all stay where they are. */
#include "checkpoint.h"

#define LEN (16u * PAGE)

static char before[65536], after[65536];

/* The lines of anonymous memory: the kernel joins neighbours of one file. */
static void maps_read(char *ret, size_t room)
{
	char *line = ret, *next;

	file_read("/proc/self/maps", ret, room);
	for (; *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		if (memchr(line, '/', (size_t)(next - line))) {
			memmove(line, next, strlen(next) + 1);
			next = line;
		}
	}
}

static char *piece_move(char *from, char *to)
{
	return CHECK_MAP(
		mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	char *low = (char *)0x10000, *moved, *area;

	area = mem_map(LEN, rw, MAP_PRIVATE | MAP_ANONYMOUS);
	mem_fill(area, LEN, 151);
	CHECK_MAP(mmap(low, 2 * PAGE, rw,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	mem_fill(low, 2 * PAGE, 152);
	/* With a gap on both sides, so that it cannot merge. */
	moved = mem_map(3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	moved = piece_move(area + 4 * PAGE, moved + PAGE);
	CHECK_SYS(munmap(area + 6 * PAGE, PAGE));
	CHECK_SYS(mprotect(area + 8 * PAGE, PAGE, PROT_READ));
	CHECK_SYS(mprotect(area + 10 * PAGE, PAGE, PROT_NONE));
	CHECK_SYS(mprotect(area + 12 * PAGE, PAGE, PROT_READ | PROT_EXEC));
	maps_read(before, sizeof(before));
	checkpoint_here();
	maps_read(after, sizeof(after));
	CHECK_STR(after, before);
	mem_verify(area, 4 * PAGE, 151, "area");
	mem_verify(low, 2 * PAGE, 152, "low");
	CHECK_INT(*(uint64_t *)moved, mem_word(151, 4 * PAGE / 8));
	CHECK_INT(
		*(uint64_t *)(area + 12 * PAGE), mem_word(151, 12 * PAGE / 8));
	CHECK_SYS(mprotect(area + 10 * PAGE, PAGE, PROT_READ));
	CHECK_INT(
		*(uint64_t *)(area + 10 * PAGE), mem_word(151, 10 * PAGE / 8));
	checkpoint_ok();
}
