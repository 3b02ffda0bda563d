/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/cgroups.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/cgroup.h"

static int members_compare(const void *a, const void *b)
{
	return strcmp((*(CgMemberEntry *const *)a)->name,
		(*(CgMemberEntry *const *)b)->name);
}

static size_t lines_count(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

CgSetEntry *cgroups_set_make(struct arena *arena, const char *text, uint32_t id)
{
	CgSetEntry *entry = arena_new1(arena, CgSetEntry);
	char *copy = arena_strdup(arena, text), *line;
	struct cgroup_member member;
	CgMemberEntry *one;

	cg_set_entry__init(entry);
	entry->id = id;
	entry->ctls = arena_newn(arena, CgMemberEntry *, lines_count(text));
	while ((line = strsep(&copy, "\n"))) {
		if (!cgroup_member_read(arena, line, &member))
			continue;
		one = arena_new1(arena, CgMemberEntry);
		cg_member_entry__init(one);
		one->name = (char *)member.controllers;
		one->path = (char *)member.path;
		entry->ctls[entry->n_ctls++] = one;
	}
	qsort(entry->ctls, entry->n_ctls, sizeof(CgMemberEntry *),
		members_compare);
	return entry;
}
