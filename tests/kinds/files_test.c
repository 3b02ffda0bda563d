/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for what has a name and for pipes. Each test keeps it and
 * then uses the file. */
#include "file_law.h"

#include "base/fd.h"

#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A file of the test's own, below the images' folder. */
static const char *path_in(struct law *law, const char *name)
{
	return arena_printf(law->arena, "%s/%s", law->second.folder, name);
}

static int file_make(const char *path, const char *text, int flags)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -1;
	close(fd);
	return open(path, flags | O_CLOEXEC);
}

TEST(a_regular_file_keeps_flags_and_position)
{
	struct law law = {0};
	char got[8] = "";

	REQUIRE(!law_open(&law));
	law_add(&law,
		file_make(path_in(&law, "f"), "0123456789", O_RDWR | O_APPEND));
	law_add(&law, open(path_in(&law, "f"), O_RDONLY | O_NONBLOCK));
	law_add(&law, open(law.second.folder, O_RDONLY | O_DIRECTORY));
	law_add(&law, open(path_in(&law, "f"), O_PATH | O_CLOEXEC));
	law_add(&law, open("/dev/null", O_WRONLY));
	lseek(law.fds[1], 7, SEEK_SET);
	if (!law_hold(&law)) {
		CHECK_INT(read(law.fds[1], got, 8), 3);
		CHECK_STR(got, "789");
	}
	law_close(&law);
}

static int law_changed(void (*change)(const char *path), struct law *law)
{
	const char *path = path_in(law, "f");
	int code;

	law_add(law, file_make(path, "0123456789", O_RDONLY));
	code = law_capture(law, &law->first);
	close(law->fds[0]);
	change(path);
	if (!code)
		code = law_objects_read(law);
	return code ? code : law_make(law);
}

static void path_grow(const char *path)
{
	CHECK(!truncate(path, 12));
}

static void path_lock_up(const char *path)
{
	CHECK(!chmod(path, 0400));
}

TEST(a_file_of_another_size_is_refused_with_both_sizes)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	CHECK_INT(law_changed(path_grow, &law), -EINVAL);
	CHECK(strstr(law.err.text, "had 10 bytes") != NULL);
	CHECK(strstr(law.err.text, "has 12 now") != NULL);
	law.n = 0;
	law_close(&law);
}

TEST(a_file_that_grew_is_restored_when_that_is_allowed)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	law.opt.allow_grown_files = true;
	CHECK_INT(law_changed(path_grow, &law), 0);
	law_close(&law);
}

static void path_shrink(const char *path)
{
	CHECK(!truncate(path, 9));
}

TEST(a_file_that_shrank_is_refused_whatever_is_allowed)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	law.opt.allow_grown_files = true;
	CHECK_INT(law_changed(path_shrink, &law), -EINVAL);
	CHECK(strstr(law.err.text, "has 9 now") != NULL);
	law.n = 0;
	law_close(&law);
}

TEST(a_log_that_grew_is_restored_and_its_size_is_not_stored)
{
	struct law law = {0};
	RegFileEntry *reg;

	REQUIRE(!law_open(&law));
	law_add(&law,
		file_make(path_in(&law, "log"), "one\n", O_WRONLY | O_APPEND));
	law_add(&law,
		file_make(path_in(&law, "both"), "one\n", O_RDWR | O_APPEND));
	CHECK_INT(law_capture(&law, &law.first), 0);
	CHECK(!law.first.entries[0]->reg->has_size);
	CHECK_INT(law.first.entries[0]->reg->n_build_id, 0);
	CHECK_INT(law.first.entries[1]->reg->size, 4);
	CHECK_INT(write(law.fds[0], "two\n", 4), 4);
	CHECK_INT(law_objects_read(&law), 0);
	/* Images of early versions have it. */
	reg = law_object(&law, 0)->entry->reg;
	reg->has_size = true;
	reg->size = 4;
	CHECK_INT(law_make(&law), 0);
	law_close(&law);
}

TEST(a_file_with_other_permissions_is_refused_unless_told)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	CHECK_INT(law_changed(path_lock_up, &law), -EINVAL);
	CHECK(strstr(law.err.text, "0640") != NULL);
	law.opt.skip_file_rwx_check = true;
	CHECK_INT(law_make(&law), 0);
	law_close(&law);
}

