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
		code = ptrace_wait_stop(pid, &status, err);
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
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return code ? err_wrap(err, "looking at the registers of this host")
		    : 0;
}

int cpu_thread_regs(struct arena *arena, const struct backend *be,
	const struct thread *thread, const struct regs *here, struct regs *ret,
	struct err *err)
{
	const StasisRegset *set;
	struct regs_extra extra;
	int code;

	code = be->thread_from_image(arena, thread->core, here, ret, err);
	for (size_t i = 0;
		thread->extra && i < thread->extra->n_regset && !code; i++) {
		set = thread->extra->regset[i];
		extra = (struct regs_extra){
			set->note, set->bytes.data, set->bytes.len};
		code = be->extra_load(arena, &extra, here, ret, err);
	}
	return code;
}

static int threads_check(struct restore *restore, const struct task *task,
	const struct regs *here, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(restore->images);
	_cleanup_arena_ struct arena *arena = arena_new();
	struct regs regs;
	int code;

	if (task->state == TASK_DEAD)
		return 0;
	for (size_t i = 0; i < task->n_threads; i++) {
		regs = (struct regs){0};
		code = cpu_thread_regs(arena, restore->be, &task->threads[i],
			here, &regs, err);
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

int cpu_check(struct restore *restore, struct err *err)
{
	uint32_t cap = restore->run->opt->cpu_cap;
	const char *image, *here_model;
	struct regs here;
	int code = 0;

	if (cap & CPU_CAP_IMAGE) {
		code = cpuinfo_check(restore->arena, restore->run->images_dir,
			cap, &image, &here_model, err);
		if (code)
			return code;
		log_info("this CPU (%s) has what the image's host (%s) has",
			here_model, image);
	}
	code = sample_regs(restore, &here, err);
	for (size_t i = 0; i < restore->tree.tasks.n && !code; i++)
		code = threads_check(
			restore, restore->tree.tasks.at[i], &here, err);
	return code;
}
