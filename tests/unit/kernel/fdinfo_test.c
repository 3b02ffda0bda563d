/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/fdinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "test.h"

#define HEAD "pos:\t4294967298\nflags:\t02104002\nmnt_id:\t27\nino:\t11691\n"

static struct fdinfo parsed(struct arena *arena, const char *text)
{
	struct fdinfo info = {0};
	struct err err = {0};

	CHECK_INT(fdinfo_parse(arena, text, &info, &err), 0);
	CHECK_STR(err.text, "");
	return info;
}

/* Of one of our own fds, which is closed then. */
static struct fdinfo of_fd(struct arena *arena, int fd)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct fdinfo info = {0};
	struct err err = {0};

	CHECK_INT(proc_open(getpid(), &self, &err), 0);
	CHECK_INT(fdinfo_read(arena, &self, fd, &info, &err), 0);
	CHECK_STR(err.text, "");
	return info;
}

TEST(common_lines_are_read)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info = parsed(arena, HEAD);

	CHECK_INT(info.pos, 4294967298);
	CHECK_INT(info.flags, 02104002);
	CHECK_INT(info.mnt_id, 27);
	CHECK_INT(info.ino, 11691);
	CHECK_STR(info.text, HEAD);
	info = parsed(arena, "pos:\t0\nflags:\t0100000\n");
	CHECK_INT(info.mnt_id, -1);
	CHECK_INT(info.ino, 0);
	CHECK_INT(info.eventfd_semaphore, -1);
	CHECK(!info.is_eventfd && !info.is_epoll && !info.is_signalfd);
	CHECK(!info.is_timerfd && !info.is_inotify && !info.is_pidfd);
}

TEST(recorded_epoll_targets_are_read_with_and_without_identity)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info = parsed(arena,
		HEAD "tfd:        5 events:       1d data: ffffffffffffffff "
		     " pos:0 ino:61af sdev:7\n"
		     "tfd:        6 events: 80000019 data:                6\n");

	CHECK(info.is_epoll);
	if (!CHECK_INT(info.epoll_n, 2))
		return;
	CHECK_INT(info.epoll[0].fd, 5);
	CHECK_INT(info.epoll[0].events, 0x1d);
	CHECK(info.epoll[0].data == UINT64_MAX);
	CHECK_INT(info.epoll[0].ino, 0x61af);
	CHECK_INT(info.epoll[0].sdev, 7);
	CHECK_INT(info.epoll[1].fd, 6);
	CHECK_INT(info.epoll[1].events, 0x80000019);
	CHECK_INT(info.epoll[1].data, 6);
	CHECK_INT(info.epoll[1].ino, 0);
}

TEST(recorded_inotify_watches_are_read_with_their_handles)
{
	static const uint8_t handle[] = {0xed, 0x51, 0, 0, 0x76, 0, 0xff, 1};
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info = parsed(arena,
		HEAD "inotify wd:1f ino:9e7e sdev:800013 mask:800afce "
		     "ignored_mask:0 fhandle-bytes:8 fhandle-type:1 "
		     "f_handle:ed5100007600ff01\n"
		     "inotify wd:2 ino:a111 sdev:800013 mask:fff "
		     "ignored_mask:0 \n");

	CHECK(info.is_inotify);
	if (!CHECK_INT(info.inotify_n, 2))
		return;
	CHECK_INT(info.inotify[0].wd, 0x1f);
	CHECK_INT(info.inotify[0].ino, 0x9e7e);
	CHECK_INT(info.inotify[0].sdev, 0x800013);
	CHECK_INT(info.inotify[0].mask, 0x800afce);
	CHECK_INT(info.inotify[0].handle_type, 1);
	CHECK_INT(info.inotify[0].handle_size, 8);
	CHECK_MEM(info.inotify[0].handle, handle, 8);
	CHECK_INT(info.inotify[1].handle_size, 0);
}

