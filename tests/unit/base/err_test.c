/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "test.h"

TEST(err_set_fills_all_and_returns_minus_code)
{
	struct err err = {0};

	CHECK_INT(err_set(&err, ENOENT, "fd %d is gone", 7), -ENOENT);
	CHECK_INT(err.code, ENOENT);
	CHECK_STR(err.text, "fd 7 is gone");
	CHECK_STR(err.hint, "");
}

TEST(err_errno_puts_the_reason_behind)
{
	struct err err = {0};

	errno = EACCES;
	CHECK_INT(err_errno(&err, "opening '%s'", "/x"), -EACCES);
	CHECK_STR(err.text, "opening '/x': Permission denied");
}

TEST(err_code_takes_a_negative_errno)
{
	struct err err = {0};

	CHECK_INT(err_code(&err, -EBADF, "reading"), -EBADF);
	CHECK_INT(err.code, EBADF);
	CHECK_STR(err.text, "reading: Bad file descriptor");
}

TEST(err_errno_hints_at_the_limit_that_was_reached)
{
	struct err err = {0};

	errno = EMFILE;
	CHECK_INT(err_errno(&err, "opening"), -EMFILE);
	CHECK_STR(err.hint, "raise the limit of open files: ulimit -n");
	CHECK_INT(err_code(&err, -EFBIG, "writing"), -EFBIG);
	CHECK_STR(err.hint, "raise the limit of file sizes: ulimit -f");
	CHECK_INT(err_code(&err, -EIO, "writing"), -EIO);
	CHECK_STR(err.hint, "");
}

TEST(err_wrap_puts_context_in_front_and_keeps_code_and_hint)
{
	struct err err = {0};

	err_set(&err, EPERM, "no");
	CHECK_INT(err_hint(&err, "become %s", "root"), -EPERM);
	CHECK_INT(err_wrap(&err, "task %d", 42), -EPERM);
	CHECK_INT(err_wrap(&err, "restoring"), -EPERM);
	CHECK_STR(err.text, "restoring: task 42: no");
	CHECK_STR(err.hint, "become root");
}

static void check_wrapped(
	const char *text, const char *context, const char *want)
{
	struct err err = {0};

	err_set(&err, EIO, "%s", text);
	CHECK_INT(err_wrap(&err, "%s", context), -EIO);
	CHECK_STR(err.text, want);
}

TEST(err_wrap_says_nothing_twice)
{
	check_wrapped("thread 42 cannot sleep", "thread 42",
		"thread 42 cannot sleep");
	check_wrapped(
		"task 4 had more", "task 4: limits", "limits: task 4 had more");
	check_wrapped("sched: thread 4 of 7 has none", "thread 4",
		"sched: thread 4 of 7 has none");
	check_wrapped("task 4: timers: no such clock", "restoring task 4 (sh)",
		"restoring task 4 (sh): timers: no such clock");
}

TEST(err_wrap_names_nobody_twice)
{
	check_wrapped("fd 3 of task 4 (pipe): opening it", "task 4",
		"fd 3 of task 4 (pipe): opening it");
	check_wrapped(
		"thread 4 has a lock", "process 4", "thread 4 has a lock");
	check_wrapped("process 4 has a lock", "thread 4: modes",
		"modes: process 4 has a lock");
	check_wrapped("fd 3 of task 42: opening it", "task 4",
		"task 4: fd 3 of task 42: opening it");
	check_wrapped("it is locked by process 4", "process 4",
		"process 4: it is locked by process 4");
	check_wrapped("reading fd 3 of it", "fd 3", "fd 3: reading fd 3 of it");
}

TEST(err_wrap_takes_no_word_for_a_longer_one)
{
	check_wrapped("task 42 is late", "task 4", "task 4: task 42 is late");
	check_wrapped(
		"a subtask 4 is late", "task 4", "task 4: a subtask 4 is late");
	check_wrapped("it was added as fd 3", "process 9: fd 3",
		"process 9: fd 3: it was added as fd 3");
	check_wrapped("task 4: late", "task 42", "task 42: task 4: late");
	check_wrapped("late", "", "late");
	check_wrapped("", "task 4", "task 4: ");
}

TEST(err_set_drops_an_older_hint)
{
	struct err err = {0};

	err_set(&err, EPERM, "no");
	err_hint(&err, "become root");
	err_set(&err, EIO, "broken");
	CHECK_STR(err.hint, "");
}

TEST(err_texts_that_are_too_long_are_cut_and_terminated)
{
	struct err err = {0};
	char big[4096];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	errno = EIO;
	CHECK_INT(err_errno(&err, "%s", big), -EIO);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK_INT(err_wrap(&err, "%s", big), -EIO);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK_INT(err_hint(&err, "%s", big), -EIO);
	CHECK_INT(strlen(err.hint), sizeof(err.hint) - 1);
}

TEST(err_unread_takes_what_nobody_reads)
{
	errno = EAGAIN;
	CHECK_INT(err_set(ERR_UNREAD, EIO, "x"), -EIO);
	CHECK_INT(err_errno(ERR_UNREAD, "x"), -EAGAIN);
	CHECK_INT(err_code(ERR_UNREAD, -EBADF, "x"), -EBADF);
	CHECK_INT(err_wrap(ERR_UNREAD, "x"), 0);
}

TEST(err_copy_takes_all_and_returns_minus_code)
{
	struct err first = {0}, err = {0};

	err_set(&first, EPERM, "no");
	err_hint(&first, "become root");
	CHECK_INT(err_copy(&err, &first), -EPERM);
	CHECK_STR(err.text, "no");
	CHECK_STR(err.hint, "become root");
}
