/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fown: who is told by signal when a file has something (F_SETOWN), and
 * O_ASYNC, which makes it so. A part of the file kinds.
 *
 * It is emitted in one task that holds the file, since the kernel keeps the
 * ids of who asked for the signals, and the fd number that they tell.
 */
#ifndef STASIS_KINDS_FILE_LIB_FOWN_H
#define STASIS_KINDS_FILE_LIB_FOWN_H

#include "model/object.h"
#include "model/sighting.h"

struct dump;
struct tape;

/* Of a path, or a file that nobody owns: all zeros. */
int fown_capture(struct dump *dump, const struct sighting *sighting,
	FownEntry **ret, struct err *err);

/* flags: those of the file in the image. Nothing for all holders but one. */
void fown_emit(struct tape *tape, const struct holder *holder,
	const FownEntry *fown, uint32_t flags);

/* What F_SETFL can set; O_ASYNC is left for the tape. */
int fown_flags_set(int fd, uint32_t flags, struct err *err);

#endif
