/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that only lets branches land on its marks (BTI) stays so. */
#include "checkpoint.h"

#include <sys/auxv.h>

enum { PROT_MARKED = 0x10, HAS_BTI = 1 << 17 /* of AT_HWCAP2 */ };

/* bti c; mov w0, #0; ret */
static const uint32_t code[] = {0xd503245f, 0x52800000, 0xd65f03c0};

static void *code_map(void)
{
	void *at = mem_map(
		PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	memcpy(at, code, sizeof(code));
	__builtin___clear_cache(at, (char *)at + sizeof(code));
	CHECK_SYS(mprotect(at, PAGE, PROT_READ | PROT_EXEC | PROT_MARKED));
	return at;
}

static bool is_marked(const void *at)
{
	char line[256];

	smaps_line(at, "VmFlags:", line, sizeof(line));
	return strstr(line, " bt");
}

/* Does a call that lands `offset` bytes into the code come back? */
static bool call_returns(const char *at, size_t offset)
{
	int (*entry)(void) = (int (*)(void))(uintptr_t)(at + offset);
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(entry());
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return status == 0;
}

int main(void)
{
	void *at;

	if (!(getauxval(AT_HWCAP2) & HAS_BTI))
		checkpoint_skip("this CPU has no branch target marks");
	at = code_map();
	CHECK(is_marked(at));
	checkpoint_here();
	CHECK(is_marked(at));
	CHECK(call_returns(at, 0));
	CHECK(!call_returns(at, 4));
	checkpoint_ok();
}
