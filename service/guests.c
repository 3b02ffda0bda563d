/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/guests.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True when the whole word is a number that an id may be. */
static bool id_read(const char *word, uint32_t *ret)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(word, &end, 10);
	if (*end || errno || number >= UINT32_MAX || word[0] == '-')
		return false;
	*ret = (uint32_t)number;
	return true;
}

static int user_add(struct arena *arena, struct guests *guests,
	const char *word, struct err *err)
{
	const struct passwd *entry;
	uint32_t uid;

	if (!id_read(word, &uid)) {
		entry = getpwnam(word);
		if (!entry)
			return err_set(err, EINVAL,
				"there is no user '%s' to allow", word);
		uid = entry->pw_uid;
	}
	*vec_push(arena, &guests->users) = uid;
	return 0;
}

static int group_read(const char *word, gid_t *ret, struct err *err)
{
	const struct group *entry;

	if (id_read(word, ret))
		return 0;
	entry = getgrnam(word);
	if (!entry)
		return err_set(
			err, EINVAL, "there is no group '%s' to allow", word);
	*ret = entry->gr_gid;
	return 0;
}

int guests_read(struct arena *arena, const struct options *options,
	struct guests *ret, struct err *err)
{
	struct guests guests = {0};
	char *words, *word;
	int rc = 0;

	if (options->allow_users) {
		words = arena_strdup(arena, options->allow_users);
		while (!rc && (word = strsep(&words, ",")))
			if (*word)
				rc = user_add(arena, &guests, word, err);
	}
	if (!rc && options->allow_group) {
		guests.has_group = true;
		rc = group_read(options->allow_group, &guests.group, err);
	}
	if (!rc)
		*ret = guests;
	return rc;
}

static bool peer_named(const struct guests *guests, const struct peer *peer)
{
	for (size_t i = 0; i < guests->users.n; i++)
		if (guests->users.at[i] == peer->owner.uid)
			return true;
	return false;
}

static bool peer_member(const struct guests *guests, const struct peer *peer)
{
	const struct run_owner *who = &peer->owner;

	if (!guests->has_group)
		return false;
	if (who->gid == guests->group)
		return true;
	for (size_t i = 0; i < who->n_groups; i++)
		if (who->groups[i] == guests->group)
			return true;
	return false;
}

enum guest guests_judge(const struct guests *guests, const struct peer *peer)
{
	uid_t uid = peer->owner.uid;

	if (uid == 0 || uid == geteuid())
		return GUEST_TRUSTED;
	if (peer_named(guests, peer))
		return GUEST_INVITED;
	return peer_member(guests, peer) ? GUEST_MEMBER : GUEST_UNINVITED;
}

int guests_admit(
	const struct guests *guests, struct peer *peer, struct err *err)
{
	enum guest guest = guests_judge(guests, peer);

	peer->confined = guest != GUEST_TRUSTED;
	if (guest != GUEST_UNINVITED)
		return 0;
	err_set(err, EPERM, "user %u may not use this service",
		peer->owner.uid);
	return err_hint(err, "its administrator can allow it with "
			     "--allow-users or --allow-group");
}
