/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reaches for a process of its user, argv[1], that is about to come: for the
 * memory of each of its threads, again and again. Whatever it gets hold of it
 * looks at: rights that its user has not, in any thread; files and memory that
 * are not the process's own. Until "reached" is wanted by "enough": then it
 * holds how often it was refused and let in, and what it found.
 *
 * With a number as argv[2] all files above that are not the process's own.
 */
#include "checkpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

static const char *pid;
static int last_fd = 1 << 20;
static long refused, entered;
static char found[512];

static void find(const char *what, const char *more)
{
	if (!found[0])
		snprintf(found, sizeof(found), "%s %.*s", what,
			(int)strcspn(more, "\n"), more);
}

/* A whole file of it; "" when it is gone. */
static const char *text_of(const char *tid, const char *name)
{
	static char text[1 << 16];
	char path[512];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/* Rights are only ever given up: who has some now had them before, too. */
static void rights_look(const char *tid)
{
	static const char *const sets[] = {"CapPrm:\t", "CapEff:\t"};
	const char *text = text_of(tid, "status"), *at;

	for (size_t i = 0; i < COUNT_OF(sets); i++) {
		at = strstr(text, sets[i]);
		if (at && strtoull(at + strlen(sets[i]), NULL, 16))
			find("a thread with", at);
	}
}

static void files_look(void)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) > last_fd)
			find("the file", entry->d_name);
	if (dir)
		closedir(dir);
}

static void tasks_each(void (*look)(const char *tid))
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look(entry->d_name);
	if (dir)
		closedir(dir);
}

static void reach(const char *tid)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/mem", pid, tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		refused += errno == EACCES || errno == EPERM;
		return;
	}
	entered++;
	tasks_each(rights_look);
	if (strstr(text_of(tid, "maps"), "stasis-reels"))
		find("memory of", "the restore");
	files_look();
	close(fd);
	/* Let in: it is whole. Until it is gone again nothing is to be won. */
	while (!found[0] && kill(atoi(pid), 0) == 0 &&
		!checkpoint_seen("enough"))
		usleep(1000);
}

int main(int argc, char **argv)
{
	char text[1024];
	int file;

	if (argc < 2)
		FAIL("whom?");
	pid = argv[1];
	if (argc > 2)
		last_fd = atoi(argv[2]);
	checkpoint_mark("reaches");
	while (!checkpoint_seen("enough"))
		for (int i = 0; i < 200; i++)
			tasks_each(reach);
	snprintf(text, sizeof(text), "%ld %ld %s\n", refused, entered, found);
	file = CHECK_SYS(open("reached", O_WRONLY | O_CREAT, 0666));
	CHECK_INT(write(file, text, strlen(text)), (long)strlen(text));
	return 0;
}
