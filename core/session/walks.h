/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walks: the entries of the walks and of the inspection. */
#ifndef STASIS_SESSION_WALKS_H
#define STASIS_SESSION_WALKS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"
#include "dump/dump.h"
#include "inspect/inspect.h"
#include "model/run.h"

/* Only what is linked in can be asked for. */
#pragma weak inspect_print
#define PERHAPS __attribute__((weak))

PERHAPS int restore_run(struct run *run, pid_t *ret_root, struct err *err);
PERHAPS int restore_plan_print(struct run *run, FILE *out, struct err *err);

#endif
