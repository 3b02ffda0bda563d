/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that a process gave to its anonymous memory stay, and memory that is
 * shared under a name is still shared. */
#include "checkpoint.h"
#include <sys/prctl.h>

#define LEN (256u << 10)
#define NAME_AREA(at, name) \
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, (unsigned long)LEN, name)

/* What stands behind the numbers of the area's line in maps. */
static void name_read(const char *at, char *name, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], *bracket;

	CHECK(maps != NULL);
	name[0] = '\0';
	while (fgets(line, sizeof(line), maps))
		if (strtoul(line, NULL, 16) == (unsigned long)at) {
			bracket = strchr(line, '[');
			snprintf(name, size, "%.*s",
				bracket ? (int)strcspn(bracket, "\n") : 0,
				bracket ? bracket : "");
		}
	fclose(maps);
}

static char *shared;

static void child(int number)
{
	peer_up(number);
	checkpoint_wait_go();
	mem_verify(shared, LEN, 112, "shared, in the child");
	mem_fill(shared, LEN, 113);
}

int main(void)
{
	char *own = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char name[128];
	pid_t pid;

	shared = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	if (NAME_AREA(own, "one of mine") < 0)
		checkpoint_skip("this kernel has no names of memory");
	/* Since 6.2. */
	NAME_AREA(shared, "one of ours");
	mem_fill(own, LEN, 111);
	mem_fill(shared, LEN, 112);
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	name_read(own, name, sizeof(name));
	CHECK_STR(name, "[anon:one of mine]");
	mem_verify(own, LEN, 111, "own");
	child_join(pid);
	mem_verify(shared, LEN, 113, "shared");
	checkpoint_ok();
}
