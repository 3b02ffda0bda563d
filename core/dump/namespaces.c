/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/namespaces.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/timens.h"
#include "proto/namespaces.pb-c.h"

/* Numbers of the engine's own namespaces in every image, in this order;
 * the victims' time namespace, when it is another, is the next. */
enum {
	NS_PID = 1,
	NS_NET,
	NS_IPC,
	NS_UTS,
	NS_TIME,
	NS_MNT,
	NS_USER,
	NS_CGROUP,
	NS_TIME_OTHER,
};

static const char *const same_namespaces[] = {
	"pid", "net", "ipc", "uts", "mnt", "user", "cgroup", NULL};

/* As people call what the kernel abbreviates. */
static const char *label_of(const char *link)
{
	static const struct {
		const char *link, *label;
	} all[] = {{"net", "network"}, {"ipc", "IPC"}, {"uts", "UTS"},
		{"mnt", "mount"}, {"pid_for_children", "pid"},
		{"time_for_children", "time"}};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(link, all[i].link) == 0)
			return all[i].label;
	return link;
}

static int own_open(struct proc *ret, struct err *err)
{
	return proc_open(getpid(), ret, err);
}

static int own_look(struct dump *dump, struct err *err)
{
	_cleanup_proc_ struct proc own = PROC_CLOSED;
	int code = own_open(&own, err);

	for (int i = 0; same_namespaces[i] && !code; i++)
		code = proc_read_ns_ino(
			&own, 0, same_namespaces[i], &dump->own_ns[i], err);
	if (!code)
		code = proc_read_ns_ino(
			&own, 0, "time", &dump->own_time_ns, err);
	if (!code)
		code = proc_read_ns_ino(&own, 0, "pid_for_children",
			&dump->own_pid_children, err);
	dump->time_ns = dump->own_time_ns;
	return code;
}

static int time_check(struct dump *dump, struct victim *victim, struct err *err)
{
	uint64_t ino;
	int code = proc_read_ns_ino(&victim->proc, 0, "time", &ino, err);

	if (code)
		return code;
	if (victim == dump->victims.at[0])
		dump->time_ns = ino;
	if (ino == dump->time_ns)
		return 0;
	err_set(err, EOPNOTSUPP,
		"process %d has another time namespace than process %d: only "
		"one in a tree can be dumped",
		victim->pid, dump->victims.at[0]->pid);
	return err_hint(err, "dump the tree that begins with process %d alone",
		victim->pid);
}

/* Of one thread: those that its children would be born into, and all others
 * that a thread can leave alone. */
static int thread_check(const struct dump *dump,
	const struct victim_thread *thread, struct err *err)
{
	static const char *const names[] = {"pid_for_children",
		"time_for_children", "net", "ipc", "uts", "mnt", "cgroup",
		NULL};
	const uint64_t want[] = {dump->own_pid_children, dump->time_ns,
		dump->own_ns[1], dump->own_ns[2], dump->own_ns[3],
		dump->own_ns[4], dump->own_ns[6]};
	const char *const of_children[] = {names[0], names[1], NULL};
	bool leads = thread->tid == thread->victim->pid;
	uint64_t inos[sizeof(want) / sizeof(*want)] = {0};
	int code = proc_read_ns_inos(&thread->victim->proc, thread->tid,
		leads ? of_children : names, inos, err);

	/* A leader's own are those of the process. */
	for (int i = 0; (leads ? of_children : names)[i] && !code; i++) {
		/* 0: a pid namespace without an init yet, or no such file. */
		if (inos[i] == want[i] || (i == 1 && !dump->own_time_ns))
			continue;
		err_set(err, EOPNOTSUPP,
			i < 2 ? "thread %d of process %d has asked for a new "
				"%s namespace for its children, which cannot "
				"be dumped yet"
			      : "thread %d of process %d lives in a %s "
				"namespace of its own, which cannot be dumped "
				"yet",
			thread->tid, thread->victim->pid, label_of(names[i]));
		return err_hint(err, "dump it before unshare(2) or setns(2)");
	}
	return code;
}

