/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's blob of this machine, entered as a function in a child of the
 * test, no ptrace. The tapes lie in memory that parent and child share; a
 * handler of SIGTRAP sees the traps.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "agent_blob.h"
#include "inject/tape.h"
#include "test.h"

enum { STAGE_OPS = 12, STAGE_DATA = 4096, STAGE_STACK = 65536 };

struct stage_tape {
	struct tape_head head;
	struct tape_op ops[STAGE_OPS];
};

/* The reel of the tests: its tapes, then the data. */
struct stage {
	struct stage_tape tape[3];
	uint8_t data[STAGE_DATA];
	uint8_t stack[2][STAGE_STACK] __attribute__((aligned(16)));
	uint32_t stops;	  /* traps to go on after */
	uint32_t traps;	  /* traps that were seen */
	uint64_t played;  /* by tape 0 at its first trap */
	uint32_t orphans; /* traps of threads other than the first */
};

static struct stage *stage_of_handler;

static void stage_note_trap(int signal, siginfo_t *info, void *context)
{
	struct stage *stage = stage_of_handler;

	(void)signal;
	(void)info;
	if (syscall(SYS_gettid) != getpid()) {
		__atomic_add_fetch(&stage->orphans, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_exit, 0);
	}
	if (!stage->traps++)
		stage->played = stage->tape[0].head.played;
	if (stage->traps > stage->stops)
		_exit(0);
#if defined(__aarch64__)
	((ucontext_t *)context)->uc_mcontext.pc += 4;
#elif defined(__powerpc64__)
	((ucontext_t *)context)->uc_mcontext.gp_regs[32] += 4;
#else
	(void)context;
#endif
}

static struct stage *stage_new(void)
{
	struct stage *stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (stage == MAP_FAILED)
		return NULL;
	for (int i = 0; i < 3; i++) {
		stage->tape[i].head.failed = -1;
		stage->tape[i].head.reel =
			(char *)stage - (char *)&stage->tape[i];
	}
	return stage;
}

static void stage_free(struct stage *stage)
{
	munmap(stage, sizeof(*stage));
}

/* Adds an op; its arguments are values until kinds are set. */
static struct tape_op *stage_op(struct stage_tape *tape, enum tape_verb verb,
	uint32_t nr, const uint64_t (*arg)[6])
{
	struct tape_op *op = &tape->ops[tape->head.count++];

	op->verb = verb;
	op->nr = nr;
	op->result = -7777;
	memcpy(op->arg, arg, sizeof(*arg));
	return op;
}

#define OP(tape, verb, nr, ...) \
	stage_op(tape, verb, nr, &(const uint64_t[6]){__VA_ARGS__})

static uint64_t stage_reel_offset(const struct stage *stage, const void *at)
{
	return (uint64_t)((const char *)at - (const char *)stage);
}

static void *stage_map_blob(void)
{
	uint8_t *code = mmap(NULL, agent_blob.size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return NULL;
	memcpy(code, agent_blob.bytes, agent_blob.size);
	if (mprotect(code, agent_blob.size, PROT_READ | PROT_EXEC))
		return NULL;
	__builtin___clear_cache((char *)code, (char *)code + agent_blob.size);
	return code + agent_blob.entry;
}

static void stage_enter_agent(struct stage *stage, struct stage_tape *tape)
{
	struct sigaction action = {
		.sa_sigaction = stage_note_trap, .sa_flags = SA_SIGINFO};
	void (*entry)(void *);
	void *at = stage_map_blob();

	if (!at)
		_exit(3);
	memcpy(&entry, &at, sizeof(entry));
	stage_of_handler = stage;
	sigaction(SIGTRAP, &action, NULL);
	alarm(20);
	entry(tape);
	_exit(4);
}

static pid_t stage_start(struct stage *stage, struct stage_tape *tape)
{
	pid_t pid = fork();

	if (!pid)
		stage_enter_agent(stage, tape);
	return pid;
}

static bool stage_finish(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static bool stage_play(struct stage *stage)
{
	return stage_finish(stage_start(stage, &stage->tape[0]));
}

TEST(agent_passes_results_and_addresses_from_op_to_op)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];
	uint64_t name = sizeof(struct stage_tape) * 3;
	struct tape_op *op;

	strcpy((char *)stage->data, "greeting");
	op = OP(tape, TAPE_SYSCALL, SYS_memfd_create, name);
	op->kinds = TAPE_KIND(0, TAPE_DATA);
	op = OP(tape, TAPE_SYSCALL, SYS_write, 0, name, 8);
	op->kinds = TAPE_KIND(0, TAPE_RESULT) | TAPE_KIND(1, TAPE_DATA);
	op = OP(tape, TAPE_SYSCALL, SYS_pread64, 0,
		stage_reel_offset(stage, stage->data + 100), 5, 3);
	op->kinds = TAPE_KIND(0, TAPE_RESULT) | TAPE_KIND(1, TAPE_REEL);
	CHECK(stage_play(stage));
	CHECK_INT(tape->head.failed, -1);
	CHECK_INT(tape->head.played, 3);
	CHECK(tape->ops[0].result > 2);
	CHECK_INT(tape->ops[1].result, 8);
	CHECK_INT(tape->ops[2].result, 5);
	CHECK_STR((char *)stage->data + 100, "eting");
	CHECK_INT(stage->traps, 1);
	stage_free(stage);
}

