/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory steps of random tasks, played over a simulated address space that
 * begins as a newborn's: at the end there is what the image says and nothing
 * else, and every stored page was read to its place exactly once.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "space.h"

#define HOST_VVAR 0x7ffff7fb0000ull
#define HOST_VDSO 0x7ffff7fb4000ull
#define HOST_END 0x7ffff7fb6000ull
#define PAGE ((uint64_t)SCENE_PAGE)

enum { FILE_ID = 2, SHARED_ID = 3, TASKS = 3 };

static uint8_t host_vdso[2 * SCENE_PAGE] = "a vdso";

static void host_fill(struct scene *s)
{
	scene_map(s, 0x555555554000, 0x555555660000, "/stasis");
	scene_map(s, 0x555555661000, 0x555555780000, "[heap]");
	scene_map(s, 0x7ffff7c00000, 0x7ffff7e00000, "/libc.so");
	scene_map(s, HOST_VVAR, HOST_VVAR + 2 * PAGE, "[vvar]");
	scene_map(s, HOST_VVAR + 2 * PAGE, HOST_VDSO, "[vvar_vclock]");
	scene_map(s, HOST_VDSO, HOST_END, "[vdso]");
	scene_map(s, 0x7ffffffdd000, 0x7ffffffff000, "[stack]");
	s->host.vdso_bytes = host_vdso;
	scene_file(s, 1, &scene_kind);
	scene_file(s, FILE_ID, &scene_kind);
	scene_file(s, SHARED_ID, &scene_kind);
}

/* --- random tasks ---------------------------------------------------------
 */

static void area_sort(struct scene *s, struct task *task, uint64_t *seed,
	uint64_t start, uint64_t size)
{
	static const uint32_t prots[] = {PROT_READ | PROT_WRITE, PROT_READ,
		PROT_READ | PROT_EXEC | VMA_PROT_BTI, PROT_NONE,
		PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE};
	uint32_t prot = prots[scene_random(seed) % 6], flags, status;
	uint64_t sort = scene_random(seed) % 10;
	VmaEntry *vma;

	flags = MAP_PRIVATE | MAP_ANONYMOUS;
	status = VMA_REGULAR | VMA_ANON_PRIVATE;
	if (sort == 0)
		flags |= MAP_GROWSDOWN;
	else if (sort == 1)
		flags |= MAP_LOCKED;
	else if (sort == 2)
		flags |= MAP_NORESERVE;
	if (sort == 3 || sort == 4) {
		flags = MAP_PRIVATE;
		status = VMA_REGULAR | VMA_FILE_PRIVATE;
	} else if (sort == 5) {
		flags = MAP_SHARED;
		status = VMA_REGULAR | VMA_FILE_SHARED;
	}
	vma = scene_vma(s, task, start, start + size, prot, flags, status);
	if (sort >= 3 && sort <= 5) {
		vma->shmid = sort == 5 ? SHARED_ID : FILE_ID;
		vma->pgoff = scene_random(seed) % 8 * PAGE;
		vma->fdflags = (uint32_t)(scene_random(seed) % 2 * 2);
	} else if (sort == 6) {
		vma->has_madv = 1;
		vma->madv = 1ull << MADV_HUGEPAGE | 1ull << MADV_DONTFORK;
	}
}

static void areas_make(struct scene *s, struct task *task, uint64_t *seed)
{
	uint64_t at = 0x400000, size;

	for (int i = 0; i < 24; i++) {
		/* Neighbours, small gaps, and over to where libraries are. */
		at += scene_random(seed) % 3 * PAGE;
		if (i == 8)
			at = 0x555555600000;
		if (i == 16)
			at = 0x7ffff7d00000 + scene_random(seed) % 64 * PAGE;
		size = (1 + scene_random(seed) % 16) * PAGE;
		area_sort(s, task, seed, at, size);
		at += size;
	}
}

