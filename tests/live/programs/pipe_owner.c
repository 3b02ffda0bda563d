/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pipe belongs to who made it, has the permissions that it was given, and is
 * opened again by its owner through /proc/self/fd, as /dev/stdout is. */
#include "checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static void again(int fd, int flags)
{
	char link[32];
	int other;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	other = open(link, flags);
	if (other < 0)
		FAIL("fd %d cannot be opened again: %s", fd, strerror(errno));
	close(other);
}

int main(void)
{
	int closed[2], open_to_all[2];
	struct stat was[2], is[2];

	CHECK_SYS(pipe(open_to_all));
	CHECK_SYS(fchmod(open_to_all[0], 0646));
	/* Without the right it is another's: both are seen. */
	if (!setresgid(NOBODY, NOBODY, NOBODY))
		CHECK_SYS(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_SYS(pipe(closed));
	CHECK_SYS(fstat(closed[1], &was[0]));
	CHECK_SYS(fstat(open_to_all[1], &was[1]));

	checkpoint_here();
	CHECK_SYS(fstat(closed[1], &is[0]));
	CHECK_SYS(fstat(open_to_all[1], &is[1]));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(is[i].st_uid, was[i].st_uid);
		CHECK_INT(is[i].st_gid, was[i].st_gid);
		CHECK_INT(is[i].st_mode, was[i].st_mode);
	}
	again(closed[1], O_WRONLY);
	again(closed[0], O_RDONLY);
	again(open_to_all[0], O_RDWR);
	CHECK_INT(write(closed[1], "x", 1), 1);
	checkpoint_ok();
}
