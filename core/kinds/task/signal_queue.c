/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signal queue: signals that wait, of the task and of each thread.
 *
 * Whoever sends a signal to himself may write any siginfo (3.9), so the queue
 * is put back by its owner, the oldest first. STOP and KILL cannot wait in
 * a task that plays a tape: a task that is to stop is stopped by the walk.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/ending.h"
#include "kinds/table.h"
#include "model/dump.h"

static SiginfoEntry *info_keep(struct arena *arena, const void *bytes)
{
	SiginfoEntry *entry = arena_new1(arena, SiginfoEntry);

	siginfo_entry__init(entry);
	entry->siginfo = (ProtobufCBinaryData){
		.data = arena_copy(arena, bytes, PTRACE_SIGINFO_SIZE),
		.len = PTRACE_SIGINFO_SIZE,
	};
	return entry;
}

static int32_t info_signal(const void *bytes)
{
	int32_t sig;

	memcpy(&sig, bytes, sizeof(sig));
	return sig;
}

/*
 * pending: what status says waits. Where the sender's quota of queued signals
 * was used up there is no siginfo; the kernel then delivers an empty one, as
 * from kill() by nobody, and so do we.
 */
static int queue_read(struct arena *arena, const struct victim_thread *thread,
	bool shared, uint64_t pending, SignalQueueEntry **ret_queue,
	struct err *err)
{
	SignalQueueEntry *queue = arena_new1(arena, SignalQueueEntry);
	struct ptrace_siginfo *infos, bare;
	size_t n;
	int ret;

	signal_queue_entry__init(queue);
	ret = ptrace_peeksiginfo(arena, thread->tid, shared, &infos, &n, err);
	if (ret)
		return ret;
	queue->signals = arena_newn(arena, SiginfoEntry *, n + 64);
	for (size_t i = 0; i < n; i++) {
		pending &= ~(1ull << (info_signal(infos[i].bytes) - 1));
		queue->signals[queue->n_signals++] =
			info_keep(arena, infos[i].bytes);
	}
	pending &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
	for (int32_t sig = 1; sig <= 64; sig++) {
		if (!(pending >> (sig - 1) & 1))
			continue;
		memset(&bare, 0, sizeof(bare));
		memcpy(bare.bytes, &sig, sizeof(sig));
		queue->signals[queue->n_signals++] =
			info_keep(arena, bare.bytes);
	}
	*ret_queue = queue;
	return 0;
}

static int shared_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	SignalQueueEntry *queue;
	int ret;

	ret = queue_read(dump->arena, thread, true,
		thread->status.sig_pending_shared, &queue, err);
	if (!ret)
		((CoreEntry *)msg)->tc->signals_s = queue;
	return ret;
}

static int private_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	SignalQueueEntry *queue;
	int ret;

	ret = queue_read(dump->arena, thread, false, thread->status.sig_pending,
		&queue, err);
	if (!ret)
		((CoreEntry *)msg)->thread_core->signals_p = queue;
	return ret;
}

static int info_check(const SiginfoEntry *entry, const struct holder *holder,
	int32_t *ret_sig, struct err *err)
{
	int32_t sig;

	if (entry->siginfo.len != PTRACE_SIGINFO_SIZE)
		return err_set(err, EINVAL,
			"a waiting signal of thread %d has %zu bytes in the "
			"image, not %d",
			holder->thread->tid, entry->siginfo.len,
			PTRACE_SIGINFO_SIZE);
	sig = info_signal(entry->siginfo.data);
	/* It would end the play instead of waiting. */
	if (sig == SIGTRAP)
		return err_set(err, ENOTSUP,
			"a SIGTRAP waits in thread %d, which cannot be put "
			"back",
			holder->thread->tid);
	*ret_sig = sig;
	return 0;
}

static int queue_emit(struct tape *tape, const SignalQueueEntry *queue,
	const struct holder *holder, bool shared, struct err *err)
{
	char label[SIGNAL_LABEL];
	const SiginfoEntry *entry;
	int32_t sig = 0;
	uint64_t at;
	int ret;

	for (size_t i = 0; queue && i < queue->n_signals; i++) {
		entry = queue->signals[i];
		ret = info_check(entry, holder, &sig, err);
		if (ret)
			return ret;
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		tape_about(tape, "waiting %s", signal_label(sig, label));
		at = tape_data(tape, entry->siginfo.data, PTRACE_SIGINFO_SIZE);
		if (shared)
			tape_call(tape, CALL_rt_sigqueueinfo,
				A(holder->task->pid), A(sig), A_DATA(at));
		else
			tape_call(tape, CALL_rt_tgsigqueueinfo,
				A(holder->task->pid), A(holder->thread->tid),
				A(sig), A_DATA(at));
	}
	return 0;
}

static int shared_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	return queue_emit(
		tape, holder->thread->core->tc->signals_s, holder, true, err);
}

static int private_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	return queue_emit(tape, holder->thread->core->thread_core->signals_p,
		holder, false, err);
}

const struct kind kind_signals_shared = {
	.name = "signals of the task",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.capture = shared_capture,
	.emit = shared_emit,
};

const struct kind kind_signals_private = {
	.name = "signals of the thread",
	.scope = SCOPE_THREAD,
	.capture = private_capture,
	.emit = private_emit,
};