/* Runs of stored pages; some go on from one area into the next. */
static void pages_make(struct scene *s, struct task *task, uint64_t *seed)
{
	const VmaEntry *vma;
	uint64_t at, n;

	for (size_t i = 0; i < task->mm->n_vmas; i++) {
		vma = task->mm->vmas[i];
		if (!vma_has_pages(vma) || scene_random(seed) % 4 == 0)
			continue;
		at = vma->start;
		while (at < vma->end) {
			at += scene_random(seed) % 3 * PAGE;
			n = 1 + scene_random(seed) % 5;
			if (at + n * PAGE > vma->end)
				n = at < vma->end ? (vma->end - at) / PAGE : 0;
			if (n)
				scene_pages(s, task, at, n);
			at += n * PAGE;
		}
	}
}

static void kernel_areas(struct scene *s, struct task *task, uint64_t shift)
{
	scene_vma(s, task, HOST_VVAR - shift, HOST_VDSO - shift, PROT_READ,
		MAP_PRIVATE, VMA_REGULAR | VMA_VVAR | VMA_ANON_PRIVATE);
	scene_vma(s, task, HOST_VDSO - shift, HOST_END - shift,
		PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		VMA_REGULAR | VMA_VDSO | VMA_ANON_PRIVATE);
	scene_vma(s, task, 0xffffffffff600000, 0xffffffffff601000, PROT_EXEC,
		MAP_PRIVATE, VMA_VSYSCALL);
}

/* A child has most of what its parent has, some of it longer or shorter. */
static void areas_inherit(struct scene *s, const struct task *parent,
	struct task *task, uint64_t *seed)
{
	const VmaEntry *was;
	uint64_t end, dice;
	VmaEntry *vma;

	for (size_t i = 0; i < parent->mm->n_vmas; i++) {
		was = parent->mm->vmas[i];
		dice = scene_random(seed) % 10;
		if (was->status & (VMA_VDSO | VMA_VVAR | VMA_VSYSCALL |
					  VMA_GUARD) ||
			dice == 0)
			continue;
		end = was->end;
		if (dice == 1 && end - was->start > PAGE)
			end -= PAGE;
		vma = scene_vma(s, task, was->start, end, was->prot, was->flags,
			was->status);
		vma->shmid = was->shmid;
		vma->pgoff = was->pgoff;
		vma->fdflags = was->fdflags;
		if (dice == 2)
			vma->prot = PROT_READ;
	}
}

static void guard_add(struct scene *s, struct task *task, uint64_t *seed)
{
	const VmaEntry *vma = task->mm->vmas[scene_random(seed) % 8];

	if (vma->status & VMA_ANON_PRIVATE)
		scene_vma(s, task, vma->end - PAGE, vma->end, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, VMA_GUARD);
}

static void family_make(struct scene *s, uint64_t seed, bool bridged)
{
	static uint8_t other_vdso[2 * SCENE_PAGE] = "another vdso";
	struct task *tasks[TASKS];

	scene_start(s, backends[seed % 3]);
	host_fill(s);
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = scene_task(s, 100 + i, i ? 99 + i : 1, 100, 100);
		if (i)
			areas_inherit(s, tasks[i - 1], tasks[i], &seed);
		else
			areas_make(s, tasks[i], &seed);
		pages_make(s, tasks[i], &seed);
		kernel_areas(s, tasks[i], (seed % 2 + 1) * 0x100000);
		guard_add(s, tasks[i], &seed);
		tasks[i]->vdso = bridged ? other_vdso : host_vdso;
	}
	scene_plan_begin(s);
	CHECK_INT(plan_forest(&s->plan, &s->err), 0);
	CHECK_INT(plan_slots(&s->plan, &s->err), 0);
	CHECK_INT(plan_layout(&s->plan, &s->err), 0);
}

/* --- a newborn's memory ---------------------------------------------------
 */

static void staged_add(struct space *space, const struct plan_task *pt)
{
	const struct staging *staging;

	for (size_t i = 0; i < pt->task->mm->n_vmas; i++) {
		staging = pt->staging[i];
		if (!staging)
			continue;
		CHECK_INT(staging->size, pt->task->mm->vmas[i]->end -
						 pt->task->mm->vmas[i]->start);
		space_add(space, (struct area){.start = staging->at,
					 .end = staging->at + staging->size,
					 .prot = PROT_READ | PROT_WRITE,
					 .origin = STAGED,
					 .born = staging->at});
	}
}

static struct space newborn_make(struct scene *s, const struct plan_task *pt)
{
	const struct zone *zone = &s->plan.zone;
	struct space space = {.arena = s->arena};
	const struct map *map;

