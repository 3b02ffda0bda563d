/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three processes: a victim with threads, one that has the agent stay in it,
 * and the test, which traces that one and kills it at each of its requests.
 */
#include "inject/stay.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inject/regs.h"
#include "kernel/proc.h"
#include "kernel/ptrace.h"
#include "test.h"

enum {
	THREADS_MAX = 4,
	PATIENCE_MS = 3000,
	STOPS_MAX = 2000,
	OPEN_FIRST = 10,  /* requests from the first call to the boot */
	OPEN_LAST = 6,	  /* requests from the last call to the registers */
	OPEN_PROBE = 12,  /* requests of each, where registers do not tell */
	SLOW_SECONDS = 5, /* of a sweep that looks at each moment */
};

struct seen {
	volatile uint64_t beats[THREADS_MAX];
	volatile int fault;
	volatile pid_t tid[THREADS_MAX];
};

struct scene {
	struct seen *seen;
	pid_t victim;
	size_t threads;
	bool ignores;
	char before[THREADS_MAX][256];
};

/* --- the victim ---------------------------------------------------------- */

static struct seen *seen;

static double spin(uint64_t *ret)
{
	uint64_t a = 1, b = 2, c = 3, d = 4;
	double sum = 0;

	for (int i = 0; i < 20000; i++) {
		a = a * 6364136223846793005u + b;
		b ^= a >> 7;
		c += b ^ d;
		d = d * 3 + c;
		sum += 1.25;
	}
	*ret = a ^ b ^ c ^ d;
	return sum;
}

static void *victim_work(void *arg)
{
	size_t i = (size_t)arg;
	struct timespec nap = {.tv_nsec = 5000000};
	uint64_t wanted, got;
	double sum = spin(&wanted);
	sigset_t mask, now;

	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + (int)i);
	if (i == 1)
		sigaddset(&mask, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	seen->tid[i] = (pid_t)syscall(SYS_gettid);
	for (;; seen->beats[i]++) {
		if (i % 2 ? spin(&got) != sum || got != wanted
			  : nanosleep(&nap, NULL) != 0)
			seen->fault = 1;
		pthread_sigmask(SIG_BLOCK, NULL, &now);
		if (memcmp(&mask, &now, 8))
			seen->fault = 2;
	}
	return NULL;
}

static void victim_run(size_t threads, bool ignores)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Where it is harmed a sanitizer would tell a long story. */
	if (!freopen("/dev/null", "w", stderr))
		_exit(1);
	if (ignores)
		signal(SIGTRAP, SIG_IGN);
	for (size_t i = 1; i < threads; i++)
		pthread_create(&thread, NULL, victim_work, (void *)i);
	victim_work(NULL);
}

/* --- the one that is killed ---------------------------------------------- */

static int threads_stop(struct arena *arena, const struct scene *scene,
	struct remote_thread *threads, struct err *err)
{
	static const struct patience patience = {.timeout_ms = PATIENCE_MS};
	const struct backend *be = backend_host();
	struct regs *regs = arena_newn(arena, struct regs, scene->threads);
	int code = 0, signal;

	for (size_t i = 0; i < scene->threads && !code; i++) {
		threads[i] = (struct remote_thread){.tid = scene->seen->tid[i],
			.regs = &regs[i],
			.patience = &patience};
		code = remote_seize(threads[i].tid, 0, err)
				?: ptrace_interrupt(threads[i].tid, err)
				?: ptrace_wait_interrupted(
					   threads[i].tid, &signal, err)
				?: regs_fetch(arena, be, threads[i].tid,
					   &regs[i], err)
				?: ptrace_sigmask_get(threads[i].tid,
					   &threads[i].sigmask, err);
	}
	return code;
}

static int stay_whole(struct arena *arena, const struct scene *scene,
	struct remote *remote, struct remote_thread *threads, struct err *err)
{
	struct stay_play plays[THREADS_MAX];
	int64_t tid, result;
	const uint64_t none[6] = {0};
	int code;

