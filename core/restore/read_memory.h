/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_memory: a task's areas and page lists, checked against each other. */
#ifndef STASIS_RESTORE_READ_MEMORY_H
#define STASIS_RESTORE_READ_MEMORY_H

#include "model/restore.h"

int read_memory(struct restore *restore, struct task *task, struct err *err);

#endif
