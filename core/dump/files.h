/* SPDX-License-Identifier: GPL-2.0-or-later */
/* files: the fd tables of all victims, and their cwd, root and umask. */
#ifndef STASIS_DUMP_FILES_H
#define STASIS_DUMP_FILES_H

#include "model/dump.h"

/* Writes fdinfo and fs images; everything open goes into the registry. */
int files_capture(struct dump *dump, struct err *err);

#endif
