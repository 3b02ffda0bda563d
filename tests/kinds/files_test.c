/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for open files. Each test keeps it and then uses the file. */
#include "file_law.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

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

TEST(a_locked_file_is_refused)
{
	struct law law = {0};
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	REQUIRE(!law_open(&law));
	law_add(&law, file_make(path_in(&law, "f"), "text", O_RDWR));
	CHECK(!fcntl(law.fds[0], F_SETLK, &lock));
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "locked") != NULL);
	law_close(&law);
}

TEST(a_file_of_proc_about_a_process_is_refused)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	law_add(&law, open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	law_close(&law);
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

static void target_add(int set, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	CHECK(!epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

TEST(an_epoll_set_keeps_its_targets)
{
	struct law law = {0};
	struct epoll_event got;

	REQUIRE(!law_open(&law));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	law_add(&law, eventfd(0, EFD_CLOEXEC));
	target_add(law.fds[0], law.fds[2], EPOLLIN | EPOLLET, ~0ull);
	target_add(law.fds[1], law.fds[0], EPOLLIN | EPOLLONESHOT, 7);
	if (!law_hold(&law)) {
		CHECK(!eventfd_write(law.fds[2], 1));
		CHECK_INT(epoll_wait(law.fds[1], &got, 1, 1000), 1);
		CHECK_INT(got.data.u64, 7);
		CHECK_INT(epoll_wait(law.fds[0], &got, 1, 1000), 1);
		CHECK(got.data.u64 == ~0ull);
	}
	law_close(&law);
}

TEST(an_epoll_set_whose_target_has_another_number_is_refused)
{
	struct law law = {0};
	int event, again;

	REQUIRE(!law_open(&law));
	law_add(&law, epoll_create1(EPOLL_CLOEXEC));
	event = eventfd(0, EFD_CLOEXEC);
	target_add(law.fds[0], event, EPOLLIN, 1);
	again = dup(event);
	close(event);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "closed") != NULL);
	CHECK_INT(eventfd(0, EFD_CLOEXEC), event);
	CHECK_INT(law_capture(&law, &law.second), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "another file") != NULL);
	close(event);
	close(again);
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

static int listener_make(int family, int backlog)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	CHECK(!bind(fd,
		family == AF_INET ? (struct sockaddr *)&any
				  : (struct sockaddr *)&any6,
		family == AF_INET ? sizeof(any) : sizeof(any6)));
	CHECK(!listen(fd, backlog));
	return fd;
}

static void option_set(int fd, int level, int name, int value)
{
	CHECK(!setsockopt(fd, level, name, &value, sizeof(value)));
}

static void listener_tune(int fd)
{
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, SOL_SOCKET, SO_RCVBUF, 50000);
	option_set(fd, SOL_TCP, TCP_NODELAY, 1);
	option_set(fd, SOL_TCP, TCP_KEEPIDLE, 77);
	option_set(fd, SOL_TCP, TCP_KEEPCNT, 3);
	option_set(fd, SOL_TCP, TCP_DEFER_ACCEPT, 7);
	option_set(fd, SOL_TCP, TCP_USER_TIMEOUT, 12345);
	option_set(fd, SOL_IP, IP_TOS, 0x10);
	option_set(fd, SOL_IP, IP_TTL, 33);
}

TEST(listeners_keep_address_backlog_and_options)
{
	struct law law = {0};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client;

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 37));
	law_add(&law, listener_make(AF_INET6, 5));
	listener_tune(law.fds[0]);
	listener_tune(law.fds[1]);
	option_set(law.fds[1], SOL_IPV6, IPV6_TCLASS, 0x20);
	option_set(law.fds[0], SOL_TCP, TCP_DEFER_ACCEPT, 0);
	if (!law_hold(&law)) {
		CHECK(!getsockname(
			law.fds[0], (struct sockaddr *)&address, &size));
		client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK(!connect(client, (struct sockaddr *)&address, size));
		close(accept(law.fds[0], NULL, NULL));
		close(client);
	}
	law_close(&law);
}

TEST(sockets_without_connection_are_kept)
{
	struct law law = {0};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct timeval patience = {5, 250000};
	struct linger linger = {1, 12};
	int fd;

	REQUIRE(!law_open(&law));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	law_add(&law, fd);
	law_add(&law, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	option_set(law.fds[1], SOL_IPV6, IPV6_V6ONLY, 1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	option_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	option_set(fd, SOL_IP, IP_PKTINFO, 1);
	CHECK(!shutdown(fd, SHUT_WR));
	law_add(&law, fd);
	law_hold(&law);
	law_close(&law);
}

static int client_of(int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(!getsockname(listener, (struct sockaddr *)&address, &size));
	CHECK(!connect(client, (struct sockaddr *)&address, size));
	return client;
}

TEST(connections_that_wait_and_those_that_are_open_are_refused)
{
	struct law law = {0};
	int client;

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 5));
	client = client_of(law.fds[0]);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "1 connections wait") != NULL);
	close(law.fds[0]);
	law.fds[0] = client;
	CHECK_INT(law_capture(&law, &law.second), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "TCP connection") != NULL);
	law_close(&law);
}

TEST(an_address_in_use_is_told_with_its_port)
{
	struct law law = {0};
	int fd;

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 5));
	option_set(law.fds[0], SOL_SOCKET, SO_REUSEPORT, 0);
	CHECK_INT(law_capture(&law, &law.first), 0);
	fd = law.fds[0];
	CHECK_INT(law_objects_read(&law), 0);
	CHECK_INT(law_make(&law), -EADDRINUSE);
	CHECK(strstr(law.err.text, "0.0.0.0 port") != NULL);
	CHECK(law.err.hint[0] != '\0');
	CHECK_INT(law.fds[0], fd);
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
	int pair[2];

	REQUIRE(!law_open(&law));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	CHECK(!law_see(&law, pair[0], &sighting));
	CHECK(!law_claimed(&sighting));
	CHECK_STR(kind_unknown_name(&sighting), "a unix socket");
	close(pair[0]);
	close(pair[1]);
	law_add(&law, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	CHECK(!law_see(&law, law.fds[0], &sighting));
	CHECK(!law_claimed(&sighting));
	CHECK_STR(kind_unknown_name(&sighting), "a network namespace");
	law_close(&law);
}
