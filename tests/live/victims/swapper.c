/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No victim: the owner of a directory (argv[1]) in which root's engine works
 * (argv[4] and so on), at his luckiest: he is there right after the engine has
 * made a hidden folder, and before it can open that. argv[2] is "link", and
 * what he puts there one to argv[3]; or "folder", and it is one of his, with
 * links to argv[3]/secret in it. "socket:s": he is there right after a socket
 * "s" came to be, and puts a link to argv[3]/secret into its place. "kill": it
 * is no owner, but what kills the engine as soon as it has made a socket. Ends
 * as the engine does; 99: nothing was swapped. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRANGER = 65534, SWAPPED_NONE = 99 };

static const char *const images[] = {"files.img", "pstree.img", "inventory.img",
	"stasis.img", "seccomp.img"};

static void swap(int dir, const char *name, char **argv, int n)
{
	char away[32], secret[400];
	int folder;

	snprintf(away, sizeof(away), "was-%d", n);
	if (renameat(dir, name, dir, away))
		return;
	if (!strcmp(argv[2], "link")) {
		symlinkat(argv[3], dir, name);
		fchownat(dir, name, STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW);
		return;
	}
	mkdirat(dir, name, 0700);
	fchownat(dir, name, STRANGER, STRANGER, 0);
	folder = openat(dir, name, O_RDONLY | O_DIRECTORY);
	snprintf(secret, sizeof(secret), "%s/secret", argv[3]);
	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		symlinkat(secret, folder, images[i]);
		fchownat(folder, images[i], STRANGER, STRANGER,
			AT_SYMLINK_NOFOLLOW);
	}
	close(folder);
}

static int look(char **argv, int n)
{
	DIR *list = opendir(argv[1]);
	const struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (!strncmp(entry->d_name, ".stasis-", 8))
			swap(dirfd(list), entry->d_name, argv, n++);
	if (list)
		closedir(list);
	return n;
}

static int socket_look(char **argv, int n)
{
	int dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	const char *name = argv[2] + strlen("socket:");
	char secret[400], away[64];
	struct stat stat;

	snprintf(away, sizeof(away), "was-%s", name);
	if (!fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) &&
		S_ISSOCK(stat.st_mode)) {
		snprintf(secret, sizeof(secret), "%s/secret", argv[3]);
		renameat(dir, name, dir, away);
		symlinkat(secret, dir, name);
		fchownat(dir, name, STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW);
		n++;
	}
	close(dir);
	return n;
}

static int call_done(char **argv, pid_t engine, long call, int n)
{
	if (!strcmp(argv[2], "kill"))
		return call == SYS_bind ? !kill(engine, SIGKILL) : n;
	if (strncmp(argv[2], "socket:", 7) != 0)
		return call == SYS_mkdirat ? look(argv, n) : n;
	return call == SYS_bind || call == SYS_renameat2 ? socket_look(argv, n)
							 : n;
}

/* The number of the call that a thread comes out of; -1: none. */
static long call_of(pid_t tid, long *entered)
{
	struct __ptrace_syscall_info info;
	long call;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return -1;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		*entered = (long)info.entry.nr;
	if (info.op != PTRACE_SYSCALL_INFO_EXIT || info.exit.is_error)
		return -1;
	call = *entered;
	*entered = -1;
	return call;
}

int main(int argc, char **argv)
{
	long entered = -1;
	int status, n = 0;
	pid_t engine, tid;

	if (argc < 5)
		return 1;
	engine = fork();
	if (!engine) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[4], argv + 4);
		_exit(1);
	}
	waitpid(engine, &status, 0);
	ptrace(PTRACE_SETOPTIONS, engine, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC |
			PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			PTRACE_O_TRACEVFORK);
	ptrace(PTRACE_SYSCALL, engine, 0, 0);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		int sig = 0;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid == engine)
				return !n		   ? SWAPPED_NONE
				       : WIFEXITED(status) ? WEXITSTATUS(status)
							   : 1;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			n = call_done(argv, engine, call_of(tid, &entered), n);
		} else if (!(status >> 16) && WSTOPSIG(status) != SIGSTOP) {
			sig = WSTOPSIG(status);
		}
		ptrace(PTRACE_SYSCALL, tid, 0, sig);
	}
	return 1;
}
