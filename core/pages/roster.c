/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/roster.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/log.h"
#include "kernel/clone3.h"
#include "kernel/kcmp.h"
#include "kernel/maps.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"
#include "kernel/uffd.h"

enum { LOOK_MS = 50 };

int roster_new(size_t page_size, struct roster **ret, struct err *err)
{
	struct roster *roster = mmap(NULL, sizeof(*roster),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (roster == MAP_FAILED)
		return err_errno(err, "mapping what guards lazy pages");
	roster->page_size = page_size;
	roster->peers[0] = roster->peers[1] = -1;
	*ret = roster;
	return 0;
}

void roster_free(struct roster *roster)
{
	munmap(roster, sizeof(*roster));
}

/* Is a file of that process this userfaultfd? */
static bool holds_uffd(struct arena *arena, const struct proc *proc, int uffd)
{
	char *target;
	int *fds, order;
	size_t n;

	if (proc_list_fds(arena, proc, &fds, &n, ERR_UNREAD))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (proc_read_link(arena, proc,
			    arena_printf(arena, "fd/%d", fds[i]), &target,
			    ERR_UNREAD) ||
			strcmp(target, "anon_inode:[userfaultfd]") != 0)
			continue;
		if (!kcmp_compare(getpid(), proc->pid, KCMP_FILE,
			    (uint64_t)uffd, (uint64_t)fds[i], &order,
			    ERR_UNREAD) &&
			!order)
			return true;
	}
	return false;
}

/* It may have closed its own fd already. */
static bool has_missing(struct arena *arena, const struct proc *proc)
{
	struct maps maps = {0};

	if (maps_read(arena, proc, &maps, ERR_UNREAD))
		return false;
	for (size_t i = 0; i < maps.n; i++)
		if (maps.at[i].flags & MAP_VM_UM)
			return true;
	return false;
}

/* The restore may see another process under that number than we do. */
static int pidfd_find(pid_t pid, int uffd)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_fd_ int pidfd = -1;

	if (pid <= 1 || pid == getpid() ||
		pidfd_open_task(pid, 0, &pidfd, ERR_UNREAD) ||
		proc_open(pid, &proc, ERR_UNREAD))
		return -1;
	return holds_uffd(arena, &proc, uffd) || has_missing(arena, &proc)
		       ? fd_take(&pidfd)
		       : -1;
}

int roster_take(struct roster *roster, int uffd, pid_t pid, size_t *ret_seat,
	struct err *err)
{
	uint32_t i = roster->seek;

	while (i < ROSTER_ROOM && roster->seats[i].taken)
		i++;
	if (i == ROSTER_ROOM)
		return err_set(err, ENFILE,
			"there are more than %d memories that wait for pages",
			ROSTER_ROOM);
	roster->seek = i + 1;
	roster->seats[i] = (struct roster_seat){.uffd = uffd,
		.pidfd = pid ? pidfd_find(pid, uffd) : -1,
		.pid = pid};
	__atomic_store_n(&roster->seats[i].taken, 1, __ATOMIC_RELEASE);
	if (i >= roster->n)
		roster->n = i + 1;
	*ret_seat = i;
	return 0;
}

void roster_leave(struct roster *roster, size_t seat)
{
	struct roster_seat *at = &roster->seats[seat];

	__atomic_store_n(&at->taken, 0, __ATOMIC_RELEASE);
	fd_closep(&at->uffd);
	fd_closep(&at->pidfd);
	at->uffd = at->pidfd = -1;
	if (seat < roster->seek)
		roster->seek = (uint32_t)seat;
}

/* --- the end --------------------------------------------------------------
 */

void roster_kill(struct roster *roster)
{
	struct roster_seat *seat;

	for (uint32_t i = 0; i < roster->n; i++) {
		seat = &roster->seats[i];
		if (seat->taken && seat->pidfd >= 0 &&
			!pidfd_kill(
				seat->pidfd, seat->pid, SIGKILL, ERR_UNREAD))
			roster->killed++;
	}
}

