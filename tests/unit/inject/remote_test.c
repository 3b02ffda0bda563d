/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that runs what others might have written over the agent. */
#include "inject/remote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { ROOM = 65536 };

typedef void code_function(void);

/* Nothing but traps. */
static void traps_run(void)
{
	const struct insn *trap = &backend_host()->trap;
	char *code = mmap(NULL, ROOM, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t at = 0; at + trap->size <= ROOM; at += trap->size)
		memcpy(code + at, trap->bytes, trap->size);
	__builtin___clear_cache(code, code + ROOM);
	raise(SIGSTOP);
	((code_function *)(uintptr_t)code)();
	_exit(0);
}

TEST(remote_gives_a_thread_up_that_stops_over_and_over)
{
	static const struct patience patience = {.timeout_ms = 20000};
	struct remote_thread thread = {.patience = &patience};
	struct err err = {0};
	int status;

	thread.tid = fork();
	if (!thread.tid)
		traps_run();
	waitpid(thread.tid, &status, WUNTRACED);
	REQUIRE(!remote_seize(thread.tid, 0, &err));
	kill(thread.tid, SIGCONT);
	CHECK_INT(ptrace_wait_stop_for(thread.tid, 5000, &status, &err), 0);
	CHECK_INT(remote_step(&thread, 0, &err), -EPROTO);
	CHECK(strstr(err.text, "stops over and over"));
	kill(thread.tid, SIGKILL);
	CHECK_INT(ptrace_wait_end_for(thread.tid, 5000, &err), 0);
}
