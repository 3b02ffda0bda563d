/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans of the sample images, and of the same with cores of the other two
 * machines: printed anywhere, with nothing touched.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "image/samples.h"
#include "kinds/kinds.h"
#include "restore/restore.h"

static int plan_print_dir(
	struct arena *arena, int dir, char **ret_text, struct err *err)
{
	struct options options;
	struct run run = {.opt = &options,
		.be = backend_host(),
		.arena = arena,
		.images_dir = dir,
		.work_dir = dir,
		.page_size = 4096};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int code;

	options_init(&options);
	code = restore_plan_print(&run, out, err);
	fclose(out);
	*ret_text = arena_strdup(arena, text);
	free(text);
	return code;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

TEST(tasks_objects_memory_and_tapes_of_a_sample_are_printed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int dir = sample_dir("tree");
	struct err err = {0};
	char *text;

	CHECK_INT(plan_print_dir(arena, dir, &text, &err), 0);
	CHECK_STR(err.text, "");
	CHECK(strstr(text, "  7407 tree, 1 thread, setsid\n"
			   "    7409 tree, 1 thread, joins group 7407\n"));
	CHECK(strstr(text, "regular file for 7407:0, 7407:1, 7407:2, 7409:0"));
	CHECK(strstr(text, "pipe for 7407:5\n"));
	CHECK(strstr(text, "pipe for 7409:4\n"));
	CHECK(strstr(text, "internet socket for 7407:3\n"));
	CHECK(count(text, "from its parent") > 5);
	CHECK_INT(count(text, "tape of task"), 2);
	CHECK(strstr(text, "tape of task 7409"));
	CHECK(count(text, "closing files that are kept for others") == 2);
	close(dir);
}

/* Names, sizes and times of everything in a directory. */
static uint64_t dir_state(int dir)
{
	DIR *list = dir_again(dir);
	struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;

	while ((entry = readdir(list))) {
		if (fstatat(dir, entry->d_name, &st, 0))
			abort();
		if (strcmp(entry->d_name, "..") != 0)
			sum = sum * 31 + st.st_ino + (uint64_t)st.st_size +
			      (uint64_t)st.st_mtim.tv_nsec +
			      (uint64_t)st.st_mtim.tv_sec;
	}
	closedir(list);
	return sum;
}

static size_t own_fds(void)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = dir_count(dir);

	close(dir);
	return n;
}

TEST(printing_a_plan_touches_nothing)
{
	struct err err = {0};
	uint64_t before;
	char *text;
	size_t fds;
	int dir;

	for (size_t i = 0; i < 3; i++) {
		_cleanup_arena_ struct arena *arena = arena_new();

		dir = sample_dir(sample_names[i]);
		before = dir_state(dir);
		fds = own_fds();
		plan_print_dir(arena, dir, &text, &err);
		CHECK_INT(own_fds(), fds);
		CHECK_INT(dir_state(dir), before);
		CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
		CHECK_INT(errno, ECHILD);
		close(dir);
	}
}

TEST(a_plan_comes_out_the_same_each_time)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int dir = sample_dir("sleep");
	char *first, *second;
	struct err err = {0};

	CHECK_INT(plan_print_dir(arena, dir, &first, &err), 0);
	CHECK_INT(plan_print_dir(arena, dir, &second, &err), 0);
	CHECK_STR(first, second);
	close(dir);
}

TEST(a_sample_with_kinds_not_built_yet_is_refused_in_one_sentence)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int dir = sample_dir("zoo");
	struct err err = {0};
	char *text;

	CHECK_INT(plan_print_dir(arena, dir, &text, &err), -EOPNOTSUPP);
	CHECK(strstr(err.text, "which cannot be restored yet"));
	CHECK(!strchr(err.text, '\n'));
	CHECK(err.hint[0]);
	CHECK_STR(text, "");
	close(dir);
}

static void sample_copy(struct arena *arena, const char *name, int to)
{
	int from = sample_dir(name);
	DIR *list = dir_again(from);
	struct dirent *entry;
	enum image_type type;
	uint64_t id;
	size_t size;
	char *bytes;

	while ((entry = readdir(list))) {
		if (!image_name_parse(entry->d_name, &type, &id))
			continue;
		bytes = file_read(arena, from, entry->d_name, &size);
		file_write(to, entry->d_name, bytes, size);
	}
	closedir(list);
	close(from);
}

