/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "samples.h"

#include <sys/stat.h>

#include "image/budget.h"
#include "image/pages.h"
#include "image/set_state.h"
#include "image/wire.h"
#include "proto/cgroup.pb-c.h"
#include "proto/core.pb-c.h"

static int load_from(int dir, enum image_type type, uint64_t id, size_t *ret_n,
	struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_list list = {0};
	int ret = image_set_open(arena, dir, &set, err);

	if (ret == 0)
		ret = image_load(set, type, id, &list, err);
	*ret_n = list.n;
	return ret;
}

/* Big files are cut at fewer places, to be done in time. */
static void file_cut(
	int dir, const char *name, enum image_type type, uint64_t id, void *arg)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct scratch *scratch = arg;
	size_t size, whole, n;
	struct err err = {0};
	char *bytes;

	if (!image_form(type)->message || type == IMAGE_GHOST_FILE)
		return;
	bytes = file_read(arena, dir, name, &size);
	file_write(scratch->fd, name, bytes, size);
	REQUIRE(load_from(scratch->fd, type, id, &whole, &err) == 0);
	for (size_t cut = 0; cut<size; cut += size> 512 ? 11 : 1) {
		file_write(scratch->fd, name, bytes, cut);
		err = (struct err){0};
		if (load_from(scratch->fd, type, id, &n, &err) == 0)
			/* Between two records only. */
			CHECK(n < whole);
		else
			CHECK(err.code == EBADMSG && err.text[0]);
	}
	unlinkat(scratch->fd, name, 0);
}

TEST(a_file_cut_off_anywhere_is_refused_or_has_fewer_records)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();

	samples_each(file_cut, &scratch);
}

/* A sample under a manifest. */
static void sample_seal(const char *sample, int to)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *in = NULL, *out = NULL;
	_cleanup_fd_ int dir = sample_dir(sample);
	struct image_facts facts = {.machine = "x86_64", .no_sync = true};
	struct image_list list;
	struct dirent *entry;
	struct err err = {0};
	enum image_type type;
	const void *bytes;
	size_t size;
	uint64_t id;
	DIR *names = dir_again(dir);

	REQUIRE(image_set_open(arena, dir, &in, &err) == 0);
	REQUIRE(image_set_create(arena, to, &out, &err) == 0);
	while ((entry = readdir(names))) {
		if (!image_name_parse(entry->d_name, &type, &id))
			continue;
		if (!image_form(type)->message) {
			image_raw_load(in, type, id, &bytes, &size, &err);
			image_raw_append(out, type, id, bytes, size, &err);
			continue;
		}
		CHECK_INT(image_load(in, type, id, &list, &err), 0);
		for (size_t i = 0; i < list.n; i++)
			image_append(out, type, id, list.at[i].msg,
				list.at[i].payload, list.at[i].payload_size,
				&err);
	}
	closedir(names);
	CHECK_INT(image_set_commit(out, &facts, &err), 0);
}

static int dir_opens(int dir, struct err *ret_err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;

	*ret_err = (struct err){0};
	return image_set_open(arena, dir, &set, ret_err);
}

TEST(a_flipped_bit_in_any_file_is_found_by_the_manifest)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct dirent *entry;
	struct err err;
	size_t size, at, files = 0;
	char *bytes;
	DIR *names;

	sample_seal("zoo", scratch.fd);
	CHECK_INT(dir_opens(scratch.fd, &err), 0);
	names = dir_again(scratch.fd);
	while ((entry = readdir(names))) {
		if (entry->d_name[0] == '.')
			continue;
		bytes = file_read(arena, scratch.fd, entry->d_name, &size);
		if (!size)
			continue;
		at = files++ * 7919 % size;
		bytes[at] ^= 0x10;
		file_write(scratch.fd, entry->d_name, bytes, size);
		CHECK_INT(dir_opens(scratch.fd, &err), -EBADMSG);
		CHECK(strstr(err.text, entry->d_name) && err.hint[0]);
		bytes[at] ^= 0x10;
		file_write(scratch.fd, entry->d_name, bytes, size);
	}
	closedir(names);
	CHECK(files > 40);
	CHECK_INT(dir_opens(scratch.fd, &err), 0);
}

TEST(a_missing_or_shorter_file_is_named)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct err err;

	sample_seal("sleep", scratch.fd);
	unlinkat(scratch.fd, "pstree.img", 0);
	CHECK_INT(dir_opens(scratch.fd, &err), -ENOENT);
	CHECK_STR(err.text, "pstree.img does not match the manifest: it is "
			    "missing");
	file_write(scratch.fd, "pstree.img", "x", 1);
	CHECK_INT(dir_opens(scratch.fd, &err), -EBADMSG);
	CHECK_STR(err.text, "pstree.img does not match the manifest: it has 1 "
			    "bytes, it should have 26");
}

