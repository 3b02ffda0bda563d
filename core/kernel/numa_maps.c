/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/numa_maps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "kernel/scan.h"

/* "7f0000000000 default anon=512 dirty=512 N0=512 kernelpagesize_kB=4": the
 * pages of its own in an area, 0 where the line names none. A path in front
 * (file=) has its blanks escaped. */
static uint64_t line_anon(const char *at, const char *end)
{
	static const char key[] = " anon=";
	const char *found = memmem(at, (size_t)(end - at), key, strlen(key));
	uint64_t pages;

	if (!found)
		return 0;
	found += strlen(key);
	return scan_u64(&found, 10, &pages) ? pages : 0;
}

/* Both lists ascend; an area that one of them lacks is passed over. */
void numa_maps_scan(const char *text, uint64_t page, struct maps *maps)
{
	const char *next;
	uint64_t start, kb;
	size_t i = 0;

	for (const char *at = text; *at; at = next) {
		next = scan_line_next(at);
		if (!scan_u64(&at, 16, &start))
			continue;
		kb = line_anon(at, next) * (page >> 10);
		while (i < maps->n && maps->at[i].start < start)
			i++;
		if (i < maps->n && maps->at[i].start == start &&
			maps->at[i].anon_kb < kb)
			maps->at[i].anon_kb = kb;
	}
}

int numa_maps_add(const struct proc *proc, struct maps *maps, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *text;
	size_t size;
	int code;

	code = proc_read_file(arena, proc, 0, "numa_maps", &text, &size, err);
	if (code == -ESRCH && !proc_check_alive(proc, ERR_UNREAD))
		return 0;
	if (code)
		return code;
	numa_maps_scan(text, (uint64_t)sysconf(_SC_PAGESIZE), maps);
	return 0;
}
