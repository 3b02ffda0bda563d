/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/lazy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "../image/page_sets.h"
#include "kernel/uffd.h"
#include "pages/announce.h"
#include "pages/serve.h"
#include "proto/tree.pb-c.h"

/* The image's pages belong to a child of ours, who looks at them when it is
 * told to. */
enum { TASK = 1, N = 40 };

struct stage {
	struct arena *arena;
	struct scratch scratch;
	char *memory; /* where they are in the child */
	pid_t child;
	int go; /* has it look */
	struct lazy lazy;
	int restore; /* the other end of lazy.client */
	struct wire wire;
};

static int never_look(void *of, struct err *err)
{
	(void)of;
	(void)err;
	return 0;
}

static void tree_write(int dir)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	PstreeEntry entry = PSTREE_ENTRY__INIT;

	entry.pid = TASK;
	REQUIRE(image_set_create(arena, dir, &set, ERR_UNREAD) == 0);
	CHECK_INT(image_append(set, IMAGE_PSTREE, 0, &entry.base, NULL, 0,
			  ERR_UNREAD),
		0);
	CHECK_INT(image_set_commit(set, NULL, ERR_UNREAD), 0);
}

static int child_live(const struct stage *stage, int go, int ready)
{
	struct uffdio_register missing = uffd_missing(
		(uintptr_t)stage->memory, (uintptr_t)stage->memory + N * PAGE);
	int uffd = -1;
	char byte;

	if (uffd_open(&uffd, ERR_UNREAD) ||
		ioctl(uffd, UFFDIO_REGISTER, &missing) ||
		announce_task(stage->restore, TASK, uffd, ERR_UNREAD))
		return 1;
	close(uffd);
	if (write(ready, "", 1) != 1 || read(go, &byte, 1) != 1)
		return 1;
	for (int i = 0; i < N; i++)
		if (stage->memory[i * PAGE + 7] != (i < N - 1 ? i + 1 : 0))
			return 1;
	return 0;
}

