/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The law for locks of files, which files of any kind have. */
#include <sys/file.h>

#include "file_law.h"

enum { LOCKS = 20 };

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len};
}

static int file_open(struct law *law, const char *name)
{
	return open(arena_printf(law->arena, "%s/%s", law->second.folder, name),
		O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int locks_see(struct law *law, struct law_take *take)
{
	struct sighting sighting;
	char where[16];
	int code = 0;

	for (int i = 0; i < law->n && !code; i++) {
		code = law_see(law, law->fds[i], &sighting);
		snprintf(where, sizeof(where), "fd %d", law->fds[i]);
		sighting.where = where;
		if (!code)
			code = kinds_seen(&take->dump, &sighting,
				(uint32_t)i + 1, true, &law->err);
	}
	return code;
}

static void subject_add(struct law *law)
{
	TaskKobjIdsEntry *ids = arena_new1(law->arena, TaskKobjIdsEntry);

	task_kobj_ids_entry__init(ids);
	ids->files_id = 1;
	law->task.pid = law->victim.vpid = getpid();
	law->task.state = TASK_ALIVE;
	law->task.ids = ids;
	law->task.n_threads = 1;
	law->task.threads = arena_new1(law->arena, struct thread);
}

/* What an image of them has. */
static struct image_list locks_stored(struct law *law, struct law_take *take)
{
	const struct image_facts facts = {
		.machine = "x", .page_size = (uint32_t)law->run.page_size};
	struct image_list list = {0};
	struct image_set *set = NULL;

	CHECK_INT(locks_see(law, take), 0);
	CHECK_INT(kind_file_locks.finish(&take->dump, &law->err), 0);
	CHECK_INT(image_set_commit(take->dump.images, &facts, &law->err), 0);
	CHECK_INT(image_set_open(law->arena, take->dir, &set, &law->err), 0);
	CHECK_INT(image_load(set, IMAGE_FILELOCKS, 0, &list, &law->err), 0);
	image_set_closep(&set);
	return list;
}

static bool same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	uint8_t one[128] = {0}, other[128] = {0};

	return protobuf_c_message_get_packed_size(a) <= sizeof(one) &&
	       protobuf_c_message_get_packed_size(b) <= sizeof(other) &&
	       protobuf_c_message_pack(a, one) ==
		       protobuf_c_message_pack(b, other) &&
	       !memcmp(one, other, sizeof(one));
}

/* As locks are stored, so they come back. */
static struct image_list locks_exchange(struct law *law)
{
	struct image_list list = locks_stored(law, &law->first);
	struct holder holder = {.task = &law->task,
		.facts = &law->facts,
		.thread = law->task.threads,
		.fd = -1};
	struct tape *tape = tape_new(law->arena, "test");

	for (size_t i = 0; i < list.n; i++)
		*vec_push(law->arena, &law->task.locks) =
			(const FileLockEntry *)list.at[i].msg;
	for (int i = 0; i < law->n; i++)
		flock(law->fds[i], LOCK_UN);
	/* All of the process's locks on a file go with any fd of it. */
	close(dup(law->fds[0]));
	CHECK_INT(kind_file_locks.emit(tape, NULL, &holder, &law->err), 0);
	CHECK_INT(play_tape(tape, NULL, &law->err), 0);
	CHECK_STR(law->err.text, "");
	return list;
}

TEST(locks_of_a_process_and_of_open_files_come_back)
{
	struct flock flock_ = range(F_RDLCK, 100, 0);
	struct image_list was, is;
	struct law law = {0};
	int pair[2];

	REQUIRE(!law_open(&law));
	law.opt.file_locks = true;
	subject_add(&law);
	law_add(&law, file_open(&law, "posix"));
	for (int i = 0; i < LOCKS; i++) {
		flock_ = range(F_WRLCK, i * 3, 2);
		CHECK_INT(fcntl(law.fds[0], F_SETLK, &flock_), 0);
	}
	law_add(&law, file_open(&law, "flock"));
	CHECK_INT(flock(law.fds[1], LOCK_SH), 0);
	CHECK_INT(pipe(pair), 0);
	law_add(&law, pair[0]);
	CHECK_INT(flock(pair[0], LOCK_EX), 0);
	was = locks_exchange(&law);
	CHECK_INT(was.n, LOCKS + 2);
	is = locks_stored(&law, &law.second);
	CHECK_INT(is.n, was.n);
	for (size_t i = 0; i < was.n && i < is.n; i++)
		CHECK(same(was.at[i].msg, is.at[i].msg));
	close(pair[1]);
	law_close(&law);
}

TEST(a_file_that_is_locked_is_refused_with_the_option_that_allows_it)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	subject_add(&law);
	law_add(&law, file_open(&law, "flock"));
	CHECK_INT(flock(law.fds[0], LOCK_EX), 0);
	CHECK_INT(locks_see(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "flock") != NULL);
	CHECK(strstr(law.err.hint, "--file-locks") != NULL);
	law_close(&law);
}