	for (size_t i = 0; i < scene->threads; i++) {
		plays[i].tape = tape_new(arena, "a thread");
		tape_call((struct tape *)plays[i].tape, CALL_gettid, A(0));
	}
	code = stay_begin(arena, remote, threads, plays, scene->threads, err);
	if (!code)
		code = remote_call(remote, &threads[scene->threads - 1],
			CALL_getpid, none, &result, err);
	if (!code)
		code = stay_play(remote, err);
	for (size_t i = 0; i < scene->threads && !code; i++) {
		code = tape_result(plays[i].tape, plays[i].block, 0, 1,
			INT32_MAX, &tid, err);
		if (!code && (tid != threads[i].tid || result != scene->victim))
			code = -EPROTO;
	}
	return code;
}

/* Its exit status says whether all went well. */
static void tracer_run(const struct scene *scene)
{
	struct remote_thread threads[THREADS_MAX];
	struct remote remote = {.be = backend_host()};
	struct arena *arena = arena_new();
	struct err err = {0};
	struct maps maps = {0};
	struct proc proc;
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	raise(SIGSTOP);
	remote.leader = &threads[0];
	code = proc_open(scene->victim, &proc, &err)
			?: memory_open(&proc, &remote.memory, &err)
			?: maps_read(arena, &proc, &maps, &err)
			?: threads_stop(arena, scene, threads, &err);
	for (size_t i = 0; i < scene->threads && !code; i++) {
		remote_ready(arena, &threads[i]);
		code = remote_probe(&remote, &threads[i], &err);
	}
	if (!code)
		code = remote_find_syscall(remote.be, &remote.memory, &maps,
			&remote.syscall_at, &err);
	if (!code) {
		code = stay_whole(arena, scene, &remote, threads, &err);
		code = stay_end(&remote, threads, scene->threads,
			       code ? ERR_UNREAD : &err)
			       ?: code;
	}
	for (size_t i = 0; i < scene->threads; i++)
		ptrace_detach(threads[i].tid, 0, ERR_UNREAD);
	if (code)
		printf("# %s\n", err.text);
	fflush(stdout);
	_exit(code ? 1 : 0);
}

/* --- the test ------------------------------------------------------------ */

static void status_read(const struct scene *scene, size_t i, char text[256])
{
	static const char *const keys[] = {
		"TracerPid", "SigBlk", "SigIgn", "SigCgt"};
	char path[64], line[256];
	FILE *file;

	text[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", scene->victim,
		scene->seen->tid[i]);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			if (strncmp(line, keys[k], strlen(keys[k])) == 0)
				strncat(text, line, 255 - strlen(text));
	if (file)
		fclose(file);
}

