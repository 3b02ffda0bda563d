/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "session/pidfile.h"
#include "test.h"

struct place {
	char path[40];
	int dir;
	struct err err;
};

static struct place place_make(void)
{
	struct place place = {.path = "/tmp/stasis-pidfile-XXXXXX"};

	CHECK(mkdtemp(place.path) != NULL);
	place.dir = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place;
}

static void place_leave(struct place *place)
{
	unlinkat(place->dir, "pid", 0);
	close(place->dir);
	/* Not empty: something was left behind. */
	CHECK_INT(rmdir(place->path), 0);
}

#define PLACE(name) \
	__attribute__((cleanup(place_leave))) struct place name = place_make()

static const char *place_text(struct place *place, char *ret_text, size_t room)
{
	_cleanup_fd_ int fd = openat(place->dir, "pid", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, ret_text, room - 1);

	if (got < 0)
		return NULL;
	ret_text[got] = '\0';
	return ret_text;
}

TEST(the_pid_appears_at_the_commit_and_replaces_an_older_one)
{
	struct pidfile pidfile;
	char text[20];
	PLACE(p);

	for (int pid = 77; pid < 79; pid++) {
		REQUIRE(!pidfile_prepare(p.dir, "pid", &pidfile, &p.err));
		if (pid == 77)
			CHECK(place_text(&p, text, sizeof(text)) == NULL);
		CHECK_INT(pidfile_commit(&pidfile, pid, &p.err), 0);
		CHECK_INT(atoi(place_text(&p, text, sizeof(text))), pid);
		pidfile_abort(&pidfile);
		CHECK_INT(atoi(place_text(&p, text, sizeof(text))), pid);
	}
}

TEST(an_abort_leaves_nothing)
{
	struct pidfile pidfile;
	char text[20];
	PLACE(p);

	REQUIRE(!pidfile_prepare(p.dir, "pid", &pidfile, &p.err));
	pidfile_abort(&pidfile);
	CHECK(place_text(&p, text, sizeof(text)) == NULL);
}

TEST(without_a_name_there_is_no_file)
{
	struct pidfile pidfile;
	PLACE(p);

	CHECK_INT(pidfile_prepare(p.dir, NULL, &pidfile, &p.err), 0);
	CHECK_INT(pidfile_commit(&pidfile, 1, &p.err), 0);
	pidfile_abort(&pidfile);
}

TEST(a_place_that_cannot_be_written_is_found_out_before)
{
	struct pidfile pidfile;
	PLACE(p);

	CHECK_INT(
		pidfile_prepare(p.dir, "none/pid", &pidfile, &p.err), -ENOENT);
	CHECK_STR(p.err.text, "creating pidfile 'none/pid': No such file or "
			      "directory");
}
