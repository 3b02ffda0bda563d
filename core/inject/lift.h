/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lift: soft limits of memory are out of the way while the agent is there.
 *
 * A process may use more than its limits allow by now, or lock all that it
 * maps: nothing could be mapped there. The process itself raises its soft
 * limits to its hard ones, which needs no right, and puts them back before it
 * is cured: an engine that is killed in between had its registers, too.
 */
#ifndef STASIS_INJECT_LIFT_H
#define STASIS_INJECT_LIFT_H

#include "inject/remote.h"

/* 0 if some limit is higher now; -ENOMEM: none could be. */
int lift_limits(struct remote *remote, struct err *err);
/* Puts back what was lifted, if any. */
int lift_end(struct remote *remote, struct err *err);

#endif