TEST(recorded_locks_are_read_in_all_their_forms)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info = parsed(arena,
		HEAD "lock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF\n"
		     "lock:\t2: POSIX  ADVISORY  READ  -1 fe:0a:77 10 20\n"
		     "lock:\t3: OFDLCK ADVISORY  WRITE -1 08:01:5 0 0\n"
		     "lock:\t4: LEASE  BREAKING  READ 360 08:01:5 0 EOF\n"
		     "lock:\t5: -> POSIX *NOINODE* WRITE 0 <none>:0 1 EOF\n");

	if (!CHECK_INT(info.locks_n, 5))
		return;
	CHECK_INT(info.locks[0].kind, FDINFO_LOCK_FLOCK);
	CHECK(info.locks[0].write && !info.locks[0].waiting);
	CHECK_INT(info.locks[0].pid, 359);
	CHECK_INT(info.locks[0].dev_minor, 0x13);
	CHECK_INT(info.locks[0].ino, 11691);
	CHECK(info.locks[0].end == UINT64_MAX);
	CHECK_INT(info.locks[1].kind, FDINFO_LOCK_POSIX);
	CHECK(!info.locks[1].write);
	CHECK_INT(info.locks[1].dev_major, 0xfe);
	CHECK_INT(info.locks[1].start, 10);
	CHECK_INT(info.locks[1].end, 20);
	CHECK_INT(info.locks[2].kind, FDINFO_LOCK_OFD);
	CHECK_INT(info.locks[2].pid, -1);
	CHECK_INT(info.locks[3].kind, FDINFO_LOCK_LEASE);
	CHECK(info.locks[3].breaking);
	CHECK(info.locks[4].waiting);
	CHECK_INT(info.locks[4].ino, 0);
}

TEST(odd_or_cut_texts_are_refused)
{
	static const char *const odd[] = {"", "pos:\t1", "flags:\t0\n",
		"pos:\tx\n", "pos:\t1\nflags:\t9\n", HEAD "tfd: 1\n",
		HEAD "tfd:  5 events: 1d data: 5 pos:0\n",
		HEAD "inotify wd:1 ino:2\n",
		HEAD "inotify wd:1 ino:9 sdev:8 mask:8 ignored_mask:0 "
		     "fhandle-bytes:8 fhandle-type:1 f_handle:ed51\n",
		HEAD "inotify wd:1 ino:9 sdev:8 mask:8 ignored_mask:0 "
		     "fhandle-bytes:ff fhandle-type:1 f_handle:ed51\n",
		HEAD "lock:\t1: FLOCK\n",
		HEAD "lock:\t1: FLOCK ADVISORY WRITE 3 00:13:11 0\n",
		HEAD "it_value: (1,\n"};
	_cleanup_arena_ struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct fdinfo info = {.mnt_id = 99};
		struct err err = {0};

		CHECK_INT(fdinfo_parse(arena, odd[i], &info, &err), -EINVAL);
		CHECK_INT(info.mnt_id, 99);
		CHECK(err.text[0] != '\0');
	}
}

TEST(lines_of_other_kinds_can_be_asked_for)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info = parsed(
		arena, HEAD "map_type:\t1\nmemlock:\t4096\niff:\ttun0\n");
	uint64_t value = 0;

	CHECK(fdinfo_find_u64(&info, "map_type", 10, &value));
	CHECK_INT(value, 1);
	CHECK(fdinfo_find_u64(&info, "memlock", 10, &value));
	CHECK_INT(value, 4096);
	CHECK(!fdinfo_find_u64(&info, "map", 10, &value));
	CHECK(!fdinfo_find_u64(&info, "iff", 10, &value));
	CHECK(!strncmp(fdinfo_find_text(&info, "iff"), "tun0\n", 5));
	CHECK(!fdinfo_find_text(&info, "tun"));
}

TEST(a_live_eventfd_tells_its_count)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int fd = eventfd(0x123, EFD_CLOEXEC | EFD_SEMAPHORE);
	struct fdinfo info = of_fd(arena, fd);

	CHECK(info.is_eventfd);
	CHECK_INT(info.eventfd_count, 0x123);
	CHECK(info.eventfd_semaphore == 1 || info.eventfd_semaphore == -1);
	CHECK(info.flags & O_CLOEXEC);
	close(fd);
}

