/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/fown.h"

#include <fcntl.h>

#include "inject/record.h"
#include "model/dump.h"
#include "model/facts.h"

/* Not in every <fcntl.h>; since 3.7, kernels for checkpoint/restore. */
enum { GETOWNER_UIDS = 17 };

int fown_capture(struct dump *dump, const struct sighting *sighting,
	FownEntry **ret, struct err *err)
{
	FownEntry *fown = arena_new1(dump->arena, FownEntry);
	struct f_owner_ex owner;
	uint32_t uids[2] = {0, 0};
	int sig;

	fown_entry__init(fown);
	*ret = fown;
	if (sighting->fd_number < 0 || sighting->info.flags & O_PATH)
		return 0;
	sig = fcntl(sighting->fd, F_GETSIG);
	if (sig < 0 || fcntl(sighting->fd, F_GETOWN_EX, &owner))
		return err_errno(err, "asking who owns its signals");
	fown->signum = (uint32_t)sig;
	if (!owner.pid)
		return 0;
	if (fcntl(sighting->fd, GETOWNER_UIDS, uids))
		return err_errno(err, "asking whose ids its signals have");
	fown->pid_type = (uint32_t)owner.type;
	fown->pid = (uint32_t)dump_pid_in_images(dump, owner.pid);
	fown->uid = uids[0];
	fown->euid = uids[1];
	return 0;
}

int fown_flags_set(int fd, uint32_t flags, struct err *err)
{
	if (fcntl(fd, F_SETFL, flags & ~(uint32_t)(O_ASYNC | O_CLOEXEC)))
		return err_errno(err, "setting its flags (F_SETFL)");
	return 0;
}

static void owner_emit(
	struct tape *tape, const struct holder *holder, const FownEntry *fown)
{
	const struct facts *facts = holder->facts;
	struct f_owner_ex owner = {
		.type = (typeof(owner.type))fown->pid_type,
		.pid = (pid_t)fown->pid,
	};
	bool other = fown->uid != facts->uid[PROC_ID_REAL] ||
		     fown->euid != facts->uid[PROC_ID_EFFECTIVE];

	/* The saved id stays, and with it the way back. */
	if (other)
		tape_call(tape, CALL_setresuid, A(fown->uid), A(fown->euid),
			A(-1));
	tape_call(tape, CALL_fcntl, A(holder->fd), A(F_SETOWN_EX),
		A_DATA(tape_data(tape, &owner, sizeof(owner))));
	if (other)
		tape_call(tape, CALL_setresuid, A(facts->uid[PROC_ID_REAL]),
			A(facts->uid[PROC_ID_EFFECTIVE]), A(-1));
}

void fown_emit(struct tape *tape, const struct holder *holder,
	const FownEntry *fown, uint32_t flags)
{
	if (!holder->first)
		return;
	tape_about(tape, "fd %d: the owner of its signals", holder->fd);
	if (fown && fown->signum)
		tape_call(tape, CALL_fcntl, A(holder->fd), A(F_SETSIG),
			A(fown->signum));
	if (fown && fown->pid)
		owner_emit(tape, holder, fown);
	if (flags & O_ASYNC)
		tape_call(tape, CALL_fcntl, A(holder->fd), A(F_SETFL),
			A(flags & ~(uint32_t)O_CLOEXEC));
}