static void child_make(struct stage *stage)
{
	int go[2], ready[2];
	char byte;

	CHECK_INT(pipe2(go, O_CLOEXEC), 0);
	CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
	stage->child = fork();
	if (!stage->child) {
		close(go[1]);
		_exit(child_live(stage, go[0], ready[1]));
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(go[0]);
	stage->go = go[1];
}

/* flags: of all pages but the last, which is not lazy. */
static bool stage_make(struct stage *stage, uint32_t flags)
{
	int pair[2], uffd = -1;
	struct run runs[2];

	*stage =
		(struct stage){.arena = arena_new(), .scratch = scratch_make()};
	stage->memory = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!CHECK(stage->memory != MAP_FAILED))
		return false;
	if (uffd_open(&uffd, ERR_UNREAD) || sysconf(_SC_PAGESIZE) != PAGE) {
		test_skip("no userfaultfd with its events here, or pages of "
			  "another size");
		return false;
	}
	close(uffd);
	runs[0] = (struct run){(uintptr_t)stage->memory, N - 1, flags};
	runs[1] = (struct run){
		(uintptr_t)stage->memory + (N - 1) * PAGE, 1, PAGES_PRESENT};
	set_write(stage->scratch.fd, NULL, runs, 2, 1);
	unlinkat(stage->scratch.fd, "stasis.img", 0);
	tree_write(stage->scratch.fd);
	stage->lazy = (struct lazy){
		.arena = stage->arena, .page_size = PAGE, .look = never_look};
	CHECK_INT(image_set_open(stage->arena, stage->scratch.fd,
			  &stage->lazy.images, ERR_UNREAD),
		0);
	CHECK_INT(roster_new(PAGE, &stage->lazy.roster, ERR_UNREAD), 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	stage->lazy.client = pair[0];
	stage->restore = pair[1];
	child_make(stage);
	return true;
}

static void stage_end(struct stage *stage)
{
	roster_done(stage->lazy.roster);
	for (uint32_t i = 0; i < stage->lazy.roster->n; i++)
		roster_leave(stage->lazy.roster, i);
	roster_free(stage->lazy.roster);
	image_set_close(stage->lazy.images);
	kill(stage->child, SIGKILL);
	waitpid(stage->child, NULL, 0);
	close(stage->go);
	close(stage->restore);
	if (stage->lazy.client >= 0)
		close(stage->lazy.client);
	munmap(stage->memory, N * PAGE);
	scratch_remove(&stage->scratch);
	arena_free(stage->arena);
}

static void memory_check(struct stage *stage)
{
	int status = -1;

	CHECK(write(stage->go, "", 1) == 1);
	CHECK_INT(waitpid(stage->child, &status, 0), stage->child);
	CHECK_INT(status, 0);
	stage->child = fork();
	if (!stage->child)
		_exit(0);
}

TEST(all_that_nobody_touches_comes_from_the_images)
{
	struct stage stage;
	struct err err = {0};

	if (!stage_make(&stage, PAGES_PRESENT | PAGES_LAZY))
		return;
	CHECK_INT(announce_finished(stage.restore, &err), 0);
	CHECK_INT(lazy_run(&stage.lazy, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(stage.lazy.brought, (N - 1) * PAGE);
	memory_check(&stage);
	stage_end(&stage);
}

TEST(a_restore_that_goes_away_too_early_is_the_end)
{
	struct stage stage;
	struct err err = {0};

	if (!stage_make(&stage, PAGES_PRESENT | PAGES_LAZY))
		return;
	shutdown(stage.restore, SHUT_RDWR);
	CHECK_INT(lazy_run(&stage.lazy, &err), -EPIPE);
	CHECK_STR(err.text, "the restore has gone away before it was finished");
	stage_end(&stage);
}

TEST(an_announcement_too_many_is_refused)
{
	struct stage stage;
	struct err err = {0};

	if (!stage_make(&stage, PAGES_PRESENT | PAGES_LAZY))
		return;
	CHECK_INT(announce_task(stage.restore, TASK, -1, &err), 0);
	/* A word that is none: the second announcement is taken for it. */
	CHECK_INT(lazy_run(&stage.lazy, &err), -EBADMSG);
	CHECK(strstr(err.text, "something else than that it is finished") !=
		NULL);
	stage_end(&stage);
}

TEST(pages_that_are_elsewhere_need_a_server)
{
	struct stage stage;
	struct err err = {0};

	if (!stage_make(&stage, PAGES_LAZY))
		return;
	CHECK_INT(lazy_run(&stage.lazy, &err), -ENOENT);
	CHECK_STR(err.text, "pages of task 1 are still with who dumped it");
	stage_end(&stage);
}

/* --- a server -------------------------------------------------------------
 */

static int pages_make(void *of, uint64_t pid, uint64_t vaddr, void *to,
	uint64_t n, uint64_t *ret_n, struct err *err)
{
	uint64_t first = (vaddr - (uintptr_t)of) / PAGE;

	(void)err;
	*ret_n = 0;
	if (pid != TASK || first >= N - 1)
		return 0;
	/* Fewer than were asked for, now and then. */
	*ret_n = n > 3 ? n / 2 : n;
	for (uint64_t i = 0; i < *ret_n; i++)
		memset((char *)to + i * PAGE, (int)(first + i + 1), PAGE);
	return 0;
}

static void serve_well(struct stage *stage, int fd)
{
	struct wire wire = {.fd = fd};
	struct serve_from from = {pages_make, stage->memory};
	struct serve_result result;

	pages_serve(
		stage->arena, &wire, PAGE, &from, true, &result, ERR_UNREAD);
}

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245u + 12345;
	return (dice_state >> 8) % sides;
}

/* Mostly right, then a number that is not. */
static void serve_lies(struct stage *stage, int fd)
{
	static const uint64_t numbers[] = {0, 1, 2, PAGE, 0x10000, 1ull << 40,
		UINT64_MAX, UINT64_MAX / PAGE, 1ull << 63};
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	struct wire wire = {.fd = fd};
	static char bytes[N * PAGE];
	struct wire_message message;
	bool end;

	(void)stage;
	while (!wire_receive(&wire, &message, &end, ERR_UNREAD) && !end) {
		message.command = WIRE_ADD_F | PAGES_PRESENT << 16;
		if (!dice(3))
			message.command = dice(9) | dice(9) << 16;
		if (!dice(3))
			message.nr_pages = numbers[dice(NUMBERS)];
		if (!dice(3))
			message.vaddr = numbers[dice(NUMBERS)];
		if (!dice(5))
			return;
		if (wire_send(&wire, &message, ERR_UNREAD) ||
			wire_put(&wire, bytes, dice(N) * PAGE, ERR_UNREAD))
			return;
	}
}

static int serve_run(struct stage *stage,
	void (*serve)(struct stage *stage, int fd), struct err *err)
{
	int pair[2], code;
	pid_t child;

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child = fork();
	if (!child) {
		close(pair[0]);
		serve(stage, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	stage->wire = (struct wire){.fd = pair[0], .idle_seconds = 5};
	CHECK_INT(wire_begin(&stage->wire, err), 0);
	stage->lazy.wire = &stage->wire;
	CHECK_INT(announce_finished(stage->restore, err), 0);
	code = lazy_run(&stage->lazy, err);
	close(pair[0]);
	waitpid(child, NULL, 0);
	return code;
}

TEST(a_server_is_asked_until_all_is_there)
{
	struct stage stage;
	struct err err = {0};

	if (!stage_make(&stage, PAGES_LAZY))
		return;
	CHECK_INT(serve_run(&stage, serve_well, &err), 0);
	CHECK_STR(err.text, "");
	memory_check(&stage);
	stage_end(&stage);
}

TEST(a_server_that_lies_is_told_and_nothing_else_happens)
{
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct stage stage;
		struct err err = {0};
		int code;

		dice_state = seed;
		if (!stage_make(&stage, PAGES_LAZY))
			return;
		code = serve_run(&stage, serve_lies, &err);
		CHECK(code <= 0 && (!code) == !err.text[0]);
		if (code)
			CHECK(stage.lazy.roster->n > 0);
		stage_end(&stage);
	}
}

/* --- who asks ---------------------------------------------------------------
 */

static void ask_nonsense(int fd)
{
	static const uint64_t numbers[] = {0, 1, 2, 3, PAGE, 0x10000, 0x11000,
		1ull << 40, UINT64_MAX, UINT64_MAX / PAGE, TASK, 1ull << 63};
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	struct wire wire = {.fd = fd};
	struct wire_message message;

	for (int i = 0; i < 8; i++) {
		message = (struct wire_message){
			.command = dice(3) ? WIRE_GET : dice(9) | dice(9) << 16,
			.padding = dice(2),
			.nr_pages = numbers[dice(NUMBERS)],
			.vaddr = numbers[dice(NUMBERS)],
			.object = numbers[dice(NUMBERS)]};
		if (wire_send(&wire, &message, ERR_UNREAD))
			return;
	}
}

TEST(one_who_asks_for_nonsense_gets_nothing)
{
	for (unsigned seed = 1; seed <= 100; seed++) {
		_cleanup_arena_ struct arena *arena = arena_new();
		struct serve_from from = {pages_make, (void *)0x10000};
		struct serve_result result = {0};
		struct err err = {0};
		struct wire wire;
		int pair[2], code;
		pid_t child;

		dice_state = seed;
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		child = fork();
		if (!child) {
			close(pair[0]);
			ask_nonsense(pair[1]);
			shutdown(pair[1], SHUT_WR);
			while (read(pair[1], (char[PAGE]){0}, PAGE) > 0)
				;
			_exit(0);
		}
		close(pair[1]);
		wire = (struct wire){.fd = pair[0]};
		CHECK_INT(wire_begin(&wire, &err), 0);
		code = pages_serve(
			arena, &wire, PAGE, &from, true, &result, &err);
		CHECK((!code) == !err.text[0]);
		close(pair[0]);
		waitpid(child, NULL, 0);
	}
}

/* A power cut at the other end sends no word. */
TEST(a_host_that_is_off_is_noticed_within_a_minute)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct wire wire = {.fd = fd};
	int on = 0, idle = 0;
	unsigned limit = 0;
	socklen_t size = sizeof(int);

	CHECK_INT(wire_begin(&wire, ERR_UNREAD), 0);
	getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size);
	getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size);
	getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, &size);
	CHECK(on && idle && idle < 60);
	CHECK_INT(limit, 60000);
}

