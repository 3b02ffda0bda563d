/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static int pair_make(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	int pair[2];

	(void)of;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_errno(err, "socketpair");
	ret[0] = pair[0];
	ret[1] = pair[1];
	ret[2] = getpid();
	return 0;
}

static struct ucred peer_of(int fd)
{
	struct ucred cred = {0};
	socklen_t size = sizeof(cred);

	CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size), 0);
	return cred;
}

TEST(who_wants_nothing_else_does_it_itself)
{
	struct stand_in who = {.pid = getpid()};
	int ret[STAND_IN_RESULTS];
	struct err err = {0};

	CHECK_INT(stand_in_do(&who, pair_make, NULL, ret, &err), 0);
	CHECK_INT(ret[2], getpid());
	CHECK_INT(ret[3], -1);
	close(ret[0]);
	close(ret[1]);
}

TEST(what_a_child_opens_is_open_here_and_another_made_it)
{
	struct stand_in who = {.has_ids = true, .uid = 4711, .gid = 4712};
	int ret[STAND_IN_RESULTS];
	struct err err = {0};
	struct ucred cred;

	if (geteuid()) {
		CHECK_INT(
			stand_in_do(&who, pair_make, NULL, ret, &err), -EPERM);
		CHECK(err.text[0]);
		return;
	}
	CHECK_INT(stand_in_do(&who, pair_make, NULL, ret, &err), 0);
	CHECK(ret[2] != getpid());
	cred = peer_of(ret[0]);
	CHECK_INT(cred.uid, 4711);
	CHECK_INT(cred.gid, 4712);
	CHECK_INT(cred.pid, ret[2]);
	CHECK_INT(write(ret[0], "x", 1), 1);
	close(ret[0]);
	close(ret[1]);
	CHECK_INT((int)geteuid(), 0);
}

static int nothing_do(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	(void)of;
	(void)ret;
	return err_set(err, ENOSPC, "nothing was done");
}

TEST(the_error_of_a_child_is_the_error)
{
	struct stand_in who = {.apart_mounts = true};
	int ret[STAND_IN_RESULTS];
	struct err err = {0};

	if (geteuid())
		return;
	CHECK_INT(stand_in_do(&who, nothing_do, NULL, ret, &err), -ENOSPC);
	CHECK_STR(err.text, "nothing was done");
}

static int end_at_once(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	(void)of;
	(void)ret;
	(void)err;
	_exit(7);
}

TEST(a_child_that_ends_early_is_an_error)
{
	struct stand_in who = {.apart_mounts = true};
	int ret[STAND_IN_RESULTS];
	struct err err = {0};

	if (geteuid())
		return;
	CHECK_INT(stand_in_do(&who, end_at_once, NULL, ret, &err), -EIO);
}
