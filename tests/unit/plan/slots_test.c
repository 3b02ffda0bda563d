/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers on the shelf, the order of making, and the zone. */
#include <errno.h>
#include <linux/sched.h>

#include "scene.h"

/* What a file needs stands in this table, by id; 0: nothing. */
static const uint32_t *needs_of(void)
{
	static const uint32_t needs[64] = {[10] = 11,
		[11] = 12,
		[20] = 21,
		[21] = 22,
		[22] = 20,
		[30] = 31};

	return needs;
}

static int needy_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	uint32_t id = needs_of()[object->id];
	struct object *other = objects_find(view->objects, id);

	if (id && !other)
		return err_set(err, EBADMSG, "file %u is not there", id);
	if (other)
		object_need(view->arena, object, other);
	return 0;
}

static const struct kind kind_needy = {
	.name = "needy", .scope = SCOPE_FILE, .plan = needy_plan};

static struct task *lone_task(struct scene *s)
{
	scene_start(s, backends[0]);
	scene_file(s, 1, &scene_kind);
	return scene_task(s, 7, 1, 7, 7);
}

static int slots_plan(struct scene *s)
{
	scene_plan_begin(s);
	CHECK_INT(plan_forest(&s->plan, &s->err), 0);
	return plan_slots(&s->plan, &s->err);
}

TEST(numbers_on_the_shelf_are_no_task_s_and_no_two_are_alike)
{
	struct scene s;
	struct task *task = lone_task(&s);
	bool taken[2048] = {false};
	int slot;

	for (uint32_t id = 2; id < 9; id++) {
		scene_file(&s, id, &scene_kind);
		scene_fd(&s, task, (int)id * 100, id);
		taken[id * 100] = true;
	}
	taken[257] = true; /* which is open in the coordinator */
	s.host.fds = (struct numbers){(int[]){257, 0, 1}, 3};
	scene_vma(&s, task, 0x10000, 0x20000, PROT_READ | PROT_WRITE,
		MAP_SHARED, VMA_REGULAR | VMA_FILE_SHARED)
		->shmid = 3;
	task->mm->vmas[0]->fdflags = 2;
	CHECK_INT(slots_plan(&s), 0);
	for (uint32_t id = 1; id < 9; id++) {
		slot = plan_slot(&s.plan, id, false);
		CHECK(slot > 255 && slot < s.plan.shelf_end && !taken[slot]);
		taken[slot] = true;
	}
	slot = plan_slot(&s.plan, 3, true);
	CHECK(slot > 255 && !taken[slot]);
	taken[slot] = true;
	CHECK(!taken[s.plan.proc_slot] && s.facts.proc_fd == s.plan.proc_slot);
	taken[s.plan.proc_slot] = true;
	CHECK(!taken[s.plan.tasks[0].pages_slot]);
	CHECK(s.plan.tasks[0].pages_slot < s.plan.shelf_end);
	CHECK_INT(plan_slot(&s.plan, 2, true), plan_slot(&s.plan, 2, false));
	scene_end(&s);
}

TEST(a_shelf_lies_in_the_first_gap_that_is_big_enough)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	int low[] = {900, 300, 260, 19999}, many[400], twice[] = {5, 5, 3};
	struct numbers tasks = {low, 4}, own = {0};

	CHECK_INT(numbers_place(arena, &tasks, &own, 4), 256);
	CHECK_INT(numbers_place(arena, &tasks, &own, 5), 261);
	CHECK_INT(numbers_place(arena, &tasks, &own, 40), 301);
	CHECK_INT(numbers_place(arena, &tasks, &own, 2000), 901);
	CHECK_INT(numbers_place(arena, &tasks, &own, 20000), 20000);
	own = (struct numbers){twice, 3};
	CHECK_INT(numbers_place(arena, &tasks, &own, 1), 256);
	/* What is open here leaves some for passing use. */
	for (int i = 0; i < 400; i++)
		many[i] = i;
	own = (struct numbers){many, 400};
	CHECK_INT(numbers_place(arena, &tasks, &own, 40), 464);
}

/* Those that may be made in a task: in tens, what was made together. */
static int loose_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	(void)err;
	if (object->id != 9)
		object_share(view, object, object->id / 10, 0);
	return 0;
}

static const struct kind kind_loose = {
	.name = "loose", .scope = SCOPE_FILE, .plan = loose_plan};

static struct object *loose_file(struct scene *s, uint32_t id)
{
	struct object *object = scene_file(s, id, &kind_loose);

