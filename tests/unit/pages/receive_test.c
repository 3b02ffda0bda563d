/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "image/pages.h"
#include "pages/send.h"
#include "test.h"

enum { PAGE = 4096, TASK = 7 };

struct ends {
	char path[40];
	int dir;
	struct wire here, there;
	struct arena *arena;
};

static struct ends ends_make(void)
{
	struct ends ends = {
		.path = "/tmp/receive-test-XXXXXX", .arena = arena_new()};
	int pair[2];

	CHECK(mkdtemp(ends.path) != NULL);
	ends.dir = open(ends.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ends.here.fd = pair[0];
	ends.there.fd = pair[1];
	CHECK_INT(wire_begin(&ends.here, ERR_UNREAD), 0);
	CHECK_INT(wire_begin(&ends.there, ERR_UNREAD), 0);
	return ends;
}

static void ends_remove(struct ends *ends)
{
	char command[80];

	close(ends->dir);
	close(ends->there.fd);
	arena_free(ends->arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", ends->path);
	CHECK_INT(system(command), 0);
}

/* What the peer says is said by a child, so that no buffer can be too small. */
static int received(struct ends *ends, void (*say)(struct wire *wire),
	struct receive_result *ret, struct err *err)
{
	pid_t child = fork();
	int code;

	if (!child) {
		close(ends->there.fd);
		say(&ends->here);
		_exit(0);
	}
	close(ends->here.fd);
	code = pages_receive(
		ends->arena, &ends->there, ends->dir, PAGE, false, ret, err);
	shutdown(ends->there.fd, SHUT_RDWR);
	waitpid(child, NULL, 0);
	return code;
}

static void say_two_runs(struct wire *wire)
{
	static char bytes[3 * PAGE];
	bool parent;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i / PAGE + 1);
	send_object(wire, WIRE_TASK, TASK, &parent, ERR_UNREAD);
	send_run(wire, WIRE_TASK, TASK, 0x10000, 2, PAGES_PRESENT, ERR_UNREAD);
	wire_put(wire, bytes, 2 * PAGE, ERR_UNREAD);
	send_run(wire, WIRE_TASK, TASK, 0x20000, 1, PAGES_PRESENT | PAGES_LAZY,
		ERR_UNREAD);
	wire_put(wire, bytes + 2 * PAGE, PAGE, ERR_UNREAD);
	send_end(wire, false, ERR_UNREAD);
}

TEST(runs_that_were_sent_are_a_map_and_its_pages)
{
	struct ends ends = ends_make();
	struct receive_result result = {0};
	struct image_set *set = NULL;
	struct pages_map map = {0};
	struct err err = {0};
	char *bytes = NULL;
	size_t size = 0;

	CHECK_INT(received(&ends, say_two_runs, &result, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(result.pages, 3);
	CHECK_INT(result.objects, 1);
	REQUIRE(image_set_open(ends.arena, ends.dir, &set, &err) == 0);
	CHECK_INT(pages_load(set, IMAGE_PAGEMAP, TASK, PAGE, &map, &err), 0);
	if (CHECK_INT(map.n, 2)) {
		CHECK_INT(map.runs[0].vaddr, 0x10000);
		CHECK_INT(map.runs[0].nr_pages, 2);
		CHECK_INT(map.runs[1].flags, PAGES_PRESENT | PAGES_LAZY);
		CHECK_INT(map.pages_id, 0x10001);
	}
	CHECK_INT(io_read_file(ends.arena, ends.dir, "pages-65537.img", &bytes,
			  &size),
		0);
	if (CHECK_INT(size, 3 * PAGE))
		CHECK(bytes[0] == 1 && bytes[PAGE] == 2 &&
			bytes[3 * PAGE - 1] == 3);
	image_set_close(set);
	ends_remove(&ends);
}

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245u + 12345;
	return (dice_state >> 8) % sides;
}

/* Likely words, unlikely numbers. */
static void say_nonsense(struct wire *wire)
{
	static const uint64_t numbers[] = {0, 1, 2, 3, PAGE, 0x10000, 0x11000,
		1ull << 40, UINT64_MAX, UINT64_MAX / PAGE, TASK << 8 | 1,
		8 << 8 | 2, TASK << 8 | 9};
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	static char bytes[4 * PAGE];
	struct wire_message message;

	for (int i = 0; i < 12; i++) {
		message = (struct wire_message){
			.command = dice(9) | dice(9) << 16,
			.nr_pages = numbers[dice(NUMBERS)],
			.vaddr = numbers[dice(NUMBERS)],
			.object = numbers[dice(NUMBERS)]};
		if (dice(20) == 0)
			message.command = WIRE_CLOSE;
		if (wire_send(wire, &message, ERR_UNREAD) ||
			wire_put(wire, bytes, dice(3) * PAGE, ERR_UNREAD))
			return;
	}
}

TEST(whatever_a_peer_says_is_stored_or_refused_in_a_sentence)
{
	struct receive_result result;
	int refused = 0, code;

	for (unsigned round = 0; round < 40; round++) {
		struct ends ends = ends_make();
		struct err err = {0};

		dice_state = round;
		code = received(&ends, say_nonsense, &result, &err);
		refused += code != 0;
		CHECK((code == 0) == !err.text[0]);
		ends_remove(&ends);
	}
	CHECK(refused > 20);
}

TEST(a_peer_that_does_not_move_is_given_up)
{
	struct ends ends = ends_make();
	struct receive_result result;
	struct err err = {0};

	ends.there.idle_seconds = 1;
	CHECK_INT(pages_receive(ends.arena, &ends.there, ends.dir, PAGE, false,
			  &result, &err),
		-ETIMEDOUT);
	close(ends.here.fd);
	ends_remove(&ends);
}
