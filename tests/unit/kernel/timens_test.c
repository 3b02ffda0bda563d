/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/timens.h"

#include "test.h"

TEST(offsets_of_a_time_namespace_are_read_by_clock)
{
	const char *text = "monotonic         -3         250000000\n"
			   "boottime           7                 5\n";

	CHECK_INT(timens_offset_parse(text, "monotonic"), -2750000000);
	CHECK_INT(timens_offset_parse(text, "boottime"), 7000000005);
	CHECK_INT(timens_offset_parse(text, "realtime"), 0);
}

TEST(offsets_that_no_kernel_gives_leave_no_number)
{
	static const char *const texts[] = {
		"monotonic 9223372036854775807 9223372036854775807\n",
		"monotonic -9223372036854775808 -9223372036854775808\n",
		"monotonic 99999999999999999999999 1\n", "monotonic\n",
		"monotonic x y\n"};
	int64_t offset;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		offset = timens_offset_parse(texts[i], "monotonic");
		CHECK(offset / 1000000000 <= TIMENS_SECONDS_MAX &&
			offset / 1000000000 >= -TIMENS_SECONDS_MAX);
	}
}
