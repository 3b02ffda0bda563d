/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err: an error as a plain value: a number, one sentence, and a hint.
 *
 * It is filled at the cause (err_set, err_errno), wrapped on the way up
 * (err_wrap puts "context: " in front), and reported once, at the top, by
 * main or the service. It holds no pointers, so that it can cross a fork
 * in shared memory. All functions return -code, to be returned as is.
 *
 * A struct err is never NULL, here and in whoever takes one: a text that
 * nobody wants goes to ERR_UNREAD. What a function that failed returned is
 * what its caller returns; code is for those who report. Lint holds both.
 */
#ifndef STASIS_BASE_ERR_H
#define STASIS_BASE_ERR_H

#include <stdarg.h>

struct err {
	int code;	 /* errno value, positive; 0: no error */
	char text[1200]; /* one sentence, no newline, no full stop */
	char hint[400];	 /* what to do about it; may be empty */
};

/* As the last argument of a call whose text is not wanted. */
#define ERR_UNREAD (&(struct err){.code = 0})

/* Fill at the cause. code is a positive errno value. Returns -code. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), nonnull(1)));

/* As err_set with code = errno, and ": <strerror>" put behind. */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

/* As err_errno for a function that returned -errno. code < 0. */
int err_code(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), nonnull(1)));

/* The same error for another reader. Returns -from->code. */
int err_copy(struct err *err, const struct err *from)
	__attribute__((nonnull(1, 2)));

/* Put "<context>: " in front of the text. What one of them says is not said
 * again by the other: "task 4: sched" and "thread 5 of task 4 ..." make "sched:
 * thread 5 of task 4 ...". "process 4" is said by "thread 4" and "task 4".
 * Returns -code. */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

/* Say what the reader can do about it. Returns -code. */
int err_hint(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

#endif
