/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timers: the three interval timers and the POSIX timers of a task.
 *
 * Which POSIX timers there are /proc/PID/timers tells (3.10); how long they
 * have left only the task can ask. A timer is known by its id, which cannot
 * be chosen before 6.15: there a newborn counts ids up from 0, so that timers
 * are made and deleted until the next one gets the id that is wanted. Overruns
 * are told by the format but no kernel takes them back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"

#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS 77
#endif

enum {
	ITIMERS = 3,		/* real, virtual, profiling */
	ID_MAX_COUNTED = 10000, /* ids that may be counted up to */
};

/* Interval and time left: struct itimerval (us), struct itimerspec (ns). */
struct times {
	uint64_t isec, ifrac, vsec, vfrac;
};

struct posix {
	uint64_t value; /* of sigev_value */
	int32_t id, clock, signo, notify, tid;
};

/* The kernel's struct sigevent. */
struct event {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t pad[11];
};

static int notify_parse(const char *how, const char *target)
{
	int notify = !strcmp(how, "signal") ? SIGEV_SIGNAL
		     : !strcmp(how, "none") ? SIGEV_NONE
					    : SIGEV_THREAD;

	return !strcmp(target, "tid") ? notify | SIGEV_THREAD_ID : notify;
}

typedef VEC(struct posix) posix_vec;

/* Ends the text of the first timer of many; where the next one begins. */
static char *timer_cut(char *text)
{
	char *end = text, *line;

	do {
		line = end;
		end = strchr(line, '\n');
		if (!end)
			return line + strlen(line);
		end++;
	} while (strncmp(line, "ClockID:", strlen("ClockID:")) != 0);
	end[-1] = '\0';
	return end;
}

/* Text of /proc/PID/timers; ids of threads are the reader's. The four lines of
 * a timer are cut off first: sscanf measures all that it gets. */
static int posix_parse(
	struct arena *arena, char *text, posix_vec *ret, struct err *err)
{
	char how[16], target[8], *next;
	struct posix posix, *to;
	unsigned long long value;

	for (; *text; text = next) {
		next = timer_cut(text);
		posix = (struct posix){0};
		if (sscanf(text,
			    "ID: %d signal: %d/%llx notify: %15[a-z]/%7[a-z].%d"
			    " ClockID: %d",
			    &posix.id, &posix.signo, &value, how, target,
			    &posix.tid, &posix.clock) != 7)
			return err_set(err, EPROTO,
				"'%.40s' in /proc/PID/timers is no timer",
				text);
		posix.value = value;
		posix.notify = notify_parse(how, target);
		to = vec_push(arena, ret);
		*to = posix;
	}
	return 0;
}

static int posix_read(struct arena *arena, const struct victim *victim,
	posix_vec *ret, struct err *err)
{
	char *text;
	int res;

	res = proc_read_file(
		arena, &victim->proc, 0, "timers", &text, NULL, err);
	/* A kernel without POSIX timers. */
	if (res == -ENOENT)
		return 0;
	return res ? res : posix_parse(arena, text, ret, err);
}

/* The id of a thread as its own task knows it. */
static int posix_localize(
	const struct victim *victim, struct posix *posix, struct err *err)
{
	const struct victim_thread *thread;

	if (!(posix->notify & SIGEV_THREAD_ID))
		return 0;
	thread = victim_thread_find(victim, posix->tid);
	if (thread) {
		posix->tid = thread->vtid;
		return 0;
	}
	/* Its thread has ended: the timer goes on, but tells nobody. */
	if (!posix->tid) {
		posix->notify = SIGEV_NONE;
		return 0;
	}
	return err_set(err, ESRCH,
		"POSIX timer %d of task %d notifies thread %d, which is not "
		"there",
		posix->id, victim->pid, posix->tid);
}

static int timers_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	posix_vec posix = {0};
	uint64_t at;
	int ret;

	ret = posix_read(tape->arena, thread->victim, &posix, err);
	for (size_t i = 0; !ret && i < posix.n; i++)
		ret = posix_localize(thread->victim, &posix.at[i], err);
	if (ret)
		return ret;
	at = tape_data(tape, NULL, (ITIMERS + posix.n) * sizeof(struct times));
	answer->own = posix.at;
	answer->n = posix.n;
	tape_about(tape, "interval timers");
	for (size_t i = 0; i < ITIMERS; i++)
		tape_call(tape, CALL_getitimer, A(i),
			A_DATA(at + i * sizeof(struct times)));
	at += ITIMERS * sizeof(struct times);
	for (size_t i = 0; i < posix.n; i++, at += sizeof(struct times)) {
		tape_about(tape, "POSIX timer %d", posix.at[i].id);
		tape_call(tape, CALL_timer_gettime, A(posix.at[i].id),
			A_DATA(at));
		tape_call(tape, CALL_timer_getoverrun, A(posix.at[i].id));
	}
	return 0;
}

