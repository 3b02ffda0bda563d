/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "samples.h"

#include "image/digest.h"
#include "proto/core.pb-c.h"
#include "proto/files.pb-c.h"
#include "proto/inventory.pb-c.h"
#include "proto/ipc.pb-c.h"
#include "proto/memory.pb-c.h"
#include "proto/namespaces.pb-c.h"
#include "proto/pipes.pb-c.h"
#include "proto/sockets.pb-c.h"
#include "proto/tree.pb-c.h"

static struct image_set *sample_open(struct arena *arena, const char *name)
{
	_cleanup_fd_ int dir = sample_dir(name);
	struct image_set *set = NULL;
	struct err err = {0};

	if (!CHECK_INT(image_set_open(arena, dir, &set, &err), 0))
		CHECK_STR(err.text, "");
	return set;
}

static const void *sample_one(
	struct image_set *set, enum image_type type, uint64_t id)
{
	struct image_item item = {0};
	struct err err = {0};

	if (!CHECK_INT(image_load_one(set, type, id, &item, &err), 0))
		CHECK_STR(err.text, "");
	return item.msg;
}

TEST(a_directory_without_manifest_is_accepted)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "sleep");
	const InventoryEntry *inventory;

	REQUIRE(set);
	CHECK(!image_set_manifest(set));
	inventory = sample_one(set, IMAGE_INVENTORY, 0);
	REQUIRE(inventory);
	CHECK_INT(inventory->img_version, 2);
	CHECK_INT(inventory->root_ids->cgroup_ns_id, 8);
	CHECK(inventory->plugins_entry);
	CHECK_STR(inventory->dump_criu_run_id,
		"234feb7c-a3eb-4e4b-93f3-05c4399be566");
}

TEST(a_task_is_decoded_field_by_field)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "sleep");
	const CoreEntry *core;
	const MmEntry *mm;

	REQUIRE(set);
	core = sample_one(set, IMAGE_CORE, 7400);
	mm = sample_one(set, IMAGE_MM, 7400);
	REQUIRE(core && mm);
	CHECK_INT(core->mtype, CORE_ENTRY__MARCH__X86_64);
	CHECK_STR(core->tc->comm, "sleep");
	CHECK_INT(core->thread_core->creds->n_cap_prm, 2);
	CHECK_INT(core->thread_core->creds->cap_prm[1], 511);
	CHECK(core->thread_info->gpregs->ip == 0x7f6107a39503);
	CHECK(core->thread_info->gpregs->ax == 0xfffffffffffffffc);
	CHECK_INT(core->tc->n_sigactions, 62);
	CHECK(mm->mm_start_code == 0x55b42a3e8000);
	CHECK_INT(mm->exe_file_id, 1);
	CHECK_INT(mm->dumpable, 1);
}

TEST(files_are_decoded_with_their_kind)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "sleep");
	struct image_list files = {0};
	struct err err = {0};
	const FileEntry *libc;

	REQUIRE(set);
	CHECK_INT(image_load(set, IMAGE_FILES, 0, &files, &err), 0);
	REQUIRE(files.n == 6);
	libc = (const FileEntry *)files.at[1].msg;
	CHECK_INT(libc->type, FD_TYPES__REG);
	CHECK_STR(libc->reg->name, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	CHECK_INT(libc->reg->size, 1926232);
	CHECK_INT(libc->reg->n_build_id, 5);
}

TEST(a_tree_with_threads_and_a_zombie_is_decoded)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "zoo");
	struct image_list tree = {0};
	const PstreeEntry *task;
	struct err err = {0};
	const CoreEntry *core;

	REQUIRE(set);
	CHECK_INT(image_load(set, IMAGE_PSTREE, 0, &tree, &err), 0);
	REQUIRE(tree.n == 2);
	task = (const PstreeEntry *)tree.at[0].msg;
	CHECK_INT(task->n_threads, 2);
	CHECK_INT(task->threads[1], 9);
	core = sample_one(set, IMAGE_CORE, 10);
	REQUIRE(core);
	CHECK_INT(core->tc->task_state, 2);
	CHECK(!core->thread_core);
}

