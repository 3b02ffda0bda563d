/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend: all that is special about one machine, as a const table.
 *
 * All three tables are compiled into every build. Register functions work on
 * raw regset bytes as ptrace gives them, through structs that the backend
 * declares itself, so that they run (and are tested) on any host. Only the
 * agent blob of the host's own machine is ever injected.
 */
#ifndef STASIS_BACKEND_H
#define STASIS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#include "proto/core.pb-c.h"
#include "proto/cpuinfo.pb-c.h"
#include "calls.h"

/* Generic names of registers: what every machine has. */
enum reg {
	REG_PC,
	REG_SP,
	REG_NR, /* system call number, before the call */
	REG_ARG0,
	REG_ARG1,
	REG_ARG2,
	REG_ARG3,
	REG_ARG4,
	REG_ARG5,
	REG_RET, /* result register, after the call */
};

/* Was the task inside a system call when it was stopped, and how would the
 * kernel go on? */
enum restart_class {
	/* As argument: read it from the registers. As result: they do not
	 * tell (aarch64, where the kernel rewinds before it stops a task; one
	 * PTRACE_SYSCALL step shows nr 128 for RESTART_BLOCK). There, settle
	 * and resume of RESTART_UNKNOWN let the same call be made again. */
	RESTART_UNKNOWN,
	RESTART_NONE,  /* not in a system call, or it is finished */
	RESTART_AGAIN, /* ERESTARTSYS, NOINTR, NOHAND: same call again */
	RESTART_BLOCK, /* ERESTART_RESTARTBLOCK: time left is hidden */
};

struct insn {
	uint8_t bytes[4];
	uint8_t size;
};

/* May a set be missing (EINVAL, ENODEV, EIO)? A fallback is only looked for
 * when the set before it is missing, and may then be missing, too. */
enum regset_optional { REGSET_NEEDED, REGSET_MAY_LACK, REGSET_FALLBACK };

/* One register set of PTRACE_GETREGSET. [0] is always NT_PRSTATUS. */
struct regset {
	uint32_t note;	  /* NT_*; 0 ends the table */
	uint32_t room;	  /* bytes to offer to the kernel, at most */
	uint8_t optional; /* enum regset_optional */
	/* Not 0: the set is one word that SETREGSET may silently ignore; place
	 * it with PTRACE_POKEUSER at this offset instead. */
	uint16_t poke;
	const char *name;
};

/* The registers of one thread, set by set, in the order of the table. */
enum { REGS_MAX = 16 };
struct regs {
	struct {
		void *bytes; /* NULL: this thread has no such set */
		size_t size;
	} set[REGS_MAX];
};

/* State of a thread that the image format has no field for, under the note
 * of the set that it comes from. The bytes are the backend's own business:
 * extra_save makes them, extra_load of any host of that machine reads them. */
struct regs_extra {
	uint32_t note;
	const void *bytes;
	size_t size;
};

/* Position-independent code with its entry and where its trap stops. */
struct blob {
	const uint8_t *bytes;
	size_t size;
	size_t entry; /* offset; called with (tape) as in agent.h */
};

struct backend {
	const char *name; /* as uname -m says: "x86_64" */
	uint16_t elf_machine;
	uint32_t core_mtype; /* CoreEntry.mtype of the image format */
	struct insn syscall, trap;
	const uint16_t *calls; /* numbers, by enum call; CALL_COUNT of them */
	/* Does pc point at the trap instruction after it was run into (arm,
	 * power), or behind it (x86)? Distance to the instruction's start. */
	uint8_t trap_pc_after;
	uint16_t red_zone; /* bytes below sp that a leaf may use */

	/* Where registers do not tell the restart class: the register set
	 * (one 32-bit word) that is the number of the call that a thread is
	 * about to make; -1 skips it. 0: they tell. */
	uint32_t probe_note;

	/* The register set that only threads with ports of their own have
	 * (x86's ioperm). 0: this machine has no such thing. */
	uint32_t ports_note;

