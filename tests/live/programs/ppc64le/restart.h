/* SPDX-License-Identifier: GPL-2.0-or-later */
/* restart: system calls that wait while the checkpoint comes, made by an
 * instruction of the test's choice, with known values in the registers that
 * a system call leaves alone. */
#ifndef STASIS_TESTS_RESTART_H
#define STASIS_TESTS_RESTART_H

#include "checkpoint.h"

#include <linux/futex.h>

enum { RESTART_KEPT = 18 }; /* r14 to r31 */

struct restart_call {
	uint64_t word[7]; /* r0, r3 to r8 */
	uint64_t want[RESTART_KEPT], got[RESTART_KEPT];
	uint64_t result, cr;
};

_Static_assert(offsetof(struct restart_call, want) == 56, "want");
_Static_assert(offsetof(struct restart_call, got) == 200, "got");
_Static_assert(offsetof(struct restart_call, result) == 344, "result");

void restart_make(struct restart_call *call);

#define RESTART_EACH "14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"

/* Defines restart_make with this instruction. */
/* clang-format off */
#define RESTART_MAKE(instruction) \
__asm__(".machine push\n .machine power9\n" \
	".text\n" \
	".type restart_make, @function\n" \
	"restart_make:\n" \
	"mflr 0\n std 0, 16(1)\n mfcr 0\n std 0, 8(1)\n" \
	"stdu 1, -192(1)\n" \
	"std 3, 24(1)\n" \
	".irp n," RESTART_EACH "std \\n, 32+8*(\\n-14)(1)\n .endr\n" \
	".irp n," RESTART_EACH "ld \\n, 56+8*(\\n-14)(3)\n .endr\n" \
	"ld 0, 0(3)\n ld 4, 16(3)\n ld 5, 24(3)\n ld 6, 32(3)\n" \
	"ld 7, 40(3)\n ld 8, 48(3)\n ld 3, 8(3)\n" \
	instruction "\n" \
	"mr 9, 3\n ld 3, 24(1)\n std 9, 344(3)\n" \
	"mfcr 9\n std 9, 352(3)\n" \
	".irp n," RESTART_EACH "std \\n, 200+8*(\\n-14)(3)\n .endr\n" \
	".irp n," RESTART_EACH "ld \\n, 32+8*(\\n-14)(1)\n .endr\n" \
	"addi 1, 1, 192\n" \
	"ld 0, 8(1)\n mtcr 0\n ld 0, 16(1)\n mtlr 0\n" \
	"blr\n" \
	".machine pop\n")
/* clang-format on */

/* What a call gave: sc and scv tell errors in their own ways. */
static long restart_result(const struct restart_call *call, bool scv)
{
	if (!scv && (call->cr & 0x10000000))
		return -(long)call->result;
	return (long)call->result;
}

enum { READ, FUTEX, FUTEX_TIMED, SLEEP, SLEEP_UNTIL, RESTART_CALLS };
static const char *const restart_names[RESTART_CALLS] = {"read", "futex",
	"futex with a timeout", "nanosleep", "clock_nanosleep"};

static struct restart_call restart_calls[RESTART_CALLS];
static pthread_t restart_threads[RESTART_CALLS];
static pid_t restart_tids[RESTART_CALLS];
static int restart_pipe[2];
static char restart_byte;
static uint32_t restart_words[2];
static struct timespec restart_time = {4, 0}, restart_until;

static void *restart_thread(void *arg)
{
	long number = (long)arg;

	__atomic_store_n(&restart_tids[number], thread_tid(), __ATOMIC_SEQ_CST);
	restart_make(&restart_calls[number]);
	return NULL;
}

static void restart_fill(void)
{
	const uint64_t words[RESTART_CALLS][7] = {
		[READ] = {SYS_read, (uint64_t)restart_pipe[0],
			(uintptr_t)&restart_byte, 1},
		[FUTEX] = {SYS_futex, (uintptr_t)&restart_words[0], FUTEX_WAIT,
			0, 0},
		[FUTEX_TIMED] = {SYS_futex, (uintptr_t)&restart_words[1],
			FUTEX_WAIT, 0, (uintptr_t)&restart_time},
		[SLEEP] = {SYS_nanosleep, (uintptr_t)&restart_time, 0},
		[SLEEP_UNTIL] = {SYS_clock_nanosleep, CLOCK_MONOTONIC,
			TIMER_ABSTIME, (uintptr_t)&restart_until, 0},
	};

	for (int i = 0; i < RESTART_CALLS; i++) {
		memcpy(restart_calls[i].word, words[i], sizeof(words[i]));
		for (size_t k = 0; k < RESTART_KEPT; k++)
			restart_calls[i].want[k] =
				mem_word((uint64_t)i + 300, k);
	}
}

/* Until the kernel says that the thread waits in a system call. */
static void restart_await(int number)
{
	char path[64], text[256];
	pid_t tid;

	while (!(
		tid = __atomic_load_n(&restart_tids[number], __ATOMIC_SEQ_CST)))
		checkpoint_nap();
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	do {
		checkpoint_nap();
		file_read(path, text, sizeof(text));
	} while (strtoull(text, NULL, 10) != restart_calls[number].word[0]);
}

static void restart_verify(int number, long wanted, long also, bool scv)
{
	const struct restart_call *call = &restart_calls[number];
	long got = restart_result(call, scv);

	if (got != wanted && got != also)
		FAIL("%s gave %ld, not %ld", restart_names[number], got,
			wanted);
	for (int i = 0; i < RESTART_KEPT; i++)
		if (call->got[i] != call->want[i])
			FAIL("%s: r%d is 0x%llx, not 0x%llx",
				restart_names[number], i + 14,
				(unsigned long long)call->got[i],
				(unsigned long long)call->want[i]);
}

static void restart_wake(uint32_t *word)
{
	while (!CHECK_SYS(syscall(SYS_futex, word, FUTEX_WAKE, 1)))
		checkpoint_nap();
}

/* A whole test. Waiting for a time may be interrupted, as by a signal; all
 * other calls wait on. */
__attribute__((noreturn)) static inline void restart_show(bool scv)
{
	CHECK_SYS(pipe(restart_pipe));
	CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &restart_until));
	restart_until.tv_sec += 4;
	restart_fill();
	for (long i = 0; i < RESTART_CALLS; i++)
		restart_threads[i] = thread_start(restart_thread, (void *)i);
	for (int i = 0; i < RESTART_CALLS; i++)
		restart_await(i);
	checkpoint_here();
	CHECK_SYS(write(restart_pipe[1], "x", 1));
	restart_wake(&restart_words[0]);
	for (int i = 0; i < RESTART_CALLS; i++)
		thread_join(restart_threads[i]);
	restart_verify(READ, 1, 1, scv);
	CHECK_INT(restart_byte, 'x');
	restart_verify(FUTEX, 0, 0, scv);
	restart_verify(FUTEX_TIMED, -EINTR, -ETIMEDOUT, scv);
	restart_verify(SLEEP, -EINTR, 0, scv);
	restart_verify(SLEEP_UNTIL, 0, 0, scv);
	checkpoint_ok();
}

#endif
