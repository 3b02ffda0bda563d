/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/library.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "test.h"

struct sums {
	int (*absolute)(int);
	size_t (*length)(const char *);
};

static const struct library libc = {
	.file = "libc.so.6", .package = "libc6", .what = "preparing to count"};

static bool is_static(const struct err *err)
{
	if (!strstr(err->text, "statically"))
		return false;
	test_skip("linked statically");
	return true;
}

TEST(functions_of_a_library_are_loaded)
{
	static const struct library_function functions[] = {
		{"abs", offsetof(struct sums, absolute)},
		{"strlen", offsetof(struct sums, length)},
	};
	struct sums sums = {0};
	struct err err = {0};
	int code = library_load(&libc, functions, 2, &sums, &err);

	if (is_static(&err))
		return;
	CHECK_INT(code, 0);
	CHECK_INT(sums.absolute(-3), 3);
	CHECK_INT(sums.length("four"), 4);
}

TEST(a_library_that_lacks_a_function_changes_nothing_and_is_named)
{
	static const struct library_function functions[] = {
		{"abs", offsetof(struct sums, absolute)},
		{"no_such_function", offsetof(struct sums, length)},
	};
	struct sums sums = {0};
	struct err err = {0};

	CHECK_INT(library_load(&libc, functions, 2, &sums, &err), -ELIBACC);
	if (is_static(&err))
		return;
	CHECK(!sums.absolute && !sums.length);
	CHECK(strstr(err.text, "preparing to count: "));
	CHECK(strstr(err.hint, "libc.so.6") && strstr(err.hint, "libc6"));
}

TEST(a_library_that_is_not_there_is_named)
{
	static const struct library none = {.file = "libstasis-none.so.1",
		.package = "stasis-none",
		.what = "preparing"};
	struct err err = {0};

	CHECK_INT(library_load(&none, NULL, 0, NULL, &err), -ELIBACC);
	if (is_static(&err))
		return;
	CHECK(strstr(err.text, "libstasis-none.so.1"));
	CHECK(strstr(err.hint, "package stasis-none"));
}
