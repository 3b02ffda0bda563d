/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: does this kernel have what dump and restore need?
 *
 * One row per feature, under the names that CRIU gave them and some of our
 * own; every answer comes from trying the thing itself, in a child where it
 * would leave a trace. Without root some cannot be tried; the text says so.
 */
#ifndef STASIS_CHECK_CHECK_H
#define STASIS_CHECK_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "options/options.h"

enum check_need {
	CHECK_MUST,   /* nothing goes without it */
	CHECK_EXTRA,  /* only some tasks need it */
	CHECK_FASTER, /* it goes without, in another way */
};

struct check_row {
	const char *name;
	enum check_need need;
	bool rights; /* trying it needs root */
	bool (*probe)(void);
	const char *without; /* what does not work then */
};

extern const struct check_row check_rows[]; /* a row without name ends */

/* NULL: no such feature. */
const struct check_row *check_find(const char *name);

/* The verb: prints what is there to out. Fails with ENOTSUP when a feature
 * that was asked for is not there, EINVAL for one that is not known. */
int check_run(const struct options *options, FILE *out, struct err *err);

#endif
