/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "model/vma.h"
#include "scene.h"

enum { PAGE = SCENE_PAGE, RW = PROT_READ | PROT_WRITE };
enum { PLAIN = MAP_PRIVATE | MAP_ANONYMOUS };
enum { PRIVATE = VMA_REGULAR | VMA_ANON_PRIVATE };

static void pages_lazy(struct scene *s, struct task *task, uint64_t vaddr,
	uint64_t n, uint32_t flags)
{
	struct source_piece *last;

	scene_pages(s, task, vaddr, n);
	last = &task->pages.pieces[task->pages.n - 1];
	last->flags = flags | PAGES_LAZY;
	if (flags)
		return;
	last->file = SOURCE_ELSEWHERE;
	task->pages.stored -= n;
}

static struct task *host_and_task(struct scene *s)
{
	struct task *task;

	scene_start(s, backends[0]);
	scene_map(s, 0x700000000000, 0x700000100000, "/bin/us");
	task = scene_task(s, 7, 0, 7, 7);
	scene_file(s, 1, &scene_kind);
	return task;
}

static int lazy_plan(struct scene *s)
{
	scene_plan_begin(s);
	s->plan.lazy = true;
	return plan_make(&s->plan, &s->err);
}

/* The n-th range that the tape registers; false: no more. */
static bool registered(const struct scene *s, const struct plan_task *pt,
	size_t n, struct uffdio_range *ret)
{
	struct tape *tape = pt->tapes[0];
	struct uffdio_register args;

	(void)s;
	for (size_t i = 0; i < tape->ops.n; i++) {
		const struct tape_op *op = &tape->ops.at[i];

		if (op->verb != TAPE_SYSCALL || op->nr != CALL_ioctl ||
			op->arg[1] != UFFDIO_REGISTER || n--)
			continue;
		CHECK_INT(op->arg[0], pt->uffd_slot);
		memcpy(&args, tape_data_at(tape, op->arg[2]), sizeof(args));
		CHECK_INT(args.mode, UFFDIO_REGISTER_MODE_MISSING);
		*ret = args.range;
		return true;
	}
	return false;
}

static size_t reads_of(const struct tape *tape)
{
	size_t n = 0;

	for (size_t i = 0; i < tape->ops.n; i++)
		n += tape->ops.at[i].verb == TAPE_READ;
	return n;
}

TEST(lazy_pages_are_not_read_and_their_areas_are_registered)
{
	struct uffdio_range range;
	struct plan_task *pt;
	struct scene s;
	struct task *task = host_and_task(&s);

	scene_vma(&s, task, 0x400000, 0x404000, RW, PLAIN, PRIVATE);
	scene_vma(&s, task, 0x404000, 0x408000, PROT_READ, PLAIN, PRIVATE);
	scene_vma(&s, task, 0x410000, 0x414000, RW, PLAIN, PRIVATE);
	scene_vma(&s, task, 0x420000, 0x424000, RW, PLAIN, PRIVATE);
	pages_lazy(&s, task, 0x402000, 4, PAGES_PRESENT);
	pages_lazy(&s, task, 0x410000, 1, 0);
	scene_pages(&s, task, 0x413000, 1);
	scene_pages(&s, task, 0x420000, 4);
	CHECK_INT(lazy_plan(&s), 0);
	pt = &s.plan.tasks[0];
	CHECK(pt->uffd_slot >= s.plan.shelf_base &&
		pt->uffd_slot < s.plan.shelf_end);
	if (CHECK(registered(&s, pt, 0, &range))) {
		CHECK_INT(range.start, 0x400000);
		CHECK_INT(range.len, 0x8000);
	}
	if (CHECK(registered(&s, pt, 1, &range))) {
		CHECK_INT(range.start, 0x410000);
		CHECK_INT(range.len, 0x4000);
	}
	CHECK(!registered(&s, pt, 2, &range));
	CHECK_INT(task->pages.stored, 5);
	CHECK_INT(reads_of(pt->tapes[0]), 1);
	scene_end(&s);
}

