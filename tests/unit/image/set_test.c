/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "samples.h"

#include <pthread.h>
#include <time.h>

#include <sys/stat.h>

#include "image/digest.h"
#include "proto/inventory.pb-c.h"
#include "proto/namespaces.pb-c.h"
#include "proto/pipes.pb-c.h"

static const struct image_facts facts = {.machine = "x86_64",
	.page_size = 4096,
	.kernel = "6.1.0",
	.created = 1700000000,
	.no_sync = true};

static struct image_set *set_make(struct arena *arena, int dir)
{
	struct image_set *set = NULL;
	struct err err = {0};

	CHECK_INT(image_set_create(arena, dir, &set, &err), 0);
	return set;
}

static int put_name(struct image_set *set, uint64_t id, const char *name)
{
	UtsnsEntry uts = UTSNS_ENTRY__INIT;
	struct err err = {0};

	uts.nodename = (char *)(uintptr_t)name;
	uts.domainname = (char *)(uintptr_t)name;
	return image_append(set, IMAGE_UTSNS, id, &uts.base, NULL, 0, &err);
}

static int put_inventory(struct image_set *set)
{
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;
	struct err err = {0};

	inventory.img_version = 2;
	return image_append(
		set, IMAGE_INVENTORY, 0, &inventory.base, NULL, 0, &err);
}

static void commit_names(int dir, uint64_t first, uint64_t n)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = set_make(arena, dir);
	struct err err = {0};

	CHECK_INT(put_inventory(set), 0);
	for (uint64_t i = 0; i < n; i++)
		CHECK_INT(put_name(set, first + i, "vm"), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	CHECK_STR(err.text, "");
}

TEST(a_committed_set_opens_with_its_facts)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	const StasisManifest *manifest;
	struct image_item item = {0};
	struct err err = {0};

	commit_names(scratch.fd, 1, 600);
	CHECK_INT(dir_count(scratch.fd), 602);
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	manifest = image_set_manifest(set);
	REQUIRE(manifest);
	CHECK_INT(manifest->n_file, 601);
	CHECK_STR(manifest->machine, "x86_64");
	CHECK_STR(manifest->kernel, "6.1.0");
	CHECK_INT(manifest->created, 1700000000);
	CHECK_INT(image_load_one(set, IMAGE_UTSNS, 600, &item, &err), 0);
	CHECK_STR(((const UtsnsEntry *)item.msg)->nodename, "vm");
}

TEST(an_aborted_set_leaves_the_directory_as_it_was)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct image_set *set = set_make(arena, scratch.fd);
	char big[65536] = {0};
	struct err err = {0};
	int fd = -1;

	file_write(scratch.fd, "stasis.img", "old", 3);
	file_write(scratch.fd, "utsns-1.img", "old", 3);
	CHECK_INT(put_name(set, 1, "new"), 0);
	for (int i = 0; i < 100; i++)
		CHECK_INT(image_raw_append(
				  set, IMAGE_ROUTE, 1, big, sizeof(big), &err),
			0);
	CHECK_INT(image_raw_create(set, IMAGE_PAGES, 1, &fd, &err), 0);
	CHECK_INT(dir_count(scratch.fd), 3);
	image_set_abort(set);
	image_set_close(set);
	close(fd);
	CHECK_INT(dir_count(scratch.fd), 2);
	CHECK_STR(file_read(arena, scratch.fd, "utsns-1.img", NULL), "old");
}

TEST(nothing_is_made_before_the_first_byte)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);

	CHECK_INT(put_name(set, 1, "vm"), 0);
	CHECK_INT(dir_count(scratch.fd), 0);
}

TEST(a_commit_removes_what_an_older_dump_left)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();

	commit_names(scratch.fd, 1, 5);
	file_write(scratch.fd, "descriptors.json", "[]", 2);
	file_write(scratch.fd, "stats-dump", "", 0);
	commit_names(scratch.fd, 4, 1);
	CHECK_INT(faccessat(scratch.fd, "utsns-1.img", F_OK, 0), -1);
	CHECK_INT(faccessat(scratch.fd, "utsns-5.img", F_OK, 0), -1);
	CHECK_INT(faccessat(scratch.fd, "utsns-4.img", F_OK, 0), 0);
	CHECK_INT(faccessat(scratch.fd, "descriptors.json", F_OK, 0), 0);
	CHECK_INT(faccessat(scratch.fd, "stats-dump", F_OK, 0), 0);
	CHECK_INT(dir_count(scratch.fd), 5);
}

enum { STRANGER = 65534 };