TEST(a_live_signalfd_tells_its_mask)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct fdinfo info;
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGTERM);
	fd = signalfd(-1, &mask, SFD_CLOEXEC);
	info = of_fd(arena, fd);
	CHECK(info.is_signalfd);
	CHECK_INT(info.signalfd_mask,
		1ull << (SIGHUP - 1) | 1ull << (SIGTERM - 1));
	close(fd);
}

TEST(a_live_timerfd_tells_its_time)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = 1000, .tv_nsec = 5},
		.it_interval = {.tv_sec = 7, .tv_nsec = 8},
	};
	_cleanup_arena_ struct arena *arena = arena_new();
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct fdinfo info;

	timerfd_settime(fd, 0, &when, NULL);
	info = of_fd(arena, fd);
	CHECK(info.is_timerfd);
	CHECK_INT(info.timerfd_clockid, CLOCK_MONOTONIC);
	CHECK_INT(info.timerfd_ticks, 0);
	CHECK(info.timerfd_value_sec == 999 || info.timerfd_value_sec == 1000);
	CHECK_INT(info.timerfd_interval_sec, 7);
	CHECK_INT(info.timerfd_interval_nsec, 8);
	close(fd);
}

TEST(a_live_epoll_set_tells_its_targets)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int set = epoll_create1(EPOLL_CLOEXEC), ends[200];
	struct fdinfo info;

	for (int i = 0; i < 200; i += 2) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET,
			.data.u64 = 0xffff000000000000u + (unsigned)i};

		REQUIRE(!pipe2(ends + i, O_CLOEXEC));
		CHECK_INT(epoll_ctl(set, EPOLL_CTL_ADD, ends[i], &event), 0);
	}
	info = of_fd(arena, set);
	CHECK_INT(info.epoll_n, 100);
	for (size_t i = 0; i < info.epoll_n; i++) {
		struct stat st;

		CHECK_INT(fstat(info.epoll[i].fd, &st), 0);
		CHECK_INT(info.epoll[i].ino, st.st_ino);
		CHECK(info.epoll[i].events & EPOLLET);
		CHECK_INT(ends[info.epoll[i].data & 0xffff], info.epoll[i].fd);
	}
	close(set);
	for (int i = 0; i < 200; i++)
		close(ends[i]);
}

TEST(a_live_inotify_tells_its_watches)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int fd = inotify_init1(IN_CLOEXEC);
	int wd = inotify_add_watch(fd, "/tmp", IN_CREATE);
	struct fdinfo info = of_fd(arena, fd);
	struct stat st;

	CHECK(info.is_inotify);
	CHECK_INT(stat("/tmp", &st), 0);
	if (CHECK_INT(info.inotify_n, 1)) {
		CHECK_INT(info.inotify[0].wd, wd);
		CHECK_INT(info.inotify[0].ino, st.st_ino);
		CHECK_INT(info.inotify[0].mask & IN_ALL_EVENTS, IN_CREATE);
	}
	close(fd);
}

TEST(a_live_lock_is_told)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char path[] = "/tmp/stasis-fdinfo-XXXXXX";
	int fd = mkstemp(path);
	struct fdinfo info;
	struct stat st;

	unlink(path);
	REQUIRE(!flock(fd, LOCK_EX) && !fstat(fd, &st));
	info = of_fd(arena, fd);
	if (CHECK_INT(info.locks_n, 1)) {
		CHECK_INT(info.locks[0].kind, FDINFO_LOCK_FLOCK);
		CHECK(info.locks[0].write);
		CHECK_INT(info.locks[0].ino, st.st_ino);
		CHECK_INT(info.locks[0].pid, getpid());
	}
	close(fd);
}

TEST(a_live_pidfd_tells_its_process)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct fdinfo info = of_fd(arena, fd);

	CHECK(info.is_pidfd);
	CHECK_INT(info.pidfd_pid, getpid());
	close(fd);
}

TEST(an_fd_that_is_not_open_is_no_such_file)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct fdinfo info;
	struct err err = {0};

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(fdinfo_read(arena, &self, 9999, &info, &err), -ENOENT);
	CHECK(strstr(err.text, "fdinfo/9999"));
}
