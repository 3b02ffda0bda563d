/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked, and what each kind of answer becomes. */
#include "fake.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

/* The result of one request that gets one answer; "" closes instead. */
static int answered(int (*ask)(criu_opts *), const char *answer)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);
	int ret, saved;

	if (answer[0])
		fake_answer(&fake, answer);
	else
		close(fake.fd);
	errno = 0;
	ret = ask(opts);
	saved = errno;
	if (!answer[0])
		fake.fd = -1;
	fake_close(&fake, opts);
	errno = saved;
	return ret;
}

TEST(requests_have_their_types)
{
	static const struct {
		int (*local)(criu_opts *);
		int (*global)(void);
		const char *want, *answer;
		int result;
	} rows[] = {
		{criu_local_check, criu_check, "0803", "08031001", 0},
		{criu_local_dump, criu_dump, "0801120b" NO_DIR, DUMP_DONE, 0},
		{criu_local_pre_dump, criu_pre_dump, "080d120b" NO_DIR,
			"080d1001", 0},
		{criu_local_restore, criu_restore, "0802120b" NO_DIR,
			RESTORE_DONE, 123},
		{criu_local_get_version, criu_get_version, "080a120b" NO_DIR,
			"080a1001520408041002", 40200},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake fake;
		criu_opts *opts = fake_opts(&fake);

		fake_answer(&fake, rows[i].answer);
		CHECK_INT(rows[i].local(opts), rows[i].result);
		CHECK_STR(fake_request(&fake), rows[i].want);
		fake_close(&fake, opts);
		criu_init_opts();
		criu_set_service_fd(fake_open(&fake));
		fake_answer(&fake, rows[i].answer);
		CHECK_INT(rows[i].global(), rows[i].result);
		CHECK_STR(fake_request(&fake), rows[i].want);
		close(fake.fd);
		criu_free_opts();
	}
}

TEST(the_restored_copy_is_told_by_one)
{
	CHECK_INT(answered(criu_local_dump, "080110011a020801"), 1);
	CHECK_INT(answered(criu_local_dump, "080110011a020800"), 0);
}

TEST(a_failure_is_EBADE_and_its_reason_is_errno)
{
	CHECK_INT(answered(criu_local_dump, "080110003803"), -EBADE);
	CHECK_INT(errno, ESRCH);
	CHECK_INT(answered(criu_local_restore, "080210003811"), -EBADE);
	CHECK_INT(errno, EEXIST);
	CHECK_INT(answered(criu_local_check, "08031000"), -EBADE);
	CHECK_INT(errno, 0);
	CHECK_INT(answered(criu_local_get_version, "080a1000"), -EBADE);
}

TEST(an_unknown_request_is_EINVAL)
{
	CHECK_INT(answered(criu_local_dump, "08001000"), -EINVAL);
}

TEST(an_answer_to_something_else_is_EBADMSG)
{
	CHECK_INT(answered(criu_local_dump, RESTORE_DONE), -EBADMSG);
	CHECK_INT(answered(criu_local_pre_dump, "08041001"), -EBADMSG);
	CHECK_INT(answered(criu_local_restore, "08021001"), -EBADMSG);
	CHECK_INT(answered(criu_local_get_version, "080a1001"), -EBADMSG);
}

TEST(answers_that_are_cut_or_missing_are_ECOMM)
{
	CHECK_INT(answered(criu_local_dump, "0801"), -ECOMM);
	CHECK_INT(errno, EBADMSG);
	CHECK_INT(answered(criu_local_dump, "08011001"
					    "1a05"),
		-ECOMM);
	CHECK_INT(answered(criu_local_dump, "ff"), -ECOMM);
	CHECK_INT(answered(criu_local_dump, ""), -ECOMM);
	CHECK_INT(errno, EPIPE);
}

TEST(a_service_that_goes_away_is_ECOMM)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	shutdown(fake.fd, SHUT_WR);
	CHECK_INT(criu_local_check(opts), -ECOMM);
	CHECK_INT(errno, ECONNRESET);
	fake_close(&fake, opts);
}

TEST(versions_are_one_number)
{
	CHECK_INT(answered(criu_local_get_version, "080a1001520408041002"),
		40200);
	CHECK_INT(answered(criu_local_get_version, "080a10015206080410022005"),
		40205);
	/* built between releases: the next one */
	CHECK_INT(answered(criu_local_get_version,
			  "080a10015209080410021a01782005"),
		40300);
}

