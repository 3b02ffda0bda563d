/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ghost_place: the folder in which a deleted file is made again. Where it is
 * deleted, too, it is there for this moment alone.
 */
#ifndef STASIS_KINDS_FILE_LIB_GHOST_PLACE_H
#define STASIS_KINDS_FILE_LIB_GHOST_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/undo.h"
#include "model/restore.h"
#include "model/sighting.h"

enum { GHOST_FOLDERS = 64 };

struct ghost_place {
	int dir;	 /* O_PATH */
	const char *end; /* of the path */
	struct undo *undo;
	struct {
		int above; /* O_PATH */
		const char *name;
		undo_line line;
	} made[GHOST_FOLDERS];
	size_t n;
};

/* At the dump: the last folder above that name that is there. */
bool ghost_place_find(const char *name, char ret_folder[PATH_MAX]);

/* At the dump: could a deleted file be made again under that name? */
int ghost_place_check(
	const struct sighting *sighting, const char *name, struct err *err);

int ghost_place_open(struct restore *restore, const char *folder,
	struct ghost_place *ret, struct err *err);
/* Removes what was made for it. */
void ghost_place_close(struct ghost_place *place);

#endif