TEST(a_manifest_that_is_cut_off_anywhere_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct err err;
	size_t size;
	char *bytes;

	sample_seal("sleep", scratch.fd);
	bytes = file_read(arena, scratch.fd, "stasis.img", &size);
	for (size_t cut = 0; cut < size; cut++) {
		file_write(scratch.fd, "stasis.img", bytes, cut);
		CHECK_INT(dir_opens(scratch.fd, &err), -EBADMSG);
	}
}

TEST(an_image_under_another_name_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_fd_ int dir = sample_dir("sleep");
	struct err err = {0};
	size_t size, n;
	char *bytes = file_read(arena, dir, "fs-7400.img", &size);

	file_write(scratch.fd, "mm-1.img", bytes, size);
	CHECK_INT(load_from(scratch.fd, IMAGE_MM, 1, &n, &err), -EBADMSG);
	CHECK_STR(
		err.text, "mm-1.img is damaged at byte 8: it is another image");
}

TEST(a_fifo_in_the_place_of_an_image_does_not_block)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct err err = {0};
	size_t n;

	CHECK_INT(mkfifoat(scratch.fd, "pstree.img", 0600), 0);
	CHECK_INT(load_from(scratch.fd, IMAGE_PSTREE, 0, &n, &err), -EBADMSG);
	CHECK_STR(err.text, "pstree.img is not a regular file");
}

static void tag_put(uint8_t *bytes, size_t *at, const uint8_t *part, size_t n)
{
	if (n)
		memcpy(bytes + *at, part, n);
	*at += n;
}

enum { RICH_BYTES = 8 << 20 };

/* An image of many small parts: of records (record != 0), or of one record
 * full of them; empty parts make the most of each byte. */
static void rich_write(int dir, const char *name, enum image_type type,
	const uint8_t *head, size_t n_head, const uint8_t *part, size_t n_part,
	bool records)
{
	const struct image_form *form = image_form(type);
	_cleanup_arena_ struct arena *arena = arena_new();
	uint8_t *bytes = arena_alloc(arena, RICH_BYTES + 64);
	uint32_t words[2] = {form->common, form->magic}, size;
	size_t at = 0, size_at;

	tag_put(bytes, &at, (uint8_t *)words, 8);
	size_at = at;
	if (!records) {
		at += 4;
		tag_put(bytes, &at, head, n_head);
	}
	while (at < RICH_BYTES) {
		if (records) {
			size = (uint32_t)n_part;
			tag_put(bytes, &at, (uint8_t *)&size, 4);
		}
		tag_put(bytes, &at, part, n_part);
	}
	size = (uint32_t)(at - size_at - 4);
	if (!records)
		memcpy(bytes + size_at, &size, 4);
	file_write(dir, name, (char *)bytes, at);
}

static size_t resident(void)
{
	unsigned long total = 0, pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	CHECK(file && fscanf(file, "%lu %lu", &total, &pages) == 2);
	if (file)
		fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

TEST(what_takes_many_times_its_size_is_refused_before_it_does)
{
	/* pid, ppid, pgid, sid; then threads, not packed, packed, unknown */
	static const uint8_t pstree[] = {8, 1, 16, 0, 24, 1, 32, 1};
	static const uint8_t thread[] = {40, 1}, unknown[] = {0xf8, 1, 0};
	/* A controller of a cgroup image, empty. */
	static const uint8_t controller[] = {18, 0};
	static const struct {
		const char *name;
		enum image_type type;
		const uint8_t *head, *part;
		size_t n_head, n_part;
		bool records, fits;
	} rows[] = {
		{"pstree.img", IMAGE_PSTREE, NULL, pstree, 0, 8, true, true},
		{"pstree.img", IMAGE_PSTREE, pstree, thread, 8, 2, false, true},
		{"pstree.img", IMAGE_PSTREE, pstree, unknown, 8, 3, false},
		{"cgroup.img", IMAGE_CGROUP, NULL, controller, 0, 2, false},
		{"cgroup.img", IMAGE_CGROUP, NULL, NULL, 0, 0, true},
	};
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct err err;
	size_t n, before;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		rich_write(scratch.fd, rows[i].name, rows[i].type, rows[i].head,
			rows[i].n_head, rows[i].part, rows[i].n_part,
			rows[i].records);
		err = (struct err){0};
		before = resident();
		CHECK_INT(load_from(scratch.fd, rows[i].type, 0, &n, &err),
			rows[i].fits ? 0 : -EBADMSG);
		CHECK(rows[i].fits || strstr(err.text, "many times its size"));
		/* In the sanitizer's care each byte takes a little more. */
		CHECK(resident() < before + 20ul * RICH_BYTES);
		unlinkat(scratch.fd, rows[i].name, 0);
	}
}

