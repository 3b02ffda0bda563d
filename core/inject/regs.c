/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/regs.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#include "kernel/ptrace.h"

enum { REGSET_ROOM = 72 * 1024 };

/* The kernel shows the registers as the code that runs knows them: those of
 * a program of the machine's 32-bit sort are fewer. */
static int set_check(pid_t tid, const struct backend *be, int i, size_t size,
	struct err *err)
{
	if (i || size == be->regsets[0].room)
		return 0;
	err_set(err, EOPNOTSUPP,
		"thread %d runs code that is not %s (32-bit?), which cannot "
		"be dumped",
		tid, be->name);
	return err_hint(err, "only 64-bit programs can");
}

int regs_fetch(struct arena *arena, const struct backend *be, pid_t tid,
	struct regs *ret, struct err *err)
{
	const struct regset *set = be->regsets;
	char room[REGSET_ROOM];
	struct regs regs = {0};
	size_t size;
	int code;

	for (int i = 0; set[i].note; i++) {
		if (set[i].optional == REGSET_FALLBACK && regs.set[i - 1].bytes)
			continue;
		size = set[i].room < sizeof(room) ? set[i].room : sizeof(room);
		code = ptrace_regset_get(tid, set[i].note, room, &size, err);
		if (code && set[i].optional)
			continue;
		if (code)
			return err_wrap(err, "%s", set[i].name);
		code = set_check(tid, be, i, size, err);
		if (code)
			return code;
		regs.set[i].bytes = arena_copy(arena, room, size);
		regs.set[i].size = size;
	}
	if (be->regs_prune)
		be->regs_prune(&regs);
	*ret = regs;
	return 0;
}

static int word_poke(
	pid_t tid, const struct regset *set, const void *bytes, struct err *err)
{
	uintptr_t at = set->poke;
	long word;

	memcpy(&word, bytes, sizeof(word));
	if (ptrace(PTRACE_POKEUSER, tid, (void *)at, word))
		return err_errno(err, "placing a register of thread %d", tid);
	return 0;
}

int regs_place(const struct backend *be, pid_t tid, const struct regs *regs,
	struct err *err)
{
	const struct regset *set = be->regsets;
	int code;

	for (int i = 0; set[i].note; i++) {
		if (!regs->set[i].bytes)
			continue;
		if (set[i].poke)
			code = word_poke(tid, &set[i], regs->set[i].bytes, err);
		else
			code = ptrace_regset_set(tid, set[i].note,
				regs->set[i].bytes, regs->set[i].size, err);
		if (code)
			return err_wrap(err, "%s", set[i].name);
	}
	return 0;
}

struct regs regs_copy(struct arena *arena, const struct regs *from)
{
	struct regs copy = *from;

	for (int i = 0; i < REGS_MAX; i++)
		if (copy.set[i].bytes)
			copy.set[i].bytes = arena_copy(
				arena, copy.set[i].bytes, copy.set[i].size);
	return copy;
}