static void scene_open(struct scene *scene, size_t threads, bool ignores)
{
	scene->threads = threads;
	scene->ignores = ignores;
	scene->seen = mmap(NULL, sizeof(*scene->seen), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	scene->victim = fork();
	if (scene->victim == 0) {
		seen = scene->seen;
		victim_run(threads, ignores);
	}
	for (size_t i = 0; i < threads; i++)
		while (scene->seen->beats[i] < 1)
			usleep(500);
	for (size_t i = 0; i < threads; i++)
		status_read(scene, i, scene->before[i]);
}

static void scene_close(struct scene *scene)
{
	kill(scene->victim, SIGKILL);
	waitpid(scene->victim, NULL, 0);
	munmap(scene->seen, sizeof(*scene->seen));
}

static bool scene_beats(struct scene *scene, const uint64_t *from)
{
	for (size_t i = 0; i < scene->threads; i++)
		if (scene->seen->beats[i] < from[i] + 2)
			return false;
	return true;
}

static const char *scene_harm(struct scene *scene)
{
	uint64_t from[THREADS_MAX];
	char now[256];

	for (size_t i = 0; i < scene->threads; i++)
		from[i] = scene->seen->beats[i];
	for (int ms = 0; ms < PATIENCE_MS && !scene_beats(scene, from); ms++) {
		siginfo_t info = {0};

		waitid(P_PID, (id_t)scene->victim, &info,
			WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid)
			return "dead";
		usleep(1000);
	}
	if (!scene_beats(scene, from))
		return "stuck";
	for (size_t i = 0; i < scene->threads; i++) {
		for (int ms = 0; ms < 200; ms++) {
			status_read(scene, i, now);
			if (strcmp(now, scene->before[i]) == 0)
				break;
			usleep(1000);
		}
		if (strcmp(now, scene->before[i]) != 0)
			return "changed";
	}
	return scene->seen->fault ? "another computation" : NULL;
}

/* Only what is asked of the victim counts: waits come in any number. */
static bool is_request(const struct ptrace_call *call)
{
	return call->nr == SYS_ptrace || call->nr == SYS_pwrite64 ||
	       call->nr == SYS_pread64;
}

struct killing {
	bool ended; /* by itself */
	int status;
	struct ptrace_call last; /* the request that it was killed behind */
};

/* n requests are let be made; then it is killed, after a while. */
static bool tracer_kill(
	const struct scene *scene, int n, int delay_us, struct killing *ret)
{
	struct ptrace_call call = {0};
	int status, done = 0;
	pid_t pid;

	*ret = (struct killing){0};
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		tracer_run(scene);
	waitpid(pid, &status, WUNTRACED);
	if (ptrace_seize(pid, PTRACE_O_TRACESYSGOOD, ERR_UNREAD))
		return false;
	kill(pid, SIGCONT);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (ptrace_call_get(pid, &call, ERR_UNREAD))
				break;
			if (call.at == PTRACE_CALL_ENTRY)
				ret->last = call;
			else if (is_request(&ret->last) && ++done == n)
				break;
		}
		ptrace_syscall(pid, 0, ERR_UNREAD);
	}
	ret->ended = !WIFSTOPPED(status);
	ret->status = status;
	usleep((useconds_t)delay_us);
	kill(pid, SIGKILL);
	while (!ret->ended && waitpid(pid, &status, __WALL) == pid &&
		WIFSTOPPED(status))
		;
	return true;
}

/* An emulated CPU has no time for each of them. */
static int step_now(time_t start)
{
	time_t spent = time(NULL) - start;

	return spent < SLOW_SECONDS ? 1 : spent < 2 * SLOW_SECONDS ? 7 : 30;
}

/* Returns how many moments were open. */
static int scene_sweep(size_t threads, bool ignores, int delay_us)
{
	struct killing killing;
	struct scene scene;
	time_t start = time(NULL);
	int n, step = 1, open = 0;
	const char *harm;

	scene_open(&scene, threads, ignores);
	for (n = 1; n < STOPS_MAX; n += step) {
		if (!CHECK(tracer_kill(&scene, n, delay_us, &killing)))
			break;
		harm = scene_harm(&scene);
		if (killing.ended)
			break;
		step = step_now(start);
		if (!harm)
			continue;
		printf("# request %d (%d, %#x): %s\n", n, (int)killing.last.nr,
			(int)killing.last.args[0], harm);
		open++;
		scene_close(&scene);
		scene_open(&scene, threads, ignores);
	}
	CHECK(killing.ended);
	CHECK_INT(killing.status, 0);
	CHECK_STR(scene_harm(&scene) ?: "", "");
	printf("# %zu threads: %d of %d moments are open\n", threads, open, n);
	scene_close(&scene);
	return open;
}

static int open_most(int threads)
{
	return OPEN_FIRST + OPEN_LAST +
	       (backend_host()->probe_note ? OPEN_PROBE * threads : 0);
}

TEST(stay_whose_tracer_is_killed_harms_a_process_at_its_ends_only)
{
	CHECK(scene_sweep(1, false, 0) <= open_most(1));
}

TEST(stay_whose_tracer_is_killed_harms_threads_at_its_ends_only)
{
	CHECK(scene_sweep(4, false, 0) <= open_most(4));
}

TEST(stay_whose_tracer_is_killed_later_harms_threads_at_its_ends_only)
{
	CHECK(scene_sweep(4, true, 1000) <= open_most(4));
}
