/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/quota.h"

enum { MINUTE_MS = 60 * 1000 };

bool quota_take(struct quota *quota, int64_t now_ms)
{
	if (!quota->told)
		quota->since_ms = now_ms;
	if (quota->told < quota->most) {
		quota->told++;
		return true;
	}
	quota->left_out++;
	return false;
}

unsigned quota_end(struct quota *quota, int64_t now_ms)
{
	unsigned left_out = quota->left_out;

	if (!quota->told || now_ms - quota->since_ms < MINUTE_MS)
		return 0;
	quota->told = quota->left_out = 0;
	return left_out;
}

int quota_wait(const struct quota *quota, int64_t now_ms)
{
	int64_t left = quota->since_ms + MINUTE_MS - now_ms;

	if (!quota->left_out)
		return -1;
	return left > 0 ? (int)left : 0;
}
