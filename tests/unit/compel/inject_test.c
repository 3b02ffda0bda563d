/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcompel against live processes: children of the test, as their owner may
 * trace them. The blobs are compiled while the test runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "compel/compel.h"
#include "compel/host/weld.h"
#include "inject/regs.h"
#include "kernel/proc.h"
#include "kernel/ptrace.h"
#include "test.h"

/* Ends with its scope, so that no victim outlives its test. */
struct victim {
	pid_t pid;
	int from; /* what it says */
	int to;	  /* what it reads */
};

static void victim_end(struct victim *victim)
{
	kill(victim->pid, SIGKILL);
	waitpid(victim->pid, NULL, 0);
	close(victim->from);
	close(victim->to);
}
#define _cleanup_victim_ __attribute__((cleanup(victim_end)))

/* Runs live() with standard input and output tied to us. It says one byte
 * when it is ready. */
static struct victim victim_start(int (*live)(void))
{
	struct victim victim;
	int in[2], out[2];
	char ready;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		abort();
	victim.pid = fork();
	if (!victim.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		_exit(live());
	}
	close(in[0]);
	close(out[1]);
	victim.from = out[0];
	victim.to = in[1];
	CHECK_INT(read(victim.from, &ready, 1), 1);
	return victim;
}

static int victim_wait(const struct victim *victim)
{
	int status = -1;

	if (waitpid(victim->pid, &status, 0) != victim->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static int live_spin(void)
{
	if (write(1, "r", 1) != 1)
		return 1;
	for (;;)
		__asm__ volatile("");
}

static int live_read(void)
{
	char text[8] = "";

	if (write(1, "r", 1) != 1)
		return 1;
	if (read(0, text, sizeof(text)) != 4 || strcmp(text, "abc"))
		return 2;
	return 0;
}

/* Asleep for 2 s: in tenths of a second, how long it was. */
static int live_sleep(void)
{
	struct timespec nap = {2, 0}, from, to;

	if (write(1, "r", 1) != 1)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (nanosleep(&nap, NULL))
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (int)((to.tv_sec - from.tv_sec) * 10 +
		     (to.tv_nsec - from.tv_nsec) / 100000000);
}

static void *thread_echo(void *letter)
{
	for (;;) {
		if (write(1, letter, 1) != 1)
			return NULL;
		usleep(2000);
	}
}

static int live_threads(void)
{
	char letters[] = "abc";
	pthread_t thread;

	pthread_create(&thread, NULL, thread_echo, &letters[0]);
	pthread_create(&thread, NULL, thread_echo, &letters[1]);
	thread_echo(&letters[2]);
	return 0;
}

static void live_catch(int signal)
{
	(void)signal;
}

static int live_with_handlers(void)
{
	signal(SIGTRAP, SIG_IGN);
	signal(SIGSEGV, live_catch);
	return live_spin();
}

/* Compiles and welds; the blob lives in the arena. */
static bool blob_make(
	struct arena *arena, const char *source, struct compel_blob *ret)
{
	struct weld_options options = {.entry = "run", .allow_data = true};
	char path[] = "/tmp/compel-blob-XXXXXX", command[2048];
	int fd = mkstemp(path), status;
	struct input *input;
	struct err err = {0};
	struct weld weld;

	close(fd);
	snprintf(command, sizeof(command),
		"printf '%%s' '%s' | gcc -x c -O2 -ffreestanding -fno-builtin "
		"-fno-stack-protector -fPIC -fvisibility=hidden -c - -o %s",
		source, path);
	status = system(command);
	if (status || input_read(arena, path, &input, &err) ||
		weld_input(arena, input, &options, &weld, &err)) {
		CHECK_STR(err.text, "");
		unlink(path);
		return false;
	}
	unlink(path);
	*ret = (struct compel_blob){
		weld.bytes, weld.size, weld.entry, weld.needs_write};
	return true;
}

/* What must be the same before and after. */
struct snapshot {
	char *maps;
	struct regs regs;
	struct proc_status status;
};

/* Linux sets SSBS in the pstate of aarch64 whenever it switches to a thread;
 * a CPU that does not know the bit drops it as soon as the thread runs. */
static void ssbs_drop(char *gpr)
{
	enum { PSTATE_AT = 264, SSBS = 1 << 12 };
	uint64_t pstate;

	memcpy(&pstate, gpr + PSTATE_AT, 8);
	pstate &= ~(uint64_t)SSBS;
	memcpy(gpr + PSTATE_AT, &pstate, 8);
}

/* On ppc64le the kernel also tells why it was last entered: trap, dar, dsisr
 * and result are no registers of the thread. */
static void entry_drop(char *gpr)
{
	enum { TRAP_AT = 320, ENTRY_SIZE = 32 };

	memset(gpr + TRAP_AT, 0, ENTRY_SIZE);
}

/* What comes and goes by itself. */
static void noise_drop(struct regs *regs)
{
	switch (backend_host()->core_mtype) {
	case CORE_ENTRY__MARCH__AARCH64:
		ssbs_drop(regs->set[0].bytes);
		break;
	case CORE_ENTRY__MARCH__PPC64:
		entry_drop(regs->set[0].bytes);
		break;
	default:
		break;
	}
}

static bool snapshot_take(struct arena *arena, pid_t pid, struct snapshot *ret)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	int signal, code;

	code = proc_open(pid, &proc, ERR_UNREAD)
			?: proc_read_file(arena, &proc, 0, "maps", &ret->maps,
				   NULL, ERR_UNREAD)
			?: proc_status_read(
				   arena, &proc, 0, &ret->status, ERR_UNREAD)
			?: ptrace_seize(pid, 0, ERR_UNREAD)
			?: ptrace_interrupt(pid, ERR_UNREAD)
			?: ptrace_wait_interrupted(pid, &signal, ERR_UNREAD)
			?: regs_fetch(arena, backend_host(), pid, &ret->regs,
				   ERR_UNREAD)
			?: ptrace_detach(pid, 0, ERR_UNREAD);
	if (!code)
		noise_drop(&ret->regs);
	return CHECK_INT(code, 0);
}

/* Of a victim that is to spin: once it does, and its registers stay. */
static bool snapshot_take_settled(
	struct arena *arena, pid_t pid, struct snapshot *ret)
{
	struct snapshot earlier;
	bool same;

	for (int i = 0; i < 200; i++) {
		usleep(5000);
		if (!snapshot_take(arena, pid, &earlier) ||
			!snapshot_take(arena, pid, ret))
			return false;
		same = earlier.status.state == 'R' ||
		       earlier.status.state == 'T';
		for (int set = 0; set < REGS_MAX; set++)
			if (ret->regs.set[set].bytes)
				same = same &&
				       !memcmp(ret->regs.set[set].bytes,
					       earlier.regs.set[set].bytes,
					       ret->regs.set[set].size);
		if (same)
			return true;
	}
	return false;
}

static void snapshot_compare(
	const struct snapshot *before, const struct snapshot *after)
{
	CHECK_STR(after->maps, before->maps);
	for (int i = 0; i < REGS_MAX; i++) {
		CHECK_INT(after->regs.set[i].size, before->regs.set[i].size);
		if (before->regs.set[i].bytes)
			CHECK_MEM(after->regs.set[i].bytes,
				before->regs.set[i].bytes,
				before->regs.set[i].size);
	}
	CHECK_INT(after->status.sig_blocked, before->status.sig_blocked);
	CHECK_INT(after->status.sig_ignored, before->status.sig_ignored);
	CHECK_INT(after->status.sig_caught, before->status.sig_caught);
	CHECK_INT(after->status.tracer_pid, 0);
}

#if defined(__x86_64__)
#define BLOB_WRITE                                                           \
	"static long out(const void *text, long size) { long r = 1;"         \
	"__asm__ volatile(\"syscall\" : \"+a\"(r) : \"D\"(1L), \"S\"(text)," \
	"\"d\"(size) : \"rcx\", \"r11\", \"memory\"); return r; }"
#elif defined(__aarch64__)
#define BLOB_WRITE                                                         \
	"static long out(const void *text, long size) {"                   \
	"register long x8 __asm__(\"x8\") = 64, x0 __asm__(\"x0\") = 1;"   \
	"register const void *x1 __asm__(\"x1\") = text;"                  \
	"register long x2 __asm__(\"x2\") = size;"                         \
	"__asm__ volatile(\"svc #0\" : \"+r\"(x0) : \"r\"(x8), \"r\"(x1)," \
	"\"r\"(x2) : \"memory\"); return x0; }"
#else
#define BLOB_WRITE                                                         \
	"static long out(const void *text, long size) {"                   \
	"register long r0 __asm__(\"r0\") = 4, r3 __asm__(\"r3\") = 1;"    \
	"register const void *r4 __asm__(\"r4\") = text;"                  \
	"register long r5 __asm__(\"r5\") = size;"                         \
	"__asm__ volatile(\"sc\" : \"+r\"(r0), \"+r\"(r3), \"+r\"(r4),"    \
	"\"+r\"(r5) : : \"r6\", \"r7\", \"r8\", \"r9\", \"r10\", \"r11\"," \
	"\"r12\", \"cr0\", \"ctr\", \"xer\", \"memory\"); return r3; }"
#endif

/* Writes the data it is given, up to its NUL. */
#define BLOB_SAY                                                               \
	BLOB_WRITE                                                             \
	"long run(char *d) { long n = 0; while (d[n]) n++; return out(d, n); " \
	"}"

/* A whole visit that makes the victim say hello. */
static void visit_with(
	const struct compel_blob *blob, const struct victim *victim)
{
	struct compel_error error = {0, ""};
	struct compel *held;
	int64_t result = 0;

	CHECK_INT(compel_open(victim->pid, &held, &error), 0);
	CHECK_STR(error.text, "");
	if (error.code)
		return;
	CHECK_INT(compel_inject(held, blob, 100, &error), 0);
	CHECK_INT(compel_write(held, 0, "hello", 6, &error), 0);
	CHECK_INT(compel_run(held, &result, &error), 0);
	CHECK_INT(result, 5);
	CHECK_INT(compel_close(held, &error), 0);
	CHECK_STR(error.text, "");
}

static void visit_say_hello(struct arena *arena, const struct victim *victim)
{
	struct compel_blob blob;

	REQUIRE(blob_make(arena, BLOB_SAY, &blob));
	visit_with(&blob, victim);
}

static bool have_compiler(void)
{
	if (!system("command -v gcc >/dev/null"))
		return true;
	test_skip("no gcc here to compile blobs with");
	return false;
}

TEST(compel_makes_a_process_print_a_line_and_leaves_it_as_it_was)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot before = {0}, after = {0};
	char line[8] = "";

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	REQUIRE(snapshot_take_settled(arena, victim.pid, &before));
	visit_say_hello(arena, &victim);
	CHECK_INT(read(victim.from, line, sizeof(line)), 5);
	CHECK_STR(line, "hello");
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	snapshot_compare(&before, &after);
	CHECK(after.status.state == 'R');
}

