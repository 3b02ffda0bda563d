/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timens: a time namespace for the newborns, in which the monotonic and boot
 * clocks go on from where the image left them.
 */
#ifndef STASIS_RESTORE_TIMENS_H
#define STASIS_RESTORE_TIMENS_H

#include "model/restore.h"

/* Children of the caller will be born into it. ret_own: to come back; -1 when
 * the image or the kernel (before 5.6) has none. */
int timens_enter(struct restore *restore, int *ret_own, struct err *err);
void timens_leave(int own);

#endif