	for (size_t i = 0; i < s->host.maps.n; i++) {
		map = &s->host.maps.at[i];
		space_add(&space, (struct area){.start = map->start,
					  .end = map->end,
					  .origin = HOST,
					  .born = map->start});
	}
	space_add(&space, (struct area){.start = zone->code,
				  .end = zone->code + (64 << 10),
				  .origin = ZONE});
	space_add(&space, (struct area){.start = zone->reel,
				  .end = zone->reel + zone->reel_room,
				  .origin = ZONE});
	staged_add(&space, pt);
	return space;
}

/* --- what must be there at the end ----------------------------------------
 */

static size_t fills_of(
	const struct space *space, uint64_t at, int fd, uint64_t offset)
{
	const struct fill *fill;
	size_t n = 0;

	for (size_t i = 0; i < space->fills.n; i++) {
		fill = &space->fills.at[i];
		if (at < fill->at || at >= fill->at + fill->size)
			continue;
		CHECK_INT(fill->fd, fd);
		CHECK_INT(fill->offset + (at - fill->at), offset);
		n++;
	}
	return n;
}

static void pages_check(const struct space *space, const struct plan_task *pt,
	const VmaEntry *vma, bool staged)
{
	const struct source *pages = &pt->task->pages;
	const struct source_piece *piece;
	uint64_t at;

	for (size_t i = 0; i < pages->n; i++)
		for (uint64_t k = 0; k < pages->pieces[i].nr_pages; k++) {
			piece = &pages->pieces[i];
			at = piece->vaddr + k * PAGE;
			if (at < vma->start || at >= vma->end)
				continue;
			CHECK_INT(fills_of(space, at,
					  pt->pages_slot + (int)piece->file,
					  piece->offset + k * PAGE),
				staged ? 0 : 1);
		}
}

static void fresh_check(
	const struct scene *s, const struct area *area, const VmaEntry *vma)
{
	bool file = vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED);
	bool writes = vma->status & VMA_FILE_SHARED && vma->fdflags & 3;

	CHECK_INT(area->flags & ~(uint64_t)MAP_POPULATE,
		vma->flags & ~(uint32_t)MAP_LOCKED);
	CHECK_INT(area->fd,
		file ? plan_slot(&s->plan, (uint32_t)vma->shmid, writes) : -1);
	if (file)
		CHECK_INT(area->offset, vma->pgoff);
	CHECK_INT(area->born, vma->start);
}

static void vma_check(struct scene *s, struct space *space,
	const struct plan_task *pt, size_t i)
{
	const VmaEntry *vma = pt->task->mm->vmas[i];
	const struct area *area;

	/* Neighbours may have come as one; what they are must be told apart. */
	space_cut(space, vma->start);
	space_cut(space, vma->end);
	area = space_at(space, vma->start);
	REQUIRE(area);
	CHECK_INT(area->end, vma->end);
	CHECK_INT(area->prot, vma->prot & ~s->host.prot_lacks);
	CHECK_INT(area->origin, pt->staging[i] ? STAGED : FRESH);
	if (pt->staging[i])
		CHECK_INT(area->born, pt->staging[i]->at);
	else
		fresh_check(s, area, vma);
	pages_check(space, pt, vma, pt->staging[i]);
	space_unmap(space, vma->start, vma->end);
}

static void vdso_check(struct space *space, const VmaEntry *vma, bool bridged)
{
	const struct area *area = space_at(space, vma->start);

	REQUIRE(area);
	CHECK_INT(area->origin, bridged ? FRESH : HOST);
	if (!bridged)
		CHECK_INT(area->born,
			vma->status & VMA_VDSO ? HOST_VDSO : HOST_VVAR);
	space_unmap(space, vma->start, vma->end);
}

/* The host's vdso, where the bridge leads to. */
static void home_check(struct scene *s, struct space *space)
{
	uint64_t home = s->plan.zone.vdso_home;
	const struct area *area =
		space_at(space, home + (HOST_VDSO - HOST_VVAR));

	CHECK(area && area->origin == HOST && area->born == HOST_VDSO);
	space_unmap(space, home, home + (HOST_END - HOST_VVAR));
}

