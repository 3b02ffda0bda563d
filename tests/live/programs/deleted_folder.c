/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A deleted working directory, files of deleted folders, a file never named. */
#include "checkpoint.h"

static void folders_make(char *outer, char *inner)
{
	CHECK_SYS(mkdir(checkpoint_path(outer, "outer"), 0751));
	CHECK_SYS(mkdir(checkpoint_path(inner, "outer/inner"), 0700));
}

int main(void)
{
	char outer[PATH_MAX], inner[PATH_MAX], path[PATH_MAX], got[8] = "";
	char link[32];
	struct stat stat;
	int flags, file, folder, unnamed;

	folders_make(outer, inner);
	file = (int)CHECK_SYS(open(checkpoint_path(path, "outer/inner/file"),
		O_RDWR | O_CREAT, 0640));
	CHECK_INT(write(file, "text", 4), 4);
	unnamed = open(outer, O_TMPFILE | O_RDWR, 0600);
	if (unnamed < 0)
		checkpoint_skip("no O_TMPFILE here");
	CHECK_INT(write(unnamed, "soon", 4), 4);
	folder = (int)CHECK_SYS(open(inner, O_RDONLY | O_DIRECTORY));
	CHECK_SYS(chdir(outer));
	CHECK_SYS(unlink(path));
	CHECK_SYS(rmdir(inner));
	CHECK_SYS(rmdir(outer));
	flags = (int)CHECK_SYS(fcntl(folder, F_GETFL));
	checkpoint_here();
	CHECK_INT(fcntl(folder, F_GETFL), flags);
	CHECK_INT(pread(file, got, 4, 0), 4);
	CHECK_STR(got, "text");
	CHECK_INT(access(outer, F_OK), -1);
	CHECK(getcwd(path, sizeof(path)) == NULL && errno == ENOENT);
	CHECK_SYS(lstat(".", &stat));
	CHECK_INT(stat.st_mode & 07777, 0751);
	CHECK_INT(stat.st_nlink, 0);
	CHECK_SYS(fstat(folder, &stat));
	CHECK_INT(stat.st_nlink, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", unnamed);
	checkpoint_path(path, "named");
	CHECK_SYS(linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
	file_read(path, got, sizeof(got));
	CHECK_STR(got, "soon");
	checkpoint_ok();
}