/* False: we may not. */
static bool folder_give(struct scratch *scratch, uid_t uid, mode_t mode)
{
	return !fchown(scratch->fd, uid, (gid_t)-1) &&
	       !fchmod(scratch->fd, mode);
}

static void strange_file(int dir, const char *name)
{
	file_write(dir, name, "his", 3);
	CHECK_INT(fchownat(dir, name, STRANGER, STRANGER, 0), 0);
}

/* Files of a stranger that would have to go, one at a time. */
static void strangers_try(struct scratch *scratch)
{
	static const char *const names[] = {"stasis.img", "inventory.img",
		"utsns-1.img", "core-77.img", "parent", "pages-3.img"};
	_cleanup_arena_ struct arena *arena = arena_new();
	struct image_set *set;
	struct err err;

	commit_names(scratch->fd, 1, 5);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		err = (struct err){0};
		unlinkat(scratch->fd, names[i], 0);
		strange_file(scratch->fd, names[i]);
		set = set_make(arena, scratch->fd);
		CHECK_INT(put_name(set, 1, "new"), 0);
		CHECK_INT(image_set_commit(set, &facts, &err), -EPERM);
		image_set_close(set);
		CHECK(strstr(err.text, names[i]) && err.hint[0]);
		CHECK_STR(file_read(arena, scratch->fd, names[i], NULL), "his");
		/* Nothing was removed before it was refused. */
		CHECK_INT(faccessat(scratch->fd, "utsns-5.img", F_OK, 0), 0);
		unlinkat(scratch->fd, names[i], 0);
	}
	strange_file(scratch->fd, "descriptors.json");
	commit_names(scratch->fd, 4, 1);
	CHECK_INT(faccessat(scratch->fd, "utsns-5.img", F_OK, 0), -1);
	dir_empty(scratch->fd);
}

TEST(where_others_can_put_files_only_our_own_make_room)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();

	if (!folder_give(&scratch, STRANGER, 0700))
		return; /* takes root */
	strangers_try(&scratch);
	REQUIRE(folder_give(&scratch, 0, 01777));
	strangers_try(&scratch);
}

struct swapper {
	int dir;
	_Atomic bool end;
	size_t swaps;
};

/* At any moment another thing has the name: a file of ours, a link to one. */
static void *swapper_run(void *of)
{
	struct swapper *swapper = of;

	while (!swapper->end) {
		linkat(swapper->dir, "secret", swapper->dir, "hard", 0);
		renameat(swapper->dir, "hard", swapper->dir, "core-77.img");
		symlinkat("secret", swapper->dir, "soft");
		renameat(swapper->dir, "soft", swapper->dir, "core-77.img");
		swapper->swaps++;
	}
	return NULL;
}

TEST(who_swaps_an_old_image_while_it_is_removed_loses_that_name_only)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_arena_ struct arena *arena = arena_new();
	struct swapper swapper = {.dir = scratch.fd};
	pthread_t thread;

	file_write(scratch.fd, "secret", "ours", 4);
	fchmod(scratch.fd, 0777);
	REQUIRE(!pthread_create(&thread, NULL, swapper_run, &swapper));
	for (int i = 0; i < 100 || swapper.swaps < 100; i++)
		commit_names(scratch.fd, 1, 2);
	swapper.end = true;
	pthread_join(thread, NULL);
	CHECK_STR(file_read(arena, scratch.fd, "secret", NULL), "ours");
}

TEST(a_set_with_an_unfinished_raw_file_is_not_committed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	_cleanup_fd_ int fd = -1;
	struct err err = {0};

	CHECK_INT(image_raw_create(set, IMAGE_PAGES, 1, &fd, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), -EINVAL);
	CHECK_STR(err.text,
		"writing the images: pages-1.img is still being written");
	CHECK_INT(dir_count(scratch.fd), 0);
}

