/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a key that only its process ("process") or its second thread has. */
#include "checkpoint.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

static void key_add(int keyring)
{
	if (syscall(SYS_add_key, "user", "stasis-test", "x", 1, keyring) >= 0)
		return;
	if (errno == ENOSYS || errno == EPERM)
		checkpoint_skip("no keys can be added here");
	FAIL("add_key: %s", strerror(errno));
}

static void *thread_run(void *arg)
{
	(void)arg;
	key_add(KEY_SPEC_THREAD_KEYRING);
	peer_up(0);
	checkpoint_wait_go();
	return NULL;
}

int main(int argc, char **argv)
{
	bool process = argc > 1 && strcmp(argv[1], "process") == 0;
	pthread_t thread;

	if (process) {
		key_add(KEY_SPEC_PROCESS_KEYRING);
		checkpoint_here();
		checkpoint_ok();
	}
	thread = thread_start(thread_run, NULL);
	peers_wait(1);
	checkpoint_here();
	thread_join(thread);
	checkpoint_ok();
}
