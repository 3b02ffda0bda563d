/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All five capability sets stay, also where threads differ. */
#include "checkpoint.h"
#include <linux/capability.h>

static volatile int thread_up, thread_go;

static const char *const cap_keys[] = {
	"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};

static void caps_set(uint32_t permitted, uint32_t effective, uint32_t inherited)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{effective, permitted, inherited},
		{0, 0, 0},
	};

	CHECK_SYS(syscall(SYS_capset, &header, data));
}

static void caps_read(char ret[5][64])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread_tid());
	for (size_t i = 0; i < COUNT_OF(cap_keys); i++)
		file_line(path, cap_keys[i], ret[i], 64);
}

static void caps_verify(char before[5][64])
{
	char after[5][64];

	caps_read(after);
	for (size_t i = 0; i < COUNT_OF(cap_keys); i++)
		CHECK_STR(after[i], before[i]);
}

static void *body(void *arg)
{
	char before[5][64];

	caps_set(1u << CAP_CHOWN | 1u << CAP_KILL, 1u << CAP_KILL, 0);
	caps_read(before);
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	caps_verify(before);
	return arg;
}

int main(void)
{
	const uint32_t some = 1u << CAP_NET_ADMIN | 1u << CAP_SETPCAP |
			      1u << CAP_DAC_OVERRIDE | 1u << CAP_KILL |
			      1u << CAP_CHOWN;
	pthread_t thread;
	char before[5][64];

	CHECK_SYS(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
	caps_set(some, some, 1u << CAP_KILL);
	CHECK_SYS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	caps_set(some, some & ~(1u << CAP_NET_ADMIN), 1u << CAP_KILL);
	thread = thread_start(body, NULL);
	while (!thread_up)
		checkpoint_nap();
	caps_read(before);
	checkpoint_here();
	caps_verify(before);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