	object->entry = arena_new1(s->arena, FileEntry);
	file_entry__init(object->entry);
	object->entry->id = id;
	return object;
}

/* 2: alone. 3: twice there. 4: also the child's. 5: mapped. 9: may not.
 * 10, 11: together. 20, 21: together, one is the child's. 30: given. */
TEST(what_one_task_alone_holds_is_made_there_and_takes_no_room_on_the_shelf)
{
	static const uint32_t ids[] = {2, 3, 4, 5, 9, 10, 11, 20, 21, 30};
	struct scene s;
	struct task *task = lone_task(&s), *child;
	const struct plan_task *pt = NULL;

	child = scene_task(&s, 8, 7, 7, 7);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		loose_file(&s, ids[i]);
		scene_fd(&s, ids[i] == 21 ? child : task, (int)ids[i], ids[i]);
	}
	scene_fd(&s, task, 40, 3);
	scene_fd(&s, child, 4, 4);
	s.objects.by_id[30]->given = &(struct inherited){.fd = 3};
	scene_vma(&s, task, 0x10000, 0x20000, PROT_READ, MAP_PRIVATE,
		VMA_REGULAR | VMA_FILE_PRIVATE)
		->shmid = 5;
	CHECK_INT(slots_plan(&s), 0);
	pt = &s.plan.tasks[0];
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		CHECK_INT(s.objects.by_id[ids[i]]->apart,
			ids[i] == 2 || ids[i] == 3 || ids[i] == 10 ||
				ids[i] == 11);
	CHECK_INT(pt->makes.n, 4);
	CHECK_INT(s.plan.tasks[1].makes.n, 0);
	CHECK(s.objects.by_id[10]->next_with == s.objects.by_id[11]);
	CHECK(!s.objects.by_id[11]->next_with);
	for (size_t i = 0; i < pt->fds.n; i++)
		CHECK_INT(pt->fds.at[i].slot < 0,
			pt->fds.at[i].fd == 2 || pt->fds.at[i].fd == 3 ||
				pt->fds.at[i].fd == 10 ||
				pt->fds.at[i].fd == 11 ||
				pt->fds.at[i].fd == 40);
	scene_end(&s);
}

TEST(tasks_that_share_an_fd_table_make_nothing_apart)
{
	struct scene s;
	struct task *task = lone_task(&s), *child;

	child = scene_task(&s, 8, 7, 7, 7);
	child->ids->files_id = task->ids->files_id;
	loose_file(&s, 2);
	scene_fd(&s, task, 2, 2);
	scene_fd(&s, child, 2, 2);
	CHECK_INT(slots_plan(&s), 0);
	CHECK(!s.objects.by_id[2]->apart);
	CHECK_INT(s.plan.tasks[0].makes.n, 0);
	scene_end(&s);
}

TEST(a_file_is_made_after_the_files_that_it_needs)
{
	struct scene s;
	struct task *task = lone_task(&s);

	for (uint32_t id = 10; id < 13; id++) {
		scene_file(&s, id, &kind_needy);
		scene_fd(&s, task, (int)id, id);
	}
	CHECK_INT(slots_plan(&s), 0);
	CHECK(s.objects.by_id[12]->rank < s.objects.by_id[11]->rank);
	CHECK(s.objects.by_id[11]->rank < s.objects.by_id[10]->rank);
	scene_end(&s);
}

TEST(files_that_need_each_other_in_a_circle_are_refused)
{
	struct scene s;
	struct task *task = lone_task(&s);

	for (uint32_t id = 20; id < 23; id++) {
		scene_file(&s, id, &kind_needy);
		scene_fd(&s, task, (int)id, id);
	}
	CHECK_INT(slots_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text,
		"fd 21 of task 7 (needy): fd 22 of task 7 (needy): fd 20 of "
		"task 7 (needy) needs itself in a circle");
	scene_end(&s);
}

TEST(a_file_that_needs_one_which_is_not_there_is_refused)
{
	struct scene s;
	struct task *task = lone_task(&s);

	scene_file(&s, 30, &kind_needy);
	scene_fd(&s, task, 3, 30);
	CHECK_INT(slots_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text, "fd 3 of task 7 (needy): file 31 is not there");
	scene_end(&s);
}