TEST(what_lies_beside_an_image_pays_for_nothing)
{
	static const uint8_t controller[] = {18, 0};
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_arena_ struct arena *arena = arena_new();
	char *bytes = arena_alloc(arena, 4 * RICH_BYTES);
	struct err err = {0};
	size_t n;

	memset(bytes, 'p', 4 * RICH_BYTES);
	file_write(scratch.fd, "pages-1.img", bytes, 4 * RICH_BYTES);
	rich_write(scratch.fd, "cgroup.img", IMAGE_CGROUP, NULL, 0, controller,
		2, false);
	CHECK_INT(load_from(scratch.fd, IMAGE_CGROUP, 0, &n, &err), -EBADMSG);
	CHECK(strstr(err.text, "many times its size"));
}

/* Every process of a sample, with numbers of all sorts, one by one. */
static void gather_one(
	int dir, const char *name, enum image_type type, uint64_t id, void *arg)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	const ProtobufCMessageDescriptor *message = image_message(type, 0);
	size_t *gathered = arg, size, made;
	uint8_t *bytes, *to, *again, *plain;
	ProtobufCMessage *one, *other;
	uint32_t length;

	(void)id;
	if (!image_form(type)->message)
		return;
	bytes = (uint8_t *)file_read(arena, dir, name, &size);
	if (size < 13)
		return;
	memcpy(&length, bytes + (image_form(type)->common ? 8 : 4), 4);
	bytes += image_form(type)->common ? 12 : 8;
	to = arena_alloc(arena, length + 1);
	REQUIRE(wire_check(message, bytes, length) == 0);
	made = wire_gather(message, bytes, length, to);
	CHECK(made <= length);
	*gathered += length - made;
	one = protobuf_c_message_unpack(message, NULL, length, bytes);
	other = protobuf_c_message_unpack(message, NULL, made, to);
	REQUIRE(one && other);
	size = protobuf_c_message_get_packed_size(one);
	CHECK_INT(protobuf_c_message_get_packed_size(other), size);
	plain = arena_alloc(arena, size + 1);
	again = arena_alloc(arena, size + 1);
	protobuf_c_message_pack(one, plain);
	protobuf_c_message_pack(other, again);
	CHECK(!memcmp(plain, again, size));
	protobuf_c_message_free_unpacked(one, NULL);
	protobuf_c_message_free_unpacked(other, NULL);
}

TEST(numbers_that_are_gathered_say_the_same)
{
	size_t gathered = 0;

	samples_each(gather_one, &gathered);
	CHECK(gathered > 1000);
}

/* Every allocation of a parse may be the one that is refused. */
TEST(a_parse_that_ends_at_any_allocation_leaves_nothing_astray)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int dir = sample_dir("zoo");
	struct image_budget budget;
	ProtobufCAllocator allocator;
	ProtobufCMessage *msg = NULL;
	size_t size, steps = 0;
	const uint8_t *bytes;
	uint32_t length;

	bytes = (uint8_t *)file_read(arena, dir, "core-1.img", &size);
	memcpy(&length, bytes + 8, 4);
	REQUIRE(length + 12 <= size);
	for (uint64_t left = 0; !msg && left < 1 << 20; left += 16, steps++) {
		budget = image_budget(arena, 0, BUDGET_TIMES, NULL);
		budget.left = left;
		allocator = image_allocator(&budget);
		msg = protobuf_c_message_unpack(&core_entry__descriptor,
			&allocator, length, bytes + 12);
		CHECK(!msg == budget.spent);
	}
	CHECK(msg && steps > 100);
}

enum { PLACED = 4 };

/* What may be in the place of a file: nothing of it is opened. */
static void placed_make(int dir, const char *name, int what)
{
	_cleanup_fd_ int fd = -1;

	unlinkat(dir, name, 0);
	switch (what) {
	case 0:
		CHECK_INT(mkfifoat(dir, name, 0600), 0);
		break;
	case 1:
		CHECK_INT(symlinkat("/dev/zero", dir, name), 0);
		break;
	case 2:
		CHECK_INT(symlinkat("nowhere", dir, name), 0);
		break;
	default:
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		CHECK_INT(ftruncate(fd, (off_t)1 << 40), 0);
	}
}

TEST(a_fifo_a_device_a_dead_link_or_a_terabyte_is_refused_for_each_image)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	char name[IMAGE_NAME_MAX];
	struct err err;
	size_t n;

	for (int type = 0; type < IMAGE_TYPES; type++)
		for (int what = 0; what < PLACED; what++) {
			if (!image_form(type)->message)
				continue;
			image_name(name, type, 1);
			placed_make(scratch.fd, name, what);
			err = (struct err){0};
			CHECK(load_from(scratch.fd, type, 1, &n, &err) < 0);
			CHECK(err.text[0]);
			unlinkat(scratch.fd, name, 0);
		}
}

