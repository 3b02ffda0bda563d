/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/task/lib/seccomp_book.h"

#include <errno.h>
#include <string.h>

#include "test.h"

enum { THREADS = 3 };

/* Three threads and a book: two have the chain 0 1 2, one has 0 1 3. */
struct scene {
	struct arena *arena;
	struct seccomp_book *book;
	struct task task;
	struct thread threads[THREADS];
	CoreEntry cores[THREADS];
	ThreadCoreEntry thread_cores[THREADS];
	TaskCoreEntry tc;
	struct err err;
};

static int filter_add(struct scene *s, int prev, const char *bytes)
{
	return seccomp_book_add(
		s->arena, s->book, prev, bytes, strlen(bytes), 0);
}

static void scene_start(struct scene *s)
{
	*s = (struct scene){.arena = arena_new()};
	s->book = seccomp_book_new(s->arena);
	filter_add(s, SECCOMP_NONE, "aaaaaaaa");
	filter_add(s, 0, "bbbbbbbb");
	filter_add(s, 1, "cccccccc");
	filter_add(s, 1, "dddddddd");
	task_core_entry__init(&s->tc);
	for (int i = 0; i < THREADS; i++) {
		core_entry__init(&s->cores[i]);
		thread_core_entry__init(&s->thread_cores[i]);
		s->cores[i].thread_core = &s->thread_cores[i];
		s->thread_cores[i].has_seccomp_mode = 1;
		s->thread_cores[i].seccomp_mode = SECCOMP_MODE__filter;
		s->thread_cores[i].has_seccomp_filter = 1;
		s->thread_cores[i].seccomp_filter = i == 2 ? 3 : 2;
		s->threads[i] = (struct thread){
			.tid = 10 + i, .task = &s->task, .core = &s->cores[i]};
	}
	s->cores[0].tc = &s->tc;
	s->task.threads = s->threads;
	s->task.n_threads = THREADS;
}

static void scene_end(struct scene *s)
{
	arena_free(s->arena);
}

TEST(equal_filters_on_equal_ones_are_kept_once)
{
	struct scene s;

	scene_start(&s);
	CHECK_INT(filter_add(&s, 1, "cccccccc"), 2);
	CHECK_INT(filter_add(&s, 0, "cccccccc"), 4);
	CHECK_INT(filter_add(&s, SECCOMP_NONE, "aaaaaaaa"), 0);
	CHECK_INT(s.book->entry.n_seccomp_filters, 5);
	CHECK(!s.book->entry.seccomp_filters[0]->has_prev);
	CHECK_INT(s.book->entry.seccomp_filters[3]->prev, 1);
	scene_end(&s);
}

TEST(a_chain_is_read_from_its_oldest_filter_on)
{
	struct seccomp_chain chain;
	struct scene s;

	scene_start(&s);
	CHECK_INT(seccomp_chain_read(s.arena, &s.book->entry, &s.threads[2],
			  &chain, &s.err),
		0);
	CHECK_INT(chain.n, 3);
	CHECK_INT(chain.at[0], 0);
	CHECK_INT(chain.at[1], 1);
	CHECK_INT(chain.at[2], 3);
	scene_end(&s);
}

TEST(threads_share_filters_up_to_where_they_differ)
{
	struct scene s;
	size_t n;

	scene_start(&s);
	CHECK_INT(seccomp_chain_common(
			  s.arena, &s.book->entry, &s.task, &n, &s.err),
		0);
	CHECK_INT(n, 2);
	s.thread_cores[2].seccomp_filter = 2;
	seccomp_chain_common(s.arena, &s.book->entry, &s.task, &n, &s.err);
	CHECK_INT(n, 3);
	s.thread_cores[1].seccomp_mode = SECCOMP_MODE__disabled;
	seccomp_chain_common(s.arena, &s.book->entry, &s.task, &n, &s.err);
	CHECK_INT(n, 0);
	scene_end(&s);
}

TEST(a_mode_of_the_whole_task_holds_for_threads_that_say_nothing)
{
	struct seccomp_chain chain;
	struct scene s;

	scene_start(&s);
	s.tc.has_old_seccomp_mode = s.tc.has_old_seccomp_filter = 1;
	s.tc.old_seccomp_mode = SECCOMP_MODE__filter;
	s.tc.old_seccomp_filter = 1;
	s.thread_cores[1].has_seccomp_mode = 0;
	s.thread_cores[1].has_seccomp_filter = 0;
	CHECK_INT(seccomp_chain_read(s.arena, &s.book->entry, &s.threads[1],
			  &chain, &s.err),
		0);
	CHECK_INT(chain.n, 2);
	scene_end(&s);
}

TEST(filters_that_are_missing_or_go_round_are_refused)
{
	struct seccomp_chain chain;
	struct scene s;

	scene_start(&s);
	s.book->entry.seccomp_filters[1]->prev = 2;
	CHECK_INT(seccomp_chain_read(s.arena, &s.book->entry, &s.threads[0],
			  &chain, &s.err),
		-EINVAL);
	s.thread_cores[1].seccomp_filter = 99;
	CHECK_INT(seccomp_chain_read(s.arena, &s.book->entry, &s.threads[1],
			  &chain, &s.err),
		-EINVAL);
	CHECK_INT(seccomp_chain_read(
			  s.arena, NULL, &s.threads[2], &chain, &s.err),
		-EINVAL);
	s.book->entry.seccomp_filters[3]->filter.len = 7;
	CHECK_INT(seccomp_chain_read(s.arena, &s.book->entry, &s.threads[2],
			  &chain, &s.err),
		-EINVAL);
	scene_end(&s);
}
