/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent: plays tapes inside other processes.
 *
 * It runs without a C library, at any address, on memory of its own. No
 * data sections, no calls out, no vector registers: the flags that the
 * Makefile gives to this file see to it, and compel refuses the result if
 * it needs anything that the injected bytes do not carry.
 */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>

#include "inject/agent.h"
#include "inject/home.h"
#include "agent_arch.h"

#define AGENT_ERROR_MAX 4095

/* The kernel's numbers, on all machines alike. */
enum {
	AGENT_SETMASK = 2,
	AGENT_SIGTRAP = 5,
	AGENT_MASK_SIZE = 8,
	AGENT_SET_DISPATCH = 59, /* PR_SET_SYSCALL_USER_DISPATCH, 5.11 */
	AGENT_NAP_NS = 1000000,
};

#define AGENT_AUTODISARM 0x80000000u /* SS_AUTODISARM */

/* struct sigaltstack as the kernel has it. */
struct agent_altstack {
	uint64_t at;
	uint32_t flags;
	uint64_t size;
};

struct agent_iov {
	uint64_t base;
	uint64_t size;
};

typedef uint64_t agent_word __attribute__((may_alias, aligned(1)));

static int agent_failed(int64_t result)
{
	return result < 0 && result >= -AGENT_ERROR_MAX;
}

static uint64_t agent_resolve_arg(
	const struct tape_head *tape, const struct tape_op *op, unsigned int i)
{
	const struct tape_op *ops = (const struct tape_op *)(tape + 1);
	uint64_t arg = op->arg[i];

	switch ((op->kinds >> (2 * i)) & 3) {
	case TAPE_DATA:
		return (uint64_t)tape + arg;
	case TAPE_REEL:
		return (uint64_t)tape + (uint64_t)tape->reel + arg;
	case TAPE_RESULT:
		return (uint64_t)ops[arg].result;
	default:
		return arg;
	}
}

static int64_t agent_copy(uint64_t to, uint64_t from, uint64_t size)
{
	for (; size >= 8; size -= 8, to += 8, from += 8)
		*(agent_word *)to = *(const agent_word *)from;
	for (; size; size--, to++, from++)
		*(uint8_t *)to = *(const uint8_t *)from;
	return 0;
}

/* Forget the first done bytes of an iovec array; returns what is left. */
static struct agent_iov *agent_iov_skip(
	struct agent_iov *iov, const struct agent_iov *end, uint64_t done)
{
	for (; iov < end && done >= iov->size; iov++)
		done -= iov->size;
	if (iov < end) {
		iov->base += done;
		iov->size -= done;
	}
	return iov;
}

static int64_t agent_read(
	uint64_t fd, struct agent_iov *iov, uint64_t count, int64_t offset)
{
	const struct agent_iov *end = iov + count;
	int64_t got, total = 0;

	for (iov = agent_iov_skip(iov, end, 0); iov < end;
		iov = agent_iov_skip(iov, end, (uint64_t)got)) {
		if (offset < 0)
			got = agent_syscall6(__NR_readv, fd, (uint64_t)iov,
				(uint64_t)(end - iov), 0, 0, 0);
		else
			got = agent_syscall6(__NR_preadv, fd, (uint64_t)iov,
				(uint64_t)(end - iov),
				(uint64_t)(offset + total), 0, 0);
		if (got == -EINTR)
			got = 0;
		else if (got < 0)
			return got;
		else if (!got)
			return -EIO;
		total += got;
	}
	return total;
}

/* The counter may lie in memory shared by processes: no private futex. */
static int64_t agent_meet(uint32_t *counter, uint32_t count)
{
	uint32_t seen = __atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
	int64_t waited;

	if (seen >= count)
		agent_syscall6(__NR_futex, (uint64_t)counter, FUTEX_WAKE,
			0x7fffffff, 0, 0, 0);
	while (seen < count) {
		waited = agent_syscall6(__NR_futex, (uint64_t)counter,
			FUTEX_WAIT, seen, 0, 0, 0);
		if (agent_failed(waited) && waited != -EAGAIN &&
			waited != -EINTR)
			return waited;
		seen = __atomic_load_n(counter, __ATOMIC_ACQUIRE);
	}
	return 0;
}

