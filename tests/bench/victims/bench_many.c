/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_many: a process that has very many of one sort of thing, and waits.
 *
 *	bench_many SORT N [M]	SORT: a name of sorts[] below
 *
 * What takes fd numbers is made as often as the hard limit leaves room for.
 * The file named by $BENCH_READY is created when all of it is there; the files
 * that are opened lie beside it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static long extra; /* argument M */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long must(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void *idle(void *arg)
{
	wait_for_ever();
	return arg;
}

/* Up to the hard limit; how many numbers there are room for. */
static long numbers_room(long wanted)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	return wanted < (long)limit.rlim_max - 16 ? wanted
						  : (long)limit.rlim_max - 16;
}

static void eventfds(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(eventfd((unsigned)n, 0), "eventfd");
}

static void timerfds(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
}

static void pipes(long n)
{
	int ends[2];

	for (n = numbers_room(n); n > 1; n -= 2)
		must(pipe(ends), "pipe");
}

/* Each is a file of its own. */
static void files(long n)
{
	char path[64];

	for (n = numbers_room(n); n > 0; n--) {
		snprintf(path, sizeof(path), "bench-file-%ld", n);
		must(open(path, O_RDWR | O_CREAT, 0600), path);
	}
}

static void nulls(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(open("/dev/null", O_RDWR), "/dev/null");
}

static void dups(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(dup(0), "dup");
}

static void memfds(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(write((int)must(memfd_create("many", 0), "memfd_create"),
			     &n, sizeof(n)),
			"write");
}

static void udps(long n)
{
	for (n = numbers_room(n); n > 0; n--)
		must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
}

/* One set that watches them all. */
static void targets(long n)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = (int)must(epoll_create1(0), "epoll_create1");

	for (n = numbers_room(n); n > 0; n--)
		must(epoll_ctl(set, EPOLL_CTL_ADD,
			     (int)must(eventfd(0, 0), "eventfd"), &event),
			"epoll_ctl");
}

/* The same with sockets, as servers have. */
static void watched(long n)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = (int)must(epoll_create1(0), "epoll_create1");

	for (n = numbers_room(n); n > 0; n--)
		must(epoll_ctl(set, EPOLL_CTL_ADD,
			     (int)must(
				     socket(AF_INET, SOCK_DGRAM, 0), "socket"),
			     &event),
			"epoll_ctl");
}

/* Sets that watch one file each. */
static void sets(long n)
{
	struct epoll_event event = {.events = EPOLLIN};
	int watched = (int)must(eventfd(0, 0), "eventfd");

	for (n = numbers_room(n); n > 0; n--)
		must(epoll_ctl((int)must(epoll_create1(0), "epoll_create1"),
			     EPOLL_CTL_ADD, watched, &event),
			"epoll_ctl");
}

/* Every other page has another protection; each one holds a word. */
static void vmas(long n)
{
	char *at = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		fail("mmap");
	for (long i = 0; i < n; i++) {
		memcpy(at + i * 4096, &i, sizeof(i));
		if (i % 2)
			must(mprotect(at + i * 4096, 4096, PROT_READ),
				"mprotect");
	}
}

/* Areas of shared memory, each an object of its own. */
static void shared(long n)
{
	long *at;

	for (; n > 0; n--) {
		at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			fail("mmap");
		*at = n;
	}
}

/* M files, mapped in turns, so that neighbours differ. */
static void mapped(long n)
{
	static int fds[64];
	char path[64];

	for (int i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "bench-mapped-%d", i);
		fds[i] = (int)must(open(path, O_RDWR | O_CREAT, 0600), path);
		must(ftruncate(fds[i], 4096), "ftruncate");
	}
	for (; n > 0; n--)
		if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[n % 64], 0) ==
			MAP_FAILED)
			fail("mmap");
}

static void threads(long n)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	while (--n > 0)
		if (pthread_create(&thread, &attributes, idle, NULL))
			fail("pthread_create");
}

static void processes(long n)
{
	while (--n > 0)
		if (!must(fork(), "fork"))
			wait_for_ever();
}

static void zombies(long n)
{
	siginfo_t info;
	long pid;

	while (--n > 0) {
		pid = must(fork(), "fork");
		if (!pid)
			_exit(0);
		must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT),
			"waitid");
	}
}

static void sessions(long n)
{
	int ends[2];
	char byte;

	must(pipe(ends), "pipe");
	while (--n > 0)
		if (!must(fork(), "fork")) {
			must(setsid(), "setsid");
			must(write(ends[1], "", 1), "write");
			close(ends[0]);
			close(ends[1]);
			wait_for_ever();
		} else {
			must(read(ends[0], &byte, 1), "read");
		}
	close(ends[0]);
	close(ends[1]);
}

/* N processes with M files each, of their own. */
static void families(long n)
{
	int ends[2];
	char byte;

	must(pipe(ends), "pipe");
	numbers_room(0);
	for (long i = 1; i < n; i++)
		if (!must(fork(), "fork")) {
			for (long k = 0; k < extra; k++)
				must(eventfd(0, 0), "eventfd");
			must(write(ends[1], "", 1), "write");
			close(ends[0]);
			close(ends[1]);
			wait_for_ever();
		}
	for (long i = 1; i < n; i++)
		must(read(ends[0], &byte, 1), "read");
	close(ends[0]);
	close(ends[1]);
}

static void signals(long n)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	for (; n > 0; n--)
		must(sigqueue(getpid(), SIGRTMIN,
			     (union sigval){.sival_int = 1}),
			"sigqueue");
}

static void timers(long n)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	for (; n > 0; n--)
		must(timer_create(CLOCK_MONOTONIC, &event, &timer),
			"timer_create");
}

/* Room for N GiB, of which every tenth holds a page. */
static void reserved(long n)
{
	char *at = mmap(NULL, (size_t)n << 30, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		fail("mmap");
	for (long i = 0; i < n; i += 10)
		at[(size_t)i << 30] = 1;
}

static const struct {
	const char *name;
	void (*make)(long n);
} sorts[] = {
	{"eventfds", eventfds},
	{"timerfds", timerfds},
	{"pipes", pipes},
	{"files", files},
	{"nulls", nulls},
	{"dups", dups},
	{"memfds", memfds},
	{"udps", udps},
	{"targets", targets},
	{"watched", watched},
	{"sets", sets},
	{"vmas", vmas},
	{"shared", shared},
	{"mapped", mapped},
	{"threads", threads},
	{"processes", processes},
	{"zombies", zombies},
	{"sessions", sessions},
	{"families", families},
	{"signals", signals},
	{"timers", timers},
	{"reserved", reserved},
};

int main(int argc, char **argv)
{
	const char *ready = getenv("BENCH_READY");
	bool known = false;
	char *folder;
	int fd;

	folder = strdup(ready ? ready : "./");
	*strrchr(folder, '/') = '\0';
	must(chdir(*folder ? folder : "/"), folder);
	extra = argc > 3 ? atol(argv[3]) : 0;
	for (size_t i = 0; argc > 2 && i < sizeof(sorts) / sizeof(*sorts); i++)
		if (strcmp(argv[1], sorts[i].name) == 0) {
			sorts[i].make(atol(argv[2]));
			known = true;
		}
	if (!known) {
		fprintf(stderr, "usage: bench_many SORT N [M]\n");
		return 2;
	}
	if (ready) {
		fd = open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			fail(ready);
		close(fd);
	}
	wait_for_ever();
}
