/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a System V segment mapped, number 0 where it can be had: that is the
 * inode that /proc shows, so it looks like anonymous memory there.
 */
#include "checkpoint.h"
#include <sys/shm.h>

int main(void)
{
	int next = open("/proc/sys/kernel/shm_next_id", O_WRONLY | O_CLOEXEC);
	int segment;
	char *map;

	if (next >= 0) {
		if (write(next, "0", 1) < 0)
			FAIL("shm_next_id: %s", strerror(errno));
		close(next);
	}
	segment = (int)CHECK_SYS(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600));
	map = CHECK_MAP(shmat(segment, NULL, 0));
	CHECK_SYS(shmctl(segment, IPC_RMID, NULL));
	map[1] = 1;
	checkpoint_here();
	CHECK_INT(map[1], 1);
	checkpoint_ok();
}
