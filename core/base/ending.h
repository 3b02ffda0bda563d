/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ending: signals and the ends of processes in words, for errors and the log.
 */
#ifndef STASIS_BASE_ENDING_H
#define STASIS_BASE_ENDING_H

enum { SIGNAL_LABEL = 24, ENDING_LABEL = 48 };

/* "signal 15 (SIGTERM)"; what has no name: "signal 40". Returns ret. */
const char *signal_label(int sig, char ret[SIGNAL_LABEL]);

/* What a status of wait(2) tells: "exit status 3", "signal 9 (SIGKILL)",
 * "stopped by signal 19 (SIGSTOP)". Returns ret. */
const char *ending_label(int status, char ret[ENDING_LABEL]);

#endif