/* Where a small page is read, its neighbours must not become zeros. */
TEST(no_huge_page_comes_while_lazy_areas_are_filled)
{
	bool disabled = false;
	struct scene s;
	struct task *task = host_and_task(&s);
	const struct tape *tape;
	size_t seen = 0;

	scene_vma(&s, task, 0x400000, 0x800000, RW, PLAIN, PRIVATE);
	scene_pages(&s, task, 0x400000, 1);
	pages_lazy(&s, task, 0x401000, 1023, PAGES_PRESENT);
	CHECK_INT(lazy_plan(&s), 0);
	tape = s.plan.tasks[0].tapes[0];
	for (size_t i = 0; i < tape->ops.n; i++) {
		const struct tape_op *op = &tape->ops.at[i];

		if (op->verb == TAPE_SYSCALL && op->nr == CALL_prctl &&
			op->arg[0] == PR_SET_THP_DISABLE)
			disabled = op->arg[1];
		if (op->verb == TAPE_READ ||
			(op->verb == TAPE_SYSCALL && op->nr == CALL_mmap) ||
			(op->verb == TAPE_SYSCALL && op->nr == CALL_ioctl)) {
			CHECK(disabled);
			seen++;
		}
		if (op->verb == TAPE_SYSCALL && op->nr == CALL_mmap)
			CHECK(!(op->arg[3] & MAP_POPULATE));
	}
	CHECK_INT(seen, 3);
	CHECK(!disabled);
	scene_end(&s);
}

/* One area of each sort that cannot be lazy. */
TEST(what_must_be_there_at_once_is_read_at_once)
{
	static const struct {
		uint32_t prot, flags, status;
		uint64_t madv;
	} sorts[] = {
		{RW, PLAIN | MAP_LOCKED, PRIVATE, 0},
		{RW | VMA_PROT_TAGS, PLAIN, PRIVATE, 0},
		{RW, PLAIN, PRIVATE, 1ull << 18 /* MADV_WIPEONFORK */},
	};

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		struct uffdio_range range;
		struct scene s;
		struct task *task = host_and_task(&s);
		VmaEntry *vma = scene_vma(&s, task, 0x400000, 0x404000,
			sorts[i].prot, sorts[i].flags, sorts[i].status);

		vma->has_madv = sorts[i].madv != 0;
		vma->madv = sorts[i].madv;
		pages_lazy(&s, task, 0x400000, 4, PAGES_PRESENT);
		CHECK_INT(lazy_plan(&s), 0);
		CHECK(!registered(&s, &s.plan.tasks[0], 0, &range));
		CHECK_INT(reads_of(s.plan.tasks[0].tapes[0]), 1);
		scene_end(&s);
	}
}

TEST(lazy_memory_is_not_staged_for_children)
{
	struct scene s;
	struct task *parent = host_and_task(&s);
	struct task *child = scene_task(&s, 8, 7, 7, 7);

	scene_vma(&s, parent, 0x400000, 0x404000, RW, PLAIN, PRIVATE);
	scene_vma(&s, child, 0x400000, 0x404000, RW, PLAIN, PRIVATE);
	for (int i = 0; i < 2; i++) {
		struct task *task = i ? child : parent;

		scene_pages(&s, task, 0x400000, 2);
		pages_lazy(&s, task, 0x402000, 2, PAGES_PRESENT);
	}
	CHECK_INT(lazy_plan(&s), 0);
	CHECK(!s.plan.tasks[0].staging[0] && !s.plan.tasks[1].staging[0]);
	scene_end(&s);
}

TEST(pages_that_are_elsewhere_need_a_lazy_restore)
{
	struct scene s;
	struct task *task = host_and_task(&s);

	scene_vma(&s, task, 0x400000, 0x404000, RW, PLAIN, PRIVATE);
	pages_lazy(&s, task, 0x400000, 4, 0);
	scene_plan_begin(&s);
	CHECK_INT(plan_make(&s.plan, &s.err), -EBADMSG);
	CHECK_STR(s.err.text, "task 7: pages at 0x400000 are still with "
			      "whoever dumped it");
	scene_end(&s);
}

TEST(lazy_pages_of_no_area_are_refused)
{
	struct scene s;
	struct task *task = host_and_task(&s);

	scene_vma(&s, task, 0x400000, 0x404000, RW, PLAIN, PRIVATE);
	pages_lazy(&s, task, 0x403000, 2, PAGES_PRESENT);
	CHECK_INT(lazy_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text, "task 7: the pages at 0x404000 belong to no area "
			      "of its memory");
	scene_end(&s);
}