/* Does that thread wait for this page? Its number is as it sees it itself. */
static bool waits_there(pid_t tid, uint64_t at)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct maps maps = {0};
	const struct map *map;

	if (proc_open(tid, &proc, ERR_UNREAD) ||
		maps_read(arena, &proc, &maps, ERR_UNREAD))
		return false;
	map = maps_find(&maps, at);
	return map && map->flags & MAP_VM_UM;
}

/* Kernels before 6.6 have no poison: then it is killed. */
static void fault_end(
	const struct roster *roster, int uffd, const struct uffd_msg *message)
{
	uint64_t at = message->arg.pagefault.address & ~(roster->page_size - 1);
	pid_t tid = (pid_t)message->arg.pagefault.feat.ptid;

	if (!uffd_poison(uffd, at, roster->page_size)) {
		uffd_wake(uffd, at, roster->page_size);
		return;
	}
	if (tid > 1 && waits_there(tid, at))
		kill(tid, SIGKILL);
}

static void seat_attend(struct roster *roster, size_t i)
{
	int uffd = roster->seats[i].uffd;
	struct uffd_msg message;
	size_t seat;

	while (!uffd_read(uffd, &message)) {
		if (message.event == UFFD_EVENT_PAGEFAULT)
			fault_end(roster, uffd, &message);
		else if (message.event == UFFD_EVENT_FORK &&
			 roster_take(roster, (int)message.arg.fork.ufd, 0,
				 &seat, ERR_UNREAD))
			close((int)message.arg.fork.ufd);
	}
}

/* As long as somebody could touch a page that is not there. What the daemon
 * was told of and had not answered yet is told once more. */
static void roster_attend(struct roster *roster)
{
	const struct roster_seat *seat;
	bool left = true;

	for (uint32_t i = 0; i < roster->n; i++)
		if (roster->seats[i].taken)
			uffd_wake_all(roster->seats[i].uffd);
	while (left) {
		left = false;
		for (uint32_t i = 0; i < roster->n; i++) {
			seat = &roster->seats[i];
			if (!seat->taken)
				continue;
			seat_attend(roster, i);
			if (uffd_ended(seat->uffd, roster->page_size))
				roster_leave(roster, i);
			else
				left = true;
		}
		if (left)
			poll(NULL, 0, LOOK_MS);
	}
}

/* --- the guard ------------------------------------------------------------
 */

static _Noreturn void guard_live(struct roster *roster, int daemon)
{
	struct pollfd wait_for = {.fd = daemon, .events = POLLIN};

	setsid();
	prctl(PR_SET_NAME, "stasis-guard");
	while (poll(&wait_for, 1, -1) < 0)
		;
	if (__atomic_load_n(&roster->done, __ATOMIC_ACQUIRE))
		_exit(0);
	for (int i = 0; i < 2; i++)
		if (roster->peers[i] >= 0)
			shutdown(roster->peers[i], SHUT_RDWR);
	roster_kill(roster);
	log_warn("the lazy-pages daemon ended before all pages were brought: "
		 "the tasks that would miss them were killed");
	roster_attend(roster);
	_exit(1);
}

int roster_guard(struct roster *roster, struct err *err)
{
	const struct clone3_wish wish = {
		.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	sigset_t all, before;
	_cleanup_fd_ int self = -1;
	pid_t pid = 0;
	int code;

	if (roster->guard && waitpid(roster->guard, NULL, WNOHANG) == 0)
		return 0;
	code = pidfd_open_task(getpid(), 0, &self, err);
	if (code)
		return code;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	code = clone3_fork(&wish, &pid, err);
	if (!code && !pid)
		guard_live(roster, fd_take(&self));
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (code)
		return err_wrap(err, "making the guard of lazy pages");
	/* Its number is the guard's, in the table that is also ours. */
	fd_take(&self);
	roster->guard = pid;
	return 0;
}

void roster_done(struct roster *roster)
{
	__atomic_store_n(&roster->done, 1, __ATOMIC_RELEASE);
	if (!roster->guard)
		return;
	kill(roster->guard, SIGKILL);
	waitpid(roster->guard, NULL, 0);
	roster->guard = 0;
}