TEST(another_build_of_a_program_is_refused)
{
	struct law law = {0};
	RegFileEntry *reg;

	REQUIRE(!law_open(&law));
	law.opt.file_validation = VALIDATE_BUILDID;
	law_add(&law, open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	CHECK_INT(law_capture(&law, &law.first), 0);
	reg = law.first.entries[0]->reg;
	CHECK_INT(reg->n_build_id, 5);
	CHECK_INT(law_objects_read(&law), 0);
	CHECK_INT(law_make(&law), 0);
	law_object(&law, 0)->entry->reg->build_id[4]++;
	CHECK_INT(law_make(&law), -EINVAL);
	CHECK(strstr(law.err.text, "build id") != NULL);
	law_close(&law);
}

TEST(deleted_files_keep_content_and_leave_nothing_behind)
{
	struct law law = {0};
	char got[16] = "", big[64] = "";
	const char *path;
	int fd;

	REQUIRE(!law_open(&law));
	path = path_in(&law, "ghost");
	law_add(&law, file_make(path, "small", O_RDWR));
	law_add(&law, open(path, O_WRONLY | O_CLOEXEC));
	unlink(path);
	fd = file_make(path_in(&law, "big"), "", O_RDWR);
	CHECK_INT(pwrite(fd, "far", 3, 1 << 20), 3);
	CHECK_INT(pwrite(fd, "near", 4, 4096), 4);
	law_add(&law, fd);
	unlink(path_in(&law, "big"));
	if (!law_hold(&law)) {
		CHECK_INT(pwrite(law.fds[1], "S", 1, 0), 1);
		CHECK_INT(pread(law.fds[0], got, 16, 0), 5);
		CHECK_STR(got, "Small");
		CHECK_INT(pread(law.fds[2], big, 64, 4096), 64);
		CHECK_STR(big, "near");
		CHECK_INT(pread(law.fds[2], got, 16, 1 << 20), 3);
		CHECK(access(path, F_OK) != 0);
	}
	law_close(&law);
}

TEST(deleted_links_keep_where_they_lead)
{
	struct law law = {0};
	char target[8] = "";
	struct stat stat;
	const char *path;

	REQUIRE(!law_open(&law));
	path = path_in(&law, "link");
	CHECK(!symlink("there", path));
	/* Two openings: one is made of the other. */
	for (int i = 0; i < 2; i++)
		law_add(&law, open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	CHECK(!unlink(path));
	if (!law_hold(&law)) {
		CHECK_INT(readlinkat(law.fds[1], "", target, 8), 5);
		CHECK_STR(target, "there");
		CHECK(!fstat(law.fds[0], &stat) && stat.st_nlink == 0);
		CHECK_INT(lstat(path, &stat), -1);
	}
	law_close(&law);
}

/* chattr; false: not on this file system. */
static bool attribute_set(const char *path, int attribute)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return false;
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	flags |= attribute;
	return !ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

TEST(what_could_not_be_opened_again_is_refused_by_the_dump)
{
	struct law law = {0};
	const char *path;

	REQUIRE(!law_open(&law));
	path = path_in(&law, "f");
	law_add(&law, file_make(path, "text", O_RDWR));
	if (attribute_set(path, FS_IMMUTABLE_FL)) {
		CHECK_INT(law_capture(&law, &law.first), -EPERM);
		CHECK(strstr(law.err.text, "opened again") != NULL);
		attribute_set(path, 0);
	}
	law_close(&law);
}

TEST(a_deleted_file_whose_folder_cannot_be_written_is_refused_by_the_dump)
{
	struct law law = {0};
	const char *folder, *path;

	REQUIRE(!law_open(&law));
	folder = path_in(&law, "folder");
	path = path_in(&law, "folder/f");
	CHECK(!mkdir(folder, 0700));
	law_add(&law, file_make(path, "text", O_RDWR));
	CHECK(!unlink(path));
	if (attribute_set(folder, FS_IMMUTABLE_FL)) {
		CHECK_INT(law_capture(&law, &law.first), -EPERM);
		CHECK(strstr(law.err.text, "/folder'") != NULL);
		attribute_set(folder, 0);
	}
	law_close(&law);
}

TEST(a_deleted_file_above_the_limit_is_refused)
{
	struct law law = {0};
	const char *path;

	REQUIRE(!law_open(&law));
	law.opt.ghost_limit = 4;
	path = path_in(&law, "ghost");
	law_add(&law, file_make(path, "too large", O_RDWR));
	unlink(path);
	CHECK_INT(law_capture(&law, &law.first), -EFBIG);
	CHECK(strstr(law.err.hint, "--ghost-limit") != NULL);
	law_close(&law);
}

TEST(a_deleted_file_with_another_name_is_refused)
{
	struct law law = {0};
	const char *path;

	REQUIRE(!law_open(&law));
	path = path_in(&law, "one");
	law_add(&law, file_make(path, "text", O_RDWR));
	CHECK(!link(path, path_in(&law, "two")));
	unlink(path);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "name was deleted") != NULL);
	law_close(&law);
}

