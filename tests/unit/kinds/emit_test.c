/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tapes of task and thread kinds, from messages made here: what is put on
 * them, in which order, for all machines; and what is refused.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "kinds/task/lib/dumpable.h"
#include "kinds/kinds.h"
#include "kinds/table.h"
#include "model/facts.h"
#include "kinds/task/lib/seccomp_book.h"
#include "model/tree.h"
#include "test.h"

enum { ALL_CAPS_LAST = 40 };

/* One task of one thread, as plain as can be, and root's newborn. */
struct scene {
	struct arena *arena;
	struct facts facts;
	struct task task;
	struct thread thread;
	CoreEntry core;
	TaskCoreEntry tc;
	ThreadCoreEntry thread_core;
	CredsEntry creds;
	uint32_t caps[2], no_caps[2];
	struct holder holder;
	struct tape *tape;
	struct err err;
};

static void creds_start(struct scene *s)
{
	creds_entry__init(&s->creds);
	s->caps[0] = UINT32_MAX;
	s->caps[1] = (1u << (ALL_CAPS_LAST - 31)) - 1;
	s->creds.cap_prm = s->creds.cap_eff = s->creds.cap_bnd = s->caps;
	s->creds.n_cap_prm = s->creds.n_cap_eff = s->creds.n_cap_bnd = 2;
	s->creds.cap_inh = s->creds.cap_amb = s->no_caps;
	s->creds.n_cap_inh = s->creds.n_cap_amb = 2;
}

static void scene_start(struct scene *s)
{
	*s = (struct scene){.arena = arena_new()};
	s->facts = (struct facts){.proc_fd = -1,
		.last_cap = ALL_CAPS_LAST,
		.affinity_all = true,
		.loginuid = UINT32_MAX,
		.timerslack = 50000,
		.dumpable = 1};
	s->facts.cap_prm = s->facts.cap_bnd = facts_all_caps(&s->facts);
	core_entry__init(&s->core);
	task_core_entry__init(&s->tc);
	thread_core_entry__init(&s->thread_core);
	creds_start(s);
	s->core.tc = &s->tc;
	s->core.thread_core = &s->thread_core;
	s->thread_core.creds = &s->creds;
	s->thread.core = &s->core;
	s->thread.tid = s->task.pid = 42;
	s->thread.task = &s->task;
	s->task.threads = &s->thread;
	s->task.n_threads = 1;
	s->holder = (struct holder){.facts = &s->facts,
		.task = &s->task,
		.thread = &s->thread,
		.fd = -1};
	s->tape = tape_new(s->arena, "thread 42");
}

static void scene_end(struct scene *s)
{
	arena_free(s->arena);
}

static int scene_emit(struct scene *s, const struct kind *kind)
{
	return kind->emit(s->tape, NULL, &s->holder, &s->err);
}

/* The steps without their numbers and sizes: "prctl(38, 1)". */
static char *scene_steps(struct scene *s)
{
	char *text = NULL, *line, *from, *out;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	tape_print(s->tape, stream);
	fclose(stream);
	out = arena_strdup(s->arena, "");
	for (line = strchr(text, '\n') + 1; *line; line = from + 1) {
		from = strchr(line, '\n');
		*strstr(line, "  #") = '\0';
		out = arena_printf(s->arena, "%s%s\n", out,
			line + strspn(line, " 0123"
					    "456789"));
	}
	free(text);
	return out;
}

TEST(what_a_newborn_has_already_is_put_on_no_tape)
{
	static const struct kind *const quiet[] = {&kind_proc_files,
		&kind_personality, &kind_membarrier, &kind_seccomp_common,
		&kind_subreaper, &kind_timers, &kind_signals_shared,
		&kind_rlimits, &kind_mm_flags, &kind_seccomp, &kind_altstack,
		&kind_rseq, &kind_timerslack, &kind_sched, &kind_comm,
		&kind_cpu_modes, &kind_signals_private, &kind_creds,
		&kind_dumpable, &kind_caps, &kind_death_signal,
		&kind_seccomp_strict};
	struct scene s;

	scene_start(&s);
	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
		CHECK_INT(scene_emit(&s, quiet[i]), 0);
		if (!CHECK_INT(s.tape->ops.n, 0))
			CHECK_STR(quiet[i]->name, "");
	}
	scene_end(&s);
}

