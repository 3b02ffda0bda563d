/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	USEC = 1000000,
	FIRST_AFTER = USEC / 2,
	EVERY = USEC / 10,
	SMALL = 64 << 20, /* bytes; below, nobody has time to read a line */
	LINE = 100,
};

static uint64_t progress_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * USEC + (uint64_t)now.tv_nsec / 1000;
}

void progress_begin(
	struct progress *progress, int fd, const char *what, uint64_t total)
{
	*progress = (struct progress){.fd = -1, .what = what, .total = total};
	if (total < SMALL || !isatty(fd))
		return;
	progress->fd = fd;
	progress->start = progress_now();
	progress->next = progress->start + FIRST_AFTER;
}

int progress_text(const struct progress *progress, uint64_t now, char *ret_text,
	unsigned int room)
{
	uint64_t done = __atomic_load_n(&progress->done, __ATOMIC_RELAXED);
	double seconds = (double)(now - progress->start) / USEC;
	uint64_t total = progress->total ?: 1;
	unsigned int percent;
	double rate;

	if (done > total)
		done = total;
	percent = (unsigned int)((double)done * 100 / (double)total);
	rate = seconds > 0 ? (double)done / seconds / (1 << 20) : 0;
	return snprintf(ret_text, room,
		"%s: %3u%%  %" PRIu64 " of %" PRIu64 " MiB, %.0f MiB/s",
		progress->what, percent, done >> 20, total >> 20, rate);
}

static void progress_draw(struct progress *progress, uint64_t now)
{
	char line[LINE + 8] = "\r";
	int used = progress_text(progress, now, line + 1, LINE);

	if (used > LINE - 1)
		used = LINE - 1;
	memcpy(line + 1 + used, "\033[K", 3);
	if (write(progress->fd, line, (size_t)used + 4) < 0)
		return; /* the terminal has gone; the copy goes on */
	__atomic_store_n(&progress->drawn, 1, __ATOMIC_RELAXED);
}

void progress_add(struct progress *progress, uint64_t bytes)
{
	uint64_t next, now;

	__atomic_fetch_add(&progress->done, bytes, __ATOMIC_RELAXED);
	if (progress->fd < 0)
		return;
	now = progress_now();
	next = __atomic_load_n(&progress->next, __ATOMIC_RELAXED);
	if (now < next)
		return;
	/* Whoever moves the date forward draws; the others go on copying. */
	if (__atomic_compare_exchange_n(&progress->next, &next, now + EVERY,
		    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		progress_draw(progress, now);
}

void progress_end(struct progress *progress)
{
	if (progress->fd < 0 || !progress->drawn)
		return;
	if (write(progress->fd, "\r\033[K", 4) < 0)
		return;
	progress->fd = -1;
}
