/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/extra.h"

void extra_init(struct extra *ret_extra, struct arena *arena)
{
	*ret_extra = (struct extra){.arena = arena};
}

/* Of two of one number the first is found. */
static void thread_keep(struct extra *extra, StasisThreadExtra *thread)
{
	void **slot = index_slot(extra->arena, &extra->by_tid, thread->tid);

	*slot = *slot ?: thread;
	*vec_push(extra->arena, &extra->threads) = thread;
}

static void task_keep(struct extra *extra, StasisTaskExtra *task)
{
	void **slot = index_slot(extra->arena, &extra->by_pid, task->pid);

	*slot = *slot ?: task;
	*vec_push(extra->arena, &extra->tasks) = task;
}

StasisThreadExtra *extra_thread_add(struct extra *extra, uint32_t tid)
{
	StasisThreadExtra *thread = arena_new1(extra->arena, StasisThreadExtra);

	stasis_thread_extra__init(thread);
	thread->tid = tid;
	thread_keep(extra, thread);
	return thread;
}

StasisTaskExtra *extra_task_add(struct extra *extra, uint32_t pid)
{
	StasisTaskExtra *task = arena_new1(extra->arena, StasisTaskExtra);

	stasis_task_extra__init(task);
	task->pid = pid;
	task_keep(extra, task);
	return task;
}

/* A list of protobuf-c with room for one more; lists here are short. */
static void *list_grow(struct arena *arena, void *list, size_t n)
{
	return arena_grow(
		arena, list, n * sizeof(void *), (n + 1) * sizeof(void *));
}

void extra_regset_add(struct extra *extra, StasisThreadExtra *thread,
	uint32_t note, const void *bytes, size_t size)
{
	StasisRegset *regset = arena_new1(extra->arena, StasisRegset);

	stasis_regset__init(regset);
	regset->note = note;
	regset->bytes.data = arena_copy(extra->arena, bytes, size);
	regset->bytes.len = size;
	thread->regset =
		list_grow(extra->arena, thread->regset, thread->n_regset);
	thread->regset[thread->n_regset++] = regset;
}

void extra_range_add(struct arena *arena, StasisRange ***list, size_t *n,
	uint64_t start, uint64_t end, uint32_t value)
{
	StasisRange *range = arena_new1(arena, StasisRange);

	stasis_range__init(range);
	range->start = start;
	range->end = end;
	range->value = value;
	*list = list_grow(arena, *list, *n);
	(*list)[(*n)++] = range;
}

void extra_name_add(struct arena *arena, StasisTaskExtra *task, uint64_t start,
	uint64_t end, const char *name, size_t size)
{
	StasisName *entry = arena_new1(arena, StasisName);

	stasis_name__init(entry);
	entry->start = start;
	entry->end = end;
	entry->name = arena_printf(arena, "%.*s", (int)size, name);
	task->name = list_grow(arena, task->name, task->n_name);
	task->name[task->n_name++] = entry;
}

const StasisThreadExtra *extra_thread_find(
	const struct extra *extra, uint32_t tid)
{
	return index_get(&extra->by_tid, tid);
}

const StasisTaskExtra *extra_task_find(const struct extra *extra, uint32_t pid)
{
	return index_get(&extra->by_pid, pid);
}

const StasisRegset *extra_regset_find(
	const StasisThreadExtra *thread, uint32_t note)
{
	for (size_t i = 0; thread && i < thread->n_regset; i++)
		if (thread->regset[i]->note == note)
			return thread->regset[i];
	return NULL;
}

int extra_save(
	const struct extra *extra, struct image_set *set, struct err *err)
{
	StasisExtra record = STASIS_EXTRA__INIT;

	if (!extra->threads.n && !extra->tasks.n && !extra->n_outside)
		return 0;
	record.thread = extra->threads.at;
	record.n_thread = extra->threads.n;
	record.task = extra->tasks.at;
	record.n_task = extra->tasks.n;
	record.outside = extra->outside;
	record.n_outside = extra->n_outside;
	return image_append(set, IMAGE_EXTRA, 0, &record.base, NULL, 0, err);
}

int extra_load(struct image_set *set, struct extra *ret_extra, struct err *err)
{
	struct extra extra = {.arena = image_set_arena(set)};
	const StasisExtra *record;
	struct image_list list = {0};
	int code;

	code = image_load(set, IMAGE_EXTRA, 0, &list, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < list.n; i++) {
		record = (const StasisExtra *)list.at[i].msg;
		for (size_t k = 0; k < record->n_thread; k++)
			thread_keep(&extra, record->thread[k]);
		for (size_t k = 0; k < record->n_task; k++)
			task_keep(&extra, record->task[k]);
		extra.outside = record->outside;
		extra.n_outside = record->n_outside;
	}
	*ret_extra = extra;
	return 0;
}