TEST(compel_visits_again_and_again)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot before = {0}, after = {0};
	char said[64] = "";

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	REQUIRE(snapshot_take_settled(arena, victim.pid, &before));
	for (int i = 0; i < 10; i++)
		visit_say_hello(arena, &victim);
	CHECK_INT(read(victim.from, said, sizeof(said)), 50);
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	snapshot_compare(&before, &after);
}

TEST(compel_does_not_disturb_a_read_that_waits)
{
	_cleanup_arena_ struct arena *arena = arena_new();

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim = victim_start(live_read);
	usleep(20000);
	visit_say_hello(arena, &victim);
	usleep(20000);
	CHECK_INT(write(victim.to, "abc", 4), 4);
	CHECK_INT(victim_wait(&victim), 0);
}

TEST(compel_lets_a_sleep_go_on_for_the_time_left)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct compel_blob blob;
	int slept;

	if (!have_compiler())
		return;
	REQUIRE(blob_make(arena, BLOB_SAY, &blob));
	_cleanup_victim_ struct victim victim = victim_start(live_sleep);
	usleep(1000000);
	visit_with(&blob, &victim);
	slept = victim_wait(&victim);
	/* Begun anew it would be 30 and more. */
	CHECK(slept >= 19 && slept < 29);
}