TEST(a_manifest_that_cannot_be_read_is_not_the_absence_of_one)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct err err;

	for (int what = 0; what < PLACED; what++) {
		placed_make(scratch.fd, "stasis.img", what);
		CHECK(dir_opens(scratch.fd, &err) < 0);
		CHECK(strstr(err.text, "stasis.img ") == err.text);
	}
	CHECK_INT(unlinkat(scratch.fd, "stasis.img", 0), 0);
	CHECK_INT(dir_opens(scratch.fd, &err), 0);
}

/* Directories in directories, each one field of the one around it. */
static size_t nest_pack(uint8_t *bytes, size_t room, int depth)
{
	size_t size = 0, head;

	for (int i = 0; i < depth; i++) {
		head = size < 128 ? 2 : size < 16384 ? 3 : 4;
		memmove(bytes + head, bytes, size);
		bytes[0] = 2 << 3 | 2;
		bytes[1] = (uint8_t)(size | (head > 2 ? 0x80 : 0));
		if (head > 2)
			bytes[2] = (uint8_t)(size >> 7 | (head > 3 ? 0x80 : 0));
		if (head > 3)
			bytes[3] = (uint8_t)(size >> 14);
		size += head;
		if (size + 4 > room)
			abort();
	}
	return size;
}

TEST(messages_that_are_too_deep_are_refused)
{
	uint8_t bytes[65536];
	size_t size = nest_pack(bytes, sizeof(bytes), 90);

	CHECK_INT(wire_check(&cgroup_dir_entry__descriptor, bytes, size), 0);
	size = nest_pack(bytes, sizeof(bytes), 5000);
	CHECK_INT(wire_check(&cgroup_dir_entry__descriptor, bytes, size),
		-EBADMSG);
}

/* xorshift: the same damage in every run. */
static uint64_t dice(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct fuzz {
	struct scratch scratch;
	uint64_t state;
	int rounds;
};

static void bytes_mutate(uint8_t *bytes, size_t size, uint64_t *state)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
	int hits = (int)(dice(state) % 8) + 1;
	size_t at;

	while (hits-- > 0) {
		at = dice(state) % size;
		if (dice(state) & 1)
			bytes[at] ^= (uint8_t)(1 << dice(state) % 8);
		else
			bytes[at] = edges[dice(state) % sizeof(edges)];
	}
}

static void load_any(int dir, enum image_type type, uint64_t id)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_list list = {0}, letters;
	struct pages_map map;
	struct err err = {0};

	REQUIRE(image_set_open(arena, dir, &set, &err) == 0);
	if (type == IMAGE_PAGEMAP || type == IMAGE_PAGEMAP_SHMEM)
		pages_load(set, type, id, 4096, &map, &err);
	if (image_load(set, type, id, &list, &err) < 0)
		CHECK(err.text[0]);
	for (size_t i = 0; type == IMAGE_IPCNS_MSG && i < list.n; i++)
		image_letters(set, &list.at[i], &letters, &err);
}

static void file_fuzz(
	int dir, const char *name, enum image_type type, uint64_t id, void *arg)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fuzz *fuzz = arg;
	uint8_t *bytes, *copy;
	size_t size;

	bytes = (uint8_t *)file_read(arena, dir, name, &size);
	if (!image_form(type)->message || size > 16384)
		return;
	for (int i = 0; i < fuzz->rounds; i++) {
		copy = arena_copy(arena, bytes, size);
		/* Mostly behind the magic, which is soon explored. */
		if (i % 16)
			bytes_mutate(copy + 8, size - 8, &fuzz->state);
		else
			bytes_mutate(copy, size, &fuzz->state);
		file_write(fuzz->scratch.fd, name, copy, size);
		load_any(fuzz->scratch.fd, type, id);
	}
	unlinkat(fuzz->scratch.fd, name, 0);
}

/* IMAGE_FUZZ_ROUNDS and IMAGE_FUZZ_SEED in the environment make it longer
 * and different. */
TEST(arbitrary_bytes_never_crash_the_reader)
{
	const char *rounds = getenv("IMAGE_FUZZ_ROUNDS");
	const char *seed = getenv("IMAGE_FUZZ_SEED");
	struct fuzz fuzz = {.scratch = scratch_make()};

	fuzz.rounds = rounds ? atoi(rounds) : 60;
	fuzz.state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15;
	samples_each(file_fuzz, &fuzz);
	scratch_remove(&fuzz.scratch);
}
