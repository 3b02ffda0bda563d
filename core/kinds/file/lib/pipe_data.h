/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipe_data: the bytes that wait in a pipe or FIFO, and how many it may hold.
 * A part of those two kinds. Reading takes nothing out of the pipe.
 */
#ifndef STASIS_KINDS_FILE_LIB_PIPE_DATA_H
#define STASIS_KINDS_FILE_LIB_PIPE_DATA_H

#include "model/dump.h"
#include "model/restore.h"

/* type: IMAGE_PIPES_DATA or IMAGE_FIFO_DATA; fd: open for reading. */
int pipe_data_capture(struct dump *dump, enum image_type type, uint32_t pipe_id,
	int fd, struct err *err);

/* Reads what there is of all pipes or FIFOs. */
int pipe_data_prepare(
	struct restore *restore, enum image_type type, struct err *err);

/* Size and bytes of a pipe that is new. fd: open for writing; its flags are
 * as they were afterwards. packets: what was written in one piece is to be
 * read in one piece. */
int pipe_data_fill(struct restore *restore, enum image_type type,
	uint32_t pipe_id, int fd, bool packets, struct err *err);

#endif