TEST(agent_passes_all_six_arguments)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];

	OP(tape, TAPE_SYSCALL, SYS_memfd_create,
		(uint64_t)(uintptr_t)stage->data);
	OP(tape, TAPE_SYSCALL, SYS_ftruncate, 0, 1 << 20)->kinds =
		TAPE_KIND(0, TAPE_RESULT);
	OP(tape, TAPE_SYSCALL, SYS_pwrite64, 0, (uint64_t)(uintptr_t) "six", 3,
		65536)
		->kinds = TAPE_KIND(0, TAPE_RESULT);
	OP(tape, TAPE_SYSCALL, SYS_mmap, 0, 65536, PROT_READ, MAP_SHARED, 0,
		65536)
		->kinds = TAPE_KIND(4, TAPE_RESULT);
	OP(tape, TAPE_COPY, 0, (uint64_t)(uintptr_t)stage->data + 8, 3, 3)
		->kinds = TAPE_KIND(1, TAPE_RESULT);
	CHECK(stage_play(stage));
	CHECK_INT(tape->head.played, 5);
	CHECK_STR((char *)stage->data + 8, "six");
	stage_free(stage);
}

TEST(agent_stops_at_an_error_and_says_which_op)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];

	OP(tape, TAPE_SYSCALL, SYS_getpid, 0);
	OP(tape, TAPE_SYSCALL, SYS_close, (uint64_t)-1);
	OP(tape, TAPE_SYSCALL, SYS_getpid, 0);
	CHECK(stage_play(stage));
	CHECK_INT(tape->head.failed, 1);
	CHECK_INT(tape->head.error, -EBADF);
	CHECK_INT(tape->head.played, 1);
	CHECK_INT(tape->ops[1].result, -EBADF);
	CHECK_INT(tape->ops[2].result, -7777);
	CHECK_INT(stage->traps, 1);
	stage_free(stage);
}

TEST(agent_goes_on_after_an_error_that_may_be)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];

	OP(tape, TAPE_SYSCALL, SYS_close, (uint64_t)-1)->flags = TAPE_MAY_FAIL;
	OP(tape, TAPE_SYSCALL, SYS_getppid, 0);
	CHECK(stage_play(stage));
	CHECK_INT(tape->head.failed, -1);
	CHECK_INT(tape->head.error, 0);
	CHECK_INT(tape->ops[0].result, -EBADF);
	CHECK_INT(tape->ops[1].result, getpid());
	CHECK_INT(tape->head.played, 2);
	stage_free(stage);
}

TEST(agent_refuses_calls_and_verbs_that_do_not_exist)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];

	OP(tape, TAPE_SYSCALL, 0xffffff, 0)->flags = TAPE_MAY_FAIL;
	OP(tape, 99, 0, 0);
	CHECK(stage_play(stage));
	CHECK_INT(tape->ops[0].result, -ENOSYS);
	CHECK_INT(tape->head.failed, 1);
	CHECK_INT(tape->head.error, -ENOSYS);
	stage_free(stage);
}

TEST(agent_copies_every_byte_and_no_more)
{
	static const uint8_t sizes[] = {0, 1, 7, 8, 9, 16, 31, 200};
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];
	uint8_t *from = stage->data, *to = stage->data + 1001;

	for (int i = 0; i < 256; i++)
		from[i] = (uint8_t)(i + 1);
	for (unsigned int i = 0; i < sizeof(sizes); i++)
		OP(tape, TAPE_COPY, 0, (uint64_t)(uintptr_t)(to + 256 * i),
			(uint64_t)(uintptr_t)from + i, sizes[i]);
	CHECK(stage_play(stage));
	CHECK_INT(tape->head.played, sizeof(sizes));
	for (unsigned int i = 0; i < sizeof(sizes); i++) {
		CHECK_MEM(to + 256 * i, from + i, sizes[i]);
		CHECK_INT(to[256 * i + sizes[i]], 0);
		CHECK_INT(tape->ops[i].result, 0);
	}
	stage_free(stage);
}