TEST(compel_holds_all_threads_and_lets_them_all_go_on)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char text[256] = "";
	struct compel *held;
	ssize_t n;

	_cleanup_victim_ struct victim victim = victim_start(live_threads);
	usleep(20000);
	REQUIRE(!compel_open(victim.pid, &held, NULL));
	n = read(victim.from, text, sizeof(text));
	CHECK(n > 0);
	fcntl(victim.from, F_SETFL, O_NONBLOCK);
	usleep(20000);
	CHECK_INT(read(victim.from, text, sizeof(text)), -1);
	CHECK_INT(compel_close(held, NULL), 0);
	usleep(50000);
	n = read(victim.from, text, sizeof(text) - 1);
	CHECK(n > 3);
	text[n > 0 ? n : 0] = 0;
	CHECK(strchr(text, 'a') && strchr(text, 'b') && strchr(text, 'c'));
}

TEST(compel_keeps_a_stopped_process_stopped)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot after = {0};
	int status;

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	kill(victim.pid, SIGSTOP);
	CHECK_INT(waitpid(victim.pid, &status, WUNTRACED), victim.pid);
	visit_say_hello(arena, &victim);
	usleep(20000);
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	CHECK(after.status.state == 'T');
}

TEST(compel_reports_a_blob_that_crashes_and_saves_the_victim)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot before = {0}, after = {0};
	struct compel_error error = {0, ""};
	struct compel_blob blob;
	struct compel *held;

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim =
		victim_start(live_with_handlers);
	REQUIRE(blob_make(arena,
		"long run(void *d) { (void)d; return *(volatile long *)8; }",
		&blob));
	REQUIRE(snapshot_take_settled(arena, victim.pid, &before));
	REQUIRE(!compel_open(victim.pid, &held, &error));
	CHECK_INT(compel_inject(held, &blob, 0, &error), 0);
	CHECK_INT(compel_run(held, NULL, &error), -EFAULT);
	CHECK_INT(error.code, EFAULT);
	CHECK(strstr(error.text, "running the blob"));
	CHECK(strstr(error.text, "signal 11"));
	CHECK_INT(compel_close(held, NULL), 0);
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	snapshot_compare(&before, &after);
}