TEST(payloads_are_where_their_records_say)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *tree = sample_open(arena, "tree");
	_cleanup_image_set_ struct image_set *zoo = sample_open(arena, "zoo");
	struct image_list list = {0};
	struct err err = {0};

	REQUIRE(tree && zoo);
	CHECK_INT(image_load(tree, IMAGE_PIPES_DATA, 0, &list, &err), 0);
	REQUIRE(list.n == 1 && list.at[0].payload_size == 17);
	CHECK_MEM(list.at[0].payload, "unread pipe bytes", 17);
	CHECK_INT(list.at[0].payload_at, 39 - 17);

	CHECK_INT(image_load(zoo, IMAGE_SK_QUEUES, 0, &list, &err), 0);
	REQUIRE(list.n == 1 && list.at[0].payload_size == 6);
	CHECK_MEM(list.at[0].payload, "queued", 6);

	CHECK_INT(image_load(zoo, IMAGE_GHOST_FILE, 1, &list, &err), 0);
	REQUIRE(list.n == 1 && list.at[0].payload_size == 5);
	CHECK_MEM(list.at[0].payload, "ghost", 5);

	CHECK_INT(image_load(zoo, IMAGE_TCP_STREAM, 0x12e7aa, &list, &err), 0);
	CHECK_INT(list.n, 1);
	CHECK_INT(list.at[0].payload_size, 0);
}

TEST(messages_of_a_queue_are_taken_apart)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "zoo");
	struct image_list letters = {0};
	struct image_item queue = {0};
	struct err err = {0};

	REQUIRE(set);
	CHECK_INT(image_load_one(set, IMAGE_IPCNS_MSG, 11, &queue, &err), 0);
	CHECK_INT(image_letters(set, &queue, &letters, &err), 0);
	REQUIRE(letters.n == 1 && letters.at[0].payload_size == 11);
	CHECK_INT(((const IpcMsg *)letters.at[0].msg)->mtype, 7);
	CHECK_MEM(letters.at[0].payload, "msg queue!", 11);
}

TEST(an_absent_image_is_an_empty_list_but_no_record)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = sample_open(arena, "sleep");
	struct image_list list = {.n = 7};
	struct image_item item;
	struct err err = {0};

	REQUIRE(set);
	CHECK_INT(image_load(set, IMAGE_SK_QUEUES, 0, &list, &err), 0);
	CHECK_INT(list.n, 0);
	CHECK_INT(image_load_one(set, IMAGE_CORE, 1, &item, &err), -ENOENT);
	CHECK_STR(err.text, "core-1.img is missing in the image directory");
}

/* Writes a sample file record by record. */
static void file_write_again(
	int dir, const char *name, enum image_type type, uint64_t id, void *arg)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *in = NULL, *out = NULL;
	struct scratch *scratch = arg;
	struct image_list list = {0};
	struct image_facts facts = {.machine = "x86_64", .no_sync = true};
	struct err err = {0};
	char *before, *after;
	size_t size, size_after;

	if (!image_form(type)->message)
		return;
	REQUIRE(image_set_open(arena, dir, &in, &err) == 0);
	REQUIRE(image_set_create(arena, scratch->fd, &out, &err) == 0);
	REQUIRE(image_load(in, type, id, &list, &err) == 0);
	CHECK_INT(image_touch(out, type, id, &err), 0);
	for (size_t i = 0; i < list.n; i++)
		CHECK_INT(image_append(out, type, id, list.at[i].msg,
				  list.at[i].payload, list.at[i].payload_size,
				  &err),
			0);
	CHECK_INT(image_set_commit(out, &facts, &err), 0);
	before = file_read(arena, dir, name, &size);
	after = file_read(arena, scratch->fd, name, &size_after);
	if (!CHECK_INT(size_after, size) || !CHECK_MEM(after, before, size))
		CHECK_STR(name, "");
}

TEST(every_sample_is_written_again_byte_by_byte)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();

	samples_each(file_write_again, &scratch);
}

static void file_decode(
	int dir, const char *name, enum image_type type, uint64_t id, void *arg)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_list list = {0};
	struct err err = {0};

	(void)name;
	if (!image_form(type)->message)
		return;
	REQUIRE(image_set_open(arena, dir, &set, &err) == 0);
	REQUIRE(image_load(set, type, id, &list, &err) == 0);
	for (size_t i = 0; i < list.n; i++)
		CHECK_INT(list.at[i].msg->n_unknown_fields, 0);
	++*(int *)arg;
}

TEST(no_sample_has_a_field_that_is_not_known)
{
	int files = 0;

	samples_each(file_decode, &files);
	CHECK(files > 60);
}
