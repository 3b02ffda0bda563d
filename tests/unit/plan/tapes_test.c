/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole tapes of small tasks, as they are printed and as they are pressed. */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "scene.h"

static struct task *small_task(struct scene *s, const struct backend *be)
{
	struct task *task;

	scene_start(s, be);
	scene_map(s, 0x555555554000, 0x555555660000, "/stasis");
	scene_map(s, 0x7ffff7fb0000, 0x7ffff7fb4000, "[vvar]");
	scene_map(s, 0x7ffff7fb4000, 0x7ffff7fb6000, "[vdso]");
	for (uint32_t id = 1; id < 4; id++)
		scene_file(s, id, &scene_kind);
	task = scene_task(s, 42, 1, 42, 42);
	scene_fd(s, task, 0, 3);
	scene_vma(s, task, 0x400000, 0x404000, PROT_READ | PROT_EXEC,
		MAP_PRIVATE, VMA_REGULAR | VMA_FILE_PRIVATE)
		->shmid = 2;
	scene_vma(s, task, 0x404000, 0x406000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, VMA_REGULAR | VMA_ANON_PRIVATE);
	scene_pages(s, task, 0x401000, 1);
	scene_pages(s, task, 0x404000, 1);
	task->mm->mm_start_brk = 0x500000;
	return task;
}

static char *plan_text(struct scene *s)
{
	char *text = NULL, *copy;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	plan_print(&s->plan, stream);
	fclose(stream);
	copy = arena_strdup(s->arena, text);
	free(text);
	return copy;
}

/* Up to where the kinds' own steps begin; sizes of tapes are theirs, too. */
static char *text_cut(char *text)
{
	char *at = strstr(text, "tape of task"), *end;

	end = strstr(text, "closing files that are");
	if (at && end) {
		strchr(end, '\n')[1] = '\0';
		memmove(at, strchr(at, '\n') + 1,
			strlen(strchr(at, '\n') + 1) + 1);
	}
	return text;
}

static const char golden[] =
	"births\n"
	"  42 player, 1 thread, setsid\n"
	"objects, by the fd number at which they are made\n"
	"  256: file 1, plain\n"
	"  257: file 2, plain\n"
	"  258: file 3, plain for 42:0\n"
	"memory that children inherit\n"
	"set aside 100300000-100a00000: agent 100300000, vdso 100310000, "
	"tapes 100410000, inherited memory 100a00000\n"
	"     0 mremap(0x7ffff7fb0000, 0x4000, 0x4000, 3, 0x100310000)  # "
	"vdso: aside\n"
	"     1 mremap(0x7ffff7fb4000, 0x2000, 0x2000, 3, 0x100314000)  # "
	"vdso: aside\n"
	"     2 munmap(0, 0x100300000)  # removing the memory that it "
	"began with\n"
	"     3 munmap(0x100a00000, %#llx)  # removing the memory that it "
	"began with\n"
	"     4 mmap(0x400000, 0x4000, 7, 18, 257)  # memory 400000-404000\n"
	"     5 mmap(0x404000, 0x2000, 3, 50, 0xffffffffffffffff)  # memory "
	"404000-406000\n"
	"     6 read(266, data+0, 2)  # pages at 0 of pages-0.img\n"
	"     7 mprotect(0x400000, 0x4000, 5)  # memory 400000-404000\n"
	"     8 prctl(35, 14, data+0x20, 104)  # brk, auxv and the executable\n"
	"     9 close_range(256, 266)  # closing files that are kept "
	"for others\n";

TEST(the_plan_of_a_small_task_reads_like_this_on_every_machine)
{
	struct scene s;

	for (size_t i = 0; backends[i]; i++) {
		small_task(&s, backends[i]);
		CHECK_INT(scene_plan(&s), 0);
		CHECK_STR(text_cut(plan_text(&s)),
			arena_printf(s.arena, golden,
				(unsigned long long)backends[i]->task_size -
					0x100a00000));
		scene_end(&s);
	}
}

/* --- threads ---------------------------------------------------------------
 */

static bool in_reel(const struct scene *s, uint64_t start, uint64_t size)
{
	const struct zone *zone = &s->plan.zone;

	return start >= zone->reel &&
	       start + size <= zone->reel + zone->reel_room;
}

static void thread_op_check(
	const struct scene *s, const struct tape_op *op, size_t thread)
{
	const struct plan_task *pt = &s->plan.tasks[0];
	/* flags, pidfd, child_tid, parent_tid, exit_signal, stack, ... */
	const uint64_t *args =
		tape_data_at((struct tape *)pt->tapes[0], op->arg[0]);

	CHECK_INT(args[4], 0);
	CHECK(in_reel(s, args[5], args[6]));
	CHECK(in_reel(s, args[8], 4));
	CHECK_INT(args[9], 1);
	CHECK_INT(op->arg[2], pt->tape_at[thread]);
	CHECK(pt->tape_at[thread] >= pt->tapes_at);
	CHECK(pt->tape_at[thread] + tape_size(pt->tapes[thread]) <=
		pt->tape_at[0]);
}

