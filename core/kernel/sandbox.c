/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "base/ending.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/vec.h"
#include "kernel/caps.h"

enum { FILTER_MAX = 128, PIECE = 16384, NO_BOX = 3 /* exit status */ };

struct filter {
	struct sock_filter at[FILTER_MAX];
	unsigned short n;
};

static void put(struct filter *filter, uint16_t code, uint32_t k, uint8_t yes,
	uint8_t no)
{
	filter->at[filter->n++] = (struct sock_filter){code, yes, no, k};
}

static void put_return(struct filter *filter, uint32_t what)
{
	put(filter, BPF_RET | BPF_K, what, 0, 0);
}

static void put_load(struct filter *filter, size_t offset)
{
	put(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* All machines of ours have the low word in front. */
static void put_argument(struct filter *filter, int number)
{
	put_load(filter, offsetof(struct seccomp_data, args) +
				 (size_t)number * sizeof(uint64_t));
}

/* What cannot change anything but our own memory, and is asked for by the C
 * library, libelf and libunwind. */
static const int harmless[] = {SYS_read, SYS_pread64, SYS_lseek, SYS_fstat,
	SYS_newfstatat, SYS_close, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	SYS_futex, SYS_sigaltstack, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_clock_gettime, SYS_getrandom, SYS_getpid, SYS_gettid,
	SYS_sched_yield, SYS_exit, SYS_exit_group};

/* Only if an argument is (or, of a mask, has none of) a number. */
static void put_if_equal(
	struct filter *filter, int call, int argument, uint32_t value)
{
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	put_argument(filter, argument);
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	put_return(filter, SECCOMP_RET_ALLOW);
	put_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

static void put_if_without(
	struct filter *filter, int call, int argument, uint32_t bits)
{
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	put_argument(filter, argument);
	put(filter, BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
	put_return(filter, SECCOMP_RET_ALLOW);
	put_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

/* Private and without code: what is open for writing is not changed. */
static void put_mmap(struct filter *filter)
{
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 7);
	put_argument(filter, 2);
	put(filter, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 4, 0);
	put_argument(filter, 3);
	put(filter, BPF_ALU | BPF_AND | BPF_K, MAP_TYPE, 0, 0);
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, MAP_PRIVATE, 0, 1);
	put_return(filter, SECCOMP_RET_ALLOW);
	put_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

static void filter_build(struct filter *filter, int out)
{
	uint32_t arch = __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE |
			backend_native->elf_machine;

	put_load(filter, offsetof(struct seccomp_data, arch));
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
	put_return(filter, SECCOMP_RET_KILL_PROCESS);
	put_load(filter, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		put(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)harmless[i], 0,
			1);
		put_return(filter, SECCOMP_RET_ALLOW);
	}
	put_if_equal(filter, SYS_write, 0, (uint32_t)out);
	put_if_equal(filter, SYS_fcntl, 1, F_GETFD);
	put_if_without(filter, SYS_mprotect, 2, PROT_EXEC);
	put_mmap(filter);
	put_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

static int limit_set(int which, uint64_t most)
{
	struct rlimit limit = {most, most}, now;

	if (getrlimit((enum __rlimit_resource)which, &now))
		return -errno;
	if (now.rlim_max < most)
		limit.rlim_cur = limit.rlim_max = now.rlim_max;
	return setrlimit((enum __rlimit_resource)which, &limit) ? -errno : 0;
}

/* proc_pid_statm(5): the sixth number is data and stack, in pages. */
static int memory_limit(uint64_t more)
{
	unsigned long long data;
	char text[256] = "";
	_cleanup_fd_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
		sscanf(text, "%*u %*u %*u %*u %*u %llu", &data) != 1)
		return -EIO;
	return limit_set(
		RLIMIT_DATA, data * (uint64_t)sysconf(_SC_PAGESIZE) + more);
}

static int numbers_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All but these, and out. */
static int files_close(
	const struct sandbox *sandbox, struct arena *arena, int out)
{
	int *kept = arena_newn(arena, int, sandbox->n_fds + 1);
	unsigned from = 0;

	if (sandbox->n_fds)
		memcpy(kept, sandbox->fds, sandbox->n_fds * sizeof(*kept));
	kept[sandbox->n_fds] = out;
	qsort(kept, sandbox->n_fds + 1, sizeof(*kept), numbers_compare);
	for (size_t i = 0; i <= sandbox->n_fds; i++) {
		if (kept[i] < 0)
			continue;
		if ((unsigned)kept[i] > from &&
			close_range(from, (unsigned)kept[i] - 1, 0))
			return -errno;
		from = (unsigned)kept[i] + 1;
	}
	return close_range(from, ~0u, 0) ? -errno : 0;
}

static int child_confine(const struct sandbox *sandbox, int out)
{
	struct filter filter = {.n = 0};
	struct sock_fprog program = {.filter = filter.at};
	struct err err;
	int code;

	filter_build(&filter, out);
	program.len = filter.n;
	code = limit_set(RLIMIT_CORE, 0)
		?: limit_set(RLIMIT_CPU, (uint64_t)sandbox->limit_ms / 1000 + 1)
		?: memory_limit(sandbox->memory)
		?: caps_keep_only(0, &err);
	if (code)
		return code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

static void child_run(const struct sandbox *sandbox, pid_t parent, int out)
	__attribute__((noreturn));
static void child_run(const struct sandbox *sandbox, pid_t parent, int out)
{
	struct arena *arena = arena_new();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(NO_BOX);
	/* What would be written into a pipe that nobody reads is not missed. */
	signal(SIGPIPE, SIG_DFL);
	if (files_close(sandbox, arena, out) || child_confine(sandbox, out))
		_exit(NO_BOX);
	sandbox->work(sandbox->of, arena, out);
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

struct answer {
	char *at;
	size_t n, room;
};

/* One piece more; 0: that was all. */
static ssize_t answer_read(
	struct arena *arena, int fd, size_t most, struct answer *answer)
{
	ssize_t got;

	if (answer->n + PIECE > answer->room) {
		answer->at = arena_grow(
			arena, answer->at, answer->n, answer->room * 2 + PIECE);
		answer->room = answer->room * 2 + PIECE;
	}
	got = read(fd, answer->at + answer->n, PIECE);
	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	answer->n += (size_t)got;
	return answer->n > most ? -EFBIG : got;
}

static int answer_take(struct arena *arena, int fd,
	const struct sandbox *sandbox, struct answer *answer)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int64_t until = now_ms() + sandbox->limit_ms, left;
	ssize_t got = 1;
	int n;

	while (got > 0) {
		left = until - now_ms();
		n = left > 0 ? poll(&ready, 1, (int)left) : 0;
		if (!n)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			got = answer_read(
				arena, fd, sandbox->answer_max, answer);
	}
	return (int)got;
}

static int end_judge(int code, int status, struct err *err)
{
	char label[ENDING_LABEL];

	if (code == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "it took too long");
	if (code == -EFBIG)
		return err_set(err, EFBIG, "its answer is too long");
	if (code)
		return err_code(err, code, "waiting for its answer");
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_BOX)
		return err_set(err, ECHILD,
			"the process for it could not be confined");
	if (WIFSIGNALED(status) || WEXITSTATUS(status))
		return err_set(err, ECHILD, "the process for it ended: %s",
			ending_label(status, label));
	return 0;
}

int sandbox_run(struct arena *arena, const struct sandbox *sandbox,
	char **ret_answer, size_t *ret_size, struct err *err)
{
	struct answer answer = {.at = NULL};
	_cleanup_fd_ int from = -1;
	pid_t parent = getpid(), child;
	int ends[2], status = 0, code;

	*ret_answer = NULL;
	*ret_size = 0;
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "making a pipe");
	from = ends[0];
	child = fork();
	if (!child)
		child_run(sandbox, parent, ends[1]);
	code = errno;
	close(ends[1]);
	if (child < 0)
		return err_code(err, -code, "making a process");
	code = answer_take(arena, from, sandbox, &answer);
	/* It has ended, or is to; of one that has not answered all the status
	 * is ours. */
	if (code)
		kill(child, SIGKILL);
	while (waitpid(child, &status, __WALL) < 0 && errno == EINTR)
		;
	*ret_answer = answer.at;
	*ret_size =
		answer.n > sandbox->answer_max ? sandbox->answer_max : answer.n;
	return end_judge(code, status, err);
}
