/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify: the client is told of each moment of a run and says whether it may
 * go on.
 *
 * A NOTIFY with the name goes out, a NOTIFY with notify_success has to come
 * back; everything else counts as a no. Blocks until it has come.
 */
#ifndef STASIS_SERVICE_NOTIFY_H
#define STASIS_SERVICE_NOTIFY_H

#include "service/worker.h"

/* A run_listener's function; of is a struct worker. */
int notify_tell(void *of, const char *moment, pid_t root, struct err *err);

#endif
