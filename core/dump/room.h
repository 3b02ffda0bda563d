/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * room: can what was captured be restored with the fd numbers that there are?
 *
 * The restore's own plan is asked, up to where it gives numbers to files. When
 * it says no, the victims still live.
 */
#ifndef STASIS_DUMP_ROOM_H
#define STASIS_DUMP_ROOM_H

#include "model/dump.h"

/* When files and memory were captured. */
int room_check(struct dump *dump, struct err *err);

#endif
