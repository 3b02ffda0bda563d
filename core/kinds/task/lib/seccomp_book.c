/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/task/lib/seccomp_book.h"

#include <errno.h>
#include <string.h>

struct seccomp_book *seccomp_book_new(struct arena *arena)
{
	struct seccomp_book *book = arena_new1(arena, struct seccomp_book);

	seccomp_entry__init(&book->entry);
	return book;
}

static bool filter_is(const SeccompFilter *filter, int prev, const void *bytes,
	size_t size, uint32_t flags)
{
	int below = filter->has_prev ? (int)filter->prev : SECCOMP_NONE;

	return below == prev && filter->flags == flags &&
	       filter->filter.len == size &&
	       !memcmp(filter->filter.data, bytes, size);
}

int seccomp_book_add(struct arena *arena, struct seccomp_book *book, int prev,
	const void *bytes, size_t size, uint32_t flags)
{
	SeccompEntry *all = &book->entry;
	SeccompFilter *filter;

	for (size_t i = 0; i < all->n_seccomp_filters; i++)
		if (filter_is(
			    all->seccomp_filters[i], prev, bytes, size, flags))
			return (int)i;
	filter = arena_new1(arena, SeccompFilter);
	seccomp_filter__init(filter);
	filter->filter = (ProtobufCBinaryData){
		.len = size, .data = arena_copy(arena, bytes, size)};
	filter->has_flags = 1;
	filter->flags = flags;
	filter->has_prev = prev != SECCOMP_NONE;
	filter->prev = filter->has_prev ? (uint32_t)prev : 0;
	all->seccomp_filters = vec_room(arena, all->seccomp_filters,
		sizeof(SeccompFilter *), all->n_seccomp_filters, &book->room);
	all->seccomp_filters[all->n_seccomp_filters] = filter;
	return (int)all->n_seccomp_filters++;
}

/* Early versions of the format had one mode for the whole task. */
static const TaskCoreEntry *old_place(const struct thread *thread)
{
	const TaskCoreEntry *tc = thread->task->threads[0].core->tc;

	return tc && tc->has_old_seccomp_mode ? tc : NULL;
}

SeccompMode seccomp_mode_of(const struct thread *thread)
{
	const ThreadCoreEntry *core = thread->core->thread_core;
	const TaskCoreEntry *old = old_place(thread);

	if (core->has_seccomp_mode)
		return core->seccomp_mode;
	return old ? old->old_seccomp_mode : SECCOMP_MODE__disabled;
}

static uint32_t newest_of(const struct thread *thread)
{
	const ThreadCoreEntry *core = thread->core->thread_core;
	const TaskCoreEntry *old = old_place(thread);

	if (core->has_seccomp_filter || !old)
		return core->seccomp_filter;
	return old->old_seccomp_filter;
}

static int chain_check(const SeccompEntry *seccomp, uint32_t index,
	uint32_t above, const struct thread *thread, struct err *err)
{
	const SeccompFilter *filter;

	if (!seccomp || index >= seccomp->n_seccomp_filters || index >= above)
		return err_set(err, EINVAL,
			"thread %d has seccomp filter %u, which the images do "
			"not have",
			thread->tid, index);
	filter = seccomp->seccomp_filters[index];
	if (!filter->filter.len || filter->filter.len % 8 ||
		filter->filter.len / 8 > UINT16_MAX)
		return err_set(err, EINVAL,
			"seccomp filter %u has %zu bytes, which is no program",
			index, filter->filter.len);
	return 0;
}

int seccomp_chain_read(struct arena *arena, const SeccompEntry *seccomp,
	const struct thread *thread, struct seccomp_chain *ret_chain,
	struct err *err)
{
	struct seccomp_chain chain = {0};
	uint32_t index = newest_of(thread), above = UINT32_MAX, *at;
	const SeccompFilter *filter = NULL;
	int ret;

	if (seccomp_mode_of(thread) != SECCOMP_MODE__filter) {
		*ret_chain = chain;
		return 0;
	}
	/* Once to check and count, once to fill from the end. */
	do {
		ret = chain_check(seccomp, index, above, thread, err);
		if (ret)
			return ret;
		filter = seccomp->seccomp_filters[index];
		above = index;
		index = filter->prev;
		chain.n++;
	} while (filter->has_prev);
	at = arena_newn(arena, uint32_t, chain.n);
	index = newest_of(thread);
	for (size_t i = chain.n; i--; index = filter->prev) {
		at[i] = index;
		filter = seccomp->seccomp_filters[index];
	}
	chain.at = at;
	*ret_chain = chain;
	return 0;
}

static bool filters_equal(const struct thread *a, const struct thread *b)
{
	return seccomp_mode_of(a) == seccomp_mode_of(b) &&
	       newest_of(a) == newest_of(b);
}

int seccomp_chain_common(struct arena *arena, const SeccompEntry *seccomp,
	const struct task *task, size_t *ret_n, struct err *err)
{
	const struct thread *leader = &task->threads[0];
	struct seccomp_chain first, other;
	size_t n, k;
	int ret;

	ret = seccomp_chain_read(arena, seccomp, leader, &first, err);
	if (ret)
		return ret;
	n = first.n;
	for (size_t i = 1; n && i < task->n_threads; i++) {
		if (filters_equal(leader, &task->threads[i]))
			continue;
		ret = seccomp_chain_read(
			arena, seccomp, &task->threads[i], &other, err);
		if (ret)
			return ret;
		for (k = 0; k < n && k < other.n; k++)
			if (first.at[k] != other.at[k])
				break;
		n = k;
	}
	*ret_n = n;
	return 0;
}