TEST(credentials_give_rights_up_in_an_order_that_never_lacks_one)
{
	uint32_t groups[] = {5}, some[2] = {1u << CAP_NET_RAW, 0};
	struct scene s;

	scene_start(&s);
	s.creds.groups = groups;
	s.creds.n_groups = 1;
	s.creds.uid = s.creds.euid = s.creds.suid = s.creds.fsuid = 1000;
	s.creds.gid = s.creds.egid = s.creds.sgid = 100;
	s.creds.fsgid = 101;
	s.creds.cap_prm = s.creds.cap_eff = s.creds.cap_inh = s.creds.cap_amb =
		some;
	s.caps[0] &= ~(1u << CAP_MKNOD);
	s.creds.secbits = SECBIT_NOROOT;
	s.creds.has_no_new_privs = s.creds.no_new_privs = 1;
	CHECK_INT(scene_emit(&s, &kind_creds), 0);
	CHECK_INT(scene_emit(&s, &kind_dumpable), 0);
	CHECK_INT(scene_emit(&s, &kind_caps), 0);
	CHECK_STR(scene_steps(&s), "setgroups(1, data+0)\n"
				   "setresgid(100, 100, 100)\n"
				   "setfsgid(101)\n"
				   "prctl(28, 4)\n"
				   "setresuid(1000, 1000, 1000)\n"
				   "capset(data+0x10, data+0x20)\n"
				   "prctl(47, 2, 13)\n"
				   "prctl(24, 27)\n"
				   "prctl(28, 1)\n"
				   "prctl(4)\n"
				   "capset(data+0x40, data+0x50)\n"
				   "prctl(38, 1)\n");
	scene_end(&s);
}

TEST(a_capability_that_newborns_lack_is_refused_by_name)
{
	struct scene s;

	scene_start(&s);
	s.facts.cap_prm &= ~(1ull << CAP_SYS_RESOURCE);
	CHECK_INT(scene_emit(&s, &kind_creds), -EPERM);
	CHECK(strstr(s.err.text, "CAP_SYS_RESOURCE"));
	CHECK(s.err.hint[0]);
	scene_end(&s);
}

TEST(a_bounding_set_may_come_back_smaller)
{
	struct scene s;

	scene_start(&s);
	s.creds.cap_prm = s.creds.cap_eff = s.no_caps;
	s.facts.cap_bnd &= ~(1ull << CAP_SYS_RESOURCE);
	CHECK_INT(scene_emit(&s, &kind_creds), 0);
	CHECK_INT(s.tape->ops.n, 0);
	CHECK_INT(scene_emit(&s, &kind_caps), 0);
	CHECK_STR(scene_steps(&s), "capset(data+0, data+0x10)\n");
	scene_end(&s);
}

TEST(capabilities_of_a_newer_kernel_are_left_out)
{
	struct scene s;

	scene_start(&s);
	s.caps[1] |= 1u << 31;
	CHECK_INT(scene_emit(&s, &kind_creds), 0);
	CHECK_INT(scene_emit(&s, &kind_caps), 0);
	CHECK_INT(s.tape->ops.n, 0);
	scene_end(&s);
}

static void becomes(struct scene *s, uint32_t uid)
{
	s->creds.uid = s->creds.euid = s->creds.suid = s->creds.fsuid = uid;
}

TEST(a_task_is_not_dumpable_while_its_user_would_get_more_than_he_is_to_have)
{
	struct scene s;
	MmEntry mm;

	scene_start(&s);
	mm_entry__init(&mm);
	s.task.mm = &mm;
	CHECK_INT(dumpable_played(&s.task, &s.facts), 1);
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 1);
	s.creds.cap_prm = s.no_caps;
	CHECK_INT(dumpable_played(&s.task, &s.facts), 0);
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 1);
	s.creds.cap_prm = s.caps;
	becomes(&s, 1000);
	CHECK_INT(dumpable_played(&s.task, &s.facts), 0);
	mm.has_dumpable = 1;
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 0);
	CHECK_INT(scene_emit(&s, &kind_dumpable), 0);
	CHECK_STR(scene_steps(&s), "prctl(4)\n");
	scene_end(&s);
}

TEST(core_dumps_for_root_only_stay_where_a_change_of_ids_gives_them)
{
	struct scene s;
	MmEntry mm;

	scene_start(&s);
	mm_entry__init(&mm);
	s.task.mm = &mm;
	mm.has_dumpable = 1;
	mm.dumpable = s.facts.suid_dumpable = 2;
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 0);
	/* The real one alone makes the kernel do nothing. */
	s.creds.uid = 1000;
	CHECK_INT(dumpable_played(&s.task, &s.facts), 0);
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 0);
	becomes(&s, 1000);
	CHECK_INT(dumpable_played(&s.task, &s.facts), 2);
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 2);
	CHECK_INT(scene_emit(&s, &kind_dumpable), 0);
	CHECK_INT(s.tape->ops.n, 0);
	s.facts.suid_dumpable = 1;
	CHECK_INT(dumpable_played(&s.task, &s.facts), 0);
	CHECK_INT(dumpable_wanted(&s.task, &s.facts), 0);
	scene_end(&s);
}

