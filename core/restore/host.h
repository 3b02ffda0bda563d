/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host: what a plan must know of the machine that it will be played on. */
#ifndef STASIS_RESTORE_HOST_H
#define STASIS_RESTORE_HOST_H

#include "model/restore.h"
#include "plan/plan.h"

/* This host, this process. */
int host_read(struct restore *restore, struct host *ret, struct err *err);
/* A bare machine of the image's kind, for --plan anywhere. */
void host_imagine(
	struct restore *restore, struct host *ret, struct facts *ret_facts);

#endif
