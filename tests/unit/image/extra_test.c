/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/extra.h"

#include "samples.h"

static const struct image_facts facts = {.machine = "x86_64", .no_sync = true};

static void extra_write(int dir)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	StasisThreadExtra *thread;
	StasisTaskExtra *task;
	struct extra extra;
	struct err err = {0};

	extra_init(&extra, arena);
	thread = extra_thread_add(&extra, 7);
	extra_regset_add(&extra, thread, 0x405, "svesve", 6);
	extra_regset_add(&extra, thread, 0x40b, "z", 1);
	task = extra_task_add(&extra, 7);
	task->has_coredump_filter = true;
	task->coredump_filter = 0x40000;
	extra_range_add(
		extra.arena, &task->huge, &task->n_huge, 0x1000, 0x3000, 2048);
	extra_range_add(
		extra.arena, &task->huge, &task->n_huge, 0x8000, 0x9000, 64);
	REQUIRE(image_set_create(arena, dir, &set, &err) == 0);
	CHECK_INT(extra_save(&extra, set, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
}

TEST(what_is_extra_comes_back)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	const StasisRegset *regset;
	const StasisTaskExtra *task;
	struct extra extra = {0};
	struct err err = {0};

	extra_write(scratch.fd);
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	REQUIRE(extra_load(set, &extra, &err) == 0);
	CHECK(!extra_thread_find(&extra, 8));
	regset = extra_regset_find(extra_thread_find(&extra, 7), 0x405);
	REQUIRE(regset && regset->bytes.len == 6);
	CHECK_MEM(regset->bytes.data, "svesve", 6);
	CHECK(!extra_regset_find(extra_thread_find(&extra, 7), 1));
	CHECK(!extra_regset_find(NULL, 1));
	task = extra_task_find(&extra, 7);
	REQUIRE(task && task->n_huge == 2);
	CHECK_INT(task->coredump_filter, 0x40000);
	CHECK_INT(task->huge[1]->value, 64);
	CHECK(!task->has_mdwe);
}

TEST(nothing_extra_makes_no_file_and_none_loads_as_empty)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL, *again = NULL;
	struct extra extra;
	struct err err = {0};

	extra_init(&extra, arena);
	REQUIRE(image_set_create(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(extra_save(&extra, set, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	CHECK_INT(dir_count(scratch.fd), 1);
	REQUIRE(image_set_open(arena, scratch.fd, &again, &err) == 0);
	CHECK_INT(extra_load(again, &extra, &err), 0);
	CHECK(!extra_task_find(&extra, 1));
}