static void limits_add(struct scene *s, uint64_t max)
{
	TaskRlimitsEntry *all = arena_new1(s->arena, TaskRlimitsEntry);

	task_rlimits_entry__init(all);
	all->rlimits = arena_newn(s->arena, RlimitEntry *, 16);
	for (; all->n_rlimits < 16; all->n_rlimits++) {
		all->rlimits[all->n_rlimits] =
			arena_new1(s->arena, RlimitEntry);
		rlimit_entry__init(all->rlimits[all->n_rlimits]);
	}
	all->rlimits[7]->max = max;
	s->tc.rlimits = all;
}

TEST(a_hard_limit_above_ours_wants_the_right_to_raise_it)
{
	struct scene s;

	scene_start(&s);
	limits_add(&s, 1000);
	CHECK_INT(scene_emit(&s, &kind_rlimits), 0);
	CHECK_STR(scene_steps(&s), "prlimit64(0, 7, data+0)\n");
	s.facts.cap_prm &= ~(1ull << CAP_SYS_RESOURCE);
	CHECK_INT(scene_emit(&s, &kind_rlimits), -EPERM);
	s.facts.rlimits[7].max = 1000;
	CHECK_INT(scene_emit(&s, &kind_rlimits), 0);
	scene_end(&s);
}

static void timer_add(struct scene *s, uint32_t id)
{
	TaskTimersEntry *timers = arena_new1(s->arena, TaskTimersEntry);

	task_timers_entry__init(timers);
	timers->posix = arena_newn(s->arena, PosixTimerEntry *, 1);
	timers->posix[0] = arena_new1(s->arena, PosixTimerEntry);
	posix_timer_entry__init(timers->posix[0]);
	timers->posix[0]->it_id = id;
	timers->posix[0]->vsec = 1;
	timers->n_posix = 1;
	s->tc.timers = timers;
}

TEST(timer_ids_are_counted_up_to_where_the_kernel_does_not_let_them_choose)
{
	struct scene s;

	scene_start(&s);
	timer_add(&s, 1);
	CHECK_INT(scene_emit(&s, &kind_timers), 0);
	CHECK_STR(scene_steps(&s), "timer_create(1, data+0, data+0x40)\n"
				   "timer_delete()\n"
				   "timer_create(0, data+0x50, data+0x40)\n"
				   "timer_settime(1, 0, data+0x90)\n");
	scene_end(&s);
}

TEST(timer_ids_too_high_to_count_are_refused)
{
	struct scene s;

	scene_start(&s);
	timer_add(&s, 2000000);
	CHECK_INT(scene_emit(&s, &kind_timers), -ENOTSUP);
	s.facts.timer_restore_ids = true;
	CHECK_INT(scene_emit(&s, &kind_timers), 0);
	scene_end(&s);
}

TEST(an_image_without_all_signal_actions_is_refused)
{
	struct scene s;

	scene_start(&s);
	CHECK_INT(scene_emit(&s, &kind_sigactions), -EINVAL);
	scene_end(&s);
}

static void signal_add(struct scene *s, int32_t sig, size_t size)
{
	SignalQueueEntry *queue = arena_new1(s->arena, SignalQueueEntry);
	SiginfoEntry *info = arena_new1(s->arena, SiginfoEntry);

	signal_queue_entry__init(queue);
	siginfo_entry__init(info);
	info->siginfo.data = arena_alloc(s->arena, 128);
	info->siginfo.len = size;
	memcpy(info->siginfo.data, &sig, sizeof(sig));
	queue->signals = arena_newn(s->arena, SiginfoEntry *, 1);
	queue->signals[0] = info;
	queue->n_signals = 1;
	s->thread_core.signals_p = s->tc.signals_s = queue;
}

TEST(waiting_signals_are_queued_by_their_owner)
{
	struct scene s;

	scene_start(&s);
	signal_add(&s, SIGUSR1, 128);
	CHECK_INT(scene_emit(&s, &kind_signals_shared), 0);
	CHECK_INT(scene_emit(&s, &kind_signals_private), 0);
	CHECK_STR(scene_steps(&s),
		"rt_sigqueueinfo(42, 10, data+0)\n"
		"rt_tgsigqueueinfo(42, 42, 10, data+0x80)\n");
	scene_end(&s);
}