TEST(compel_stops_a_blob_that_takes_too_long_and_saves_the_victim)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot before = {0}, after = {0};
	struct compel_error error = {0, ""};
	struct compel_blob blob;
	struct compel *held;

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim =
		victim_start(live_with_handlers);
	REQUIRE(blob_make(arena,
		"long run(void *d) { for (;;) ++*(volatile long *)d; }",
		&blob));
	REQUIRE(snapshot_take_settled(arena, victim.pid, &before));
	REQUIRE(!compel_open(victim.pid, &held, &error));
	compel_limit(held, 200);
	CHECK_INT(compel_inject(held, &blob, 8, &error), 0);
	for (int i = 0; i < 2; i++)
		CHECK_INT(compel_run(held, NULL, &error), -ETIMEDOUT);
	CHECK(strstr(error.text, "running the blob"));
	CHECK_INT(compel_close(held, &error), 0);
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	snapshot_compare(&before, &after);
}

TEST(compel_leaves_an_ignored_trap_signal_ignored)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct snapshot before = {0}, after = {0};

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim =
		victim_start(live_with_handlers);
	REQUIRE(snapshot_take_settled(arena, victim.pid, &before));
	CHECK(before.status.sig_ignored & 1ull << (SIGTRAP - 1));
	visit_say_hello(arena, &victim);
	REQUIRE(snapshot_take(arena, victim.pid, &after));
	snapshot_compare(&before, &after);
}

TEST(compel_runs_a_blob_often_and_keeps_its_data)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct compel_blob blob;
	struct compel *held;
	int64_t result = 0;
	char text[4] = "";

	if (!have_compiler())
		return;
	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	REQUIRE(blob_make(arena,
		"static int times = 40; long run(char *d) "
		"{ d[98] = 66; d[99] = d[99] + 1; return ++times; }",
		&blob));
	CHECK(blob.needs_write);
	REQUIRE(!compel_open(victim.pid, &held, NULL));
	CHECK_INT(compel_inject(held, &blob, 100, NULL), 0);
	for (int i = 1; i <= 3; i++) {
		CHECK_INT(compel_run(held, &result, NULL), 0);
		CHECK_INT(result, 40 + i);
	}
	CHECK_INT(compel_read(held, 98, text, 2, NULL), 0);
	CHECK_STR(text, "B\003");
	CHECK_INT(compel_remove(held, NULL), 0);
	CHECK_INT(compel_code_address(held), 0);
	CHECK_INT(compel_inject(held, &blob, 100, NULL), 0);
	CHECK_INT(compel_run(held, &result, NULL), 0);
	CHECK_INT(result, 41);
	CHECK_INT(compel_close(held, NULL), 0);
}

TEST(compel_says_what_is_wrong)
{
	static const unsigned char code[4] = {0};
	const struct compel_blob blob = {code, 4, 0, 0};
	const struct compel_blob hollow = {code, 4, 4, 0};
	struct compel_error error = {0, ""};
	struct compel *held;
	char text[8];

	CHECK_INT(compel_open(0x7fffffff, &held, &error), -ESRCH);
	CHECK(strstr(error.text, "2147483647"));
	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	REQUIRE(!compel_open(victim.pid, &held, &error));
	CHECK_INT(compel_run(held, NULL, &error), -ENOEXEC);
	CHECK_INT(compel_inject(held, &hollow, 8, &error), -EINVAL);
	CHECK(strstr(error.text, "entry"));
	CHECK_INT(compel_inject(held, &blob, 8, &error), 0);
	CHECK_INT(compel_inject(held, &blob, 8, &error), -EBUSY);
	CHECK_INT(compel_write(held, 1, "12345678", 8, &error), -ERANGE);
	CHECK_INT(compel_read(held, 9, text, 0, &error), -ERANGE);
	CHECK_INT(compel_write(held, 0, "12345678", 8, &error), 0);
	CHECK_INT(compel_close(held, &error), 0);
}

TEST(compel_gives_back_what_it_holds_when_it_cannot_open)
{
	struct compel_error error = {0, ""};
	struct compel *held = NULL, *second = NULL;

	_cleanup_victim_ struct victim victim = victim_start(live_spin);
	REQUIRE(!compel_open(victim.pid, &held, &error));
	/* Traced already, if only by ourselves. */
	CHECK_INT(compel_open(victim.pid, &second, &error), -EPERM);
	CHECK(!second);
	CHECK_INT(compel_close(held, &error), 0);
	REQUIRE(!compel_open(victim.pid, &held, &error));
	CHECK_INT(compel_close(held, &error), 0);
}
