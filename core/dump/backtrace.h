/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtrace: where the threads of a victim stand, told in the log, for the
 * cases in which something could not be done with them.
 *
 * The victim is stopped and its registers are those that it was stopped with.
 * Nothing is changed in it. What cannot be found out is left out.
 */
#ifndef STASIS_DUMP_BACKTRACE_H
#define STASIS_DUMP_BACKTRACE_H

#include "model/dump.h"

/* Costs nothing unless somebody wants log lines of that level (info). */
void backtrace_log_victim(struct dump *dump, const struct victim *victim);

#endif
