/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that does nothing but ask the vdso for the time. */
#include "inject/vdso.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/ptrace.h"
#include "test.h"

/* Steps of an emulated CPU are so slow that a few threads must do. */
enum { TRIES = 200, CAUGHT = 20, CAUGHT_SLOW = 4, SLOW_SECONDS = 15 };

struct seen {
	volatile uint64_t rounds, backs, signals;
};

struct scene {
	struct seen *seen; /* shared with the child */
	pid_t pid;
	struct arena *arena;
	struct proc proc;
	struct memory memory;
	struct maps maps;
	const struct map *vdso;
	uint64_t pc;
};

/* volatile: compilers do not see that signal() leads back to here. */
static struct seen *volatile seen_of_handler;

static void signal_note(int sig)
{
	(void)sig;
	seen_of_handler->signals++;
}

/* The coarse clock is read by so few instructions that even slow steps come
 * through before the kernel changes it. */
static void child_spin(struct seen *seen)
{
	struct timespec now, last = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seen_of_handler = seen;
	signal(SIGUSR1, signal_note);
	for (;; last = now, seen->rounds++) {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		if (now.tv_sec < last.tv_sec ||
			(now.tv_sec == last.tv_sec &&
				now.tv_nsec < last.tv_nsec))
			seen->backs++;
	}
}

static bool scene_open(struct scene *scene, struct err *err)
{
	*scene = (struct scene){.arena = arena_new(), .memory = MEMORY_CLOSED};
	scene->seen = mmap(NULL, sizeof(*scene->seen), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	scene->pid = fork();
	if (scene->pid == 0)
		child_spin(scene->seen);
	while (!scene->seen->rounds)
		usleep(1000);
	if (proc_open(scene->pid, &scene->proc, err) ||
		memory_open(&scene->proc, &scene->memory, err) ||
		maps_read(scene->arena, &scene->proc, &scene->maps, err) ||
		ptrace_seize(scene->pid, 0, err))
		return false;
	for (size_t i = 0; i < scene->maps.n; i++)
		if (strcmp(scene->maps.at[i].path, "[vdso]") == 0)
			scene->vdso = &scene->maps.at[i];
	return scene->vdso;
}

static void scene_close(struct scene *scene)
{
	kill(scene->pid, SIGKILL);
	waitpid(scene->pid, NULL, 0);
	memory_close(&scene->memory);
	proc_close(&scene->proc);
	munmap(scene->seen, sizeof(*scene->seen));
	arena_free(scene->arena);
}

static bool pc_inside(struct scene *scene, struct err *err)
{
	const struct backend *be = backend_host();
	uint64_t gpr[128];
	size_t size = sizeof(gpr);

	if (!CHECK_INT(ptrace_regset_get(scene->pid, be->regsets[0].note, gpr,
			       &size, err),
		    0))
		return false;
	scene->pc = be->reg_get(gpr, REG_PC);
	return scene->pc >= scene->vdso->start && scene->pc < scene->vdso->end;
}

static bool pc_at_call(struct scene *scene)
{
	const struct insn *insn = &backend_host()->syscall;
	uint8_t bytes[2 * sizeof(insn->bytes)];

	return !memory_read(&scene->memory, scene->pc - insn->size, bytes,
		       2u * insn->size, ERR_UNREAD) &&
	       memmem(bytes, 2u * insn->size, insn->bytes, insn->size);
}

/* Stops the child inside the vdso's own code; where its clock needs a system
 * call there may be no such place to be caught at. */
static bool scene_catch(struct scene *scene, struct err *err)
{
	int sig;

	for (int i = 0; i < TRIES; i++) {
		if (ptrace_interrupt(scene->pid, err) ||
			ptrace_wait_interrupted(scene->pid, &sig, err))
			return false;
		if (pc_inside(scene, err) && !pc_at_call(scene))
			return true;
		if (ptrace_cont(scene->pid, 0, err))
			return false;
		usleep((unsigned)i % 7 * 50);
	}
	return false;
}

static bool scene_got_on(const struct scene *scene, uint64_t since)
{
	return scene->seen->rounds >= since + 10;
}

/* Did it come out? Where steps take longer than the kernel's ticks it may not.
 */
static bool leave(struct scene *scene, uint64_t *held, struct err *err)
{
	uint64_t mask = 0, after = 1;
	bool moved = false;

	CHECK_INT(ptrace_sigmask_get(scene->pid, &mask, err), 0);
	CHECK_INT(vdso_leave(backend_host(), &scene->memory, scene->vdso,
			  scene->pid, scene->pc, mask, held, &moved, err),
		0);
	CHECK(moved);
	CHECK_INT(ptrace_sigmask_get(scene->pid, &after, err), 0);
	CHECK(mask == after);
	return !pc_inside(scene, err);
}

static bool slow(time_t since)
{
	return time(NULL) - since > SLOW_SECONDS;
}

TEST(a_thread_in_the_vdso_goes_on_until_it_is_out_of_it)
{
	struct err err = {0};
	struct scene scene;
	uint64_t held = 0, rounds;
	int caught = 0, left = 0;
	time_t since = time(NULL);

	REQUIRE(scene_open(&scene, &err));
	for (; caught < CAUGHT && !(slow(since) && caught >= CAUGHT_SLOW);
		caught++) {
		if (!scene_catch(&scene, &err)) {
			test_skip("never caught in the vdso");
			break;
		}
		left += leave(&scene, &held, &err);
		rounds = scene.seen->rounds;
		CHECK_INT(ptrace_cont(scene.pid, 0, &err), 0);
		for (int k = 0; k < 50000 && !scene_got_on(&scene, rounds); k++)
			usleep(100);
		CHECK(scene_got_on(&scene, rounds));
	}
	CHECK(left >= caught / 2 || slow(since));
	CHECK_INT(held, 0);
	CHECK_INT(scene.seen->backs, 0);
	CHECK_STR(err.text, "");
	scene_close(&scene);
}

TEST(signals_wait_until_the_thread_runs_on)
{
	struct err err = {0};
	struct scene scene;
	uint64_t held = 0;

	REQUIRE(scene_open(&scene, &err));
	if (!scene_catch(&scene, &err)) {
		test_skip("never caught in the vdso");
		scene_close(&scene);
		return;
	}
	kill(scene.pid, SIGUSR1);
	leave(&scene, &held, &err);
	CHECK_INT(held, 0);
	CHECK_INT(scene.seen->signals, 0);
	CHECK_INT(ptrace_detach(scene.pid, 0, &err), 0);
	for (int i = 0; i < 5000 && !scene.seen->signals; i++)
		usleep(1000);
	CHECK_INT(scene.seen->signals, 1);
	scene_close(&scene);
}

TEST(a_stop_signal_is_kept_for_later)
{
	struct err err = {0};
	struct scene scene;
	uint64_t held = 0;

	REQUIRE(scene_open(&scene, &err));
	if (!scene_catch(&scene, &err)) {
		test_skip("never caught in the vdso");
		scene_close(&scene);
		return;
	}
	kill(scene.pid, SIGSTOP);
	leave(&scene, &held, &err);
	CHECK(held == 1ull << (SIGSTOP - 1));
	scene_close(&scene);
}
