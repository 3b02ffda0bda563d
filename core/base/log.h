/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: one sink for the story of a run, for people who look into it later.
 *
 * Lines are "(SECONDS.MICROSECONDS) text". Lower layers tell what they do
 * (info, debug) and what looked odd but did not stop them (warn); they never
 * log errors: those travel as struct err and are written once, at the top,
 * by log_error. The sink is the program's only mutable state at file scope.
 */
#ifndef STASIS_BASE_LOG_H
#define STASIS_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_NONE, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines up to level go to fd from now on; the fd stays the caller's. */
void log_open(int fd, enum log_level level);
int log_enabled(enum log_level level);

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "Error (where): text" and, when there is one, the hint on a second line.
 * Only for the places that report errors to people: main and the service. */
void log_error(const char *where, const struct err *err);

#endif