/* The refusal of an open file, which is closed. */
static const char *law_refusal(struct law *law, int fd)
{
	law_open(law);
	law_add(law, fd);
	CHECK(law_capture(law, &law->first) < 0);
	return law->err.text;
}

static int proc_file(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

TEST(files_of_proc_are_captured_about_their_holder_and_what_is_public_of_init)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	law_add(&law, proc_file(getpid(), "stat", O_RDONLY));
	law_add(&law, proc_file(getpid(), "mem", O_RDWR));
	law_add(&law, proc_file(getpid(), "fd", O_RDONLY | O_DIRECTORY));
	law_add(&law, proc_file(1, "status", O_RDONLY));
	CHECK_INT(law_capture(&law, &law.first), 0);
	CHECK_STR(law.err.text, "");
	/* By one alone. */
	CHECK_INT(kind_regular.again(&law.first.dump, &law.victim,
			  law.first.entries[1]->id, &law.err),
		-EOPNOTSUPP);
	CHECK(strstr(law.err.text, "held by process") != NULL);
	law_close(&law);
}

TEST(files_of_proc_about_others_are_refused)
{
	struct law law[4] = {0};
	pid_t child = fork();
	int fd;

	if (!child)
		pause();
	fd = proc_file(child, "stat", O_RDONLY);
	CHECK(strstr(law_refusal(&law[0], fcntl(fd, F_DUPFD_CLOEXEC, 0)),
		      "which is not dumped with it") != NULL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK(strstr(law_refusal(&law[1], fd), "has ended") != NULL);
	/* As root; else it cannot be opened at all. */
	fd = proc_file(1, "environ", O_RDONLY);
	if (fd >= 0)
		CHECK(strstr(law_refusal(&law[2], fd),
			      "not everybody may open") != NULL);
	fd = proc_file(1, "oom_score_adj", O_RDWR);
	if (fd >= 0)
		CHECK(strstr(law_refusal(&law[3], fd),
			      "not everybody may open") != NULL);
	for (int i = 0; i < 4; i++)
		if (law[i].arena)
			law_close(&law[i]);
}

/* A file captured, and restored under another name. */
static int law_renamed(struct law *law, const char *path, int flags,
	const char *name, mode_t mode)
{
	RegFileEntry *reg;
	int code;

	law_add(law, file_make(path, "0123456789", flags));
	code = law_capture(law, &law->first) ?: law_objects_read(law);
	close(law->fds[0]);
	if (code)
		return code;
	reg = law->restore.objects.by_id[1]->entry->reg;
	reg->name = arena_strdup(law->arena, name);
	reg->has_size = reg->has_mode = false;
	reg->mode = mode;
	reg->has_mode = mode != 0;
	return law_make(law);
}

TEST(a_name_that_leads_to_a_file_of_its_opener_is_refused)
{
	static const char *const names[] = {"/proc/self/mem",
		"/proc/self/environ", "/proc/self/maps",
		"/proc/thread-self/mem", "/proc/self/task/../mem", "/proc/self",
		"/proc/mounts"};
	char own[32];

	snprintf(own, sizeof(own), "/proc/%d/mem", getpid());
	for (size_t i = 0; i <= sizeof(names) / sizeof(*names); i++) {
		struct law law = {0};

		REQUIRE(!law_open(&law));
		CHECK_INT(law_renamed(&law, path_in(&law, "f"), O_RDONLY,
				  i ? names[i - 1] : own, 0),
			-EOPNOTSUPP);
		CHECK(strstr(law.err.text, "about one process") != NULL);
		law_close(&law);
	}
}

TEST(a_name_that_leads_through_an_fd_of_its_opener_is_refused)
{
	static const char *const names[] = {"/proc/self/fd/0", "/proc/self/exe",
		"/proc/self/root/etc/passwd", "/dev/fd/0"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct law law = {0};

		REQUIRE(!law_open(&law));
		CHECK(law_renamed(&law, path_in(&law, "f"), O_RDONLY, names[i],
			      0) < 0);
		law_close(&law);
	}
}

TEST(a_file_of_proc_about_the_host_is_restored)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	CHECK_INT(law_renamed(&law, path_in(&law, "f"), O_RDONLY,
			  "/proc/meminfo", 0),
		0);
	law_close(&law);
}

