/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: an image set on its way out, as bytes that are read once.
 *
 * Two ways: all files one after another in one pipe, each with name and size
 * before it (stream_open), or a pipe for each file that an image streamer
 * takes (image/streamer.h). The manifest, which has the digests of all, comes
 * last. In one pipe two marks follow: "all is whole", and, when that has
 * become of the tasks what was wanted, "done". Who reads believes nothing
 * before the first, and makes nothing before the second (stream_receive).
 *
 * Whoever does not move for idle_seconds is ETIMEDOUT, one that is gone is
 * EPIPE. look is asked whether to go on before each piece, and ten times a
 * second while nothing moves: who takes or gives a byte at a time keeps nobody
 * from being interrupted.
 */
#ifndef STASIS_IMAGE_STREAM_H
#define STASIS_IMAGE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct stream_way;

struct stream {
	const struct stream_way *way;
	int fd;	     /* borrowed: a pipe, a socket, a file */
	int out;     /* where bytes go now: fd, or a pipe of the streamer's */
	mode_t sort; /* S_IFIFO ... of out */
	uint64_t files;				/* so far */
	int idle_seconds;			/* 0: wait for ever */
	int (*look)(void *of, struct err *err); /* NULL: nobody */
	void *of;
};

struct stream_way {
	int (*file)(struct stream *stream, const char *name, uint64_t size,
		struct err *err);
	int (*file_end)(struct stream *stream, struct err *err);
	int (*end)(struct stream *stream, struct err *err);
	int (*done)(struct stream *stream, struct err *err);
};

/* In one pipe. A terminal is refused. Waits, without an end, until who reads
 * a pipe has taken the beginning. */
int stream_open(struct stream *stream, struct err *err);

/* A file begins; its bytes follow with stream_put, size of them in all. */
int stream_file(struct stream *stream, const char *name, uint64_t size,
	struct err *err);
int stream_put(
	struct stream *stream, const void *from, size_t size, struct err *err);
int stream_file_end(struct stream *stream, struct err *err);
/* All is whole. Returns when who reads has taken all of it, as far as can be
 * seen from here. */
int stream_end(struct stream *stream, struct err *err);
int stream_done(struct stream *stream, struct err *err);

/* All of out is taken by its reader, where the kernel tells. */
int stream_drain(struct stream *stream, struct err *err);
/* Until fd is ready for events (POLLIN, POLLOUT); 0: it is, or it will not be
 * asked again. */
int stream_await(struct stream *stream, int fd, short events, struct err *err);

/* The other end: all files up to the mark of the whole set go into an empty
 * directory of ours. EPIPE: it was cut off; EBADMSG: it is no such stream. */
int stream_receive(struct stream *stream, int dir, struct err *err);
/* Behind it: are the tasks done with at the other end? *ret: false, if it has
 * ended without a word. */
int stream_receive_done(struct stream *stream, bool *ret, struct err *err);

#endif
