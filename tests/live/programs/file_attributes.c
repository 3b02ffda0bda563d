/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A deleted file, a deleted folder and a memory object keep their extended
 * attributes, their lists of access among them. */
#include "checkpoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* posix_acl_xattr_header and entries: rw, user 7: r, r, mask r, none. */
static const unsigned char list[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255,
	2, 0, 4, 0, 7, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0,
	255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};

static bool attribute_set(int fd)
{
	return !fsetxattr(fd, "user.stasis", "a\0b", 3, 0);
}

static void attribute_verify(int fd, const char *what)
{
	char got[8] = "";

	if (fgetxattr(fd, "user.stasis", got, sizeof(got)) != 3 ||
		memcmp(got, "a\0b", 3) != 0)
		FAIL("%s: its attribute is '%s'", what, got);
}

int main(void)
{
	char path[256], folder_path[256], got[128];
	int file, folder, memory;
	bool has_memory, has_list;
	struct stat was, is;

	file = (int)CHECK_SYS(
		open(checkpoint_path(path, "gone"), O_RDWR | O_CREAT, 0600));
	CHECK_SYS(mkdir(checkpoint_path(folder_path, "gone too"), 0700));
	folder = (int)CHECK_SYS(open(folder_path, O_RDONLY | O_DIRECTORY));
	memory = (int)CHECK_SYS(memfd_create("attributes", 0));
	if (!attribute_set(file))
		checkpoint_skip("files have no attributes here");
	CHECK(attribute_set(folder));
	/* Since 6.6. */
	has_memory = attribute_set(memory);
	has_list = !fsetxattr(
		file, "system.posix_acl_access", list, sizeof(list), 0);
	CHECK_SYS(unlink(path));
	CHECK_SYS(rmdir(folder_path));
	CHECK_SYS(fstat(file, &was));

	checkpoint_here();
	attribute_verify(file, "the file");
	attribute_verify(folder, "the folder");
	if (has_memory)
		attribute_verify(memory, "the memory object");
	if (has_list) {
		CHECK_INT(fgetxattr(file, "system.posix_acl_access", got,
				  sizeof(got)),
			sizeof(list));
		CHECK(!memcmp(got, list, sizeof(list)));
	}
	CHECK_SYS(fstat(file, &is));
	CHECK_INT(is.st_mode, was.st_mode);
	checkpoint_ok();
}