/* A tape that reads twelve bytes to three places, one of them empty. */
static void stage_read_twelve(struct stage *stage, uint64_t fd, uint64_t offset)
{
	struct iovec *iov = (struct iovec *)(stage->data + 512);

	iov[0] = (struct iovec){stage->data, 3};
	iov[1] = (struct iovec){stage->data + 1, 0};
	iov[2] = (struct iovec){stage->data + 100, 5};
	iov[3] = (struct iovec){stage->data + 200, 4};
	OP(&stage->tape[0], TAPE_READ, 0, fd, (uint64_t)(uintptr_t)iov, 4,
		offset);
	OP(&stage->tape[0], TAPE_SYSCALL, SYS_getpid, 0);
}

static void stage_check_twelve(const struct stage *stage)
{
	CHECK_STR((const char *)stage->data, "abc");
	CHECK_STR((const char *)stage->data + 100, "defgh");
	CHECK_STR((const char *)stage->data + 200, "ijkl");
	CHECK_INT(stage->tape[0].ops[0].result, 12);
	CHECK_INT(stage->tape[0].head.failed, -1);
	CHECK_INT(stage->tape[0].head.played, 2);
}

TEST(agent_reads_a_file_at_an_offset_into_many_places)
{
	struct stage *stage = stage_new();
	int fd = memfd_create("read", 0);

	CHECK_INT(pwrite(fd, "....abcdefghijklmn", 18, 0), 18);
	stage_read_twelve(stage, (uint64_t)fd, 4);
	CHECK(stage_play(stage));
	stage_check_twelve(stage);
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
	stage_free(stage);
}

TEST(agent_reports_a_file_that_ends_too_early)
{
	struct stage *stage = stage_new();
	int fd = memfd_create("short", 0);

	CHECK_INT(pwrite(fd, "abcdefghijk", 11, 0), 11);
	stage_read_twelve(stage, (uint64_t)fd, 0);
	CHECK(stage_play(stage));
	CHECK_INT(stage->tape[0].head.failed, 0);
	CHECK_INT(stage->tape[0].head.error, -EIO);
	CHECK_STR((char *)stage->data + 100, "defgh");
	close(fd);
	stage_free(stage);
}

TEST(agent_goes_on_reading_after_partial_reads)
{
	static const char *const pieces[] = {"a", "bcd", "efghij", "kl"};
	struct stage *stage = stage_new();
	int ends[2];
	pid_t pid;

	CHECK_INT(pipe(ends), 0);
	stage_read_twelve(stage, (uint64_t)ends[0], (uint64_t)-1);
	pid = stage_start(stage, &stage->tape[0]);
	for (int i = 0; i < 4; i++) {
		usleep(20000);
		CHECK(write(ends[1], pieces[i], strlen(pieces[i])) > 0);
	}
	CHECK(stage_finish(pid));
	stage_check_twelve(stage);
	close(ends[0]);
	close(ends[1]);
	stage_free(stage);
}

static void stage_ignore_signal(int signal)
{
	(void)signal;
}

TEST(agent_goes_on_reading_after_signals)
{
	struct sigaction action = {.sa_handler = stage_ignore_signal};
	struct stage *stage = stage_new();
	int ends[2];
	pid_t pid;

	CHECK_INT(pipe(ends), 0);
	stage_read_twelve(stage, (uint64_t)ends[0], (uint64_t)-1);
	pid = fork();
	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		stage_enter_agent(stage, &stage->tape[0]);
	}
	/* The first come only when the handler is surely there. */
	usleep(100000);
	for (int i = 0; i < 10; i++) {
		usleep(1000);
		kill(pid, SIGUSR1);
	}
	CHECK_INT(write(ends[1], "abcd", 4), 4);
	usleep(10000);
	CHECK_INT(kill(pid, SIGUSR1), 0);
	usleep(10000);
	CHECK_INT(write(ends[1], "efghijkl", 8), 8);
	CHECK(stage_finish(pid));
	stage_check_twelve(stage);
	close(ends[0]);
	close(ends[1]);
	stage_free(stage);
}

TEST(agent_traps_at_a_stop_and_goes_on_when_continued)
{
	struct stage *stage = stage_new();
	struct stage_tape *tape = &stage->tape[0];

	stage->stops = 1;
	OP(tape, TAPE_SYSCALL, SYS_getpid, 0);
	OP(tape, TAPE_STOP, 0, 0);
	OP(tape, TAPE_SYSCALL, SYS_getppid, 0);
	CHECK(stage_play(stage));
	CHECK_INT(stage->traps, 2);
	CHECK_INT(stage->played, 1);
	CHECK_INT(tape->head.played, 3);
	CHECK_INT(tape->ops[1].result, 0);
	CHECK_INT(tape->ops[2].result, getpid());
	stage_free(stage);
}

