/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota: how many clients the log tells of in a minute, so that nobody fills
 * the disk by coming again and again. Of those who are left out it tells the
 * number. Who is trusted is always told of. Pure.
 */
#ifndef STASIS_SERVICE_QUOTA_H
#define STASIS_SERVICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
	unsigned most; /* in a minute; a client is three lines at most */
	unsigned told; /* in this one */
	unsigned left_out;
	int64_t since_ms; /* when the first of them came */
};

/* Is this client to be told of? Clock as in quota_end. */
bool quota_take(struct quota *quota, int64_t now_ms);
/* The number left out in the minute that is over by now (or in any: INT64_MAX),
 * 0 if none were, or it is not over. Said once. */
unsigned quota_end(struct quota *quota, int64_t now_ms);
/* In how many milliseconds somebody should ask quota_end; -1: need not. */
int quota_wait(const struct quota *quota, int64_t now_ms);

#endif
