/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/cpu.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cpuinfo/cpuinfo.h"
#include "inject/regs.h"
#include "kernel/ptrace.h"

/* A process whose registers show what this CPU and this kernel have. */
static pid_t sample_start(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static int sample_fetch(
	struct restore *restore, pid_t pid, struct regs *ret, struct err *err)
{
	int code, status;

	code = ptrace_seize(pid, 0, err);
	if (!code)
		code = ptrace_interrupt(pid, err);
	if (!code)
		code = ptrace_wait_stop_for(
			pid, PTRACE_PATIENCE_MS, &status, err);
	return code ?: regs_fetch(restore->arena, restore->be, pid, ret, err);
}

static int sample_regs(
	struct restore *restore, struct regs *ret, struct err *err)
{
	pid_t pid = sample_start();
	int code;

	if (pid < 0)
		return err_errno(err, "starting a process to look at the "
				      "registers of this host");
	code = sample_fetch(restore, pid, ret, err);
	kill(pid, SIGKILL);
	ptrace_wait_end_for(pid, PTRACE_PATIENCE_MS, ERR_UNREAD);
	return code ? err_wrap(err, "looking at the registers of this host")
		    : 0;
}

/* As the image and what lies beside it tell them, for a host like here. */
static int thread_load(struct restore *restore, struct thread *thread,
	const struct regs *here, struct err *err)
{
	const struct backend *be = restore->be;
	const StasisThreadExtra *beside = thread->extra;
	struct regs_extra extra;
	int code;

	code = be->thread_from_image(
		restore->arena, thread->core, here, &thread->regs, err);
	for (size_t i = 0; beside && i < beside->n_regset && !code; i++) {
		extra = (struct regs_extra){beside->regset[i]->note,
			beside->regset[i]->bytes.data,
			beside->regset[i]->bytes.len};
		code = be->extra_load(
			restore->arena, &extra, here, &thread->regs, err);
	}
	return code;
}

static int threads_load(struct restore *restore, struct task *task,
	const struct regs *here, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(restore->images);
	int code;

	if (task->state == TASK_DEAD)
		return 0;
	for (size_t i = 0; i < task->n_threads; i++) {
		code = thread_load(restore, &task->threads[i], here, err);
		if (!code)
			continue;
		if (code == -ENOTSUP && manifest && manifest->cpu)
			err_hint(err,
				"the image was made on %s (%s); restore it on "
				"a host whose CPU has as much",
				manifest->cpu, manifest->hostname ?: "?");
		return err_wrap(err, "task %d, thread %d", task->pid,
			task->threads[i].tid);
	}
	return 0;
}

/* cpuinfo.img, because somebody asked for it. */
static int file_check(struct restore *restore, struct err *err)
{
	const char *image, *here;
	int code = cpuinfo_check(restore->arena, restore->run->images_dir,
		restore->run->opt->cpu_cap, &image, &here, err);

	if (!code)
		log_info("this CPU (%s) has what the image's host (%s) has",
			here, image);
	return code;
}

/*
 * Programs ask the CPU at their start what there is, and never again. Nothing
 * in their images tells which code they chose, so what they could choose must
 * be here, unless somebody knows them better.
 */
static int record_check(struct restore *restore, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(restore->images);
	struct err told = {0};
	int code;

	if (!manifest || !manifest->cpuinfo)
		return 0;
	code = cpuinfo_compare(
		restore->arena, manifest->cpuinfo, CPU_CAP_CODE, &told);
	if (!code)
		return 0;
	if (!(restore->run->opt->cpu_cap & CPU_CAP_ALL)) {
		log_warn("restoring anyway, as asked: %s", told.text);
		return 0;
	}
	*err = told;
	return err_hint(err, "--cpu-cap=none restores it anyway: its programs "
			     "may have chosen code that this CPU cannot run");
}

int cpu_check(struct restore *restore, struct err *err)
{
	uint32_t cap = restore->run->opt->cpu_cap;
	bool strict = (cap & CPU_CAP_IMAGE) && (cap & CPU_CAP_ALL);
	struct regs here;
	int code;

	code = strict ? file_check(restore, err) : record_check(restore, err);
	if (!code)
		code = sample_regs(restore, &here, err);
	for (size_t i = 0; i < restore->tree.tasks.n && !code; i++)
		code = threads_load(
			restore, restore->tree.tasks.at[i], &here, err);
	return code;
}