TEST(a_waiting_trap_or_a_torn_siginfo_is_refused)
{
	struct scene s;

	scene_start(&s);
	signal_add(&s, SIGTRAP, 128);
	CHECK_INT(scene_emit(&s, &kind_signals_shared), -ENOTSUP);
	signal_add(&s, SIGUSR1, 100);
	CHECK_INT(scene_emit(&s, &kind_signals_shared), -EINVAL);
	CHECK_INT(s.tape->ops.n, 0);
	scene_end(&s);
}

TEST(a_realtime_thread_gets_its_nice_before_its_policy)
{
	struct scene s;

	scene_start(&s);
	s.thread_core.has_sched_policy = s.thread_core.has_sched_nice = 1;
	s.thread_core.sched_policy = 1;
	s.thread_core.sched_prio = 5;
	s.thread_core.sched_nice = 3;
	CHECK_INT(scene_emit(&s, &kind_sched), 0);
	CHECK_STR(scene_steps(&s),
		"setpriority(0, 0, 3)\nsched_setattr(0, data+0)\n");
	scene_end(&s);
}

/* SCHED_RR | SCHED_RESET_ON_FORK is one word in the format. */
TEST(a_policy_that_children_do_not_inherit_is_read_from_its_word)
{
	const uint8_t *attr;
	struct scene s;

	scene_start(&s);
	s.thread_core.has_sched_policy = 1;
	s.thread_core.sched_policy = 0x40000002;
	s.thread_core.sched_prio = 5;
	CHECK_INT(scene_emit(&s, &kind_sched), 0);
	CHECK_STR(scene_steps(&s), "sched_setattr(0, data+0)\n");
	attr = (const uint8_t *)tape_data_at(s.tape, 0);
	CHECK_INT(attr[4], 2); /* policy */
	CHECK_INT(attr[7], 0);
	CHECK_INT(attr[8], 1);	/* flags */
	CHECK_INT(attr[20], 5); /* priority */
	scene_end(&s);
}

TEST(proc_is_reached_through_the_fd_that_the_walk_left_open)
{
	struct scene s;

	scene_start(&s);
	s.facts.proc_fd = 77;
	s.tc.has_oom_score_adj = 1;
	s.tc.oom_score_adj = -5;
	CHECK_INT(scene_emit(&s, &kind_proc_files), 0);
	CHECK_STR(scene_steps(&s), "openat(77, data+0, 0x80001)\n"
				   "write(op0, data+0x20, 2)\n"
				   "close(op0)\n");
	CHECK_STR(tape_data_at(s.tape, 0), "self/oom_score_adj");
	scene_end(&s);
}

/* A second thread that has one filter more than the leader. */
struct pair {
	struct thread threads[2];
	CoreEntry core;
	ThreadCoreEntry thread_core;
};

static void pair_start(struct scene *s, struct pair *pair)
{
	struct seccomp_book *book = seccomp_book_new(s->arena);

	seccomp_book_add(s->arena, book, SECCOMP_NONE, "11111111", 8, 2);
	seccomp_book_add(s->arena, book, 0, "2222222222222222", 16, 0);
	s->facts.seccomp = &book->entry;
	s->thread_core.has_seccomp_mode = 1;
	s->thread_core.seccomp_mode = SECCOMP_MODE__filter;
	s->thread_core.has_seccomp_filter = 1;
	core_entry__init(&pair->core);
	pair->thread_core = s->thread_core;
	pair->thread_core.seccomp_filter = 1;
	pair->core.thread_core = &pair->thread_core;
	pair->threads[0] = s->thread;
	pair->threads[1] = s->thread;
	pair->threads[1].core = &pair->core;
	s->task.threads = pair->threads;
	s->task.n_threads = 2;
	s->holder.thread = &pair->threads[0];
}

TEST(threads_share_the_filters_that_all_of_them_have)
{
	struct pair pair;
	struct scene s;

	scene_start(&s);
	pair_start(&s, &pair);
	CHECK_INT(scene_emit(&s, &kind_seccomp_common), 0);
	CHECK_STR(scene_steps(&s), "set_tid_address(data+0)\n"
				   "prctl(40, data+0x18)\n"
				   "seccomp(1, 3, data+0x10)\n");
	CHECK_INT(scene_emit(&s, &kind_seccomp), 0);
	CHECK_INT(s.tape->ops.n, 3);
	s.tape = tape_new(s.arena, "thread 43");
	s.holder.thread = &pair.threads[1];
	CHECK_INT(scene_emit(&s, &kind_seccomp), 0);
	CHECK_STR(scene_steps(&s), "set_tid_address(data+0)\n"
				   "prctl(40, data+0x18)\n"
				   "seccomp(1, 0, data+0x10)\n");
	scene_end(&s);
}