	const struct regset *regsets;
	/* Forget (bytes = NULL) the freshly fetched sets whose writing back
	 * would switch on what the thread does not use. NULL: nothing to
	 * forget. */
	void (*regs_prune)(struct regs *);
	/* Refuse fetched sets of a thread into which nothing may be injected
	 * and whose state cannot be stored. NULL: there are none. */
	int (*regs_check)(const struct regs *, struct err *);
	uint64_t (*reg_get)(const void *gpr, enum reg r);
	void (*reg_set)(void *gpr, enum reg r, uint64_t value);
	/* Make the registers enter pc as a function: first argument arg, stack
	 * sp (16-aligned, with room above it as the ABI wants), no restart. */
	void (*call)(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg);
	/* At the stop before a call that is about to be made: make it another
	 * one. (Where there is a probe_note, that set holds the number.) */
	void (*divert)(void *gpr, uint64_t nr);
	/* Where do the registers say the task was? (RESTART_UNKNOWN when they
	 * do not tell.) */
	enum restart_class (*restart)(const void *gpr);
	/* Make an image that may be placed into any task: never "inside a
	 * system call". class RESTART_UNKNOWN: as restart() says. */
	int (*settle)(void *gpr, enum restart_class class);
	/* Cure of the same task: as settle, but an interrupted sleep goes on
	 * for the time left. */
	int (*resume)(void *gpr, enum restart_class class);
	/* Of a system call that just returned: value or -errno. */
	int64_t (*result)(const void *gpr);

	/* regs (settled) to the image's arch messages and back. Messages come
	 * from the arena. The core entry's mtype and its one arch message are
	 * set by thread_to_image (leaving clear_tid_addr 0). */
	int (*thread_to_image)(
		struct arena *, const struct regs *, CoreEntry *, struct err *);
	/* here: the registers of the task that will receive them, fetched on
	 * this host (sizes and layout of its sets); NULL: no host, pure use. */
	int (*thread_from_image)(struct arena *, const CoreEntry *,
		const struct regs *here, struct regs *ret, struct err *);
	/* What thread_to_image could not say, to be stored beside the core
	 * image; and one such piece back into registers that
	 * thread_from_image made. */
	int (*extra_save)(struct arena *, const struct regs *,
		struct regs_extra **ret, size_t *ret_n, struct err *);
	int (*extra_load)(struct arena *, const struct regs_extra *,
		const struct regs *here, struct regs *regs, struct err *);
	/* clear_tid_addr lives in the arch message; NULL: it has none. */
	uint64_t *(*clear_tid)(CoreEntry *);
	/* pc and sp of a stored thread, for inspect. */
	void (*image_pc_sp)(const CoreEntry *, uint64_t *pc, uint64_t *sp);

	/* Is this cpuinfo one of this machine's? The other functions refuse
	 * those that are not. */
	bool (*cpu_claims)(const CpuinfoEntry *);
	/* Of the CPU that this runs on. */
	int (*cpu_describe)(struct arena *, CpuinfoEntry **ret, struct err *);
	/* May processes of image's host go on at here's host? cap: bits of
	 * CPU_CAP_*; what is missing is named. Pure: neither need be this
	 * host. */
	int (*cpu_accept)(const CpuinfoEntry *image, const CpuinfoEntry *here,
		uint32_t cap, struct err *);
	/* The names of all features that programs can use, ended by NULL. */
	int (*cpu_features)(struct arena *, const CpuinfoEntry *,
		const char *const **ret, struct err *);
	/* For people: "AMD EPYC 9354"; never NULL. */
	const char *(*cpu_model)(const CpuinfoEntry *);

	/* Adds bytes to a state of XXH3 (xxhash.h) by wider vectors than all
	 * such machines have. False: this CPU lacks them, and nothing was
	 * done. NULL: there are none. */
	bool (*hash_add)(void *state, const void *bytes, size_t size);

	const char *const *vdso_symbols; /* NULL-terminated: those to bridge */
	/* A jump from one address to another, for the start of a function:
	 * changes no register that holds an argument; returns its size. */
	size_t (*vdso_jump)(uint8_t out[32], uint64_t from, uint64_t to);

	/* Bytes that one memory tag is for, and the requests of ptrace that
	 * read and write tags. 0: memory has none. */
	uint16_t tag_granule, tag_peek, tag_poke;

	uint64_t task_size;	  /* first address a task cannot map */
	const struct blob *agent; /* NULL unless built for this machine */
};

/* backends/backends.c: all of them, NULL-terminated, and the one of the
 * machine that this program is compiled for. */
extern const struct backend *const backends[];
extern const struct backend *const backend_native;

const struct backend *backend_host(void);
/* What the calling thread's thread-local storage is addressed from. */
void *backend_thread_pointer(void);
const struct backend *backend_by_mtype(uint32_t core_mtype);
const struct backend *backend_by_cpuinfo(const CpuinfoEntry *cpuinfo);

#endif