static ItimerEntry *itimer_keep(struct arena *arena, const struct times *times)
{
	ItimerEntry *entry = arena_new1(arena, ItimerEntry);

	itimer_entry__init(entry);
	entry->isec = times->isec;
	entry->iusec = times->ifrac;
	entry->vsec = times->vsec;
	entry->vusec = times->vfrac;
	return entry;
}

static PosixTimerEntry *posix_keep(struct arena *arena,
	const struct posix *posix, const struct times *times, uint32_t overrun)
{
	PosixTimerEntry *entry = arena_new1(arena, PosixTimerEntry);

	posix_timer_entry__init(entry);
	entry->it_id = (uint32_t)posix->id;
	entry->clock_id = (uint32_t)posix->clock;
	entry->si_signo = (uint32_t)posix->signo;
	entry->it_sigev_notify = (uint32_t)posix->notify;
	entry->sival_ptr = posix->value;
	entry->overrun = overrun;
	entry->isec = times->isec;
	entry->insec = times->ifrac;
	entry->vsec = times->vsec;
	entry->vnsec = times->vfrac;
	entry->has_notify_thread_id = posix->notify & SIGEV_THREAD_ID;
	if (entry->has_notify_thread_id)
		entry->notify_thread_id = posix->tid;
	return entry;
}

/* In a second are so many of its parts. */
static int times_read(const struct sighting *sight, size_t i, uint64_t parts,
	struct times *ret, struct err *err)
{
	struct times times;
	int res = answer_read(sight->thread, sight->answer, i * sizeof(times),
		&times, sizeof(times), err);

	if (res)
		return res;
	if (times.isec > INT64_MAX || times.vsec > INT64_MAX ||
		times.ifrac >= parts || times.vfrac >= parts)
		return err_set(err, EPROTO,
			"thread %d: a timer cannot have %llu.%09llu s left",
			sight->thread->tid, (unsigned long long)times.vsec,
			(unsigned long long)times.vfrac);
	*ret = times;
	return 0;
}

static int itimers_capture(struct dump *dump, const struct sighting *sight,
	TaskTimersEntry *timers, struct err *err)
{
	ItimerEntry **to[ITIMERS] = {
		&timers->real, &timers->virt, &timers->prof};
	struct times times;
	int ret;

	for (size_t i = 0; i < ITIMERS; i++) {
		ret = times_read(sight, i, 1000000, &times, err);
		if (ret)
			return ret;
		*to[i] = itimer_keep(dump->arena, &times);
	}
	return 0;
}

static int posix_capture(struct dump *dump, const struct sighting *sight,
	size_t i, PosixTimerEntry **to, struct err *err)
{
	const struct posix *posix = sight->answer->own;
	uint32_t op = (uint32_t)(ITIMERS + 2 * i + 1);
	struct times times;
	int64_t overrun;
	int ret;

	ret = times_read(sight, ITIMERS + i, 1000000000, &times, err);
	if (!ret)
		ret = answer_result(sight->thread, sight->answer, op, 0,
			INT32_MAX, &overrun, err);
	if (!ret)
		*to = posix_keep(
			dump->arena, &posix[i], &times, (uint32_t)overrun);
	return ret;
}

static int timers_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	TaskTimersEntry *timers = arena_new1(dump->arena, TaskTimersEntry);
	size_t n = sight->answer->n;
	int ret;

	task_timers_entry__init(timers);
	ret = itimers_capture(dump, sight, timers, err);
	timers->n_posix = n;
	timers->posix = arena_newn(dump->arena, PosixTimerEntry *, n);
	for (size_t i = 0; i < n && !ret; i++)
		ret = posix_capture(dump, sight, i, &timers->posix[i], err);
	if (!ret)
		((CoreEntry *)msg)->tc->timers = timers;
	return ret;
}

static int id_compare(const void *a, const void *b)
{
	const PosixTimerEntry *const *left = a, *const *right = b;

	return (*left)->it_id < (*right)->it_id
		       ? -1
		       : (*left)->it_id > (*right)->it_id;
}

static void posix_create(
	struct tape *tape, const PosixTimerEntry *entry, uint64_t id_at)
{
	struct event event = {
		.value = entry->sival_ptr,
		.signo = (int32_t)entry->si_signo,
		.notify = (int32_t)entry->it_sigev_notify,
		.tid = entry->notify_thread_id,
	};

	tape_about(tape, "POSIX timer %u", entry->it_id);
	tape_call(tape, CALL_timer_create, A((int32_t)entry->clock_id),
		A_DATA(tape_data(tape, &event, sizeof(event))), A_DATA(id_at));
}

