/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More memory objects than the engine has numbers for itself are each itself
 * again */
#include "checkpoint.h"

enum { MANY = 300 };

int main(void)
{
	int fds[MANY], value;
	int *mapped[MANY], *anonymous[MANY];
	char name[32], link[64], target[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		fds[i] = (int)CHECK_SYS(memfd_create(name, 0));
		CHECK_SYS(ftruncate(fds[i], PAGE));
		CHECK_INT(write(fds[i], &i, sizeof(i)), sizeof(i));
		mapped[i] = mmap(NULL, (size_t)PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED, fds[i], 0);
		anonymous[i] = mmap(NULL, (size_t)PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(mapped[i] != MAP_FAILED && anonymous[i] != MAP_FAILED);
		*anonymous[i] = -i;
	}
	checkpoint_here();
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "/memfd:m%d (deleted)", i);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fds[i]);
		memset(target, 0, sizeof(target));
		CHECK(readlink(link, target, sizeof(target) - 1) > 0);
		CHECK(!strcmp(target, name));
		CHECK_INT(
			pread(fds[i], &value, sizeof(value), 0), sizeof(value));
		CHECK_INT(value, i);
		CHECK_INT(*mapped[i], i);
		CHECK_INT(*anonymous[i], -i);
	}
	checkpoint_ok();
}