TEST(agent_traps_again_when_continued_after_the_end)
{
	struct stage *stage = stage_new();

	stage->stops = 1;
	OP(&stage->tape[0], TAPE_SYSCALL, SYS_getpid, 0);
	CHECK(stage_play(stage));
	CHECK_INT(stage->traps, 2);
	CHECK_INT(stage->tape[0].head.played, 1);
	stage_free(stage);
}

/* Three tapes meet twice; in between, each writes its mark. The first adds
 * the two threads that play the others. */
static void stage_make_meeting(struct stage *stage, uint32_t *counter)
{
	static const char marks[] = "xyz";

	for (int i = 1; i < 3; i++) {
		struct clone_args *args =
			(struct clone_args *)(stage->data + 256 * i);

		args->flags = CLONE_VM | CLONE_FS | CLONE_FILES |
			      CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
		args->stack = (uint64_t)(uintptr_t)stage->stack[i - 1];
		args->stack_size = STAGE_STACK;
		OP(&stage->tape[0], TAPE_THREAD, 0, (uint64_t)(uintptr_t)args,
			sizeof(*args),
			stage_reel_offset(stage, &stage->tape[i]))
			->kinds = TAPE_KIND(2, TAPE_REEL);
	}
	for (int i = 0; i < 3; i++) {
		struct stage_tape *tape = &stage->tape[i];

		OP(tape, TAPE_MEET, 0, (uint64_t)(uintptr_t)counter, 3);
		OP(tape, TAPE_COPY, 0, (uint64_t)(uintptr_t)stage->data + i,
			(uint64_t)(uintptr_t)&marks[i], 1);
		OP(tape, TAPE_MEET, 0, (uint64_t)(uintptr_t)counter + 4, 3);
	}
}

TEST(agent_makes_threads_that_play_tapes_and_meet)
{
	struct stage *stage = stage_new();
	uint32_t *counter = (uint32_t *)(stage->data + 1024);

	stage_make_meeting(stage, counter);
	OP(&stage->tape[0], TAPE_SYSCALL, SYS_gettid, 0);
	/* Time for the two others to reach their traps. */
	((struct timespec *)(counter + 16))->tv_nsec = 100 * 1000 * 1000;
	OP(&stage->tape[0], TAPE_SYSCALL, SYS_nanosleep,
		(uint64_t)(uintptr_t)(counter + 16), 0);
	CHECK(stage_play(stage));
	if (stage->tape[0].head.error == -ENOSYS) {
		test_skip("no clone3 here");
		stage_free(stage);
		return;
	}
	CHECK_INT(stage->tape[0].head.failed, -1);
	CHECK_INT(stage->tape[0].head.played, 7);
	CHECK_INT(stage->tape[1].head.played, 3);
	CHECK_INT(stage->tape[2].head.played, 3);
	CHECK_INT(counter[0], 3);
	CHECK_INT(counter[1], 3);
	CHECK_STR((char *)stage->data, "xyz");
	CHECK_INT(stage->orphans, 2);
	CHECK(stage->tape[0].ops[0].result != stage->tape[0].ops[1].result);
	CHECK(stage->tape[0].ops[0].result != stage->tape[0].ops[5].result);
	stage_free(stage);
}

TEST(agent_meets_across_processes)
{
	struct stage *stage = stage_new();
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		OP(&stage->tape[i], TAPE_MEET, 0,
			(uint64_t)(uintptr_t)stage->data, 3);
		pid[i] = stage_start(stage, &stage->tape[i]);
		for (int ms = 0; ms < (i < 2 ? 10 : 10000); ms += 10) {
			usleep(10000);
			if (stage->tape[0].head.played)
				break;
		}
		CHECK_INT(stage->tape[0].head.played, i == 2);
	}
	for (int i = 0; i < 3; i++)
		CHECK(stage_finish(pid[i]));
	CHECK_INT(*(uint32_t *)stage->data, 3);
	stage_free(stage);
}

TEST(agent_reports_a_thread_that_cannot_be_made)
{
	struct stage *stage = stage_new();

	OP(&stage->tape[0], TAPE_THREAD, 0, (uint64_t)(uintptr_t)stage->data, 1,
		0);
	CHECK(stage_play(stage));
	CHECK_INT(stage->tape[0].head.failed, 0);
	CHECK(stage->tape[0].head.error == -EINVAL ||
		stage->tape[0].head.error == -ENOSYS);
	stage_free(stage);
}

TEST(agent_is_tiny)
{
	CHECK(agent_blob.size > 200);
	CHECK(agent_blob.size <= 4096);
	CHECK(agent_blob.entry < agent_blob.size);
}
