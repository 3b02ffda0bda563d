/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/stream.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/io.h"
#include "image/digest.h"
#include "image/stream_format.h"
#include "proto/inventory.pb-c.h"
#include "samples.h"

static const struct image_facts facts = {
	.machine = "x86_64", .page_size = 4096, .created = 1700000000};

enum { PAGES_SIZE = 3 << 20 };

static char pages_byte(size_t at)
{
	return (char)(at * 7 + at / 4096);
}

static int pages_put(
	struct image_set *set, struct stream *stream, struct err *err)
{
	static char bytes[PAGES_SIZE];
	uint64_t digests[8];
	int code;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pages_byte(i);
	digests[0] = digest_chunk(bytes, sizeof(bytes));
	code = image_raw_stream(set, IMAGE_PAGES, 1, sizeof(bytes), err);
	if (!code)
		code = stream_put(stream, bytes, sizeof(bytes), err);
	if (code)
		return code;
	return image_raw_close(set, IMAGE_PAGES, 1, sizeof(bytes),
		digest_join(digests, digest_chunk_count(sizeof(bytes))), err);
}

/* A small set with pages, as a dump lets it go out. */
static int set_send(int dir, int fd, bool end, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;
	struct stream stream = {.fd = fd, .idle_seconds = 5};
	int code;

	inventory.img_version = 2;
	code = stream_open(&stream, err);
	if (!code)
		code = image_set_create_stream(arena, dir, &stream, &set, err);
	if (!code)
		code = image_append(
			set, IMAGE_INVENTORY, 0, &inventory.base, NULL, 0, err);
	if (!code)
		code = pages_put(set, &stream, err);
	if (!code)
		code = image_raw_append(
			set, IMAGE_TMPFS_OLD, 7, "small", 5, err);
	if (!code)
		code = image_set_commit(set, &facts, err);
	if (!code && end)
		code = image_set_stream_end(set, err)
			       ?: stream_done(&stream, err);
	return code;
}

static int received(int from, int dir, bool *ret_done, struct err *err)
{
	struct stream stream = {.fd = from, .idle_seconds = 5};
	int code = stream_receive(&stream, dir, err);

	return code ?: stream_receive_done(&stream, ret_done, err);
}

TEST(a_set_that_went_through_a_pipe_is_whole)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch here = scratch_make();
	_cleanup_scratch_ struct scratch there = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct err err = {0};
	const char *bytes = NULL;
	bool done = false;
	size_t size = 0;
	int ends[2];
	pid_t child;

	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	child = fork();
	if (!child) {
		close(ends[0]);
		_exit(set_send(here.fd, ends[1], true, &err) ? 1 : 0);
	}
	close(ends[1]);
	CHECK_INT(received(ends[0], there.fd, &done, &err), 0);
	CHECK_STR(err.text, "");
	CHECK(done);
	waitpid(child, NULL, 0);
	CHECK_INT(dir_count(here.fd), 0);
	REQUIRE(image_set_open(arena, there.fd, &set, &err) == 0);
	CHECK_INT(image_raw_load(set, IMAGE_PAGES, 1, (const void **)&bytes,
			  &size, &err),
		0);
	if (CHECK_INT(size, PAGES_SIZE))
		for (size_t i = 0; i < size; i += 4095)
			CHECK(bytes[i] == pages_byte(i));
	close(ends[0]);
}

TEST(a_set_that_is_not_ended_is_cut_off)
{
	_cleanup_scratch_ struct scratch here = scratch_make();
	_cleanup_scratch_ struct scratch there = scratch_make();
	struct err err = {0};
	bool done = false;
	int ends[2];
	pid_t child;

	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	child = fork();
	if (!child) {
		close(ends[0]);
		_exit(set_send(here.fd, ends[1], false, &err) ? 1 : 0);
	}
	close(ends[1]);
	CHECK_INT(received(ends[0], there.fd, &done, &err), -EPIPE);
	CHECK(strstr(err.text, "cut off") != NULL);
	waitpid(child, NULL, 0);
	CHECK_INT(dir_count(here.fd), 0);
	close(ends[0]);
}

TEST(a_reader_that_goes_away_is_an_error_and_no_signal)
{
	_cleanup_scratch_ struct scratch here = scratch_make();
	struct err err = {0};
	int ends[2], status = 0;
	char byte;
	pid_t child;

	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	child = fork();
	if (!child) {
		close(ends[1]);
		for (int i = 0; i < 100; i++)
			if (read(ends[0], &byte, 1) != 1)
				break;
		_exit(0);
	}
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(set_send(here.fd, ends[1], true, &err), -EPIPE);
	CHECK(strstr(err.text, "gone away") != NULL);
	signal(SIGPIPE, SIG_DFL);
	waitpid(child, &status, 0);
	CHECK_INT(dir_count(here.fd), 0);
	close(ends[1]);
}

static int frame(char *to, uint64_t size, uint32_t mark, const char *name)
{
	const struct stream_head head = {
		htole64(size), htole32(mark), htole32((uint32_t)strlen(name))};

	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), name, strlen(name));
	return (int)(sizeof(head) + strlen(name));
}

/* What one who lies gets for one file of this name, twice. */
static int lie(const char *name, uint64_t files, struct err *err)
{
	_cleanup_scratch_ struct scratch there = scratch_make();
	char bytes[4096];
	int size = STREAM_BEGINNING_SIZE, ends[2], code;
	bool done;

	memcpy(bytes, STREAM_BEGINNING, (size_t)size);
	size += frame(bytes + size, 0, STREAM_FILE, name);
	if (files == 2)
		size += frame(bytes + size, 0, STREAM_FILE, name);
	size += frame(bytes + size, files, STREAM_WHOLE, "");
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	CHECK_INT(io_write_all(ends[1], bytes, (size_t)size), 0);
	close(ends[1]);
	code = received(ends[0], there.fd, &done, err);
	close(ends[0]);
	return code;
}

TEST(names_that_no_set_has_and_files_that_come_twice_are_refused)
{
	static const char *const names[] = {"", "..", "/etc/passwd", "../x",
		"pages-1.img/x", "pages-01.img", ".", "core-1.img2", "x",
		"parent",
		"a-name-that-is-much-longer-than-any-image-could-ever-have"
		"-and-then-some-more-letters-behind-it.img"};
	struct err err = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK_INT(lie(names[i], 1, &err), -EBADMSG);
	CHECK_INT(lie("stasis.img", 2, &err), -EBADMSG);
	CHECK(strstr(err.text, "twice") != NULL);
	CHECK_INT(lie("stasis.img", 3, &err), -EBADMSG);
	CHECK_INT(lie("pages-1.img", 1, &err), -EBADMSG);
	CHECK(strstr(err.text, "does not fit") != NULL);
	CHECK_INT(lie("stasis.img", 1, &err), 0);
}

TEST(an_end_that_does_not_move_is_given_up)
{
	struct stream stream = {.idle_seconds = 1};
	_cleanup_scratch_ struct scratch there = scratch_make();
	struct err err = {0};
	int ends[2];

	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	stream.fd = ends[0];
	CHECK_INT(stream_receive(&stream, there.fd, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "not moved for 1 second") != NULL);
	close(ends[0]);
	close(ends[1]);
}
