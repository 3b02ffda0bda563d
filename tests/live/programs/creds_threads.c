/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uids and groups that differ between threads stay with each thread. */
#include "checkpoint.h"

static volatile int thread_up, thread_go;
static const char *const cred_keys[] = {"Uid:", "Gid:", "Groups:"};

static void creds_read(char ret[3][64])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread_tid());
	for (size_t i = 0; i < COUNT_OF(cred_keys); i++)
		file_line(path, cred_keys[i], ret[i], 64);
}

static void creds_verify(char before[3][64])
{
	char after[3][64];

	creds_read(after);
	for (size_t i = 0; i < COUNT_OF(cred_keys); i++)
		CHECK_STR(after[i], before[i]);
}

/* The raw system calls change one thread only. */
static void *body(void *arg)
{
	gid_t groups[] = {77, 88};
	char before[3][64];

	CHECK_SYS(syscall(SYS_setgroups, 2, groups));
	CHECK_SYS(syscall(SYS_setresgid, 500, 501, 502));
	CHECK_SYS(syscall(SYS_setresuid, 600, 601, 602));
	creds_read(before);
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	creds_verify(before);
	return arg;
}

int main(void)
{
	pthread_t thread = thread_start(body, NULL);
	char before[3][64];

	while (!thread_up)
		checkpoint_nap();
	creds_read(before);
	checkpoint_here();
	creds_verify(before);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
