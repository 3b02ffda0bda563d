/* SPDX-License-Identifier: GPL-2.0-or-later */
/* comm: the name of a thread, any 15 bytes. */
#include <string.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"

enum { COMM_SIZE = 16 };

/* Asking is cheaper than reading a file of /proc for each of many threads. */
static int comm_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_call(tape, CALL_prctl, A(PR_GET_NAME),
		A_DATA(tape_data(tape, NULL, COMM_SIZE)));
	return 0;
}

static int comm_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	CoreEntry *core = msg;
	char *comm = arena_alloc(dump->arena, COMM_SIZE + 1);

	int ret;

	/* The zero behind it is ours. */
	ret = answer_read(
		sight->thread, sight->answer, 0, comm, COMM_SIZE, err);
	if (ret)
		return ret;
	core->thread_core->comm = comm;
	if (core->tc)
		core->tc->comm = comm;
	return 0;
}

static int comm_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const CoreEntry *core = holder->thread->core;
	const char *comm = core->thread_core->comm;
	char name[COMM_SIZE] = {0};

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
	.ask = comm_ask,
	.capture = comm_capture,
	.emit = comm_emit,
};
