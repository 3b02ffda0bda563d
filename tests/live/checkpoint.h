/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checkpoint: the frame of a live test program: setup, checkpoint_here(),
 * verify.
 *
 * The runner starts a program with $CHECKPOINT_DIR naming an empty directory,
 * waits for the file "ready" there, dumps and restores the tree, creates "go"
 * and reads the file "verdict". The first process that fails a CHECK writes
 * the verdict; the root process writes "ok" when all is well. While it waits a
 * process holds no fd of this frame and no memory beyond its own .bss.
 */
#ifndef STASIS_TESTS_CHECKPOINT_H
#define STASIS_TESTS_CHECKPOINT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The size of a page: of the kernel, not of the machine. */
#define PAGE sysconf(_SC_PAGESIZE)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Where the runner's files are; a program that changes its root sets it. */
static char checkpoint_dir[PATH_MAX];

static inline const char *checkpoint_path(char *ret, const char *name)
{
	if (!checkpoint_dir[0]) {
		const char *dir = getenv("CHECKPOINT_DIR");

		snprintf(checkpoint_dir, sizeof(checkpoint_dir), "%s",
			dir ? dir : ".");
	}
	snprintf(ret, PATH_MAX, "%.2000s/%.200s", checkpoint_dir, name);
	return ret;
}

/* link() makes the verdict whole at once, and the first one stays. */
static inline void checkpoint_verdict(const char *text)
{
	char own[PATH_MAX], path[PATH_MAX], name[64];
	int fd;

	snprintf(name, sizeof(name), "verdict.%d.%ld", getpid(),
		(long)syscall(SYS_gettid));
	fd = open(checkpoint_path(own, name),
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		_exit(3);
	if (write(fd, text, strlen(text)) < 0)
		_exit(3);
	close(fd);
	if (link(own, checkpoint_path(path, "verdict")) < 0 && errno != EEXIST)
		_exit(3);
	unlink(own);
}

__attribute__((format(printf, 3, 4), noreturn)) static inline void
checkpoint_fail(const char *file, int line, const char *format, ...)
{
	char text[1024], what[800];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s:%d: pid %d: %s", file, line, getpid(),
		what);
	checkpoint_verdict(text);
	_exit(1);
}

#define FAIL(...) checkpoint_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)                                      \
	do {                                             \
		if (!(cond))                             \
			FAIL("%s does not hold", #cond); \
	} while (0)
#define CHECK_SYS(call)                                         \
	({                                                      \
		long check_sys_ = (long)(call);                 \
		if (check_sys_ == -1)                           \
			FAIL("%s: %s", #call, strerror(errno)); \
		check_sys_;                                     \
	})
#define CHECK_INT(a, b)                                                    \
	do {                                                               \
		long long check_a_ = (long long)(a);                       \
		long long check_b_ = (long long)(b);                       \
		if (check_a_ != check_b_)                                  \
			FAIL("%s is %lld (0x%llx), not %lld (0x%llx)", #a, \
				check_a_, (unsigned long long)check_a_,    \
				check_b_, (unsigned long long)check_b_);   \
	} while (0)
#define CHECK_STR(a, b)                                                       \
	do {                                                                  \
		const char *check_a_ = (a), *check_b_ = (b);                  \
		if (strcmp(check_a_, check_b_) != 0)                          \
			FAIL("%s is '%s', not '%s'", #a, check_a_, check_b_); \
	} while (0)
#define CHECK_MAP(map)                                         \
	({                                                     \
		void *check_map_ = (map);                      \
		if (check_map_ == MAP_FAILED)                  \
			FAIL("%s: %s", #map, strerror(errno)); \
		check_map_;                                    \
	})

/* Ends the test as skipped: this machine cannot show it. */
__attribute__((noreturn)) static inline void checkpoint_skip(const char *why)
{
	char text[300];

	snprintf(text, sizeof(text), "skip %s", why);
	checkpoint_verdict(text);
	_exit(0);
}

__attribute__((noreturn)) static inline void checkpoint_ok(void)
{
	checkpoint_verdict("ok");
	exit(0);
}

static inline void checkpoint_mark(const char *name)
{
	char path[PATH_MAX];
	int fd = open(checkpoint_path(path, name),
		O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		_exit(3);
	close(fd);
}

static inline bool checkpoint_seen(const char *name)
{
	char path[PATH_MAX];

	return access(checkpoint_path(path, name), F_OK) == 0;
}

static inline void checkpoint_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static inline void checkpoint_wait(const char *name)
{
	while (!checkpoint_seen(name))
		checkpoint_nap();
}

/* For all but the root process, after it has called peer_up(). */
static inline void checkpoint_wait_go(void)
{
	checkpoint_wait("go");
}

/* In the root process, once everything is set up: dumped and restored here. */
static inline void checkpoint_here(void)
{
	checkpoint_mark("ready");
	checkpoint_wait_go();
}

/* Other processes say that they are set up, the root waits for `count`. */
static inline void peer_up(int number)
{
	char name[32];

	snprintf(name, sizeof(name), "up.%d", number);
	checkpoint_mark(name);
}

static inline void peers_wait(int count)
{
	for (int i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "up.%d", i);
		checkpoint_wait(name);
	}
}

static inline pid_t child_start(void (*body)(int), int number)
{
	pid_t pid = fork();

	if (pid < 0)
		FAIL("fork: %s", strerror(errno));
	if (pid == 0) {
		body(number);
		_exit(0);
	}
	return pid;
}

static inline void child_join(pid_t pid)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid)
		FAIL("waitpid(%d): %s", pid, strerror(errno));
	if (status != 0)
		FAIL("child %d ended with status 0x%x", pid, status);
}

static inline pthread_t thread_start(void *(*body)(void *), void *arg)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, body, arg);

	if (error)
		FAIL("pthread_create: %s", strerror(error));
	return thread;
}

