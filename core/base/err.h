/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err: an error as a plain value: a number, one sentence, and a hint.
 *
 * It is filled at the cause (err_set, err_errno), wrapped on the way up
 * (err_wrap puts "context: " in front), and reported once, at the top, by
 * main or the service. It holds no pointers, so that it can cross a fork
 * in shared memory. All three functions return -code, to be returned as is.
 * A NULL struct err is allowed everywhere and drops the text.
 */
#ifndef STASIS_BASE_ERR_H
#define STASIS_BASE_ERR_H

#include <stdarg.h>

struct err {
	int code;	 /* errno value, positive; 0: no error */
	char text[1200]; /* one sentence, no newline, no full stop */
	char hint[400];	 /* what to do about it; may be empty */
};

/* Fill at the cause. code is a positive errno value. Returns -code. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set with code = errno, and ": <strerror>" put behind. */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* As err_errno for a function that returned -errno. code < 0. */
int err_code(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<context>: " in front of the text. Returns -err->code. */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Say what the reader can do about it. Returns -err->code. */
int err_hint(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
