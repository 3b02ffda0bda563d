/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress: one line on a terminal that tells how far a long copy is.
 *
 * Nothing is drawn when the fd is no terminal, when little is to be copied,
 * or before the copy has lasted half a second; progress_end wipes the line
 * away. progress_add may be called by many threads at once and costs an
 * atomic addition; the others are for the thread that owns the copy.
 */
#ifndef STASIS_STATS_PROGRESS_H
#define STASIS_STATS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int fd; /* -1: draws nothing */
	const char *what;
	uint64_t total;
	uint64_t done;	    /* atomic */
	uint64_t next;	    /* atomic: microseconds at which to draw again */
	uint64_t start;	    /* microseconds, CLOCK_MONOTONIC */
	unsigned int drawn; /* atomic: something stands on the line */
};

/* fd: normally 2. what: "dumping memory"; must outlive the progress. */
void progress_begin(
	struct progress *progress, int fd, const char *what, uint64_t total);
void progress_add(struct progress *progress, uint64_t bytes);
void progress_end(struct progress *progress);

/* The line itself, without control characters; returns its length. */
int progress_text(const struct progress *progress, uint64_t now, char *ret_text,
	unsigned int room);

#endif
