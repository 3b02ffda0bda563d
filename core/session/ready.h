/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ready: how a program that stays (the service, a page server) comes up: into
 * the background, and the word to all who wait for it.
 */
#ifndef STASIS_SESSION_READY_H
#define STASIS_SESSION_READY_H

#include "model/run.h"
#include "session/pidfile.h"

/* Forks; the caller's process goes on waiting, ends with success when
 * ready_tell is called, and with failure if we end before. */
int ready_background(int *ret_ready, struct err *err);

/* Writes the pidfile, runs the scripts for "status-ready", a byte to the
 * status fd (closed then), and lets the one in front go. *ready: of
 * ready_background; -1: there is none. */
int ready_tell(const struct options *options, struct arena *arena,
	struct pidfile *pidfile, int *ready, struct err *err);

#endif
