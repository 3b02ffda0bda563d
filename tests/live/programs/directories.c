/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open directories keep their place and serve openat and fchdir. */
#include "checkpoint.h"
#include <dirent.h>

static int entries_count(int fd)
{
	char buf[4096];
	long got;
	int count = 0;

	while ((got = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < got; count++)
			at += ((struct dirent64 *)(buf + at))->d_reclen;
	return count;
}

int main(void)
{
	char path[PATH_MAX], cwd[PATH_MAX], name[PATH_MAX];
	int dir, only_path, fd;

	CHECK_SYS(mkdir(checkpoint_path(path, "a dir"), 0755));
	dir = (int)CHECK_SYS(open(path, O_RDONLY | O_DIRECTORY));
	only_path = (int)CHECK_SYS(open(path, O_PATH | O_DIRECTORY));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		fd = (int)CHECK_SYS(
			openat(dir, name, O_WRONLY | O_CREAT, 0644));
		close(fd);
	}
	checkpoint_here();
	CHECK_INT(entries_count(dir), 22);
	CHECK_SYS(faccessat(only_path, "entry-7", F_OK, 0));
	CHECK_INT(fcntl(only_path, F_GETFL) & O_PATH, O_PATH);
	CHECK_SYS(fchdir(dir));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, path);
	checkpoint_ok();
}
