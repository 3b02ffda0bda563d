/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a connection for pages may be anybody's: whatever the other one
 * says, by chance or at the borders of its numbers, is stored whole or refused
 * in a sentence, and of what was refused nothing stays. A sanitizer watches.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/pages.h"
#include "pages/receive.h"
#include "pages/send.h"
#include "test.h"

enum { PAGE = 4096, ROUNDS = 150, MESSAGES = 12 };

struct dice {
	uint64_t state;
};

static uint64_t dice_roll(struct dice *dice)
{
	dice->state =
		dice->state * 6364136223846793005ull + 1442695040888963407;
	return dice->state >> 24;
}

static uint64_t dice_pick(
	struct dice *dice, const uint64_t *from, size_t n, uint64_t odd)
{
	return dice_roll(dice) % 8 ? from[dice_roll(dice) % n] : odd;
}

#define PICK(dice, list) \
	dice_pick(dice, list, sizeof(list) / sizeof(*(list)), dice_roll(dice))

static struct wire_message message_make(struct dice *dice)
{
	static const uint64_t commands[] = {WIRE_ADD, WIRE_HOLE, WIRE_OPEN,
		WIRE_OPEN2, WIRE_PARENT, WIRE_ADD_F, WIRE_GET, WIRE_CLOSE,
		WIRE_FORCE_CLOSE, WIRE_ADD_F | PAGES_PRESENT << 16,
		WIRE_ADD_F | PAGES_PARENT << 16, WIRE_ADD_F | PAGES_LAZY << 16,
		WIRE_ADD_F | 0xffffu << 16};
	static const uint64_t counts[] = {0, 1, 2, 3, 1ull << 31, 1ull << 52,
		UINT64_MAX / PAGE, UINT64_MAX};
	static const uint64_t places[] = {0, PAGE, 2 * PAGE, 16 * PAGE, 7,
		1ull << 47, UINT64_MAX - PAGE + 1, UINT64_MAX / 2 + 1};
	static const uint64_t objects[] = {0x701, 0x702, 0x801, 0x70a, 0x71b,
		0xffffffffull << 8 | 1, UINT64_MAX, 0};

	return (struct wire_message){.command = (uint32_t)PICK(dice, commands),
		.nr_pages = PICK(dice, counts),
		.vaddr = PICK(dice, places),
		.object = PICK(dice, objects)};
}

/* Some of what was said to follow does. */
static void peer_say(int fd, struct dice *dice)
{
	static char pages[4 * PAGE];
	struct wire_message message;
	size_t size;

	for (int i = 0; i < MESSAGES; i++) {
		message = message_make(dice);
		size = sizeof(message);
		if (dice_roll(dice) % 32 == 0)
			size = dice_roll(dice) % size;
		send(fd, &message, size, MSG_NOSIGNAL);
		size = message.nr_pages <= 3 ? message.nr_pages * PAGE : PAGE;
		if (dice_roll(dice) % 4)
			send(fd, pages, size, MSG_NOSIGNAL);
	}
	shutdown(fd, SHUT_WR);
	while (read(fd, pages, sizeof(pages)) > 0)
		;
}

/* Names that are in a folder now, or only images. */
static size_t names_count(int dir)
{
	DIR *list = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(list)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(list);
	return n;
}

struct scene {
	char path[40];
	int dir, pair[2];
	pid_t peer;
};

static void scene_begin(
	struct scene *s, uint64_t round, void (*say)(int, struct dice *))
{
	struct dice dice = {round};

	strcpy(s->path, "/tmp/wire-fuzz-XXXXXX");
	REQUIRE(mkdtemp(s->path) != NULL);
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->pair));
	s->peer = fork();
	if (!s->peer) {
		close(s->pair[0]);
		say(s->pair[1], &dice);
		_exit(0);
	}
	close(s->pair[1]);
}

static void scene_end(struct scene *s)
{
	DIR *list = fdopendir(s->dir);
	const struct dirent *entry;

	while ((entry = readdir(list)))
		unlinkat(s->dir, entry->d_name, 0);
	closedir(list);
	CHECK_INT(rmdir(s->path), 0);
	close(s->pair[0]);
	waitpid(s->peer, NULL, 0);
}

TEST(whatever_a_sender_says_is_stored_or_refused_and_nothing_half)
{
	size_t stored = 0, refused = 0;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		_cleanup_arena_ struct arena *arena = arena_new();
		struct receive_result result = {0};
		struct scene s;
		struct wire wire = {.idle_seconds = 5};
		struct err err = {0};
		int code;

		scene_begin(&s, round, peer_say);
		wire.fd = s.pair[0];
		CHECK_INT(wire_begin(&wire, ERR_UNREAD), 0);
		code = pages_receive(
			arena, &wire, s.dir, PAGE, false, &result, &err);
		if (code) {
			CHECK(err.text[0] && err.code == -code);
			CHECK_INT(names_count(s.dir), 0);
		}
		stored += !code;
		refused += code != 0;
		scene_end(&s);
	}
	CHECK(stored > 2);
	CHECK(refused > 100);
}

static void server_say(int fd, struct dice *dice)
{
	char bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(dice_roll(dice) % 3 ? 0 : dice_roll(dice));
	send(fd, bytes, dice_roll(dice) % sizeof(bytes), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

TEST(whatever_a_server_answers_is_an_end_or_a_sentence)
{
	size_t refused = 0;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct wire wire = {.idle_seconds = 5};
		struct err err = {0};
		struct scene s;
		bool parent = false;
		int code;

		scene_begin(&s, round, server_say);
		wire.fd = s.pair[0];
		CHECK_INT(wire_begin(&wire, ERR_UNREAD), 0);
		code = send_object(&wire, WIRE_TASK, 7, &parent, &err);
		if (!code)
			code = send_run(&wire, WIRE_TASK, 7, PAGE, 1,
				PAGES_PARENT, &err);
		if (!code)
			code = send_end(&wire, false, &err);
		CHECK(!code || (err.text[0] && err.code == -code));
		refused += code != 0;
		scene_end(&s);
	}
	CHECK(refused > 20);
}