TEST(a_fifo_in_the_place_of_a_file_does_not_hold_the_restore)
{
	struct law law = {0};
	const char *fifo;

	REQUIRE(!law_open(&law));
	fifo = path_in(&law, "fifo");
	CHECK(!mkfifo(fifo, 0600));
	alarm(5);
	CHECK_INT(law_renamed(&law, path_in(&law, "f"), O_RDONLY, fifo,
			  S_IFREG | 0640),
		-EINVAL);
	CHECK(strstr(law.err.text, "a FIFO now") != NULL);
	alarm(0);
	law_close(&law);
}

/* As root; others get no more than they have. */
static int law_bent(struct law *law, uid_t maker, int flags)
{
	const char *dir = path_in(law, "dir"), *link = path_in(law, "link");

	CHECK(!mkdir(dir, 0755));
	CHECK(!symlink(dir, link));
	CHECK(!lchown(link, maker, maker));
	return law_renamed(law, path_in(law, "dir/f"), flags,
		path_in(law, "link/.//../link/f"), 0);
}

TEST(symbolic_links_on_the_way_count_only_when_root_made_them)
{
	struct law own = {0}, theirs = {0}, nofollow = {0};

	if (geteuid() != 0)
		return;
	REQUIRE(!law_open(&own) && !law_open(&theirs) && !law_open(&nofollow));
	CHECK_INT(law_bent(&own, 0, O_RDONLY), 0);
	CHECK_INT(law_bent(&nofollow, 0, O_RDONLY | O_NOFOLLOW), 0);
	CHECK_INT(law_bent(&theirs, 65534, O_RDONLY), -ELOOP);
	CHECK(strstr(theirs.err.hint, "symbolic link") != NULL);
	law_close(&own);
	law_close(&theirs);
	law_close(&nofollow);
}

TEST(pipes_keep_bytes_size_and_flags)
{
	struct law law = {0};
	char got[64] = "";
	int ends[2], other[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC) && !pipe2(other, O_CLOEXEC));
	CHECK(fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) == 1 << 18);
	CHECK(!fcntl(ends[1], F_SETFL, O_NONBLOCK));
	CHECK_INT(write(ends[1], "some bytes", 10), 10);
	law_add(&law, ends[1]);
	law_add(&law, other[0]);
	law_add(&law, ends[0]);
	law_add(&law, other[1]);
	if (!law_hold(&law)) {
		CHECK_INT(read(ends[0], got, 64), 10);
		CHECK_STR(got, "some bytes");
		CHECK_INT(write(other[1], "x", 1), 1);
		CHECK_INT(read(other[0], got, 64), 1);
	}
	law_close(&law);
}

TEST(looking_into_a_pipe_takes_nothing_out)
{
	struct law law = {0};
	char got[16] = "";
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC));
	CHECK_INT(write(ends[1], "still here", 10), 10);
	law_add(&law, ends[0]);
	law_add(&law, ends[1]);
	CHECK_INT(law_capture(&law, &law.first), 0);
	CHECK_INT(read(ends[0], got, 16), 10);
	CHECK_STR(got, "still here");
	law_close(&law);
}