static void task_check(struct scene *s, size_t t, bool bridged)
{
	struct plan_task *pt = &s->plan.tasks[t];
	struct space space = newborn_make(s, pt);
	struct tape *tape = tape_new(s->arena, "task");
	const VmaEntry *vma;

	CHECK_INT(plan_memory(&s->plan, pt, tape, &s->err), 0);
	space_play(&space, tape);
	space_unmap(&space, s->plan.zone.start, s->plan.zone.end);
	for (size_t i = 0; i < pt->task->mm->n_vmas; i++) {
		vma = pt->task->mm->vmas[i];
		if (vma->status & (VMA_VDSO | VMA_VVAR))
			vdso_check(&space, vma, bridged);
		else if (vma->status & VMA_GUARD)
			CHECK_INT(space.guards.n, 1);
		else if (!(vma->status & VMA_VSYSCALL))
			vma_check(s, &space, pt, i);
	}
	if (bridged)
		home_check(s, &space);
	CHECK_INT(space.areas.n, 0);
}

TEST(a_newborn_ends_with_the_memory_of_the_image_and_nothing_else)
{
	struct scene s;

	for (uint64_t seed = 1; seed <= 120; seed++) {
		family_make(&s, seed * 31337, seed % 4 == 0);
		s.host.prot_lacks = seed % 3 ? 0 : VMA_PROT_BTI;
		for (size_t t = 0; t < TASKS; t++)
			task_check(&s, t, seed % 4 == 0);
		scene_end(&s);
	}
}

static size_t calls_of(const struct tape *tape, enum call call)
{
	size_t n = 0;

	for (size_t i = 0; i < tape->ops.n; i++)
		n += tape->ops.at[i].verb == TAPE_SYSCALL &&
		     tape->ops.at[i].nr == call;
	return n;
}

static size_t reads_of(const struct tape *tape)
{
	size_t n = 0;

	for (size_t i = 0; i < tape->ops.n; i++)
		n += tape->ops.at[i].verb == TAPE_READ;
	return n;
}

static struct task *striped_task(
	struct scene *s, int pid, size_t stripes, uint32_t odd)
{
	struct task *task = scene_task(s, pid, pid == 7 ? 1 : 7, 7, 7);
	uint64_t at = 0x400000;

	for (size_t i = 0; i < stripes; i++, at += PAGE)
		scene_vma(s, task, at, at + PAGE,
			i % 2 ? odd : PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS,
			VMA_REGULAR | VMA_ANON_PRIVATE);
	return task;
}

/* How many calls of a sort bring the memory of a task with 8 stripes. */
static size_t stripes_cost(uint32_t odd, size_t stored, enum call call)
{
	struct scene s;
	struct task *task;
	struct tape *tape;
	size_t n;

	scene_start(&s, backends[0]);
	host_fill(&s);
	task = striped_task(&s, 7, 8, odd);
	scene_pages(&s, task, 0x400000, stored);
	CHECK_INT(scene_plan(&s), 0);
	tape = tape_new(s.arena, "task");
	CHECK_INT(plan_memory(&s.plan, &s.plan.tasks[0], tape, &s.err), 0);
	n = calls_of(tape, call);
	scene_end(&s);
	return n;
}

TEST(pages_of_several_sets_are_read_file_by_file)
{
	struct scene s;
	struct task *task;
	struct tape *tape;
	struct space space;
	const struct plan_task *pt;

	scene_start(&s, backends[0]);
	host_fill(&s);
	task = striped_task(&s, 7, 8, PROT_READ);
	for (uint64_t i = 0; i < 8; i++)
		scene_pages(&s, task, 0x400000 + i * PAGE, 1);
	task->pages.n_files = 2;
	task->pages.files = arena_newn(s.arena, struct source_file, 2);
	for (uint32_t i = 0; i < 8; i++) {
		task->pages.pieces[i].file = i % 2;
		task->pages.pieces[i].offset = i / 2 * PAGE;
	}
	CHECK_INT(scene_plan(&s), 0);
	pt = &s.plan.tasks[0];
	CHECK(pt->pages_slot + 2 <= s.plan.shelf_end);
	tape = tape_new(s.arena, "task");
	CHECK_INT(plan_memory(&s.plan, &s.plan.tasks[0], tape, &s.err), 0);
	space = newborn_make(&s, pt);
	space_play(&space, tape);
	for (size_t i = 0; i < 8; i++)
		pages_check(&space, pt, task->mm->vmas[i], false);
	/* One call a file brings its pages to four places. */
	CHECK_INT(space.fills.n, 8);
	CHECK_INT(reads_of(tape), 2);
	scene_end(&s);
}