static int64_t agent_play_op(
	const struct tape_op *op, const uint64_t arg[static 6])
{
	switch (op->verb) {
	case TAPE_SYSCALL:
		return agent_syscall6(
			op->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	case TAPE_COPY:
		return agent_copy(arg[0], arg[1], arg[2]);
	case TAPE_READ:
		return agent_read(arg[0], (struct agent_iov *)arg[1], arg[2],
			(int64_t)arg[3]);
	case TAPE_THREAD:
		return agent_clone(arg[0], arg[1], arg[2]);
	case TAPE_MEET:
		return agent_meet((uint32_t *)arg[0], (uint32_t)arg[1]);
	case TAPE_STOP:
		agent_trap();
		return 0;
	default:
		return -ENOSYS;
	}
}

void agent_play(struct tape_head *tape)
{
	struct tape_op *op = (struct tape_op *)(tape + 1);
	uint64_t arg[6];
	uint32_t i;

	for (i = 0; i < tape->count; i++, op++) {
		for (unsigned int a = 0; a < 6; a++)
			arg[a] = agent_resolve_arg(tape, op, a);
		op->result = agent_play_op(op, arg);
		if (agent_failed(op->result) && !(op->flags & TAPE_MAY_FAIL)) {
			tape->error = op->result;
			tape->failed = (int32_t)i;
			return;
		}
		tape->played = i + 1;
	}
}

/* The slot whose stack sp is in; n: none. */
static uint64_t agent_slot_at(const struct home *home, uint64_t sp)
{
	uint64_t size = home->n * home->slot_size;

	if (sp >= home->top || sp < home->top - size)
		return home->n;
	return (home->top - 1 - sp) / home->slot_size;
}

/* Inlined: a call as the last thing done would want a TOC on ppc64le. */
static inline __attribute__((always_inline)) void agent_enter(struct home *home)
{
	uint64_t mask = ~(1ull << (AGENT_SIGTRAP - 1));
	uint64_t i = agent_slot_at(home, (uint64_t)&mask);

	if (i < home->n)
		__atomic_store_n(&home->state[i], HOME_IN, __ATOMIC_SEQ_CST);
	agent_syscall6(__NR_rt_sigprocmask, AGENT_SETMASK, (uint64_t)&mask, 0,
		AGENT_MASK_SIZE, 0, 0);
}

void agent_come(struct home *home)
{
	agent_enter(home);
}

void agent_boot(struct home *home)
{
	int64_t result;

	agent_enter(home);
	result = agent_syscall6(__NR_rt_sigaction, AGENT_SIGTRAP,
		(uint64_t)&home->ours, (uint64_t)&home->theirs, AGENT_MASK_SIZE,
		0, 0);
	home->booted = result ? result : 1;
}

/* Whose selector says that calls are its own could not even leave: it is told
 * otherwise, until it says so again. */
static void agent_restore_dispatch(const struct home_slot *slot)
{
	if (!slot->dispatch_mode)
		return;
	if (slot->selector)
		*(volatile uint8_t *)slot->selector = 0;
	agent_syscall6(__NR_prctl, AGENT_SET_DISPATCH, slot->dispatch_mode,
		slot->dispatch_offset, slot->dispatch_len, slot->selector, 0);
}

/* An alternate stack of that sort is gone when a signal was delivered. */
static void agent_restore_stack(const void *context)
{
	const struct agent_altstack *stack = agent_frame_stack(context);

	if (stack->flags & AGENT_AUTODISARM)
		agent_syscall6(
			__NR_sigaltstack, (uint64_t)stack, 0, 0, 0, 0, 0);
}

/* Those that may be inside have been let go, too, and trap soon if they are. */
static int agent_is_last(const struct home *home)
{
	uint64_t nap[2] = {0, AGENT_NAP_NS};
	int unsure;

	for (int round = 0; round < HOME_WAIT_ROUNDS; round++) {
		unsure = 0;
		for (uint64_t i = 0; i < home->n; i++)
			switch (__atomic_load_n(
				&home->state[i], __ATOMIC_SEQ_CST)) {
			case HOME_IN:
				return 0;
			case HOME_MAYBE:
				unsure = 1;
			}
		if (!unsure)
			break;
		agent_syscall6(__NR_nanosleep, (uint64_t)nap, 0, 0, 0, 0, 0);
	}
	return 1;
}

/* All goes but the code and the slot that is stood on, where it is the only
 * one: others may still stand on theirs. */
static void agent_unmap(struct home *home)
{
	uint64_t from = (uint64_t)home, stack = home->top - home->slot_size;

	if (home->kept || home->n > 1)
		return;
	stack &= ~(home->page - 1);
	if (stack > from)
		agent_syscall6(__NR_munmap, from, stack - from, 0, 0, 0, 0);
}

void agent_cure(struct home *home, uint64_t sp, const void *info, void *context)
{
	uint64_t i = agent_slot_at(home, sp);
	struct home_slot *slot;

	/* The trap of a thread that runs on already: it traps again until its
	 * own action is back. */
	if (i >= home->n) {
		agent_frame_rewind(info, context);
		return;
	}
	slot = (struct home_slot *)(home->top - i * home->slot_size) - 1;
	agent_frame_fill(context, slot->gpr, slot->sigmask);
	if (slot->flags & HOME_FILTERED)
		return;
	agent_restore_dispatch(slot);
	agent_restore_stack(context);
	__atomic_store_n(&home->state[i], HOME_OUT, __ATOMIC_SEQ_CST);
	if (!agent_is_last(home) ||
		__atomic_exchange_n(&home->closed, 1, __ATOMIC_SEQ_CST))
		return;
	agent_syscall6(__NR_rt_sigaction, AGENT_SIGTRAP,
		(uint64_t)&home->theirs, 0, AGENT_MASK_SIZE, 0, 0);
	agent_unmap(home);
}
