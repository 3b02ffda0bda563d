/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * home: how an agent in a victim knows its way back, without its tracer.
 *
 * Agent and home are one mapping: the code at its start, the home HOME_AT
 * bytes on, then tapes, and at its end a slot for each thread, the first one
 * highest: a stack, and above it what the thread was before (struct
 * home_slot). The code is entered at one of its gates. While it is there,
 * SIGTRAP is the agent's: when a trap is not taken by a tracer, because that
 * one was killed, the gate of cure fills the thread's own registers and mask
 * into the frame that the kernel made of the signal, and returns to them.
 * Vector registers are in that frame, untouched. The last thread that leaves
 * puts the action of SIGTRAP back.
 *
 * Nothing of this is trusted when it is read back: whoever may write the
 * victim's memory may write here.
 */
#ifndef STASIS_INJECT_HOME_H
#define STASIS_INJECT_HOME_H

#include <stdint.h>

enum {
	HOME_AT = 65536, /* the largest page of any machine; code is smaller */
	HOME_GPR_WORDS = 48,   /* the largest NT_PRSTATUS of any machine */
	HOME_STACK = 4096,     /* of a slot, beside the kernel's frame */
	HOME_STACK_TOP = 256,  /* what a callee may use above its own frame */
	HOME_WAIT_ROUNDS = 20, /* of 1 ms, for those that may be inside */
};

/* Where the agent's code is entered, from its entry on. */
enum home_gate {
	GATE_PLAY = 0,	 /* (tape): plays it and traps */
	GATE_ASK = 64,	 /* the same behind all signals but SIGTRAP */
	GATE_BOOT = 128, /* a system call, made with no stack; if it returned
			  * 0, agent_boot (home); then traps */
	GATE_CALL = 192, /* a system call; then traps */
	GATE_TRAP = 256, /* traps */
	GATE_CURE = 320, /* the handler of SIGTRAP */
};

/* struct sigaction as the kernel has it, on all three machines. */
struct home_action {
	uint64_t handler, flags, restorer, mask;
};

enum { HOME_SIGINFO = 4, HOME_RESTORER = 0x04000000 };

/* Is that thread in the agent? The tracer writes MAYBE before it sends one in
 * or takes one out; whoever is in and sees no end of MAYBE takes it for OUT. */
enum home_state { HOME_OUT, HOME_IN, HOME_MAYBE };

struct home {
	uint64_t top;	    /* the end of the highest slot */
	uint64_t slot_size; /* bytes */
	uint64_t n;	    /* slots */
	uint64_t page;	    /* bytes, of this kernel */
	int64_t booted;	    /* 1, or what rt_sigaction failed with */
	struct home_action ours, theirs;
	uint32_t closed; /* the action was put back */
	uint8_t kept;	 /* the tracer unmaps all: nothing is to be unmapped */
	uint8_t state[]; /* enum home_state, for each slot */
};

enum home_flag {
	HOME_FILTERED = 1, /* by seccomp: no calls but rt_sigreturn */
};

/* The end of a slot; the stack lies below. */
struct home_slot {
	uint64_t gpr[HOME_GPR_WORDS]; /* NT_PRSTATUS; settled */
	uint64_t sigmask;
	uint64_t flags; /* enum home_flag */
	/* The dispatch of system calls: mode 0: none. */
	uint64_t dispatch_mode, dispatch_offset, dispatch_len, selector;
	uint64_t padding[2]; /* a multiple of 16 bytes */
};

#endif
