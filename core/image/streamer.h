/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * streamer: the words that are spoken with an image streamer, a program of
 * somebody else's that takes images where they are dumped and has them where
 * they are restored (criu-image-streamer is one).
 *
 * It listens on a unix socket in the image directory. For each file it is
 * told the name and sent one end of a pipe; the end of the file is the end of
 * what comes through. A name can be had once. That no more comes is told by
 * closing the socket.
 */
#ifndef STASIS_IMAGE_STREAMER_H
#define STASIS_IMAGE_STREAMER_H

#include "image/stream.h"

#define STREAMER_CAPTURE "streamer-capture.sock"
#define STREAMER_SERVE "streamer-serve.sock"

/* socket: one of both, below the directory. The fd is the caller's. Of the
 * stream only look and idle_seconds are used. EPERM: whoever listens there is
 * neither root nor our own user. */
int streamer_connect(struct stream *stream, int dir, const char *socket,
	int *ret_fd, struct err *err);

/* fd: connected to STREAMER_CAPTURE. A way for a set to go out. */
void streamer_open(struct stream *stream);
/* The pipe of a file that was not ended. */
void streamer_close(struct stream *stream);

/* fd: connected to STREAMER_SERVE. Into a new file of this name. *ret_exists:
 * false, if it has none. */
int streamer_fetch(struct stream *stream, int dir, const char *name,
	bool *ret_exists, struct err *err);

#endif
