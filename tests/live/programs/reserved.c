/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Much reserved memory of which little is used comes back, read pages too */
#include "checkpoint.h"

enum { TOUCHED = 9 };

static const size_t room = 64ul << 30, huge = 2ul << 20;

/* Not a page of these is written; some are read. */
static char *room_make(int prot)
{
	char *at = mmap(NULL, room, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static char *touched(char *at, size_t i)
{
	return at + i * (1ul << 30) + i * (size_t)PAGE;
}

int main(void)
{
	char *used = room_make(PROT_READ | PROT_WRITE), *first;
	char *never = room_make(PROT_READ), *none = room_make(PROT_NONE);

	first = (char *)(((uintptr_t)used + huge - 1) & ~(huge - 1));
	madvise(first, 8 * huge, MADV_HUGEPAGE);
	CHECK_INT(*(volatile char *)first, 0);
	CHECK_INT(*(volatile char *)(never + huge), 0);
	for (size_t i = 1; i < TOUCHED; i++) {
		*touched(used, i) = (char)i;
		CHECK_INT(*(volatile char *)(touched(used, i) + PAGE), 0);
	}
	checkpoint_here();
	CHECK_INT(*first, 0);
	CHECK_INT(never[huge], 0);
	for (size_t i = 1; i < TOUCHED; i++) {
		CHECK_INT(*touched(used, i), (int)i);
		CHECK_INT(touched(used, i)[PAGE], 0);
	}
	used[room - 1] = 1;
	CHECK_SYS(munmap(none, room));
	CHECK_SYS(munmap(never, room));
	CHECK_SYS(munmap(used, room));
	checkpoint_ok();
}