int namespaces_check(struct dump *dump, struct victim *victim, struct err *err)
{
	uint64_t inos[sizeof(same_namespaces) / sizeof(*same_namespaces)];
	int code;

	code = (dump->own_ns[0] ? 0 : own_look(dump, err))
		       ?: proc_read_ns_inos(
				  &victim->proc, 0, same_namespaces, inos, err);
	for (int i = 0; same_namespaces[i] && !code; i++) {
		if (inos[i] == dump->own_ns[i])
			continue;
		err_set(err, EOPNOTSUPP,
			"process %d lives in a %s namespace of its own: "
			"containers are not built yet",
			victim->pid, label_of(same_namespaces[i]));
		return err_hint(err,
			"run stasis inside that namespace (nsenter -t %d -a)",
			victim->pid);
	}
	if (!code)
		code = time_check(dump, victim, err);
	for (size_t i = 0; i < victim->threads.n && !code; i++)
		code = thread_check(dump, victim->threads.at[i], err);
	return code;
}

static void fill(TaskKobjIdsEntry *ids, uint32_t time_ns)
{
	ids->has_pid_ns_id = ids->has_net_ns_id = ids->has_ipc_ns_id = true;
	ids->has_uts_ns_id = ids->has_mnt_ns_id = ids->has_user_ns_id = true;
	ids->has_cgroup_ns_id = ids->has_time_ns_id = true;
	ids->pid_ns_id = NS_PID;
	ids->net_ns_id = NS_NET;
	ids->ipc_ns_id = NS_IPC;
	ids->uts_ns_id = NS_UTS;
	ids->mnt_ns_id = NS_MNT;
	ids->user_ns_id = NS_USER;
	ids->cgroup_ns_id = NS_CGROUP;
	ids->time_ns_id = time_ns;
}

void namespaces_fill(const struct dump *dump, const struct victim *victim,
	TaskKobjIdsEntry *ids)
{
	(void)victim;
	fill(ids, dump->time_ns == dump->own_time_ns ? NS_TIME : NS_TIME_OTHER);
}

void namespaces_fill_own(TaskKobjIdsEntry *ids)
{
	ids->vm_id = ids->files_id = ids->fs_id = ids->sighand_id = 1;
	fill(ids, NS_TIME);
}

static Timespec *clock_read(struct dump *dump, clockid_t clock, int64_t shift)
{
	Timespec *entry = arena_new1(dump->arena, Timespec);
	struct timespec now;
	int64_t ns;

	clock_gettime(clock, &now);
	ns = now.tv_sec * 1000000000ll + now.tv_nsec + shift;
	timespec__init(entry);
	entry->tv_sec = (uint64_t)(ns / 1000000000);
	entry->tv_nsec = (uint64_t)(ns % 1000000000);
	return entry;
}

int namespaces_capture_time(struct dump *dump, struct err *err)
{
	bool other = dump->time_ns != dump->own_time_ns;
	_cleanup_proc_ struct proc own = PROC_CLOSED;
	TimensEntry entry = TIMENS_ENTRY__INIT;
	char *here = NULL, *there = NULL;
	int64_t monotonic = 0, boottime = 0;
	int code = own_open(&own, err);

	if (!code && other)
		code = proc_read_file(dump->arena, &own, 0, "timens_offsets",
			&here, NULL, err);
	if (!code && other)
		code = proc_read_file(dump->arena, &dump->victims.at[0]->proc,
			0, "timens_offsets", &there, NULL, err);
	if (code)
		return err_wrap(err, "time namespace");
	if (other) {
		monotonic = timens_offset_parse(there, "monotonic") -
			    timens_offset_parse(here, "monotonic");
		boottime = timens_offset_parse(there, "boottime") -
			   timens_offset_parse(here, "boottime");
	}
	entry.monotonic = clock_read(dump, CLOCK_MONOTONIC, monotonic);
	entry.boottime = clock_read(dump, CLOCK_BOOTTIME, boottime);
	return image_append(dump->images, IMAGE_TIMENS,
		other ? NS_TIME_OTHER : 0, &entry.base, NULL, 0, err);
}
