/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner: a run that goes in somebody's name makes only tasks that are wholly
 * his: his ids, no groups but his, and no capabilities.
 */
#ifndef STASIS_RESTORE_OWNER_H
#define STASIS_RESTORE_OWNER_H

#include "model/restore.h"

/* Reads nothing but images. EPERM: a thread would be somebody else, or more
 * than the owner. Without an owner all may be. */
int owner_check_images(struct restore *restore, struct err *err);

#endif
