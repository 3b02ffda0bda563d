/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "test.h"

/* Recorded on 6.18. */
static const char recorded[] =
	"Limit                     Soft Limit           Hard Limit           "
	"Units     \n"
	"Max cpu time              unlimited            unlimited            "
	"seconds   \n"
	"Max file size             4096                 18446744073709551614 "
	"bytes     \n"
	"Max nice priority         0                    0                    "
	"\n";

TEST(limits_are_numbers_or_none)
{
	struct proc_limit limits[3];
	struct err err = {0};

	CHECK_INT(proc_limits_parse(recorded, limits, 3, &err), 0);
	CHECK(limits[0].cur == UINT64_MAX && limits[0].max == UINT64_MAX);
	CHECK_INT(limits[1].cur, 4096);
	CHECK(limits[1].max == UINT64_MAX - 1);
	CHECK_INT(limits[2].max, 0);
}

TEST(limits_of_another_number_or_form_are_refused)
{
	static const char *const texts[] = {"", "Limit\n", "Limit\nMax\n",
		"Limit\nMax cpu time              many            1 s\n",
		"Limit\nMax cpu time              1\n"};
	struct proc_limit limits[4];
	struct err err = {0};

	CHECK_INT(proc_limits_parse(recorded, limits, 2, &err), -EINVAL);
	CHECK_INT(proc_limits_parse(recorded, limits, 4, &err), -EINVAL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CHECK_INT(
			proc_limits_parse(texts[i], limits, 1, &err), -EINVAL);
}

TEST(our_own_limits_are_those_that_the_kernel_tells)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_limit limits[RLIM_NLIMITS];
	struct rlimit limit;
	struct err err = {0};

	CHECK_INT(proc_open(getpid(), &proc, &err), 0);
	CHECK_INT(proc_limits_read(&proc, limits, RLIM_NLIMITS, &err), 0);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		CHECK_INT(getrlimit((enum __rlimit_resource)i, &limit), 0);
		CHECK(limits[i].cur == limit.rlim_cur);
		CHECK(limits[i].max == limit.rlim_max);
	}
}