static void posix_create_chosen(
	struct tape *tape, PosixTimerEntry *const *sorted, size_t n)
{
	uint32_t id;

	tape_about(tape, "choosing ids of POSIX timers");
	tape_call(tape, CALL_prctl, A(PR_TIMER_CREATE_RESTORE_IDS), A(1), A(0),
		A(0), A(0));
	for (size_t i = 0; i < n; i++) {
		id = sorted[i]->it_id;
		posix_create(tape, sorted[i], tape_data(tape, &id, sizeof(id)));
	}
	tape_about(tape, "choosing ids of POSIX timers");
	tape_call(tape, CALL_prctl, A(PR_TIMER_CREATE_RESTORE_IDS), A(0), A(0),
		A(0), A(0));
}

static void posix_create_counted(
	struct tape *tape, PosixTimerEntry *const *sorted, size_t n)
{
	struct event none = {.notify = SIGEV_NONE};
	uint64_t none_at = tape_data(tape, &none, sizeof(none));
	uint64_t id_at = tape_data(tape, NULL, sizeof(uint32_t));
	uint32_t id = 0;

	for (size_t i = 0; i < n; id++) {
		if (sorted[i]->it_id == id) {
			posix_create(tape, sorted[i++], id_at);
			continue;
		}
		tape_about(tape, "counting ids of POSIX timers up");
		tape_call(tape, CALL_timer_create, A(CLOCK_MONOTONIC),
			A_DATA(none_at), A_DATA(id_at));
		/* Fails when the id was another one. */
		tape_call(tape, CALL_timer_delete, A(id));
	}
}

static void posix_arm(struct tape *tape, const PosixTimerEntry *entry)
{
	struct times times = {
		entry->isec, entry->insec, entry->vsec, entry->vnsec};

	if (!times.vsec && !times.vfrac)
		return;
	tape_about(tape, "arming POSIX timer %u", entry->it_id);
	tape_call(tape, CALL_timer_settime, A(entry->it_id), A(0),
		A_DATA(tape_data(tape, &times, sizeof(times))), A(0));
}

static int posix_emit(struct tape *tape, const TaskTimersEntry *timers,
	const struct holder *holder, struct err *err)
{
	PosixTimerEntry **sorted;
	size_t n = timers->n_posix;
	uint32_t last;

	if (!n)
		return 0;
	sorted = arena_copy(tape->arena, timers->posix, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), id_compare);
	last = sorted[n - 1]->it_id;
	for (size_t i = 1; i < n; i++)
		if (sorted[i]->it_id == sorted[i - 1]->it_id)
			return err_set(err, EINVAL,
				"the image of task %d has POSIX timer %u twice",
				holder->task->pid, sorted[i]->it_id);
	if (!holder->facts->timer_restore_ids && last > ID_MAX_COUNTED) {
		err_set(err, ENOTSUP,
			"task %d has a POSIX timer with id %u, and this kernel "
			"lets nobody choose ids",
			holder->task->pid, last);
		return err_hint(err, "Linux 6.15 and later can");
	}
	if (holder->facts->timer_restore_ids)
		posix_create_chosen(tape, sorted, n);
	else
		posix_create_counted(tape, sorted, n);
	for (size_t i = 0; i < n; i++)
		posix_arm(tape, sorted[i]);
	return 0;
}

static void itimer_emit(struct tape *tape, int which, const ItimerEntry *entry)
{
	struct times times;

	if (!entry)
		return;
	times = (struct times){
		entry->isec, entry->iusec, entry->vsec, entry->vusec};
	/* One that has fired and whose signal waits has no time left: the
	 * kernel would start it again when the signal is taken. */
	if (!times.vsec && !times.vfrac) {
		times.vsec = times.isec;
		times.vfrac = times.ifrac;
	}
	if (!times.vsec && !times.vfrac)
		return;
	tape_about(tape, "interval timer %d", which);
	tape_call(tape, CALL_setitimer, A(which),
		A_DATA(tape_data(tape, &times, sizeof(times))), A(0));
}

static int timers_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const TaskTimersEntry *timers = holder->thread->core->tc->timers;
	int ret;

	(void)object;
	if (!timers)
		return 0;
	ret = posix_emit(tape, timers, holder, err);
	if (ret)
		return ret;
	itimer_emit(tape, 0, timers->real);
	itimer_emit(tape, 1, timers->virt);
	itimer_emit(tape, 2, timers->prof);
	return 0;
}

const struct kind kind_timers = {
	.name = "timers",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.ask = timers_ask,
	.capture = timers_capture,
	.emit = timers_emit,
};
