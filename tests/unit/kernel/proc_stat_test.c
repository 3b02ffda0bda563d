/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "test.h"

#define NUMBERS                                                               \
	" S 10 4243 4000 34816 4243 4194304 102 0 1 0 12 34 56 78 20 -5 3 0 " \
	"2212 3133440 473 18446744073709551615 94201 94202 140727 0 0 0 0 4 " \
	"65536 0 0 0 17 1 0 2 0 0 0 94303 94304 94305 140731 140732 140733 "  \
	"140734 256"

TEST(stat_fields_are_found_by_their_numbers)
{
	struct proc_stat stat;
	struct err err = {0};

	CHECK_INT(proc_stat_parse("4242 (bash)" NUMBERS "\n", &stat, &err), 0);
	CHECK_INT(stat.pid, 4242);
	CHECK_STR(stat.comm, "bash");
	CHECK_INT(stat.state, 'S');
	CHECK_INT(stat.ppid, 10);
	CHECK_INT(stat.pgid, 4243);
	CHECK_INT(stat.sid, 4000);
	CHECK_INT(stat.tty_nr, 34816);
	CHECK_INT(stat.tpgid, 4243);
	CHECK_INT(stat.flags, 4194304);
	CHECK_INT(stat.utime, 12);
	CHECK_INT(stat.stime, 34);
	CHECK_INT(stat.cutime, 56);
	CHECK_INT(stat.cstime, 78);
	CHECK_INT(stat.priority, 20);
	CHECK_INT(stat.nice, -5);
	CHECK_INT(stat.num_threads, 3);
	CHECK_INT(stat.start_time, 2212);
	CHECK_INT(stat.vsize, 3133440);
	CHECK_INT(stat.rss, 473);
}

TEST(stat_addresses_are_found_by_their_numbers)
{
	struct proc_stat stat;

	CHECK_INT(
		proc_stat_parse("4242 (bash)" NUMBERS "\n", &stat, ERR_UNREAD),
		0);
	CHECK_INT(stat.start_code, 94201);
	CHECK_INT(stat.end_code, 94202);
	CHECK_INT(stat.start_stack, 140727);
	CHECK_INT(stat.exit_signal, 17);
	CHECK_INT(stat.rt_priority, 0);
	CHECK_INT(stat.policy, 2);
	CHECK_INT(stat.start_data, 94303);
	CHECK_INT(stat.end_data, 94304);
	CHECK_INT(stat.start_brk, 94305);
	CHECK_INT(stat.arg_start, 140731);
	CHECK_INT(stat.arg_end, 140732);
	CHECK_INT(stat.env_start, 140733);
	CHECK_INT(stat.env_end, 140734);
	CHECK_INT(stat.exit_code, 256);
}

TEST(stat_names_may_hold_brackets_blanks_and_newlines)
{
	static const char *const names[] = {"a) b (c", ") S 1 2", "", "(", ")",
		"two\nlines", "kworker/0:1H-events_highpri"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[1024];
		struct proc_stat stat;

		snprintf(text, sizeof(text), "77 (%s)%s\n", names[i], NUMBERS);
		CHECK_INT(proc_stat_parse(text, &stat, ERR_UNREAD), 0);
		CHECK_STR(stat.comm, names[i]);
		CHECK_INT(stat.ppid, 10);
		CHECK_INT(stat.exit_code, 256);
	}
}

TEST(stat_of_a_newer_kernel_may_have_more_fields)
{
	struct proc_stat stat;

	CHECK_INT(proc_stat_parse(
			  "4242 (bash)" NUMBERS " 99 -1\n", &stat, ERR_UNREAD),
		0);
	CHECK_INT(stat.exit_code, 256);
}

TEST(stat_cut_short_anywhere_is_refused)
{
	static const char whole[] = "4242 (bash)" NUMBERS "\n";
	struct proc_stat stat = {.pid = 5};
	char text[sizeof(whole)];

	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		memcpy(text, whole, size);
		text[size] = '\0';
		CHECK_INT(proc_stat_parse(text, &stat, ERR_UNREAD), -EINVAL);
	}
	CHECK_INT(stat.pid, 5);
}

TEST(stat_errors_say_how_many_fields_there_were)
{
	struct proc_stat stat;
	struct err err = {0};

	CHECK_INT(proc_stat_parse("9 (x) S 1 2 3\n", &stat, &err), -EINVAL);
	CHECK_STR(err.text, "the stat text of process 9 has 6 fields of 52");
}

TEST(stat_of_ourselves_tells_what_we_know)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct proc_stat stat;
	struct err err = {0};
	char name[16];

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, "a) b (c");
	REQUIRE(!proc_open(getpid(), &self, &err));
	CHECK_INT(proc_stat_read(&self, 0, &stat, &err), 0);
	prctl(PR_SET_NAME, name);
	CHECK_STR(err.text, "");
	CHECK_STR(stat.comm, "a) b (c");
	CHECK_INT(stat.pid, getpid());
	CHECK_INT(stat.ppid, getppid());
	CHECK_INT(stat.pgid, getpgrp());
	CHECK_INT(stat.sid, getsid(0));
	CHECK_INT(stat.state, 'R');
	CHECK(stat.start_stack > stat.start_brk);
	CHECK_INT(proc_stat_read(&self, getpid(), &stat, &err), 0);
	CHECK_INT(stat.pid, getpid());
}
