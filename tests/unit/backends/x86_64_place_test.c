/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#ifdef __x86_64__

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends.h"
#include "x86_64/x86_64.h"

static const struct backend *const be = &backend_x86_64;

/* What a spinner has in its registers before it spins. */
struct spinner {
	char area[16384] __attribute__((aligned(64)));
	uint64_t mask;
	uint64_t gpr[16];
};

extern const char spin_loop[], trap_here[], trap_behind[];
__asm__(".text\n"
	"spin_start:\n"
	"	mov 16384(%rdi), %eax\n"
	"	xor %edx, %edx\n"
	"	xrstor64 (%rdi)\n"
	"	lea 16392(%rdi), %rsi\n"
	"	mov 0(%rsi), %rax\n	mov 8(%rsi), %rbx\n"
	"	mov 16(%rsi), %rcx\n	mov 24(%rsi), %rdx\n"
	"	mov 32(%rsi), %rdi\n	mov 48(%rsi), %rbp\n"
	"	mov 56(%rsi), %rsp\n	mov 64(%rsi), %r8\n"
	"	mov 72(%rsi), %r9\n	mov 80(%rsi), %r10\n"
	"	mov 88(%rsi), %r11\n	mov 96(%rsi), %r12\n"
	"	mov 104(%rsi), %r13\n	mov 112(%rsi), %r14\n"
	"	mov 120(%rsi), %r15\n	mov 40(%rsi), %rsi\n"
	"spin_loop: jmp spin_loop\n"
	"trap_here: int3\n"
	"trap_behind: jmp trap_here\n");
void spin_start(struct spinner *spinner);

static void spinner_fill(struct spinner *spinner)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	const struct xsave_layout *layout = xsave_layout_here(arena);
	uint32_t mxcsr = 0x5fa1;
	uint16_t cwd = 0x27f, swd = 0x3800;

	for (size_t i = 0; i < 4096; i++)
		spinner->area[i] = (char)(i * 7 + i / 251);
	memset(spinner->area, 0, 32);
	memcpy(spinner->area, &cwd, 2);
	memcpy(spinner->area + 2, &swd, 2);
	memcpy(spinner->area + 24, &mxcsr, 4);
	for (size_t st = 0; st < 8; st++)
		memset(spinner->area + 32 + 16 * st + 10, 0, 6);
	/* x87, sse, avx and avx512; random key rights would be deadly. */
	spinner->mask = layout->mask & 0xe7;
	memset(spinner->area + 416, 0, 160);
	memcpy(spinner->area + 512, &spinner->mask, 8);
	for (unsigned int i = 0; i < 16; i++)
		spinner->gpr[i] = UINT64_C(0x1111111111111111) * i + 0xabcdef;
}

static int stop_wait(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -1;
	return status >> 8;
}

