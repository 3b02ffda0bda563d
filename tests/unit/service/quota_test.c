/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the log tells of. */
#include "service/quota.h"

#include "test.h"

TEST(so_many_in_a_minute_are_told_of_and_the_others_are_counted)
{
	struct quota quota = {.most = 3};
	unsigned told = 0;

	for (int64_t now = 5000; now < 64000; now += 1000) {
		CHECK_INT(quota_end(&quota, now), 0);
		told += quota_take(&quota, now);
	}
	CHECK_INT(told, 3);
	CHECK_INT(quota_wait(&quota, 64000), 1000);
	CHECK_INT(quota_end(&quota, 64999), 0);
	CHECK_INT(quota_wait(&quota, 65000), 0);
	CHECK_INT(quota_end(&quota, 65000), 56);
	CHECK_INT(quota_end(&quota, 65000), 0);
	CHECK_INT(quota_wait(&quota, 65000), -1);
	CHECK(quota_take(&quota, 66000));
}

TEST(who_comes_seldom_is_always_told_of)
{
	struct quota quota = {.most = 1};

	for (int64_t now = 1; now < 600000; now += 60000) {
		CHECK_INT(quota_end(&quota, now), 0);
		CHECK(quota_take(&quota, now));
		CHECK_INT(quota_wait(&quota, now), -1);
	}
}

TEST(at_the_end_what_was_left_out_is_told_at_once)
{
	struct quota quota = {.most = 1};

	quota_take(&quota, 1000);
	quota_take(&quota, 1001);
	CHECK_INT(quota_end(&quota, INT64_MAX), 1);
}