TEST(a_file_without_the_message_of_its_type_is_refused_for_every_type)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	FileEntry entry = FILE_ENTRY__INIT;
	struct err err = {0};
	int types = 0;
	char *text;

	sample_copy(arena, "tree", scratch.fd);
	entry.id = 1;
	for (size_t i = 0; kinds[i]; i++) {
		if (kinds[i]->scope != SCOPE_FILE)
			continue;
		entry.type = (FdTypes)kinds[i]->tag;
		CHECK_INT(image_write_alone(scratch.fd, IMAGE_FILES, 0,
				  &entry.base, &err),
			0);
		CHECK_INT(plan_print_dir(arena, scratch.fd, &text, &err),
			-EBADMSG);
		CHECK_STR(err.text,
			arena_printf(arena,
				"files.img is damaged: file 1 is said to be a "
				"%s, and has no %s",
				kinds[i]->name, kinds[i]->schema->name));
		CHECK(err.hint[0]);
		types++;
	}
	CHECK(types >= 10);
}

/* --- other machines ------------------------------------------------------ */

/* ppc64le knows by it that the thread runs 64-bit code. */
enum { PPC_MSR = 33, NT_FPREGS = 2 };
#define PPC_MSR_SF (1ull << 63 | 1)

/* But for that, all zeros is a state that the messages can tell. */
static CoreEntry *core_convert(
	struct arena *arena, const CoreEntry *from, const struct backend *be)
{
	CoreEntry *core = arena_copy(arena, from, sizeof(*from));
	struct regs regs = {0};
	struct err err = {0};

	core->thread_info = NULL;
	for (size_t i = 0; be->regsets[i].note; i++) {
		if (be->regsets[i].optional && be->regsets[i].note != NT_FPREGS)
			continue;
		regs.set[i].size = be->regsets[i].room;
		regs.set[i].bytes = arena_alloc(arena, be->regsets[i].room);
	}
	if (strcmp(be->name, "ppc64le") == 0)
		((uint64_t *)regs.set[0].bytes)[PPC_MSR] = PPC_MSR_SF;
	if (!CHECK_INT(be->thread_to_image(arena, &regs, core, &err), 0))
		CHECK_STR(err.text, "");
	return core;
}

#define SAMPLE_MTYPE CORE_ENTRY__MARCH__X86_64

static void sample_convert(struct arena *arena, int from, int to,
	const struct backend *be, struct image_set *set)
{
	DIR *list = dir_again(from);
	struct image_item item;
	struct dirent *entry;
	enum image_type type;
	struct err err = {0};
	size_t size;
	uint64_t id;
	char *bytes;

	while ((entry = readdir(list))) {
		if (!image_name_parse(entry->d_name, &type, &id))
			continue;
		bytes = file_read(arena, from, entry->d_name, &size);
		file_write(to, entry->d_name, bytes, size);
		if (type != IMAGE_CORE || be == backend_by_mtype(SAMPLE_MTYPE))
			continue;
		CHECK_INT(image_load_one(set, type, id, &item, &err), 0);
		CHECK_INT(
			image_write_alone(to, type, id,
				&core_convert(arena, (CoreEntry *)item.msg, be)
					 ->base,
				&err),
			0);
	}
	closedir(list);
}

TEST(images_of_every_machine_can_be_planned_on_this_one)
{
	struct image_set *set;
	unsigned long long end;
	struct err err = {0};
	char *text;
	int dir;

	for (size_t i = 0; backends[i]; i++) {
		_cleanup_arena_ struct arena *arena = arena_new();
		_cleanup_scratch_ struct scratch scratch = scratch_make();

		dir = sample_dir("tree");
		CHECK_INT(image_set_open(arena, dir, &set, &err), 0);
		sample_convert(arena, dir, scratch.fd, backends[i], set);
		image_set_close(set);
		close(dir);
		CHECK_INT(plan_print_dir(arena, scratch.fd, &text, &err), 0);
		CHECK_STR(err.text, "");
		CHECK(strstr(text, "7409 tree, 1 thread"));
		REQUIRE(sscanf(strstr(text, "\nset aside ") ?: text,
				" set aside %*x-%llx:", &end) == 1);
		CHECK(strstr(text,
			arena_printf(arena, "munmap(0x%llx, %#llx)", end,
				(unsigned long long)backends[i]->task_size -
					end)));
	}
}
