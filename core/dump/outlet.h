/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outlet: where the images of a dump go: into the image directory, into one
 * pipe (-D -), or to an image streamer (--stream).
 *
 * A directory is whole with the commit, and can be spoilt afterwards. What has
 * gone out cannot be taken back: so a stream is whole only with outlet_end,
 * when nobody can object any more.
 */
#ifndef STASIS_DUMP_OUTLET_H
#define STASIS_DUMP_OUTLET_H

#include "image/stream.h"
#include "model/dump.h"

struct outlet {
	struct dump *dump;
	struct stream stream;
	int streamer; /* connected; -1: none */
};

#define OUTLET_CLOSED ((struct outlet){.streamer = -1})

/* Before anything is frozen. Makes dump->images, and dump->stream unless they
 * go into a directory. */
int outlet_open(struct dump *dump, struct outlet *outlet, struct err *err);
/* All is written, and nobody has objected. */
int outlet_end(struct outlet *outlet, struct err *err);
/* What was wanted has become of the victims. */
int outlet_done(struct outlet *outlet, struct err *err);
/* Somebody has objected: no image looks whole. */
void outlet_spoil(struct outlet *outlet);
void outlet_close(struct outlet *outlet);

#endif