TEST(raw_files_get_the_digest_that_their_writer_knows)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	struct image_set *again = NULL;
	_cleanup_fd_ int one = -1, two = -1;
	const void *bytes = NULL;
	struct err err = {0};
	size_t size = 0;

	CHECK_INT(image_raw_create(set, IMAGE_PAGES, 1, &one, &err), 0);
	CHECK_INT(image_raw_create(set, IMAGE_PAGES, 2, &two, &err), 0);
	CHECK_INT(io_pwrite_all(one, "abcd", 4, 0), 0);
	CHECK_INT(io_pwrite_all(two, "efgh", 4, 0), 0);
	CHECK_INT(image_raw_close(set, IMAGE_PAGES, 1, 4,
			  digest_chunk("abcd", 4), &err),
		0);
	CHECK_INT(image_raw_seal(set, IMAGE_PAGES, 2, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	REQUIRE(image_set_open(arena, scratch.fd, &again, &err) == 0);
	CHECK_INT(
		image_raw_load(again, IMAGE_PAGES, 2, &bytes, &size, &err), 0);
	REQUIRE(size == 4);
	CHECK_MEM(bytes, "efgh", 4);
	image_set_close(again);
}

TEST(a_wrong_digest_of_a_raw_file_is_found)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	struct image_set *again = NULL;
	_cleanup_fd_ int fd = -1;
	struct err err = {0};

	CHECK_INT(image_raw_create(set, IMAGE_PAGES, 1, &fd, &err), 0);
	CHECK_INT(io_pwrite_all(fd, "abcd", 4, 0), 0);
	CHECK_INT(image_raw_close(set, IMAGE_PAGES, 1, 4, 1, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	CHECK_INT(image_set_open(arena, scratch.fd, &again, &err), -EBADMSG);
	CHECK_STR(err.text, "pages-1.img does not match the manifest: its "
			    "content has changed");
}

TEST(files_bigger_than_a_chunk_are_written_and_checked)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	_cleanup_image_set_ struct image_set *again = NULL;
	size_t size = 5 * DIGEST_CHUNK + 77;
	char *bytes = arena_alloc(arena, size);
	PipeDataEntry pipe = PIPE_DATA_ENTRY__INIT;
	struct image_list list = {0};
	struct err err = {0};

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i >> 10);
	pipe.bytes = (uint32_t)size;
	for (int i = 0; i < 2; i++)
		CHECK_INT(image_append(set, IMAGE_PIPES_DATA, 0, &pipe.base,
				  bytes, size, &err),
			0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	REQUIRE(image_set_open(arena, scratch.fd, &again, &err) == 0);
	CHECK_INT(image_load(again, IMAGE_PIPES_DATA, 0, &list, &err), 0);
	REQUIRE(list.n == 2 && list.at[1].payload_size == size);
	CHECK_MEM(list.at[1].payload, bytes, size);
}

TEST(files_that_the_manifest_does_not_list_are_absent)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_list list = {.n = 1};
	struct err err = {0};

	commit_names(scratch.fd, 1, 1);
	file_write(scratch.fd, "utsns-2.img", "junk", 4);
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK(!image_exists(set, IMAGE_UTSNS, 2));
	CHECK(image_exists(set, IMAGE_UTSNS, 1));
	CHECK_INT(image_load(set, IMAGE_UTSNS, 2, &list, &err), 0);
	CHECK_INT(list.n, 0);
}

TEST(a_small_file_is_read_as_it_was_when_it_was_checked)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_item item = {0};
	struct err err = {0};

	commit_names(scratch.fd, 1, 1);
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	file_write(scratch.fd, "utsns-1.img", "junk", 4);
	REQUIRE(image_load_one(set, IMAGE_UTSNS, 1, &item, &err) == 0);
	CHECK_STR(((const UtsnsEntry *)item.msg)->nodename, "vm");
}

TEST(a_record_of_another_image_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	UtsnsEntry uts = UTSNS_ENTRY__INIT;
	struct err err = {0};

	CHECK_INT(image_append(set, IMAGE_FS, 1, &uts.base, NULL, 0, &err),
		-EINVAL);
	CHECK_STR(err.text,
		"writing fs-1.img: a record of another image was given");
}

TEST(a_removed_file_is_not_committed_and_can_come_again)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	struct err err = {0};

	CHECK_INT(put_name(set, 1, "one"), 0);
	CHECK_INT(put_name(set, 2, "two"), 0);
	CHECK_INT(put_name(set, 3, "three"), 0);
	image_remove(set, IMAGE_UTSNS, 1);
	image_remove(set, IMAGE_UTSNS, 2);
	CHECK_INT(put_name(set, 2, "again"), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	CHECK_INT(faccessat(scratch.fd, "utsns-1.img", F_OK, 0), -1);
	CHECK_INT(faccessat(scratch.fd, "utsns-2.img", F_OK, 0), 0);
	CHECK_INT(faccessat(scratch.fd, "utsns-3.img", F_OK, 0), 0);
}

TEST(a_file_beside_a_set_is_written_by_rename)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	UtsnsEntry uts = UTSNS_ENTRY__INIT;
	struct err err = {0};

	uts.nodename = uts.domainname = arena_strdup(arena, "x");
	CHECK_INT(
		image_write_alone(scratch.fd, IMAGE_UTSNS, 9, &uts.base, &err),
		0);
	CHECK_INT(dir_count(scratch.fd), 1);
	CHECK_INT(faccessat(scratch.fd, "utsns-9.img", F_OK, 0), 0);
}

