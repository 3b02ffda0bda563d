/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner: a run that goes in somebody's name dumps only what is wholly his:
 * his ids alone, and no capabilities. Asked when everything is frozen, so
 * that the answer holds.
 */
#ifndef STASIS_DUMP_OWNER_H
#define STASIS_DUMP_OWNER_H

#include "model/dump.h"

/* EPERM: a victim is not the owner's. Without an owner all are. */
int owner_check_victims(struct dump *dump, struct err *err);

#endif
