/* SPDX-License-Identifier: GPL-2.0-or-later */
/* restless KIND FILE: works without a pause, looks at what it gets for it, and
 * tells of both in FILE: 64 numbers that grow, then a sentence if one did not.
 * KIND: threads, tree, blocked, crowd, signals.
 */
#include "checkpoint.h"
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/select.h>

enum { PLACES = 64, NAP_MS = 20, CROWD = 150, CROWD_PLACES = 60 };

struct report {
	_Atomic uint64_t beats[PLACES];
	char fault[512];
};

static struct report *report;
static volatile double step = 1.25;
static int ends[2];

static void fault(int place, const char *what)
{
	if (!report->fault[0])
		snprintf(report->fault, sizeof(report->fault),
			"%s at place %d (errno %d)", what, place, errno);
}

static void mask_check(int place, const sigset_t *wanted)
{
	sigset_t now;

	pthread_sigmask(SIG_BLOCK, NULL, &now);
	if (memcmp(&now, wanted, 8))
		fault(place, "another signal mask");
}

/* Numbers that live in registers all the time. */
static uint64_t work(double *ret_sum)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5;
	double sum = 0, by = step;

	for (int i = 0; i < 400000; i++) {
		a = a * 6364136223846793005u + b;
		b ^= a >> 7;
		c += b ^ d;
		d = d * 3 + e;
		e += c >> 11;
		sum += by;
	}
	*ret_sum = sum;
	return a ^ b ^ c ^ d ^ e;
}

static void *count(void *arg)
{
	int place = (int)(intptr_t)arg;
	double sum, wanted_sum;
	uint64_t wanted;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN + 6 + place);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	wanted = work(&wanted_sum);
	for (;;) {
		if (work(&sum) != wanted || sum != wanted_sum)
			fault(place, "other registers");
		mask_check(place, &mask);
		report->beats[place]++;
	}
	return NULL;
}

/* 0, or what went wrong; at least NAP_MS long. */
static const char *nap(int place)
{
	struct timespec spec = {.tv_nsec = NAP_MS * 1000000};
	struct timeval value = {.tv_usec = NAP_MS * 1000};
	struct pollfd never = {.fd = ends[0]};
	uint32_t word = 5;

	switch (place) {
	case 1:
		return nanosleep(&spec, NULL) ? "nanosleep" : NULL;
	case 2:
		return syscall(SYS_futex, &word, FUTEX_WAIT, 5, &spec, NULL,
			       0) != -1 ||
				       errno != ETIMEDOUT
			       ? "futex"
			       : NULL;
	case 3:
		return poll(&never, 1, NAP_MS) ? "poll" : NULL;
	case 4:
		return select(0, NULL, NULL, NULL, &value) ? "select" : NULL;
	default:
		return clock_nanosleep(CLOCK_REALTIME, 0, &spec, NULL)
			       ? "clock_nanosleep"
			       : NULL;
	}
}

static const char *pass_byte(int place)
{
	char byte = 'x';

	if (place == 0)
		return read(ends[0], &byte, 1) == 1 ? NULL : "read";
	usleep(NAP_MS * 1000);
	return write(ends[1], &byte, 1) == 1 ? NULL : "write";
}

static void *block(void *arg)
{
	int place = (int)(intptr_t)arg;
	const char *what;
	long long start;
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	for (;;) {
		start = clock_ms();
		errno = 0;
		what = place == 0 || place == 6 ? pass_byte(place) : nap(place);
		if (!what && place && clock_ms() - start < NAP_MS - 2)
			what = "an end too early";
		if (what)
			fault(place, what);
		mask_check(place, &mask);
		report->beats[place]++;
	}
	return NULL;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	if (info->si_value.sival_int != 4711)
		fault(1, "another value of a signal");
	report->beats[1]++;
}

/* A storm: what the kernel took must arrive, sooner or later. */
static void storm(pid_t at)
{
	const union sigval value = {.sival_int = 4711};
	const int signals[] = {SIGRTMIN, SIGRTMIN + 5, SIGRTMAX};

	for (int i = 0;; i = (i + 1) % 3) {
		if (!sigqueue(at, signals[i], value))
			report->beats[2]++;
		else if (errno == ESRCH)
			_exit(0);
		usleep(50);
	}
}

static void signals(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	pid_t me = getpid();

	sigaction(SIGRTMIN, &action, NULL);
	sigaction(SIGRTMIN + 5, &action, NULL);
	sigaction(SIGRTMAX, &action, NULL);
	if (!fork())
		storm(me);
	for (;;) {
		usleep(1000);
		report->beats[0]++;
	}
}

/* One, his four children, and three of each of them. */
static void tree(void)
{
	int place = 0;

	for (int i = 1; i <= 4 && !place; i++)
		if (!fork())
			place = i;
	for (int k = 0, first = place; k < 3 && place && place == first; k++)
		if (!fork())
			place = 5 + (first - 1) * 3 + k;
	for (;;) {
		usleep(2000);
		report->beats[place]++;
	}
}

static void threads(void *(*run)(void *), int n)
{
	pthread_t thread;

	for (int i = 1; i < n; i++)
		pthread_create(&thread, NULL, run,
			(void *)(intptr_t)(i < CROWD_PLACES ? i : 7));
	run(NULL);
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;

	if (fd < 0 || ftruncate(fd, sizeof(*report)) || pipe(ends))
		return 1;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	close(fd);
	if (!strcmp(argv[1], "threads"))
		threads(count, 4);
	if (!strcmp(argv[1], "blocked"))
		threads(block, 7);
	if (!strcmp(argv[1], "crowd"))
		threads(block, CROWD);
	if (!strcmp(argv[1], "signals"))
		signals();
	tree();
}
