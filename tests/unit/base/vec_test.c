/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"

#include "test.h"

TEST(vec_keeps_what_was_pushed_while_it_grows)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	VEC(int) numbers = {0};

	for (int i = 0; i < 1000; i++)
		*vec_push(arena, &numbers) = i * 3;
	CHECK_INT(numbers.n, 1000);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(numbers.at[i], i * 3);
}

TEST(vec_gives_zeroed_elements)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	VEC(struct { long a[5]; }) wide = {0};

	for (int i = 0; i < 100; i++) {
		long *a = vec_push(arena, &wide)->a;

		for (int k = 0; k < 5; k++)
			CHECK_INT(a[k], 0);
		a[0] = a[4] = -1;
	}
	CHECK_INT(wide.at[99].a[4], -1);
}