TEST(a_minimum_version_is_compared)
{
	static const struct {
		int minimum, want;
	} rows[] = {{40200, 1}, {40201, 0}, {31600, 1}, {50000, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake fake;
		criu_opts *opts = fake_opts(&fake);

		fake_answer(&fake, "080a1001520408041002");
		CHECK_INT(criu_local_check_version(opts, rows[i].minimum),
			rows[i].want);
		fake_close(&fake, opts);
	}
}

TEST(a_failed_version_is_an_error_not_old)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	fake_answer(&fake, "080a1000");
	CHECK_INT(criu_local_check_version(opts, 1), -EBADE);
	fake_close(&fake, opts);
}

TEST(only_features_that_are_there_stay_true)
{
	struct criu_feature_check features = {
		.mem_track = true, .pidfd_store = true};
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	fake_answer(&fake, "080910014206"
			   "0801"
			   "1000"
			   "1800");
	CHECK_INT(
		criu_local_feature_check(opts, &features, sizeof(features)), 0);
	CHECK_STR(fake_request(&fake), "0809120b" NO_DIR "2a04"
				       "0801"
				       "1801");
	CHECK_INT(features.mem_track, 1);
	CHECK_INT(features.lazy_pages, 0);
	CHECK_INT(features.pidfd_store, 0);
	fake_close(&fake, opts);
}

TEST(callers_with_fewer_features_keep_what_lies_behind)
{
	struct criu_feature_check features = {
		.mem_track = true, .lazy_pages = true, .pidfd_store = true};
	struct fake fake;

	criu_init_opts();
	criu_set_service_fd(fake_open(&fake));
	fake_answer(&fake, "080910014206"
			   "0801"
			   "1000"
			   "1800");
	CHECK_INT(criu_feature_check(&features, 1), 0);
	CHECK_STR(fake_request(&fake), "0809120b" NO_DIR "2a02"
				       "0801");
	CHECK_INT(features.lazy_pages, 1);
	CHECK_INT(features.pidfd_store, 1);
	CHECK_INT(criu_feature_check(&features, sizeof(features) + 1), -1);
	close(fake.fd);
	criu_free_opts();
}

TEST(a_descriptor_serves_one_request)
{
	struct fake fake;
	criu_opts *opts = NULL;
	int fd = fake_open(&fake);

	CHECK_INT(criu_local_init_opts(&opts), 0);
	criu_local_set_service_fd(opts, fd);
	fake_answer(&fake, "08031001");
	CHECK_INT(criu_local_check(opts), 0);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	CHECK_INT(criu_local_check(opts), -ECONNREFUSED);
	CHECK_INT(errno, EBADF);
	fake_close(&fake, opts);
}

/* Answers how many more rounds there are to be. */
static int rounds_left;

static int round_next(criu_predump_info pi)
{
	CHECK(!pi);
	return rounds_left--;
}

TEST(rounds_of_memory_go_over_one_connection)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	criu_local_set_pid(opts, 5);
	rounds_left = 1;
	fake_answer(&fake, "08041001");
	fake_answer(&fake, "08041001");
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump_iters(opts, round_next), 0);
	CHECK_STR(fake_request(&fake), "0804120d" NO_DIR "1005");
	CHECK_STR(fake_request(&fake), "0804120d" NO_DIR "1005");
	CHECK_STR(fake_request(&fake), "0801120d" NO_DIR "1005");
	CHECK_STR(fake_request(&fake), "");
	fake_close(&fake, opts);
}

TEST(rounds_end_with_the_callers_error)
{
	struct fake fake;

	criu_init_opts();
	CHECK_INT(criu_dump_iters(round_next), -EINVAL); /* no pid */
	criu_set_service_fd(fake_open(&fake));
	criu_set_pid(5);
	rounds_left = -7;
	fake_answer(&fake, "08041001");
	CHECK_INT(criu_dump_iters(round_next), -7);
	CHECK_STR(fake_request(&fake), "0804120d" NO_DIR "1005");
	CHECK_STR(fake_request(&fake), "");
	close(fake.fd);
	criu_free_opts();
}
