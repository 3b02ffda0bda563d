/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * library: functions of a shared library, loaded when they are first needed: no
 * other start of the program pays for finding and binding them.
 *
 * A program that is linked statically loads none.
 */
#ifndef STASIS_BASE_LIBRARY_H
#define STASIS_BASE_LIBRARY_H

#include <stddef.h>

#include "base/err.h"

struct library {
	const char *file;    /* libNAME.so.N */
	const char *package; /* of Debian */
	const char *what;    /* what it is loaded for: "preparing ..." */
};

struct library_function {
	const char *name; /* as it is exported */
	size_t at;	  /* where its pointer goes, in bytes from `into` */
};

/* All of them, or -ELIBACC and `into` as it was. The library stays loaded. */
int library_load(const struct library *library,
	const struct library_function *functions, size_t n, void *into,
	struct err *err);

#endif