TEST(a_number_without_a_file_is_refused)
{
	struct scene s;
	struct task *task = lone_task(&s);

	scene_fd(&s, task, 5, 60);
	CHECK_INT(slots_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text,
		"task 7: fd 5 is file 60, which files.img does not have");
	scene_end(&s);
	task = lone_task(&s);
	task->fs->cwd_id = 61;
	CHECK_INT(slots_plan(&s), -EBADMSG);
	CHECK_STR(s.err.text, "task 7: the working directory is file 61, which "
			      "files.img does not have");
	scene_end(&s);
}

TEST(what_nobody_holds_is_not_made)
{
	struct scene s;

	lone_task(&s);
	scene_file(&s, 40, &kind_needy);
	CHECK_INT(slots_plan(&s), 0);
	CHECK_INT(s.plan.order.n, 1);
	CHECK_INT(plan_slot(&s.plan, 40, false), -1);
	scene_end(&s);
}

TEST(tasks_with_one_fd_table_fill_it_once_and_read_by_numbers_of_their_own)
{
	struct scene s;
	struct task *task = lone_task(&s), *child;

	scene_file(&s, 2, &scene_kind);
	scene_fd(&s, task, 0, 2);
	child = scene_task(&s, 8, 7, 7, 7);
	child->ids->files_id = task->ids->files_id;
	scene_fd(&s, child, 0, 2);
	CHECK_INT(slots_plan(&s), 0);
	CHECK(s.plan.tasks[0].installs_files);
	CHECK(!s.plan.tasks[1].installs_files);
	CHECK_INT(s.plan.tasks[1].fds.n, 0);
	CHECK(s.plan.tasks[0].table_shared && s.plan.tasks[1].table_shared);
	CHECK(s.plan.tasks[0].pages_slot != s.plan.tasks[1].pages_slot);
	CHECK(s.plan.tasks[1].birth->shares == CLONE_FILES);
	scene_end(&s);
}

/* --- the zone ---------------------------------------------------------------
 */

static void zone_check(const struct scene *s, uint64_t start, uint64_t end)
{
	const struct zone *zone = &s->plan.zone;

	CHECK(end <= zone->vdso_home || start >= zone->end);
}

TEST(the_zone_is_free_in_the_host_and_in_every_task)
{
	enum { HUGE = 2 << 20 };
	uint64_t seed = 11, at;
	const struct zone *zone;
	struct task *task;
	struct scene s;

	for (int round = 0; round < 60; round++) {
		scene_start(&s, backends[round % 3]);
		scene_file(&s, 1, &scene_kind);
		zone = &s.plan.zone;
		at = 1ull << 32;
		for (int t = 0; t < 3; t++) {
			task = scene_task(&s, 10 + t, t ? 10 : 1, 10, 10);
			for (int i = 0; i < 20; i++) {
				at += scene_random(&seed) % 4096 * SCENE_PAGE;
				scene_vma(&s, task, at, at + SCENE_PAGE,
					PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
					VMA_REGULAR | VMA_ANON_PRIVATE);
				at += SCENE_PAGE;
			}
			scene_map(&s, at, at + HUGE, "/somewhere");
			at += HUGE;
		}
		CHECK_INT(scene_plan(&s), 0);
		for (size_t t = 0; t < 3; t++)
			for (size_t i = 0; i < s.tree.tasks.at[t]->mm->n_vmas;
				i++)
				zone_check(&s,
					s.tree.tasks.at[t]->mm->vmas[i]->start,
					s.tree.tasks.at[t]->mm->vmas[i]->end);
		for (size_t i = 0; i < s.host.maps.n; i++)
			zone_check(&s, s.host.maps.at[i].start,
				s.host.maps.at[i].end);
		CHECK_INT(zone->start % (64 << 10), 0);
		CHECK_INT(zone->reel % (64 << 10), 0);
		CHECK_INT(zone->stage % HUGE, 0);
		CHECK(zone->vdso_home < zone->start);
		CHECK(zone->start <= zone->code && zone->code < zone->park);
		CHECK(zone->park < zone->reel && zone->reel < zone->stage);
		CHECK(zone->reel + zone->reel_room <= zone->stage);
		CHECK(zone->stage <= zone->end);
		CHECK(zone->end <= s.host.be->task_size);
		scene_end(&s);
	}
}

TEST(a_task_that_leaves_no_room_is_refused)
{
	struct scene s;
	struct task *task = lone_task(&s);

	scene_vma(&s, task, 1ull << 32, s.host.be->task_size, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS, VMA_REGULAR | VMA_ANON_PRIVATE);
	CHECK_INT(scene_plan(&s), -ENOMEM);
	CHECK(strstr(s.err.text, "that is free in every task"));
	scene_end(&s);
}
