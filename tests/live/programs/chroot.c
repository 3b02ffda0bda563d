/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process in another root directory stays there. */
#include "checkpoint.h"

int main(void)
{
	char dir[PATH_MAX], cwd[PATH_MAX];

	CHECK_SYS(chroot(checkpoint_path(dir, "")));
	CHECK_SYS(chdir("/"));
	strcpy(checkpoint_dir, "/");
	checkpoint_mark("inside");
	checkpoint_here();
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, "/");
	CHECK_SYS(access("/inside", F_OK));
	CHECK(access("/usr", F_OK) < 0 && errno == ENOENT);
	checkpoint_ok();
}
