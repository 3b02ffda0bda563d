/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eventfds keep counter, flags and semaphore mode, also shared ones. */
#include "checkpoint.h"
#include <sys/eventfd.h>

static int shared;

static void child(int number)
{
	eventfd_t value;

	peer_up(number);
	checkpoint_wait_go();
	CHECK_SYS(eventfd_read(shared, &value));
	CHECK_INT(value, 17);
	CHECK_SYS(eventfd_write(shared, 3));
}

int main(void)
{
	int semaphore = (int)CHECK_SYS(
		eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
	eventfd_t value;
	pid_t pid;

	shared = (int)CHECK_SYS(eventfd(17, 0));
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	CHECK_SYS(eventfd_read(shared, &value));
	CHECK_INT(value, 3);
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(eventfd_read(semaphore, &value));
		CHECK_INT(value, 1);
	}
	CHECK(eventfd_read(semaphore, &value) < 0 && errno == EAGAIN);
	CHECK_INT(fcntl(semaphore, F_GETFD), FD_CLOEXEC);
	checkpoint_ok();
}
