/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes into another process of its user, argv[1], wherever memory appears
 * that was not there before: the results, the notes and the data of the tape
 * that it plays. Until "scribbled" is wanted by "enough": then it holds how
 * often something was written.
 */
#include "checkpoint.h"

#include <fcntl.h>
#include <inttypes.h>

/* As in core/inject/tape.h. */
struct head {
	uint32_t count;
	int32_t failed;
	int64_t error, reel;
	uint64_t played;
};

struct op {
	uint8_t verb, flags;
	uint16_t kinds;
	uint32_t nr;
	uint64_t arg[6];
	int64_t result;
};

enum { BEFORE_MAX = 4096, TAPE_MAX = 1 << 20, DATA = 4096 };

static uint64_t before[BEFORE_MAX];
static size_t n_before;

static int known(uint64_t start)
{
	for (size_t i = 0; i < n_before; i++)
		if (before[i] == start)
			return 1;
	return 0;
}

/* The first mapping that can be written and was not there; all are known
 * when learn is set. */
static uint64_t maps_look(int maps, int learn)
{
	static char text[1 << 20];
	uint64_t start, end;
	ssize_t size;
	char prot[8];

	size = pread(maps, text, sizeof(text) - 1, 0);
	if (size <= 0)
		return 0;
	text[size] = '\0';
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end,
			    prot) != 3)
			break;
		if (learn && n_before < BEFORE_MAX)
			before[n_before++] = start;
		else if (!learn && prot[1] == 'w' && !known(start))
			return start;
	}
	return 0;
}

/* No page begins there: nothing is unmapped by mistake. */
static int64_t some_number(void)
{
	static const int64_t numbers[] = {1, -1, 3, 200000 + 1, -4095, 0xfff,
		INT32_MAX, INT64_MAX, INT64_MIN + 1};

	return numbers[(size_t)rand() % (sizeof(numbers) / sizeof(*numbers))];
}

static void put(int mem, uint64_t at, const void *from, size_t size, long *hits)
{
	*hits += pwrite(mem, from, size, (off_t)at) == (ssize_t)size;
}

static void scribble(int mem, uint64_t at, long *hits)
{
	struct head head;
	int64_t number;
	char data[DATA];
	uint64_t ops = at + sizeof(head), behind;

	if (pread(mem, &head, sizeof(head), (off_t)at) != sizeof(head) ||
		!head.count || head.count > TAPE_MAX / sizeof(struct op))
		return;
	for (int i = 0; i < 8; i++) {
		number = some_number();
		put(mem,
			ops +
				(uint64_t)rand() % head.count *
					sizeof(struct op) +
				offsetof(struct op, result),
			&number, sizeof(number), hits);
	}
	behind = ops + head.count * sizeof(struct op);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)rand();
	put(mem, behind + (uint64_t)rand() % 256, data,
		(size_t)rand() % sizeof(data), hits);
	if (rand() % 8)
		return;
	head.failed = (int32_t)some_number();
	head.error = some_number();
	head.played = (uint64_t)some_number();
	put(mem, at, &head, sizeof(head), hits);
}

int main(int argc, char **argv)
{
	char path[64], text[32];
	long hits = 0;
	int maps, mem;
	uint64_t at;

	if (argc != 2)
		FAIL("whom?");
	snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
	maps = CHECK_SYS(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	mem = CHECK_SYS(open(path, O_RDWR));
	maps_look(maps, 1);
	checkpoint_mark("scribbles");
	while (!checkpoint_seen("enough"))
		for (int i = 0; i < 200; i++) {
			at = maps_look(maps, 0);
			for (int k = 0; at && k < 40; k++)
				scribble(mem, at, &hits);
		}
	snprintf(text, sizeof(text), "%ld\n", hits);
	snprintf(path, sizeof(path), "%s", "scribbled");
	mem = CHECK_SYS(open(path, O_WRONLY | O_CREAT, 0666));
	CHECK_INT(write(mem, text, strlen(text)), (long)strlen(text));
	return 0;
}
