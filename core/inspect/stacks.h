/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stacks: the call chains of all threads of an image. */
#ifndef STASIS_INSPECT_STACKS_H
#define STASIS_INSPECT_STACKS_H

#include "inspect/gather.h"

/* Fills the frames of every thread; where they cannot be found, a note says
 * why. */
int stacks_gather(struct inspection *in, struct err *err);

#endif
