/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/undo_text.h"
#include "test.h"

struct place {
	char path[40];
	int fd;
	struct arena *arena;
	char told[2000];
};

static struct place place_make(void)
{
	struct place place = {
		.path = "/tmp/undo-test-XXXXXX", .arena = arena_new()};

	CHECK(mkdtemp(place.path) != NULL);
	place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place;
}

static void place_remove(struct place *place)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf '%s'", place->path);
	CHECK_INT(system(command), 0);
	close(place->fd);
	arena_free(place->arena);
}

static void file_put(struct place *place, const char *name, const char *text)
{
	_cleanup_fd_ int fd = openat(place->fd, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK_INT(io_write_all(fd, text, strlen(text)), 0);
}

static const char *file_get(struct place *place, const char *name)
{
	char *text = NULL;

	return io_read_file(place->arena, place->fd, name, &text, NULL)
		       ? "(none)"
		       : text;
}

static void tell(void *of, const char *sentence)
{
	struct place *place = of;

	strncat(place->told, sentence, sizeof(place->told) - 500);
	strcat(place->told, "\n");
}

static int play(struct place *place, struct err *err)
{
	place->told[0] = '\0';
	return undo_play_back(place->arena, place->fd, NULL, tell, place, err);
}

/* Notes in a child that is gone without a word, as after a SIGKILL. */
static void killed(struct place *place, void (*change)(struct place *))
{
	pid_t child = fork();

	if (!child) {
		change(place);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static size_t lists(struct place *place)
{
	char command[100], text[20] = "";
	FILE *out;

	snprintf(command, sizeof(command),
		"ls -A '%s' | grep -c '^.stasis-undo-'", place->path);
	out = popen(command, "r");
	if (!fgets(text, sizeof(text), out))
		text[0] = '\0';
	pclose(out);
	return strtoul(text, NULL, 10);
}

static void change_two_texts(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	undo_line line;

	undo_note_text(undo, place->fd, "a b", "first", &line, ERR_UNREAD);
	file_put(place, "a b", "second");
	undo_note_text(undo, place->fd, "a b", "second", &line, ERR_UNREAD);
	file_put(place, "a b", "third");
}

TEST(what_a_killed_engine_changed_is_taken_back_the_last_change_first)
{
	struct place place = place_make();
	struct err err = {0};

	file_put(&place, "a b", "first");
	killed(&place, change_two_texts);
	CHECK_STR(file_get(&place, "a b"), "third");
	CHECK_INT(lists(&place), 1);
	CHECK_INT(play(&place, &err), 0);
	CHECK_STR(err.text, "");
	CHECK(strstr(place.told, "'second' is written") <
		strstr(place.told, "'first' is written"));
	CHECK_MEM(file_get(&place, "a b"), "first", 5);
	CHECK_INT(lists(&place), 0);
	place_remove(&place);
}

static void change_and_take_back(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	undo_line first, second;

	undo_note_text(undo, place->fd, "x", "old", &first, ERR_UNREAD);
	undo_note_text(undo, place->fd, "y", "old", &second, ERR_UNREAD);
	undo_done(undo, first);
}

TEST(what_was_taken_back_already_is_not_touched)
{
	struct place place = place_make();

	file_put(&place, "x", "of somebody else");
	file_put(&place, "y", "new");
	killed(&place, change_and_take_back);
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_STR(file_get(&place, "x"), "of somebody else");
	CHECK_MEM(file_get(&place, "y"), "old", 3);
	place_remove(&place);
}

TEST(a_list_is_gone_with_its_last_line_and_its_close)
{
	struct place place = place_make();
	struct undo *undo = undo_new(place.arena, place.fd);
	undo_line line = 7;

	undo_close(undo);
	CHECK_INT(lists(&place), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(undo_note_text(undo, place.fd, "x", "old", &line,
				  ERR_UNREAD),
			0);
		CHECK_INT(line, 1);
		undo_done(undo, line);
		undo_done(undo, line);
	}
	undo_close(undo);
	CHECK_INT(lists(&place), 0);
	CHECK_INT(undo_note_text(NULL, place.fd, "x", "old", &line, ERR_UNREAD),
		0);
	CHECK_INT(line, 0);
	undo_done(NULL, line);
	place_remove(&place);
}

TEST(a_list_whose_engine_lives_is_left_alone)
{
	struct place place = place_make();
	struct undo *undo = undo_new(place.arena, place.fd);
	undo_line line;

	file_put(&place, "x", "new");
	CHECK_INT(undo_note_text(undo, place.fd, "x", "old", &line, ERR_UNREAD),
		0);
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_STR(file_get(&place, "x"), "new");
	CHECK_INT(lists(&place), 1);
	place_remove(&place);
}

static void change_names(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	undo_line line;

	undo_note_file(undo, place->fd, "made", &line, ERR_UNREAD);
	file_put(place, "made", "");
	undo_note_file(undo, place->fd, "full", &line, ERR_UNREAD);
	undo_note_file(undo, place->fd, "older", &line, ERR_UNREAD);
	undo_note_file(undo, place->fd, "link", &line, ERR_UNREAD);
}

TEST(only_an_empty_new_file_is_removed_by_name)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	struct place place = place_make();

	file_put(&place, "full", "somebody's");
	file_put(&place, "older", "");
	CHECK_INT(symlinkat("older", place.fd, "link"), 0);
	nanosleep(&nap, NULL);
	killed(&place, change_names);
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_STR(file_get(&place, "made"), "(none)");
	CHECK_STR(file_get(&place, "full"), "somebody's");
	CHECK_STR(file_get(&place, "older"), "");
	CHECK_STR(file_get(&place, "link"), "");
	place_remove(&place);
}

static void folder_put(struct place *place, const char *name, mode_t mode)
{
	CHECK_INT(mkdirat(place->fd, name, mode), 0);
}

static void change_folders(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	undo_line line;

	for (int i = 0; i < 5; i++)
		undo_note_folder(undo, place->fd,
			(const char *[]){
				"made", "full", "older", "open", "taken"}[i],
			&line, ERR_UNREAD);
	undo_done(undo, line);
	folder_put(place, "made", 0700);
	folder_put(place, "full", 0700);
	folder_put(place, "full/somebody's", 0700);
	folder_put(place, "open", 0755);
	folder_put(place, "taken", 0700);
}

static bool is_there(const struct place *place, const char *name)
{
	return faccessat(place->fd, name, F_OK, 0) == 0;
}

TEST(only_an_empty_new_folder_of_ours_is_removed_by_name)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	struct place place = place_make();

	folder_put(&place, "older", 0700);
	nanosleep(&nap, NULL);
	killed(&place, change_folders);
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK(strstr(place.told, "/made' is removed") != NULL);
	CHECK(!is_there(&place, "made"));
	CHECK(is_there(&place, "full/somebody's"));
	CHECK(is_there(&place, "older"));
	CHECK(is_there(&place, "open"));
	CHECK(is_there(&place, "taken"));
	CHECK_INT(lists(&place), 0);
	place_remove(&place);
}

static void change_links(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	undo_line line;

	undo_note_link(undo, place->fd, "made", &line, ERR_UNREAD);
	undo_note_link(undo, place->fd, "older", &line, ERR_UNREAD);
	undo_note_link(undo, place->fd, "file", &line, ERR_UNREAD);
	CHECK_INT(symlinkat("older", place->fd, "made"), 0);
	file_put(place, "file", "");
}

TEST(only_a_new_link_is_removed_by_name_and_not_what_it_leads_to)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	struct place place = place_make();
	struct stat st;

	CHECK_INT(symlinkat("nowhere", place.fd, "older"), 0);
	nanosleep(&nap, NULL);
	killed(&place, change_links);
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_INT(fstatat(place.fd, "made", &st, AT_SYMLINK_NOFOLLOW), -1);
	CHECK_INT(fstatat(place.fd, "older", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(is_there(&place, "file"));
	place_remove(&place);
}

static void change_below(struct place *place)
{
	struct undo *undo = undo_new(place->arena, place->fd);
	int below = openat(place->fd, "below", O_PATH | O_DIRECTORY);
	undo_line line;

	undo_note_text(undo, below, "x", "old", &line, ERR_UNREAD);
}

TEST(another_directory_of_the_same_name_is_not_written_to)
{
	struct place place = place_make();

	CHECK_INT(mkdirat(place.fd, "below", 0700), 0);
	file_put(&place, "below/x", "new");
	killed(&place, change_below);
	CHECK_INT(renameat(place.fd, "below", place.fd, "aside"), 0);
	CHECK_INT(mkdirat(place.fd, "below", 0700), 0);
	file_put(&place, "below/x", "another");
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_STR(file_get(&place, "below/x"), "another");
	CHECK_STR(file_get(&place, "aside/x"), "new");
	CHECK_INT(lists(&place), 0);
	place_remove(&place);
}

TEST(a_list_that_others_could_have_written_does_not_count)
{
	struct place place = place_make();

	file_put(&place, "x", "new");
	file_put(&place, ".stasis-undo-1", "1 nonsense\n");
	CHECK_INT(fchmodat(place.fd, ".stasis-undo-1", 0666, 0), 0);
	file_put(&place, "twice", "1 nonsense\n");
	CHECK_INT(linkat(place.fd, "twice", place.fd, ".stasis-undo-2", 0), 0);
	CHECK_INT(symlinkat("twice", place.fd, ".stasis-undo-3"), 0);
	CHECK_INT(mkfifoat(place.fd, ".stasis-undo-4", 0600), 0);
	if (!geteuid()) {
		file_put(&place, ".stasis-undo-5", "1 nonsense\n");
		CHECK_INT(fchownat(place.fd, ".stasis-undo-5", 1234, 0, 0), 0);
	}
	CHECK_INT(play(&place, ERR_UNREAD), 0);
	CHECK_STR(place.told, "");
	place_remove(&place);
}

TEST(a_list_that_makes_no_sense_is_told_and_kept)
{
	static const char *const wrong[] = {"nonsense\n", "2 text x\n",
		"1 text\n", "1 text / 1 1 ../x y\n", "1 fly away\n", "1 done\n",
		"0 text\n", "1 text a 1 1 x y\n1 text b\n"};
	struct place place = place_make();
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		file_put(&place, ".stasis-undo-1", wrong[i]);
		err = (struct err){0};
		CHECK_INT(play(&place, &err), -EBADMSG);
		CHECK(strstr(err.text, ".stasis-undo-1") != NULL);
		CHECK_INT(lists(&place), 1);
	}
	place_remove(&place);
}

TEST(a_line_that_was_not_written_whole_does_not_count)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct undo_step *steps = NULL;
	size_t n = 7;

	CHECK_INT(undo_text_read(arena, "1 text a%20b %25\n2 te", &steps, &n,
			  ERR_UNREAD),
		0);
	CHECK_INT(n, 1);
	CHECK_STR(steps[0].args[0], "a b");
	CHECK_STR(steps[0].args[1], "%");
	CHECK_STR(undo_text_escape(arena, "a b%\n\x80"), "a%20b%25%0A%80");
	CHECK_INT(undo_text_read(arena, "", &steps, &n, ERR_UNREAD), 0);
	CHECK_INT(n, 0);
}
