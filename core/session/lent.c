/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/lent.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kernel/caps.h"

static const uint64_t kept = 1ull << CAP_CHECKPOINT_RESTORE;

static bool is_lent(void)
{
	return getauxval(AT_SECURE) && getuid() != 0;
}

static const char *names_of(struct arena *arena, uint64_t caps)
{
	const char *names = "";

	for (int cap = 0; cap < 64; cap++)
		if (caps >> cap & 1)
			names = arena_printf(arena, "%s%s%s", names,
				*names ? ", " : "", caps_name(cap));
	return names;
}

int lent_return(struct arena *arena, const char **ret_note, struct err *err)
{
	struct caps caps;
	int code;

	*ret_note = NULL;
	if (!is_lent())
		return 0;
	if (geteuid() != getuid() || getegid() != getgid()) {
		err_set(err, EPERM,
			"this program's file is setuid or setgid, which would "
			"let its users do all that its owner can");
		return err_hint(err,
			"chmod ug-s it; setcap cap_checkpoint_restore+ep lets "
			"users save and restore what is theirs");
	}
	code = caps_read(&caps, err) ?: caps_keep_only(kept, err);
	if (code)
		return code;
	if (caps.permitted & ~kept)
		*ret_note = arena_printf(arena,
			"given back, for they are not the user's own: %s",
			names_of(arena, caps.permitted & ~kept));
	/* Newborns must be traceable by us. Our user, who has less
	 * capabilities than we, may not trace us for all that. */
	if (prctl(PR_SET_DUMPABLE, 1))
		return err_errno(err, "becoming dumpable");
	return 0;
}

int lent_owner(
	struct arena *arena, const struct run_owner **ret, struct err *err)
{
	struct run_owner *owner;
	gid_t *groups;
	int n;

	*ret = NULL;
	if (!is_lent())
		return 0;
	n = getgroups(0, NULL);
	groups = arena_newn(arena, gid_t, (size_t)(n > 0 ? n : 0) + 1);
	n = getgroups(n, groups);
	if (n < 0)
		return err_errno(err, "asking for our own groups");
	owner = arena_new1(arena, struct run_owner);
	*owner = (struct run_owner){.uid = getuid(),
		.gid = getgid(),
		.groups = groups,
		.n_groups = (size_t)n};
	*ret = owner;
	return 0;
}