static int loaded(struct law *law, FileLockEntry *entry)
{
	const struct image_facts facts = {
		.machine = "x", .page_size = (uint32_t)law->run.page_size};
	struct restore *restore = &law->restore;
	struct task *task;

	image_append(law->first.dump.images, IMAGE_FILELOCKS, 0, &entry->base,
		NULL, 0, &law->err);
	image_set_commit(law->first.dump.images, &facts, &law->err);
	*restore = (struct restore){
		.run = &law->run, .arena = law->arena, .root = -1};
	image_set_open(law->arena, law->first.dir, &restore->images, &law->err);
	task = tree_add(law->arena, &restore->tree, 7);
	task->state = TASK_ALIVE;
	task->fds = arena_newn(law->arena, FdinfoEntry *, 1);
	task->fds[0] = arena_new1(law->arena, FdinfoEntry);
	task->fds[0]->fd = 3;
	task->n_fds = 1;
	return kinds_load(restore, &law->err);
}

TEST(locks_of_an_image_are_checked)
{
	static const struct {
		FileLockEntry entry;
		int code;
	} cases[] = {
		{{.flag = 1, .type = F_WRLCK, .pid = 7, .fd = 3}, 0},
		{{.flag = 8, .type = F_RDLCK, .pid = 7, .fd = 3}, 0},
		{{.flag = 1, .type = F_WRLCK, .pid = 8, .fd = 3}, -EBADMSG},
		{{.flag = 1, .type = F_WRLCK, .pid = 7, .fd = 4}, -EBADMSG},
		{{.flag = 1, .type = F_WRLCK, .pid = 7, .fd = -1}, -EBADMSG},
		{{.flag = 3, .type = F_WRLCK, .pid = 7, .fd = 3}, -EBADMSG},
		{{.flag = 2, .type = 5, .pid = 7, .fd = 3}, -EBADMSG},
		{{.flag = 8, .type = 5, .pid = 7, .fd = 3}, -EOPNOTSUPP},
		{{.flag = 1, .pid = 7, .fd = 3, .start = -1}, -EBADMSG},
		{{.flag = 1, .pid = 7, .fd = 3, .start = 2, .len = INT64_MAX},
			-EBADMSG},
	};
	FileLockEntry entry;
	struct law law;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		law = (struct law){0};
		REQUIRE(!law_open(&law));
		file_lock_entry__init(&entry);
		entry.flag = cases[i].entry.flag;
		entry.type = cases[i].entry.type;
		entry.pid = cases[i].entry.pid;
		entry.fd = cases[i].entry.fd;
		entry.start = cases[i].entry.start;
		entry.len = cases[i].entry.len;
		CHECK_INT(loaded(&law, &entry), cases[i].code);
		law_close(&law);
	}
}
