/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/shed.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

int shed_session(struct err *err)
{
	return setsid() < 0 ? err_errno(err, "leaving the service's session")
			    : 0;
}

/* Nothing of ours is the client's to see or use. */
static void environment_clear(void)
{
	clearenv();
	setenv("PATH",
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin",
		1);
}

/* The client may kill its worker with a signal that leaves a core file, and
 * that would be the client's: without what is in our memory up to now. */
static int memory_hide(struct err *err)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512], mode[5];
	int code = 0;

	if (!maps)
		return err_errno(err, "reading our own memory map");
	while (!code && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, mode) == 3 &&
			mode[1] == 'w' &&
			madvise((void *)start, end - start, MADV_DONTDUMP))
			code = err_errno(
				err, "keeping our memory out of core files");
	fclose(maps);
	return code;
}

static int range_close(int from, int to, struct err *err)
{
	if (from > to || !close_range((unsigned)from, (unsigned)to, 0))
		return 0;
	return err_errno(err, "closing what is the service's");
}

/* The least of those that stay, from an fd on; INT_MAX: none. */
static int fd_kept(const int *keep, size_t n, int from)
{
	int least = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (keep[i] >= from && keep[i] < least)
			least = keep[i];
	return least;
}

static int fds_close(const int *keep, size_t n, struct err *err)
{
	int from = STDERR_FILENO + 1, next, code = 0;

	for (; !code && from < INT_MAX; from = next + 1) {
		next = fd_kept(keep, n, from);
		if (next == INT_MAX)
			return range_close(from, INT_MAX, err);
		code = range_close(from, next - 1, err);
	}
	return code;
}

/* Whatever the service was started on is no place for a guest's words. */
static int stdio_replace(struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || (fd != null && dup2(null, fd) < 0))
			return err_errno(err, "opening /dev/null");
	if (null <= STDERR_FILENO)
		fcntl(null, F_SETFD, 0);
	log_open(STDERR_FILENO, LOG_WARN);
	return 0;
}

/* As in a program that nobody has prepared: what the service's own starter
 * has ignored or blocked is not the guest's. */
static void signals_reset(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		sigaction(sig, &usual, NULL);
	sigemptyset(&none);
	sigaddset(&none, SIGTERM); /* undoes walks, between their steps */
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int shed_belongings(const int *keep, size_t n, struct err *err)
{
	environment_clear();
	signals_reset();
	if (chdir("/"))
		return err_errno(err, "entering the root directory");
	return stdio_replace(err) ?: fds_close(keep, n, err) ?: memory_hide(err);
}