TEST(a_leader_makes_its_threads_and_all_meet_before_they_go_on)
{
	enum { THREADS = 5 };
	size_t made = 0, met = 0, made_at_meeting = 0;
	const struct tape *tape;
	struct scene s;
	struct task *task = small_task(&s, backends[0]);

	scene_threads(&s, task, THREADS);
	CHECK_INT(scene_plan(&s), 0);
	tape = s.plan.tasks[0].tapes[0];
	for (size_t i = 0; i < tape->ops.n; i++) {
		if (tape->ops.at[i].verb == TAPE_THREAD)
			thread_op_check(&s, &tape->ops.at[i], ++made);
		if (tape->ops.at[i].verb != TAPE_MEET ||
			tape->ops.at[i].arg[0] !=
				offsetof(struct reel_words, met))
			continue;
		made_at_meeting = made;
		CHECK_INT(tape->ops.at[i].arg[1], THREADS + 1);
		met++;
	}
	CHECK_INT(made, THREADS - 1);
	CHECK_INT(made_at_meeting, THREADS - 1);
	CHECK_INT(met, 1);
	for (size_t i = 1; i < THREADS; i++)
		CHECK_INT(s.plan.tasks[0].tapes[i]->ops.at[0].verb, TAPE_MEET);
	scene_end(&s);
}

/* Where a tape first does it; ops.n: never. */
static size_t op_find(const struct tape *tape, enum tape_verb verb,
	enum call call, uint64_t arg)
{
	const struct tape_op *op;
	size_t i;

	for (i = 0; i < tape->ops.n; i++) {
		op = &tape->ops.at[i];
		if (op->verb == verb &&
			(verb != TAPE_SYSCALL || op->nr == (uint32_t)call) &&
			op->arg[0] == arg)
			break;
	}
	return i;
}

/* Who has given capabilities up is in his user's reach, and the memory of all
 * threads with him; with fs.suid_dumpable=1 each change of ids opens it. */
TEST(no_thread_gives_capabilities_up_before_all_have_their_ids)
{
	enum { THREADS = 3 };
	size_t ids, met, shut, gone;
	const struct tape *tape;
	struct scene s;
	struct task *task = small_task(&s, backends[0]);
	CredsEntry *creds;

	scene_threads(&s, task, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		creds = task->threads[i].core->thread_core->creds;
		creds->uid = creds->euid = creds->suid = creds->fsuid = 1000;
		creds->cap_prm = creds->cap_eff = s.no_caps;
	}
	CHECK_INT(scene_plan(&s), 0);
	for (size_t i = 0; i < THREADS; i++) {
		tape = s.plan.tasks[0].tapes[i];
		ids = op_find(tape, TAPE_SYSCALL, CALL_setresuid, 1000);
		met = op_find(
			tape, TAPE_MEET, 0, offsetof(struct reel_words, named));
		shut = op_find(tape, TAPE_SYSCALL, CALL_prctl, PR_SET_DUMPABLE);
		for (gone = 0; gone < tape->ops.n; gone++)
			if (tape->ops.at[gone].verb == TAPE_SYSCALL &&
				tape->ops.at[gone].nr == CALL_capset)
				break;
		CHECK(ids < met);
		CHECK_INT(tape->ops.at[met].arg[1], THREADS);
		CHECK_INT(shut, met + 1);
		CHECK_INT(tape->ops.at[shut].arg[1], 0);
		CHECK(shut < gone && gone < tape->ops.n);
	}
	scene_end(&s);
}

TEST(stacks_and_tapes_of_a_task_do_not_overlap_in_its_reel)
{
	enum { THREADS = 9 };
	const struct plan_task *pt;
	struct scene s;
	struct task *task = small_task(&s, backends[1]);

	scene_threads(&s, task, THREADS);
	CHECK_INT(scene_plan(&s), 0);
	pt = &s.plan.tasks[0];
	CHECK(pt->auxv_at >= pt->tids_at + THREADS * 4);
	for (size_t i = 0; i < THREADS; i++) {
		CHECK(plan_stack(pt, i) >= pt->stacks_at);
		CHECK(plan_stack(pt, i) + plan_stack_size(i) <= pt->tapes_at);
		if (i)
			CHECK_INT(plan_stack(pt, i),
				plan_stack(pt, i - 1) + plan_stack_size(i - 1));
	}
	CHECK_INT(pt->tape_at[0] + tape_size(pt->tapes[0]), pt->reel_size);
	scene_end(&s);
}