TEST(neighbours_that_differ_in_protection_come_by_one_mmap)
{
	CHECK_INT(stripes_cost(PROT_READ, 8, CALL_mmap), 1);
	CHECK_INT(stripes_cost(PROT_READ, 8, CALL_mprotect), 4);
}

TEST(memory_that_is_never_written_is_never_writable)
{
	CHECK_INT(stripes_cost(PROT_NONE, 1, CALL_mmap), 8);
	CHECK_INT(stripes_cost(PROT_NONE, 1, CALL_mprotect), 0);
}

TEST(memory_is_staged_where_parent_and_child_have_it_alike)
{
	struct scene s;
	size_t staged = 0, inherited = 0;
	const struct staging *staging;

	family_make(&s, 5, false);
	for (size_t t = 0; t < TASKS; t++)
		for (size_t i = 0; i < s.plan.tasks[t].task->mm->n_vmas; i++) {
			staging = s.plan.tasks[t].staging[i];
			staged += staging != NULL;
			inherited += staging && staging->from;
			if (staging && staging->from)
				CHECK(staging->from->room >= staging->size);
		}
	CHECK(inherited > 4);
	CHECK(staged > inherited);
	CHECK(!s.plan.tasks[0].staging[0] || !s.plan.tasks[0].staging[0]->from);
	scene_end(&s);
}

TEST(what_is_staged_keeps_its_neighbours)
{
	struct scene s;
	struct staging **staging;

	scene_start(&s, backends[0]);
	host_fill(&s);
	for (int pid = 7; pid < 9; pid++)
		scene_pages(
			&s, striped_task(&s, pid, 8, PROT_READ), 0x400000, 8);
	CHECK_INT(scene_plan(&s), 0);
	staging = s.plan.tasks[0].staging;
	for (uint64_t i = 0; i < 8; i++) {
		REQUIRE(staging[i]);
		CHECK_INT(staging[i]->at, staging[0]->at + i * PAGE);
		CHECK(s.plan.tasks[1].staging[i]->from == staging[i]);
	}
	scene_end(&s);
}

static int refuse_status(uint32_t status, struct err *err)
{
	struct scene s;
	struct task *task;
	int code;

	scene_start(&s, backends[0]);
	scene_file(&s, 1, &scene_kind);
	task = scene_task(&s, 7, 1, 7, 7);
	scene_vma(&s, task, 0x400000, 0x401000, PROT_READ, MAP_PRIVATE,
		VMA_REGULAR | status);
	code = scene_plan(&s);
	*err = s.err;
	scene_end(&s);
	return code;
}

TEST(what_cannot_be_mapped_again_is_refused_by_name)
{
	struct err err;

	CHECK_INT(refuse_status(VMA_SYSVIPC, &err), -EOPNOTSUPP);
	CHECK_STR(err.text,
		"task 7: the mapping 400000-401000 is System V shared memory, "
		"which cannot be restored yet");
	CHECK_INT(refuse_status(VMA_AIORING, &err), -EOPNOTSUPP);
	CHECK_INT(refuse_status(VMA_SOCKET, &err), -EOPNOTSUPP);
	CHECK_INT(refuse_status(VMA_SHSTK, &err), -EOPNOTSUPP);
	CHECK_INT(refuse_status(VMA_UPROBES, &err), -EOPNOTSUPP);
}

/* The flags of the mmap that makes an area which may be dropped. */
static uint64_t droppable_flags(bool host_lacks)
{
	const uint64_t at = 0x7000000;
	uint64_t flags = 0;
	struct tape *tape;
	struct task *task;
	struct scene s;

	scene_start(&s, backends[0]);
	scene_file(&s, 1, &scene_kind);
	s.host.droppable_lacks = host_lacks;
	task = scene_task(&s, 7, 1, 7, 7);
	scene_vma(&s, task, at, at + SCENE_PAGE, PROT_READ | PROT_WRITE,
		VMA_MAP_DROPPABLE | MAP_ANONYMOUS,
		VMA_REGULAR | VMA_ANON_PRIVATE);
	CHECK_INT(scene_plan(&s), 0);
	tape = s.plan.tasks[0].tapes[0];
	for (size_t i = 0; i < tape->ops.n; i++)
		if (tape->ops.at[i].nr == CALL_mmap &&
			tape->ops.at[i].arg[0] == at)
			flags = tape->ops.at[i].arg[3];
	scene_end(&s);
	return flags;
}

