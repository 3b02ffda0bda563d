/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows: readers of the options whose value is of a form of their own. */
#ifndef STASIS_OPTIONS_ROWS_H
#define STASIS_OPTIONS_ROWS_H

#include "options/table.h"

option_read_fn option_read_help;
option_read_fn option_read_version;
option_read_fn option_read_verbosity;
option_read_fn option_read_close;
option_read_fn option_read_inherit;
option_read_fn option_read_external; /* external.c */
option_read_fn option_read_ext_unix;
option_read_fn option_read_empty_ns;
option_read_fn option_read_ext_mount;
option_read_fn option_read_cpu_cap;

/* Whole text is a number between min and max; EINVAL with a sentence that
 * calls it what. */
int option_read_number(const char *text, long long min, long long max,
	const char *what, long long *ret, struct err *err);

#endif