static inline void thread_join(pthread_t thread)
{
	int error = pthread_join(thread, NULL);

	if (error)
		FAIL("pthread_join: %s", strerror(error));
}

static inline pid_t thread_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* A whole file of /proc as a string; fails the test if it cannot be read. */
static inline size_t file_read(const char *path, char *ret, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		FAIL("open %s: %s", path, strerror(errno));
	while (len < room - 1 &&
		(got = read(fd, ret + len, room - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	ret[len] = '\0';
	return len;
}

static inline void text_copy(char *ret, size_t room, const char *text)
{
	size_t len = strnlen(text, room - 1);

	memcpy(ret, text, len);
	ret[len] = '\0';
}

/* The line of /proc/PATH that begins with `key`, without the newline. */
static inline void file_line(
	const char *path, const char *key, char *ret, size_t room)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	if (!file)
		FAIL("open %s: %s", path, strerror(errno));
	ret[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		text_copy(ret, room, line);
		break;
	}
	fclose(file);
}

/* The line `key` of the mapping that holds `addr` in /proc/self/smaps; with
 * an empty key the mapping's first line. Empty when there is none.
 */
static inline void smaps_line(
	const void *addr, const char *key, char *ret, size_t room)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[4096];

	if (!file)
		FAIL("open smaps: %s", strerror(errno));
	ret[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		unsigned long from, to;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			inside = (unsigned long)addr >= from &&
				 (unsigned long)addr < to;
			if (inside && !key[0])
				text_copy(ret, room, line);
		} else if (inside && key[0] &&
			   strncmp(line, key, strlen(key)) == 0) {
			text_copy(ret, room, line);
		}
	}
	fclose(file);
}

static inline long smaps_kb(const void *addr, const char *key)
{
	char line[256];
	long kb = -1;

	smaps_line(addr, key, line, sizeof(line));
	sscanf(line + strcspn(line, ":") + (line[0] != '\0'), "%ld", &kb);
	return kb;
}

/* Memory with a pattern that differs in every word and with every seed. */
static inline uint64_t mem_word(uint64_t seed, size_t at)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + at + 1;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 29;
	return x;
}

static inline void mem_fill(void *mem, size_t len, uint64_t seed)
{
	uint64_t *word = mem;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		word[i] = mem_word(seed, i);
}

static inline void mem_verify(
	const void *mem, size_t len, uint64_t seed, const char *what)
{
	const uint64_t *word = mem;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		if (word[i] != mem_word(seed, i))
			FAIL("%s: word at offset 0x%zx is 0x%llx, not 0x%llx",
				what, i * sizeof(*word),
				(unsigned long long)word[i],
				(unsigned long long)mem_word(seed, i));
}

static inline void *mem_map(size_t len, int prot, int flags)
{
	return CHECK_MAP(mmap(NULL, len, prot, flags, -1, 0));
}

static inline long long clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#endif