/* A child that spins, stopped by PTRACE_INTERRUPT as soon as it does. */
static pid_t spinner_start(struct spinner *spinner)
{
	struct x86_64_gpr gpr = {0};
	struct iovec iov = {&gpr, sizeof(gpr)};
	pid_t pid = fork();

	if (!pid)
		spin_start(spinner);
	CHECK_INT(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	for (int i = 0; i < 500; i++) {
		usleep(5000);
		CHECK_INT(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
		CHECK_INT(stop_wait(pid) >> 8, PTRACE_EVENT_STOP);
		CHECK_INT(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), 0);
		if (gpr.ip == (uintptr_t)spin_loop)
			break;
		CHECK_INT(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	}
	return pid;
}

static void regs_get(struct arena *arena, pid_t pid, struct regs *ret)
{
	*ret = (struct regs){0};
	for (unsigned int i = 0; be->regsets[i].note; i++) {
		struct iovec iov = {arena_alloc(arena, be->regsets[i].room),
			be->regsets[i].room};

		if (ptrace(PTRACE_GETREGSET, pid, be->regsets[i].note, &iov)) {
			CHECK(be->regsets[i].optional);
			continue;
		}
		ret->set[i].bytes = iov.iov_base;
		ret->set[i].size = iov.iov_len;
	}
}

static void regs_put(pid_t pid, const struct regs *regs)
{
	for (unsigned int i = 0; be->regsets[i].note; i++) {
		struct iovec iov = {regs->set[i].bytes, regs->set[i].size};

		if (iov.iov_base)
			CHECK_INT(ptrace(PTRACE_SETREGSET, pid,
					  be->regsets[i].note, &iov),
				0);
	}
}

/* Run a stopped child into the trap: from there it can be placed anew. */
static void park(struct arena *arena, pid_t pid)
{
	struct x86_64_gpr gpr;
	struct regs regs;

	regs_get(arena, pid, &regs);
	memcpy(&gpr, regs.set[0].bytes, sizeof(gpr));
	be->call(&gpr, (uint64_t)(uintptr_t)trap_here, gpr.sp - 4096, 0);
	regs = (struct regs){0};
	regs.set[0].bytes = &gpr;
	regs.set[0].size = sizeof(gpr);
	regs_put(pid, &regs);
	CHECK_INT(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_INT(stop_wait(pid), SIGTRAP);
	regs_get(arena, pid, &regs);
	CHECK_INT(be->reg_get(regs.set[0].bytes, REG_PC) - be->trap_pc_after,
		(uintptr_t)trap_here);
}

static void kill_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

TEST(registers_of_one_task_go_on_in_another)
{
	struct arena *arena = arena_new();
	struct spinner *spinner = aligned_alloc(64, sizeof(*spinner));
	struct spinner *other = aligned_alloc(64, sizeof(*other));
	struct regs from, here, placed, got;
	struct err err = {0};
	CoreEntry core;
	pid_t a, b;

	spinner_fill(spinner);
	spinner_fill(other);
	memset(other->area + 576, 0x5a, 1024);
	memset(other->gpr, 0x77, sizeof(other->gpr));
	a = spinner_start(spinner);
	b = spinner_start(other);
	regs_get(arena, a, &from);
	CHECK_INT(be->restart(from.set[0].bytes), RESTART_NONE);
	be->settle(from.set[0].bytes, RESTART_UNKNOWN);
	CHECK_INT(be->reg_get(from.set[0].bytes, REG_PC), (uintptr_t)spin_loop);
	/* The kernel agrees about where the components are. */
	CHECK_MEM((char *)from.set[X86_64_XSAVE].bytes + 576,
		spinner->area + 576, 256);
	core_entry__init(&core);
	CHECK_INT(be->thread_to_image(arena, &from, &core, &err), 0);
	park(arena, b);
	regs_get(arena, b, &here);
	CHECK_INT(be->thread_from_image(arena, &core, &here, &placed, &err), 0);
	regs_put(b, &placed);
	CHECK_INT(ptrace(PTRACE_CONT, b, 0, 0), 0);
	usleep(20000);
	CHECK_INT(ptrace(PTRACE_INTERRUPT, b, 0, 0), 0);
	CHECK_INT(stop_wait(b) >> 8, PTRACE_EVENT_STOP);
	regs_get(arena, b, &got);
	be->settle(got.set[0].bytes, RESTART_UNKNOWN);
	CHECK_MEM(got.set[0].bytes, from.set[0].bytes, from.set[0].size);
	CHECK_INT(got.set[X86_64_XSAVE].size, from.set[X86_64_XSAVE].size);
	CHECK_MEM(got.set[X86_64_XSAVE].bytes, from.set[X86_64_XSAVE].bytes,
		from.set[X86_64_XSAVE].size);
	kill_wait(a);
	kill_wait(b);
	free(spinner);
	free(other);
	arena_free(arena);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sleeps 800 ms; exits with 1 if it was interrupted. */
static pid_t sleeper_start(void)
{
	pid_t pid = fork();

	if (!pid) {
		struct timespec time = {0, 800000000};

		_exit(syscall(SYS_nanosleep, &time, NULL) ? 1 : 0);
	}
	return pid;
}

/* Interrupt it after 400 ms, run into a trap, cure it. */
static void sleeper_check(int (*cure)(void *, enum restart_class),
	int want_exit, int64_t at_least, int64_t less_than)
{
	struct arena *arena = arena_new();
	int64_t start = now_ms(), time;
	pid_t pid = sleeper_start();
	struct regs regs;
	int status = 0;

	CHECK_INT(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	usleep(400000);
	CHECK_INT(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_INT(stop_wait(pid) >> 8, PTRACE_EVENT_STOP);
	regs_get(arena, pid, &regs);
	CHECK_INT(be->restart(regs.set[0].bytes), RESTART_BLOCK);
	park(arena, pid);
	cure(regs.set[0].bytes, RESTART_UNKNOWN);
	regs_put(pid, &regs);
	CHECK_INT(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	time = now_ms() - start;
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), want_exit);
	CHECK(time >= at_least);
	CHECK(time < less_than);
	arena_free(arena);
}

TEST(a_cured_sleeper_sleeps_for_the_time_left)
{
	/* A sleep begun anew would take 1200 ms. */
	sleeper_check(be->resume, 0, 795, 1195);
}

TEST(a_settled_sleeper_sees_an_interruption)
{
	sleeper_check(be->settle, 1, 395, 795);
}

TEST(a_cured_reader_reads_on)
{
	struct arena *arena = arena_new();
	struct regs regs;
	int ends[2], status = 0;
	pid_t pid;

	REQUIRE(!pipe(ends));
	pid = fork();
	if (!pid) {
		char byte = 0;

		_exit(read(ends[0], &byte, 1) == 1 ? byte : 0);
	}
	CHECK_INT(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	usleep(200000);
	CHECK_INT(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_INT(stop_wait(pid) >> 8, PTRACE_EVENT_STOP);
	regs_get(arena, pid, &regs);
	CHECK_INT(be->restart(regs.set[0].bytes), RESTART_AGAIN);
	park(arena, pid);
	be->resume(regs.set[0].bytes, RESTART_UNKNOWN);
	regs_put(pid, &regs);
	CHECK_INT(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_INT(write(ends[1], "*", 1), 1);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, '*' << 8);
	close(ends[0]);
	close(ends[1]);
	arena_free(arena);
}

#else

TEST(registers_of_one_task_go_on_in_another)
{
	test_skip("another machine");
}

#endif
