/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real, effective, saved and file-system uids and gids and groups stay. */
#include "checkpoint.h"
#include <grp.h>
#include <sys/fsuid.h>

static char before[64], after[64];

static void ids_verify(const char *key)
{
	file_line("/proc/self/status", key, after, sizeof(after));
	CHECK_STR(after, before);
}

static void child(int number)
{
	gid_t groups[] = {5001, 5002, 5777}, got[8];

	CHECK_SYS(setgroups(3, groups));
	CHECK_SYS(setresgid(2001, 2002, 2003));
	CHECK_SYS(setresuid(1001, 0, 1003));
	setfsgid(2005);
	if (number)
		CHECK_SYS(setresuid(1001, 1002, 1003));
	file_line("/proc/self/status", "Uid:", before, sizeof(before));
	peer_up(number);
	checkpoint_wait_go();
	ids_verify("Uid:");
	snprintf(before, sizeof(before), "Gid:\t2001\t2002\t2003\t2005");
	ids_verify("Gid:");
	CHECK_INT(getgroups(8, got), 3);
	CHECK(memcmp(got, groups, sizeof(groups)) == 0);
}

int main(void)
{
	pid_t pids[2];

	umask(0);
	pids[0] = child_start(child, 0);
	pids[1] = child_start(child, 1);
	peers_wait(2);
	checkpoint_here();
	child_join(pids[0]);
	child_join(pids[1]);
	checkpoint_ok();
}