TEST(every_machine_has_the_calls_that_kinds_use)
{
	struct scene s;
	void *block;

	scene_start(&s);
	s.creds.uid = 7;
	s.tc.personality = 1;
	s.tc.child_subreaper = 1;
	s.tc.membarrier_registration_mask = 16;
	s.thread_core.pdeath_sig = 9;
	s.thread_core.has_seccomp_mode = 1;
	s.thread_core.seccomp_mode = SECCOMP_MODE__strict;
	s.thread_core.comm = arena_strdup(s.arena, "name");
	timer_add(&s, 0);
	signal_add(&s, SIGUSR1, 128);
	limits_add(&s, 1);
	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i]->scope != SCOPE_FILE && kinds[i]->emit &&
			kinds[i] != &kind_sigactions)
			CHECK_INT(scene_emit(&s, kinds[i]), 0);
	CHECK(s.tape->ops.n > 12);
	block = arena_alloc(s.arena, tape_size(s.tape));
	for (size_t i = 0; backends[i]; i++) {
		CHECK_INT(tape_press(s.tape, backends[i], 0, block, &s.err), 0);
		CHECK_STR(s.err.text, "");
	}
	scene_end(&s);
}

/* Fd 5 of the scene's task, made by itself, is that file. */
static int proc_held_try(struct scene *s, const char *name, uint32_t flags)
{
	static FdinfoEntry fd, *fds[] = {&fd};
	static struct object object, *by_id[2] = {NULL, &object};
	static struct objects objects;
	static FileEntry entry;
	static RegFileEntry reg;

	scene_start(s);
	fdinfo_entry__init(&fd);
	file_entry__init(&entry);
	reg_file_entry__init(&reg);
	fd.id = 1;
	fd.fd = 5;
	reg.name = (char *)(uintptr_t)name;
	reg.flags = flags;
	reg.pos = 7;
	entry.reg = &reg;
	object = (struct object){
		.kind = &kind_regular, .entry = &entry, .id = 1, .apart = true};
	*vec_push(s->arena, &object.holders) =
		(struct holder){.task = &s->task, .fd = 5};
	objects = (struct objects){.by_id = by_id, .max_id = 1};
	s->task.fds = fds;
	s->task.n_fds = 1;
	s->holder.objects = &objects;
	s->facts.proc_fd = 99;
	return scene_emit(s, &kind_proc_held);
}

TEST(files_of_proc_about_others_are_opened_through_no_link_when_they_exist)
{
	static const char *const late[] = {
		"/proc/42/task/43/mem", "/proc/41/stat", "/proc/1/net/tcp"};
	static const char *const not_ours[] = {"/proc/42/mem", "/proc/42",
		"/proc/meminfo", "/proc/self/mem", "/etc/passwd",
		"/proc/41/../42/mem"};
	struct scene s;

	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		CHECK_INT(proc_held_try(&s, late[i], 0), 0);
		CHECK_INT(s.tape->ops.n, 5);
		CHECK(strstr(scene_steps(&s), "openat2(99, ") != NULL);
		CHECK(strstr(scene_steps(&s), ", 5)") != NULL);
		scene_end(&s);
	}
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(*not_ours); i++) {
		CHECK_INT(proc_held_try(&s, not_ours[i], 0), 0);
		CHECK_INT(s.tape->ops.n, 0);
		scene_end(&s);
	}
}

TEST(files_of_proc_that_are_power_over_another_process_are_refused)
{
	static const char *const names[] = {"mem", "environ", "auxv", "maps",
		"smaps", "syscall", "stack", "pagemap", "fd", "fd/3", "cwd",
		"root/etc/passwd", "exe", "map_files", "attr/current",
		"task/41/mem"};
	char name[64];
	struct scene s;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "/proc/41/%s", names[i]);
		CHECK_INT(proc_held_try(&s, name, 0), -EOPNOTSUPP);
		CHECK(strstr(s.err.text, "not its holder") != NULL);
		scene_end(&s);
	}
	CHECK_INT(proc_held_try(&s, "/proc/41/oom_score_adj", 2), -EOPNOTSUPP);
	scene_end(&s);
}
