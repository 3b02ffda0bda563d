/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says about a newborn, beside what its image says. */
#include "restore/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "test.h"

struct scene {
	struct arena *arena;
	CredsEntry creds;
	struct proc_status status;
	uint32_t caps[2], groups[3], has_groups[3];
	struct err err;
};

static void scene_start(struct scene *s)
{
	*s = (struct scene){.arena = arena_new(),
		.caps = {1u << CAP_NET_RAW, 1u << (CAP_BPF - 32)},
		.groups = {7, 5, 6},
		.has_groups = {5, 6, 7}};
	creds_entry__init(&s->creds);
	s->creds.uid = s->creds.euid = s->creds.suid = s->creds.fsuid = 1000;
	s->creds.groups = s->groups;
	s->creds.n_groups = 3;
	s->creds.cap_prm = s->creds.cap_bnd = s->caps;
	s->creds.n_cap_prm = s->creds.n_cap_bnd = 2;
	for (int i = 0; i < 4; i++)
		s->status.uid[i] = 1000;
	s->status.groups = s->has_groups;
	s->status.groups_n = 3;
	s->status.cap_prm = s->status.cap_bnd =
		1ull << CAP_NET_RAW | 1ull << CAP_BPF;
}

static int scene_check(struct scene *s)
{
	return rights_check(s->arena, &s->creds, &s->status, 42, &s->err);
}

TEST(who_has_what_the_image_says_or_less_passes)
{
	struct scene s;

	scene_start(&s);
	CHECK_INT(scene_check(&s), 0);
	s.status.cap_prm = 0;
	s.status.groups_n = 1;
	s.status.no_new_privs = 1;
	CHECK_INT(scene_check(&s), 0);
	arena_free(s.arena);
}

TEST(any_other_id_is_refused)
{
	struct scene s;

	scene_start(&s);
	for (int i = 0; i < 4; i++) {
		s.status.uid[i]++;
		CHECK_INT(scene_check(&s), -EPERM);
		s.status.uid[i]--;
		s.status.gid[i]++;
		CHECK_INT(scene_check(&s), -EPERM);
		s.status.gid[i]--;
	}
	CHECK_INT(scene_check(&s), 0);
	s.has_groups[1] = 4;
	CHECK_INT(scene_check(&s), -EPERM);
	CHECK(strstr(s.err.text, "group 4"));
	arena_free(s.arena);
}

TEST(one_capability_more_in_any_set_is_refused_by_name)
{
	struct scene s;
	uint64_t *const sets[] = {&s.status.cap_prm, &s.status.cap_eff,
		&s.status.cap_inh, &s.status.cap_amb, &s.status.cap_bnd};

	scene_start(&s);
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		*sets[i] |= 1ull << CAP_CHECKPOINT_RESTORE;
		CHECK_INT(scene_check(&s), -EPERM);
		CHECK(strstr(s.err.text, "CAP_CHECKPOINT_RESTORE"));
		*sets[i] &= ~(1ull << CAP_CHECKPOINT_RESTORE);
	}
	CHECK_INT(scene_check(&s), 0);
	s.creds.has_no_new_privs = s.creds.no_new_privs = 1;
	CHECK_INT(scene_check(&s), -EPERM);
	arena_free(s.arena);
}
