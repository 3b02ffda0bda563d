/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a victim answers may be anything, for other processes of its user can
 * write into its memory: every kind's questions get answers by chance, and
 * what becomes of them is read whole. A sanitizer watches.
 */
#include <errno.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "kinds/kinds.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"
#include "test.h"

enum { ROUNDS = 3000, CHILDREN = 3 };

/* A process of one thread (this one) with children, and its messages. */
struct scene {
	struct arena *arena;
	struct run run;
	struct dump dump;
	struct victim victim;
	struct victim_thread thread;
	struct task task, child[CHILDREN];
	struct thread tree_thread;
	CoreEntry core;
	char *block; /* of its own allocation: beyond it is nothing */
	struct err err;
};

static void messages_start(struct scene *s)
{
	core_entry__init(&s->core);
	s->core.mtype = backend_host()->core_mtype;
	s->core.tc = arena_new1(s->arena, TaskCoreEntry);
	task_core_entry__init(s->core.tc);
	s->core.tc->comm = s->thread.stat.comm;
	s->core.thread_core = arena_new1(s->arena, ThreadCoreEntry);
	thread_core_entry__init(s->core.thread_core);
	s->task.mm = arena_new1(s->arena, MmEntry);
	mm_entry__init(s->task.mm);
	s->tree_thread.core = &s->core;
	s->tree_thread.extra = NULL;
	s->task.extra = NULL;
}

static int scene_start(struct scene *s)
{
	*s = (struct scene){.arena = arena_new()};
	s->victim.proc = PROC_CLOSED;
	s->run = (struct run){.arena = s->arena, .be = backend_host()};
	s->dump = (struct dump){.arena = s->arena, .run = &s->run};
	s->victim.pid = s->victim.vpid = getpid();
	s->victim.task = &s->task;
	*vec_push(s->arena, &s->victim.threads) = &s->thread;
	*index_slot(s->arena, &s->victim.by_tid, (uint64_t)getpid()) =
		&s->thread;
	s->thread.thread = &s->tree_thread;
	*vec_push(s->arena, &s->dump.victims) = &s->victim;
	s->thread.tid = s->thread.vtid = s->task.pid = getpid();
	s->thread.victim = &s->victim;
	s->task.threads = &s->tree_thread;
	s->task.n_threads = 1;
	s->tree_thread.tid = s->task.pid;
	s->tree_thread.task = &s->task;
	for (int i = 0; i < CHILDREN; i++) {
		s->child[i].pid = 1000 + i;
		s->child[i].threads = &s->tree_thread;
		*vec_push(s->arena, &s->task.children) = &s->child[i];
	}
	messages_start(s);
	return proc_open(getpid(), &s->victim.proc, &s->err) ?:
	       proc_stat_read(&s->victim.proc, 0, &s->thread.stat, &s->err) ?:
	       proc_status_read(s->arena, &s->victim.proc, 0,
		       &s->thread.status, &s->err);
}

static void scene_end(struct scene *s)
{
	proc_close(&s->victim.proc);
	free(s->block);
	arena_free(s->arena);
}

static int scene_ask(struct scene *s)
{
	struct tape *tape = s->thread.tape = tape_new(s->arena, "thread");
	int code = kinds_ask(&s->thread, true, &s->err);

	s->block = malloc(tape_size(tape));
	s->thread.block = s->block;
	return code;
}

static void chance(struct scene *s, unsigned seed)
{
	static const int64_t borders[] = {0, 1, -1, 2, -4095, -4096, 200000,
		INT32_MAX, UINT32_MAX, INT64_MAX, INT64_MIN};
	struct tape_head *head = (void *)s->block;
	struct tape_op *ops = (void *)(head + 1);
	size_t size = tape_size(s->thread.tape), plain = seed % 4;
	char *data = (char *)(ops + head->count);

	srand(seed);
	/* Some are as they should be, so that others are looked at, too. */
	for (uint32_t i = 0; i < head->count; i++)
		if ((size_t)rand() % 16 >= 4 * plain)
			ops[i].result =
				borders[(size_t)rand() %
					(sizeof(borders) / sizeof(*borders))];
	for (; data < s->block + size; data++)
		*data = plain == 3 ? 0 : (char)rand();
}

static void message_read(struct scene *s, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	CHECK(size < 1 << 20);
	protobuf_c_message_pack(message, arena_alloc(s->arena, size));
}

/* What was captured before a kind refused is read as well. */
static void scene_capture(struct scene *s, size_t *refused)
{
	struct sighting sight = {.victim = &s->victim,
		.thread = &s->thread,
		.fd = -1,
		.fd_number = -1};
	int code;

	for (size_t i = 0; kinds[i]; i++) {
		if (!kinds[i]->capture || kinds[i]->scope == SCOPE_FILE)
			continue;
		sight.answer = &s->thread.answers[i];
		s->err = (struct err){0};
		code = kinds[i]->capture(&s->dump, &sight, &s->core, &s->err);
		CHECK_INT(code != 0, s->err.text[0] != '\0');
		CHECK(code <= 0);
		*refused += code == -EPROTO;
	}
	message_read(s, &s->core.base);
	message_read(s, &s->task.mm->base);
	if (s->task.extra)
		message_read(s, &s->task.extra->base);
	if (s->tree_thread.extra)
		message_read(s, &s->tree_thread.extra->base);
}

/* One of this process, so that there is one to be asked for. */
static timer_t timer_start(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	CHECK_INT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	return timer;
}

TEST(answers_by_chance_are_taken_or_refused_in_a_sentence)
{
	timer_t timer = timer_start();
	size_t refused = 0;
	struct scene s;

	for (unsigned seed = 0; seed < ROUNDS; seed++) {
		if (!CHECK_INT(scene_start(&s), 0) ||
			!CHECK_INT(scene_ask(&s), 0) ||
			!CHECK_INT(tape_press(s.thread.tape, backend_host(), 0,
					   s.block, &s.err),
				0)) {
			scene_end(&s);
			break;
		}
		chance(&s, seed);
		scene_capture(&s, &refused);
		scene_end(&s);
	}
	CHECK(refused > ROUNDS);
	timer_delete(timer);
}

/* What one may do is what the kernel says, and no answer of the victim. */
TEST(rights_are_not_what_the_victim_answers)
{
	const CredsEntry *creds;
	struct rlimit limit;
	struct scene s;

	if (!CHECK_INT(scene_start(&s), 0) || !CHECK_INT(scene_ask(&s), 0) ||
		!CHECK_INT(tape_press(s.thread.tape, backend_host(), 0, s.block,
				   &s.err),
			0))
		return scene_end(&s);
	memset(s.block + sizeof(struct tape_head), 0,
		tape_size(s.thread.tape) - sizeof(struct tape_head));
	s.thread.status.uid[0] = s.thread.status.uid[3] = 4711;
	s.thread.status.gid[2] = 4712;
	s.thread.securebits = SECBIT_NOROOT;
	scene_capture(&s, &(size_t){0});
	creds = s.core.thread_core->creds;
	CHECK_INT(creds->uid, 4711);
	CHECK_INT(creds->fsuid, 4711);
	CHECK_INT(creds->sgid, 4712);
	CHECK_INT(creds->secbits, SECBIT_NOROOT);
	CHECK_INT(creds->n_groups, s.thread.status.groups_n);
	CHECK_INT(getrlimit(RLIMIT_STACK, &limit), 0);
	CHECK(s.core.tc->rlimits->rlimits[RLIMIT_STACK]->max == limit.rlim_max);
	scene_end(&s);
}