TEST(an_end_of_a_pipe_opened_twice_stays_two)
{
	struct law law = {0};
	char link[32];
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", ends[0]);
	law_add(&law, open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	law_add(&law, open(link, O_RDWR | O_CLOEXEC));
	law_add(&law, ends[0]);
	law_add(&law, ends[1]);
	law_hold(&law);
	law_close(&law);
}

TEST(a_pipe_without_writers_ends)
{
	struct law law = {0};
	char got[16] = "";
	int ends[2], broken[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC) && !pipe2(broken, O_CLOEXEC));
	CHECK_INT(write(ends[1], "rest", 4), 4);
	close(ends[1]);
	close(broken[0]);
	law_add(&law, ends[0]);
	law_add(&law, broken[1]);
	if (!law_hold(&law)) {
		CHECK_INT(read(ends[0], got, 16), 4);
		CHECK_INT(read(ends[0], got, 16), 0);
		signal(SIGPIPE, SIG_IGN);
		CHECK_INT(write(broken[1], "x", 1), -1);
	}
	law_close(&law);
}

TEST(a_pipe_to_somebody_else_is_refused)
{
	struct law law = {0};
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC));
	law_add(&law, ends[1]);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "write end of a pipe") != NULL);
	CHECK(strstr(law.err.text, "outside of the tree") != NULL);
	close(ends[0]);
	law_close(&law);
}

TEST(one_packet_in_a_pipe_of_packets_stays_one)
{
	struct law law = {0};
	char got[16] = "";
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC | O_DIRECT));
	CHECK_INT(write(ends[1], "packet", 6), 6);
	law_add(&law, ends[0]);
	law_add(&law, ends[1]);
	if (!law_hold(&law)) {
		CHECK_INT(write(ends[1], "next", 4), 4);
		CHECK_INT(read(ends[0], got, 16), 6);
		CHECK_STR(got, "packet");
	}
	law_close(&law);
}

TEST(two_packets_in_a_pipe_are_refused)
{
	struct law law = {0};
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC | O_DIRECT));
	CHECK_INT(write(ends[1], "one", 3), 3);
	CHECK_INT(write(ends[1], "two", 3), 3);
	law_add(&law, ends[0]);
	law_add(&law, ends[1]);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	law_close(&law);
}

TEST(a_fifo_keeps_its_bytes)
{
	struct law law = {0};
	const char *path;
	char got[16] = "";

	REQUIRE(!law_open(&law));
	path = path_in(&law, "fifo");
	CHECK(!mkfifo(path, 0600));
	law_add(&law, open(path, O_RDWR | O_CLOEXEC));
	law_add(&law, open(path, O_WRONLY | O_CLOEXEC));
	law_add(&law, open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	CHECK_INT(write(law.fds[1], "in fifo", 7), 7);
	if (!law_hold(&law)) {
		CHECK_INT(read(law.fds[2], got, 16), 7);
		CHECK_STR(got, "in fifo");
	}
	law_close(&law);
}

TEST(the_owner_of_signals_is_kept)
{
	struct law law = {0};
	struct f_owner_ex owner = {F_OWNER_PID, getpid()};
	int ends[2];

	REQUIRE(!law_open(&law));
	CHECK(!pipe2(ends, O_CLOEXEC));
	CHECK(!fcntl(ends[0], F_SETOWN_EX, &owner));
	CHECK(!fcntl(ends[0], F_SETSIG, SIGRTMIN));
	signal(SIGRTMIN, SIG_IGN);
	CHECK(!fcntl(ends[0], F_SETFL, O_ASYNC));
	law_add(&law, ends[0]);
	law_add(&law, ends[1]);
	law_hold(&law);
	law_close(&law);
}

TEST(what_no_kind_claims_has_a_name)
{
	struct law law = {0};
	struct sighting sighting;

	REQUIRE(!law_open(&law));
	law_add(&law, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	CHECK(!law_see(&law, law.fds[0], &sighting));
	CHECK(!law_claimed(&sighting));
	CHECK_STR(kind_unknown_name(&sighting), "a network namespace");
	law_close(&law);
}