/* --- who watches ------------------------------------------------------------
 */

/* Three who meet: one whose pages are missing, its child, and a daemon that is
 * killed. */
struct play {
	struct roster *roster;
	size_t page_size;
	int go[2], ready[2], touch[2];
	char *seen; /* what the two found in their page */
};

static _Noreturn void daemon_play(struct play *play, int uffd)
{
	struct uffd_msg message;
	size_t seat;
	char byte;

	CHECK(read(play->go[0], &byte, 1) == 1);
	roster_take(play->roster, uffd, getppid(), &seat, ERR_UNREAD);
	roster_guard(play->roster, ERR_UNREAD);
	CHECK(write(play->ready[1], "", 1) == 1);
	for (;;) {
		if (uffd_read(uffd, &message))
			usleep(1000);
		else if (message.event == UFFD_EVENT_FORK)
			roster_take(play->roster, (int)message.arg.fork.ufd, 0,
				&seat, ERR_UNREAD);
	}
}

static _Noreturn void child_play(struct play *play, const char *page)
{
	char byte;

	signal(SIGBUS, SIG_DFL);
	CHECK(read(play->touch[0], &byte, 1) == 1);
	play->seen[1] = page[0] ? 1 : 2;
	_exit(0);
}

static _Noreturn void victim_play(struct play *play)
{
	char *page = mmap(NULL, play->page_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register missing = uffd_missing(
		(uintptr_t)page, (uintptr_t)page + play->page_size);
	int uffd = -1;
	pid_t daemon, child;
	char byte;

	/* A fork of what is registered would wait to be told of. */
	uffd_open(&uffd, ERR_UNREAD);
	daemon = fork();
	if (!daemon)
		daemon_play(play, uffd);
	ioctl(uffd, UFFDIO_REGISTER, &missing);
	CHECK(write(play->go[1], "", 1) == 1);
	close(uffd);
	CHECK(read(play->ready[0], &byte, 1) == 1);
	child = fork();
	if (!child)
		child_play(play, page);
	kill(daemon, SIGKILL);
	play->seen[0] = page[0] ? 1 : 2;
	_exit(0);
}

static struct play play_make(void)
{
	struct play play = {.page_size = (size_t)sysconf(_SC_PAGESIZE)};

	play.seen = mmap(NULL, play.page_size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_INT(pipe(play.go), 0);
	CHECK_INT(pipe(play.ready), 0);
	CHECK_INT(pipe(play.touch), 0);
	CHECK_INT(roster_new(play.page_size, &play.roster, ERR_UNREAD), 0);
	return play;
}

static void play_end(struct play *play)
{
	munmap(play->seen, play->page_size);
	roster_free(play->roster);
	for (int i = 0; i < 2; i++) {
		close(play->go[i]);
		close(play->ready[i]);
		close(play->touch[i]);
	}
}

/* Before 6.6 nothing can be put in the place of pages that never come. */
static bool kernel_poisons(void)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 6);
}

TEST(nobody_goes_on_with_zeros_when_the_daemon_is_killed)
{
	struct play play;
	int uffd = -1, status = 0;
	pid_t victim;

	if (!kernel_poisons()) {
		test_skip("a kernel that cannot poison pages (UFFDIO_POISON)");
		return;
	}

	if (uffd_open(&uffd, ERR_UNREAD)) {
		test_skip("no userfaultfd with its events here");
		return;
	}
	close(uffd);
	play = play_make();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	victim = fork();
	if (!victim)
		victim_play(&play);
	CHECK_INT(waitpid(victim, &status, 0), victim);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Its child is known to nobody, until it touches the page. Before it,
	 * the daemon and the guard may come to us. */
	CHECK(write(play.touch[1], "", 1) == 1);
	while (waitpid(-1, &status, 0) > 0)
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 1);
	CHECK_INT(play.seen[0], 0);
	CHECK_INT(play.seen[1], 0);
	play_end(&play);
}
