/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shed: what a worker has from the service and must not pass on: its session
 * and terminal, and for a guest all else that a child inherits.
 *
 * A guest's worker keeps the few fds that it was told to; standard input,
 * output and errors are /dev/null, the working directory is "/", the
 * environment holds a PATH, no signal is blocked or ignored, and what was in
 * memory until now is kept out of core files. The log of the service is among
 * what is closed, or is as soon as he is admitted (attend.h): from then on a
 * guest's worker says nothing in it.
 */
#ifndef STASIS_SERVICE_SHED_H
#define STASIS_SERVICE_SHED_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"

/* Leads a session of its own, so that no terminal is its. */
int shed_session(struct err *err);
/* All the rest. keep: the fds that stay, each 3 or more; -1 is none. */
int shed_belongings(const int *keep, size_t n, struct err *err);

#endif
