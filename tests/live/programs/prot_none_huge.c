/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Huge pages without access keep their data: the smaps of some kernels counts
 * none of them. Alone, shared with a child copy-on-write, and of /dev/zero. */
#include "checkpoint.h"

/* No huge page is larger where a page has 4 to 64 KiB. */
#define HUGE (16ul << 20)

static char *huge_map(int fd, unsigned seed)
{
	int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);
	char *at = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(at != MAP_FAILED);
	at += HUGE - (uintptr_t)at % HUGE;
	/* A kernel without huge pages has the usual ones. */
	madvise(at, HUGE, MADV_HUGEPAGE);
	mem_fill(at, HUGE / 2, seed);
	return at;
}

static void huge_check(char *at, unsigned seed, const char *what)
{
	CHECK_SYS(mprotect(at, HUGE, PROT_READ));
	mem_verify(at, HUGE / 2, seed, what);
}

static char *common;

static void child(int number)
{
	peer_up(number);
	checkpoint_wait_go();
	huge_check(common, 63, "the child's");
}

int main(void)
{
	int zero = (int)CHECK_SYS(open("/dev/zero", O_RDWR));
	char *alone = huge_map(-1, 61), *device = huge_map(zero, 62);
	pid_t pid;

	common = huge_map(-1, 63);
	close(zero);
	CHECK_SYS(mprotect(alone, HUGE, PROT_NONE));
	CHECK_SYS(mprotect(device, HUGE, PROT_NONE));
	CHECK_SYS(mprotect(common, HUGE, PROT_NONE));
	CHECK_SYS(madvise(alone, HUGE, MADV_DONTFORK));
	CHECK_SYS(madvise(device, HUGE, MADV_DONTFORK));
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	huge_check(alone, 61, "alone");
	huge_check(device, 62, "device");
	huge_check(common, 63, "common");
	child_join(pid);
	checkpoint_ok();
}