TEST(memory_that_may_be_dropped_is_private_where_there_is_no_such)
{
	CHECK_INT(droppable_flags(false),
		VMA_MAP_DROPPABLE | MAP_ANONYMOUS | MAP_FIXED);
	CHECK_INT(
		droppable_flags(true), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
}

TEST(tagged_memory_is_refused_by_a_host_without_tags)
{
	struct scene s;

	for (int lack = 0; lack < 2; lack++) {
		scene_start(&s, backends[0]);
		scene_file(&s, 1, &scene_kind);
		s.host.tags_lack = lack;
		scene_vma(&s, scene_task(&s, 7, 1, 7, 7), 0x7000000, 0x7001000,
			PROT_READ | PROT_WRITE | VMA_PROT_TAGS,
			MAP_PRIVATE | MAP_ANONYMOUS,
			VMA_REGULAR | VMA_ANON_PRIVATE);
		CHECK_INT(scene_plan(&s), lack ? -ENOTSUP : 0);
		if (lack)
			CHECK(strstr(s.err.text,
				"task 7: the mapping 7000000-7001000 is tagged "
				"memory (mte), which this host lacks"));
		scene_end(&s);
	}
}

TEST(pages_without_an_area_are_refused)
{
	struct scene s;
	struct task *task;

	scene_start(&s, backends[0]);
	scene_file(&s, 1, &scene_kind);
	task = scene_task(&s, 7, 1, 7, 7);
	scene_vma(&s, task, 0x400000, 0x402000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, VMA_REGULAR | VMA_ANON_PRIVATE);
	scene_pages(&s, task, 0x401000, 2);
	CHECK_INT(scene_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text,
		"task 7: the pages at 0x402000 belong to no area of its "
		"memory");
	scene_end(&s);
}

static bool op_is(
	const struct tape_op *op, enum call call, uint64_t arg0, uint64_t arg2)
{
	return op->nr == call && op->arg[0] == arg0 && op->arg[2] == arg2;
}

TEST(names_and_lazy_locks_are_given_back)
{
	StasisRange lazy = STASIS_RANGE__INIT, *lazies[] = {&lazy};
	StasisName name = STASIS_NAME__INIT, *names[] = {&name};
	StasisTaskExtra extra = STASIS_TASK_EXTRA__INIT;
	size_t named = 0, locked = 0;
	const struct tape *tape;
	struct task *task;
	struct scene s;

	scene_start(&s, backends[0]);
	scene_file(&s, 1, &scene_kind);
	task = scene_task(&s, 7, 1, 7, 7);
	scene_vma(&s, task, 0x400000, 0x402000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
		VMA_REGULAR | VMA_ANON_PRIVATE);
	lazy.start = name.start = 0x400000;
	lazy.end = name.end = 0x402000;
	name.name = (char[]){"heap of mine"};
	extra.lock_on_fault = lazies;
	extra.name = names;
	extra.n_lock_on_fault = extra.n_name = 1;
	task->extra = &extra;
	CHECK_INT(scene_plan(&s), 0);
	tape = s.plan.tasks[0].tapes[0];
	for (size_t i = 0; i < tape->ops.n; i++) {
		locked += op_is(&tape->ops.at[i], CALL_mlock2, 0x400000, 1);
		CHECK(!op_is(&tape->ops.at[i], CALL_mlock, 0x400000, 0));
		if (!op_is(&tape->ops.at[i], CALL_prctl, PR_SET_VMA, 0x400000))
			continue;
		CHECK_STR((char *)tape->data + tape->ops.at[i].arg[4],
			"heap of mine");
		named++;
	}
	CHECK_INT(locked, 1);
	CHECK_INT(named, 1);
	scene_end(&s);
}
