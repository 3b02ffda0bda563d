/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for files that deliver events, and for files of memory. */
#include "file_law.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

TEST(eventfds_keep_counter_and_semaphore)
{
	struct law law = {0};
	eventfd_t value = 0;

	REQUIRE(!law_open(&law));
	law_add(&law, eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
	law_add(&law, eventfd(0, EFD_CLOEXEC));
	law_add(&law, eventfd(0, EFD_CLOEXEC));
	CHECK(!eventfd_write(law.fds[2], 1ull << 40));
	if (!law_hold(&law)) {
		CHECK(!eventfd_read(law.fds[0], &value));
		CHECK_INT(value, 1);
		CHECK(!eventfd_read(law.fds[2], &value));
		CHECK_INT(value, 1ll << 40);
	}
	law_close(&law);
}

#define EPOLL_PARAMS_SET _IOW(0x8a, 1, uint64_t)
#define EPOLL_PARAMS_GET _IOR(0x8a, 2, uint64_t)

static void target_add(int set, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	CHECK(!epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

TEST(an_epoll_set_keeps_its_targets)
{
	/* 77 us, a budget of 8, preferred; since 6.9. */
	uint32_t params[2] = {77, 1 << 16 | 8}, got_params[2] = {0};
	struct law law = {0};
	struct epoll_event got;
	bool told;

	REQUIRE(!law_open(&law));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	law_add(&law, eventfd(0, EFD_CLOEXEC));
	target_add(law.fds[0], law.fds[2], EPOLLIN | EPOLLET, ~0ull);
	target_add(law.fds[1], law.fds[0], EPOLLIN | EPOLLONESHOT, 7);
	told = !ioctl(law.fds[0], EPOLL_PARAMS_SET, params);
	if (!law_hold(&law)) {
		CHECK(!told ||
			!ioctl(law.fds[0], EPOLL_PARAMS_GET, got_params));
		CHECK(!told || got_params[0] == 77);
		CHECK(!eventfd_write(law.fds[2], 1));
		CHECK_INT(epoll_wait(law.fds[1], &got, 1, 1000), 1);
		CHECK_INT(got.data.u64, 7);
		CHECK_INT(epoll_wait(law.fds[0], &got, 1, 1000), 1);
		CHECK(got.data.u64 == ~0ull);
	}
	law_close(&law);
}

TEST(an_epoll_set_keeps_targets_whose_numbers_are_free_or_used_again)
{
	struct law law = {0};
	struct epoll_event got;
	int event, free_one, used, again;

	REQUIRE(!law_open(&law));
	/* The kernel tells targets in no certain order. */
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	event = eventfd(0, EFD_CLOEXEC);
	free_one = fcntl(event, F_DUPFD_CLOEXEC, 150);
	used = eventfd(0, EFD_CLOEXEC);
	target_add(law.fds[1], free_one, EPOLLIN, 1);
	target_add(law.fds[0], used, EPOLLIN, 2);
	close(free_one);
	again = fcntl(used, F_DUPFD_CLOEXEC, 151);
	CHECK_INT(dup3(event, used, O_CLOEXEC), used);
	law_add(&law, event);
	law_add(&law, again);
	law_add(&law, eventfd(0, EFD_CLOEXEC));
	if (!law_hold(&law)) {
		CHECK_INT(eventfd_write(again, 1), 0);
		CHECK_INT(epoll_wait(law.fds[0], &got, 1, 1000), 1);
		CHECK_INT(got.data.u64, 2);
	}
	law_close(&law);
}

TEST(an_epoll_set_whose_target_only_others_have_is_refused)
{
	struct law law = {0};
	int event = eventfd(0, EFD_CLOEXEC);
	pid_t other;

	REQUIRE(!law_open(&law));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	target_add(law.fds[0], event, EPOLLIN, 1);
	other = fork();
	if (!other) {
		pause();
		_exit(0);
	}
	close(event);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "none of the processes") != NULL);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	law_close(&law);
}

TEST(a_signalfd_keeps_its_mask)
{
	struct law law = {0};
	sigset_t set;

	REQUIRE(!law_open(&law));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	law_add(&law, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	law_hold(&law);
	law_close(&law);
}

static int timer_make(clockid_t clock, int flags, time_t value, time_t every)
{
	struct itimerspec when = {.it_value = {.tv_sec = value},
		.it_interval = {.tv_sec = every}};
	int fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	struct timespec now;

	if (flags & TFD_TIMER_ABSTIME) {
		clock_gettime(clock, &now);
		when.it_value.tv_sec += now.tv_sec;
	}
	CHECK(!timerfd_settime(fd, flags, &when, NULL));
	return fd;
}

TEST(timerfds_keep_what_is_left)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	law_add(&law, timer_make(CLOCK_MONOTONIC, 0, 600, 60));
	law_add(&law,
		timer_make(CLOCK_REALTIME,
			TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1200, 0));
	law_add(&law, timer_make(CLOCK_BOOTTIME, TFD_TIMER_ABSTIME, 900, 0));
	law_add(&law, timer_make(CLOCK_MONOTONIC, 0, 0, 0));
	law_hold(&law);
	law_close(&law);
}

TEST(a_moment_of_the_calendar_comes_while_an_image_lies)
{
	struct law law = {0};
	struct pollfd poller;

	REQUIRE(!law_open(&law));
	law_add(&law, timer_make(CLOCK_REALTIME, TFD_TIMER_ABSTIME, 3600, 0));
	CHECK_INT(law_capture(&law, &law.first), 0);
	CHECK_INT(law_objects_read(&law), 0);
	/* An hour and a second later. */
	law_object(&law, 0)->entry->tfd->stasis_until -= 3601000000000;
	CHECK_INT(law_make(&law), 0);
	poller = (struct pollfd){.fd = law.fds[0], .events = POLLIN};
	CHECK_INT(poll(&poller, 1, 1000), 1);
	law_close(&law);
}

TEST(a_timerfd_that_has_fired_keeps_its_ticks)
{
	struct law law = {0};
	struct itimerspec soon = {{3000, 0}, {0, 1000}};
	struct pollfd poller;
	uint64_t ticks = 0;

	REQUIRE(!law_open(&law));
	law_add(&law, timer_make(CLOCK_MONOTONIC, 0, 0, 0));
	CHECK(!timerfd_settime(law.fds[0], 0, &soon, NULL));
	poller = (struct pollfd){.fd = law.fds[0], .events = POLLIN};
	CHECK_INT(poll(&poller, 1, 1000), 1);
	ticks = 5;
	CHECK(!ioctl(law.fds[0], _IOW('T', 0, uint64_t), &ticks));
	if (!law_hold(&law)) {
		CHECK_INT(read(law.fds[0], &ticks, 8), 8);
		CHECK_INT(ticks, 5);
	}
	law_close(&law);
}

TEST(a_memfd_keeps_content_name_seals_and_position)
{
	struct law law = {0};
	char link[64], name[64] = "", got[8] = "";
	int fd;

	REQUIRE(!law_open(&law));
	fd = memfd_create("a name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(!ftruncate(fd, 3 << 20));
	CHECK_INT(pwrite(fd, "middle", 6, 1 << 20), 6);
	CHECK_INT(pwrite(fd, "end", 3, (3 << 20) - 3), 3);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	law_add(&law, fd);
	law_add(&law, open(link, O_RDONLY | O_CLOEXEC));
	lseek(fd, 77, SEEK_SET);
	if (!law_hold(&law)) {
		CHECK_INT(pread(law.fds[1], got, 8, 1 << 20), 8);
		CHECK_STR(got, "middle");
		CHECK_INT(pread(fd, got, 8, (3 << 20) - 3), 3);
		CHECK_INT(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_SEAL);
		CHECK(readlink(link, name, sizeof(name) - 1) > 0);
		CHECK_STR(name, "/memfd:a name (deleted)");
		CHECK_INT(pwrite(fd, "M", 1, 1 << 20), 1);
		CHECK_INT(pread(law.fds[1], got, 6, 1 << 20), 6);
		CHECK(memcmp(got, "Middle", 6) == 0);
	}
	law_close(&law);
}

TEST(shared_anonymous_memory_is_such_again)
{
	struct law law = {0};
	char link[80], name[64] = "", got[8] = "";
	char *at;
	int fd;

	REQUIRE(!law_open(&law));
	at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(at + 8192, "shared");
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx",
		(unsigned long)at, (unsigned long)at + (1 << 20));
	fd = open(link, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		test_skip("needs the right to open what is mapped");
		law_close(&law);
		return;
	}
	law_add(&law, fd);
	munmap(at, 1 << 20);
	if (!law_hold(&law)) {
		CHECK_INT(pread(fd, got, 8, 8192), 8);
		CHECK_STR(got, "shared");
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		CHECK(readlink(link, name, sizeof(name) - 1) > 0);
		CHECK_STR(name, "/dev/zero (deleted)");
	}
	law_close(&law);
}