TEST(images_of_another_version_are_refused_in_one_sentence)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	_cleanup_image_set_ struct image_set *again = NULL;
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;
	struct image_item item;
	struct err err = {0};

	inventory.img_version = 1;
	CHECK_INT(image_append(set, IMAGE_INVENTORY, 0, &inventory.base, NULL,
			  0, &err),
		0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	REQUIRE(image_set_open(arena, scratch.fd, &again, &err) == 0);
	CHECK_INT(image_load_one(again, IMAGE_INVENTORY, 0, &item, &err),
		-ENOTSUP);
	CHECK_STR(err.text, "inventory.img has format version 1, only version "
			    "2 can be read");
}

TEST(a_file_changed_on_purpose_is_sealed_again)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = set_make(arena, scratch.fd);
	struct image_set *again = NULL;
	const uint32_t id = 1;
	struct err err = {0};

	CHECK_INT(put_name(set, 1, "vm"), 0);
	CHECK_INT(image_raw_append(set, IMAGE_PAGES, 1, "abcd", 4, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	REQUIRE(image_set_open(arena, scratch.fd, &again, &err) == 0);
	CHECK_INT(image_set_open_up(again, &id, 1, NULL, &err), 0);
	file_write(scratch.fd, "pages-1.img", "a\0\0d", 4);
	CHECK_INT(image_set_seal_again(again, &id, 1, &err), 0);
	image_set_close(again);
	CHECK_INT(image_set_open(arena, scratch.fd, &again, &err), 0);
	CHECK_INT(image_set_manifest(again)->n_file, 2);
	image_set_close(again);
	CHECK_INT(dir_count(scratch.fd), 3);
}

enum { BIG = 200000 };

/* A set with a file that is too big to be kept; opened. */
static struct image_set *big_open(struct arena *arena, int dir, char *bytes)
{
	struct image_set *set = set_make(arena, dir), *opened = NULL;
	struct err err = {0};

	memset(bytes, 'a', BIG);
	CHECK_INT(image_raw_append(set, IMAGE_PAGES, 1, bytes, BIG, &err), 0);
	put_inventory(set);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	image_set_close(set);
	CHECK_INT(image_set_open(arena, dir, &opened, &err), 0);
	return opened;
}

TEST(a_big_file_that_took_the_place_of_a_verified_one_is_not_used)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	char *bytes = arena_alloc(arena, BIG);
	_cleanup_image_set_ struct image_set *set =
		big_open(arena, scratch.fd, bytes);
	_cleanup_fd_ int fd = -1;
	struct err err = {0};
	uint64_t size;

	REQUIRE(set != NULL);
	bytes[BIG / 2] = 'b';
	file_write(scratch.fd, "new", bytes, BIG);
	CHECK_INT(renameat(scratch.fd, "new", scratch.fd, "pages-1.img"), 0);
	CHECK_INT(image_raw_open(set, IMAGE_PAGES, 1, &fd, &size, &err),
		-EBADMSG);
	CHECK_STR(err.text, "pages-1.img was changed after it was verified");
	/* Another file of the same bytes is as good. */
	bytes[BIG / 2] = 'a';
	file_write(scratch.fd, "new", bytes, BIG);
	CHECK_INT(renameat(scratch.fd, "new", scratch.fd, "pages-1.img"), 0);
	CHECK_INT(image_raw_open(set, IMAGE_PAGES, 1, &fd, &size, &err), 0);
	CHECK_INT(size, BIG);
}

TEST(a_big_file_that_was_written_to_after_it_was_verified_is_not_used)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	char *bytes = arena_alloc(arena, BIG);
	_cleanup_image_set_ struct image_set *set =
		big_open(arena, scratch.fd, bytes);
	_cleanup_fd_ int fd = -1, writer = -1;
	const struct timespec tick = {.tv_nsec = 20 * 1000 * 1000};
	struct stat before;
	struct err err = {0};
	uint64_t size;

	REQUIRE(set != NULL);
	nanosleep(&tick, NULL);
	writer = openat(scratch.fd, "pages-1.img", O_WRONLY | O_CLOEXEC);
	CHECK_INT(fstat(writer, &before), 0);
	CHECK_INT(pwrite(writer, "b", 1, BIG / 2), 1);
	/* Its time can be put back, but not that of its last change. */
	CHECK_INT(futimens(writer,
			  (struct timespec[]){before.st_atim, before.st_mtim}),
		0);
	CHECK_INT(image_raw_open(set, IMAGE_PAGES, 1, &fd, &size, &err),
		-EBADMSG);
	CHECK_STR(err.text, "pages-1.img was changed after it was verified");
}
