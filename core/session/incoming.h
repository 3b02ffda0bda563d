/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incoming: images that come in as a stream and are put into a folder of ours
 * in the work directory, so that restore reads them as any others.
 *
 * From a pipe (-D -) all of them come first. Until they are whole the folder
 * is hidden and goes with us, or by recovery (image/leftover.h). Once they are
 * whole the dump at the other end has let go of its tasks: from then on the
 * folder has a name for people, and stays unless the restore succeeds. An image
 * streamer (--stream) gives file by file, while the images are read; it has
 * them still, so its folder never stays.
 */
#ifndef STASIS_SESSION_INCOMING_H
#define STASIS_SESSION_INCOMING_H

#include "image/stream.h"
#include "model/run.h"

enum { INCOMING_NAME = 32 };

struct incoming {
	bool on;
	struct stream stream;
	int streamer; /* connected; -1: none */
	int folder;
	char name[INCOMING_NAME];
	bool whole;
	struct run *run;
	struct arena_end end; /* when memory runs out */
};

/* What standard output or input was becomes run->piped, and nobody else
 * writes to it, or reads from it, by mistake. Nothing without -D -. */
int incoming_divert(struct run *run, struct err *err);

/* Where nothing comes in, nothing is done; else run->images_dir is the folder
 * afterwards. To be closed after a failure, too; ret must stay where it is. */
int incoming_open(struct run *run, struct incoming *ret, struct err *err);
/* code: how the restore went; returned, with where the images are in err. */
int incoming_close(
	struct run *run, struct incoming *incoming, int code, struct err *err);

#endif
