/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications between a request and its answer. */
#include "fake.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#define STEP "080610012a080a0470726570102d"   /* "prep", pid 45 */
#define STEP_ALONE "080610012a060a0470726570" /* "prep" */
#define AGREED "08061801"
#define REFUSED "08061800"

static struct {
	int calls, pid, pty, answer;
	char action[32];
} seen;

static int step_see(char *action, criu_notify_arg_t na)
{
	seen.calls++;
	seen.pid = criu_notify_pid(na);
	seen.pty = criu_get_orphan_pts_master_fd();
	snprintf(seen.action, sizeof(seen.action), "%s", action);
	return seen.answer;
}

/* A set that listens to steps and the answers that it will get. */
static criu_opts *steps_opts(
	struct fake *ret_fake, const char *step, const char *last)
{
	criu_opts *opts = fake_opts(ret_fake);

	memset(&seen, 0, sizeof(seen));
	criu_local_set_notify_cb(opts, step_see);
	fake_answer(ret_fake, step);
	fake_answer(ret_fake, last);
	return opts;
}

TEST(the_callback_sees_the_step_and_agrees)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP, DUMP_DONE);

	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_INT(seen.calls, 1);
	CHECK_STR(seen.action, "prep");
	CHECK_INT(seen.pid, 45);
	CHECK_INT(seen.pty, -1);
	CHECK_STR(fake_request(&fake), "0801120d" NO_DIR "6001");
	CHECK_STR(fake_request(&fake), AGREED);
	fake_close(&fake, opts);
}

TEST(a_step_without_a_pid_has_none)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP_ALONE, DUMP_DONE);

	seen.pid = 9;
	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_INT(seen.pid, 0);
	fake_close(&fake, opts);
}

TEST(the_global_set_listens_too)
{
	struct fake fake;

	memset(&seen, 0, sizeof(seen));
	criu_init_opts();
	criu_set_service_fd(fake_open(&fake));
	criu_set_notify_cb(step_see);
	fake_answer(&fake, STEP);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_dump(), 0);
	CHECK_INT(seen.calls, 1);
	close(fake.fd);
	criu_free_opts();
}

TEST(a_callback_that_refuses_makes_the_request_fail_with_its_error)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP, "08011000");

	seen.answer = -7;
	CHECK_INT(criu_local_dump(opts), -7);
	fake_request(&fake);
	CHECK_STR(fake_request(&fake), REFUSED);
	fake_close(&fake, opts);
}

TEST(a_refusal_is_never_taken_for_a_pid)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP, "08021000");

	seen.answer = 5;
	CHECK_INT(criu_local_restore(opts), -EBADE);
	fake_close(&fake, opts);
}

TEST(a_refusal_that_the_service_does_not_mind_is_no_error)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP, RESTORE_DONE);

	seen.answer = -1;
	CHECK_INT(criu_local_restore(opts), 123);
	fake_close(&fake, opts);
}

TEST(without_a_callback_steps_are_agreed_to)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	fake_answer(&fake, STEP);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	fake_request(&fake);
	CHECK_STR(fake_request(&fake), AGREED);
	fake_close(&fake, opts);
}

TEST(a_step_without_a_name_is_refused)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, "08061001", "08011000");

	CHECK_INT(criu_local_dump(opts), -EBADE);
	CHECK_INT(seen.calls, 0);
	fake_request(&fake);
	CHECK_STR(fake_request(&fake), REFUSED);
	fake_close(&fake, opts);
}

/* STEP_ALONE with descriptors. */
static void step_send_fds(const struct fake *fake, const int *fds, size_t n)
{
	static unsigned char step[] = {0x08, 0x06, 0x10, 0x01, 0x2a, 0x06, 0x0a,
		0x04, 'p', 'r', 'e', 'p'};
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {.iov_base = step, .iov_len = sizeof(step)};
	struct msghdr packet = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *head = CMSG_FIRSTHDR(&packet);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
	if (sendmsg(fake->fd, &packet, 0) < 0)
		abort();
}

/* The lowest number that a new descriptor would get: tells of leaks. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

TEST(a_descriptor_that_comes_with_a_step_is_the_callers)
{
	struct fake fake;
	int before = lowest_free(), sent[2] = {open("/dev/null", O_RDWR), 0};
	criu_opts *opts = fake_opts(&fake);

	memset(&seen, 0, sizeof(seen));
	criu_local_set_notify_cb(opts, step_see);
	step_send_fds(&fake, sent, 2);
	fake_answer(&fake, RESTORE_DONE);
	CHECK_INT(criu_local_restore(opts), 123);
	CHECK(seen.pty >= 0 && seen.pty != sent[0]);
	CHECK_INT(criu_get_orphan_pts_master_fd(), seen.pty);
	CHECK(fcntl(seen.pty, F_GETFD) & FD_CLOEXEC);
	close(seen.pty);
	close(sent[0]);
	fake_close(&fake, opts);
	CHECK_INT(lowest_free(), before); /* the second one was closed */
}

TEST(the_descriptor_is_of_the_last_request_only)
{
	struct fake fake;
	criu_opts *opts = steps_opts(&fake, STEP, DUMP_DONE);

	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_INT(criu_get_orphan_pts_master_fd(), -1);
	fake_close(&fake, opts);
}
