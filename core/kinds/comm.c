/* SPDX-License-Identifier: GPL-2.0-or-later */
/* comm: the name of a thread, any 15 bytes. */
#include <string.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"

static int comm_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	CoreEntry *core = msg;
	char *comm = arena_strdup(dump->arena, sight->thread->stat.comm);

	(void)err;
	core->thread_core->comm = comm;
	if (core->tc)
		core->tc->comm = comm;
	return 0;
}

static int comm_settle(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const CoreEntry *core = holder->thread->core;
	const char *comm = core->thread_core->comm;
	char name[16] = {0};

	(void)object;
	(void)err;
	/* Early versions of the format have it in the leader only. */
	if (!comm && core->tc)
		comm = core->tc->comm;
	if (!comm)
		return 0;
	memcpy(name, comm, strnlen(comm, sizeof(name) - 1));
	tape_about(tape, "name");
	tape_call(tape, CALL_prctl, A(PR_SET_NAME),
		A_DATA(tape_data(tape, name, sizeof(name))));
	return 0;
}

const struct kind kind_comm = {
	.name = "comm",
	.scope = SCOPE_THREAD,
	.capture = comm_capture,
	.settle = comm_settle,
};
