/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crowded KIND: space: mappings take all of the address space; maps: there are
 * as many mappings as the kernel allows.
 */
#include "checkpoint.h"

enum { MAPPINGS = 1 << 20 };

static void fill_space(void)
{
	for (size_t size = 1ull << 62; size >= 4096; size /= 2)
		while (mmap(NULL, size, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0) != MAP_FAILED)
			;
}

/* Neighbours differ, so that each stays a mapping of its own. */
static void fill_maps(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, MAPPINGS * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t i = 1; i < MAPPINGS; i += 2)
		if (mprotect(at + i * page, page, PROT_READ))
			break;
	for (size_t i = 0; i < MAPPINGS; i++)
		if (mmap(NULL, page, i % 2 ? PROT_READ : PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return;
	checkpoint_skip("there may be any number of mappings here");
}

int main(int argc, char **argv)
{
	void *more;

	if (argc == 2 && !strcmp(argv[1], "space"))
		fill_space();
	else
		fill_maps();
	checkpoint_here();
	/* With no neighbour that it could be joined to. */
	more = mmap(NULL, 65536, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(more == MAP_FAILED);
	CHECK_INT(errno, ENOMEM);
	checkpoint_ok();
}
