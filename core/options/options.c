/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options/rows.h"
#include "options/uses.h"

/* As long as nobody names another one. */
static const char here[] = ".";

void options_init(struct options *ret)
{
	*ret = (struct options){
		.images_dir = here,
		.work_dir = ".",
		.verbosity = 2,
		.timeout = 10,
		.ghost_limit = 1 << 20,
		.ghost_fiemap = true,
		.file_validation = VALIDATE_BUILDID,
		.manage_cgroups = CGROUPS_SOFT,
		.network_lock = NETWORK_LOCK_IPTABLES,
		.pre_dump_mode = PRE_DUMP_SPLICE,
		.cpu_cap = CPU_CAP_DEFAULT,
		.ps_fd = -1,
		.status_fd = -1,
		.swrk_fd = -1,
		.max_workers = 16,
		.request_timeout = 120,
	};
}

static int verb_missing(struct err *err)
{
	err_set(err, EINVAL, "it is not said what to do");
	return err_hint(err, "give a verb: dump, restore, check, inspect; "
			     "'stasis --help' shows all");
}

/* The verb of the words, and how many of them it took. */
static int verb_find(const struct option_words *words, enum verb *ret_verb,
	size_t *ret_taken, struct err *err)
{
	const char *word = words->at[0], *nearest;

	for (int v = 0; v < VERBS; v++) {
		const char *name = verb_rows[v].name, *second;
		size_t first = name ? strcspn(name, " ") : 0;

		if (!name || strlen(word) != first ||
			strncmp(name, word, first))
			continue;
		second = name[first] ? name + first + 1 : NULL;
		if (second && (words->n < 2 || strcmp(second, words->at[1])))
			continue;
		*ret_verb = (enum verb)v;
		*ret_taken = second ? 2 : 1;
		return 0;
	}
	if (!strcmp(word, "cpuinfo"))
		return err_set(err, EINVAL,
			"cpuinfo is followed by 'dump' or by 'check'");
	err_set(err, EINVAL, "there is no verb '%s'", word);
	nearest = verb_nearest(word);
	if (nearest)
		return err_hint(err, "did you mean '%s'?", nearest);
	return err_hint(err, "'stasis --help' shows all verbs");
}

int verb_check_built(enum verb verb, struct err *err)
{
	const struct verb_row *row = &verb_rows[verb];

	if (!row->belongs)
		return 0;
	err_set(err, ENOSYS, "'%s' is not built yet: it belongs to %s",
		row->name, row->belongs);
	return err_hint(err, "'stasis --help' shows what is built");
}

static bool verb_takes_dir(enum verb verb)
{
	return verb == VERB_RESTORE || verb == VERB_INSPECT ||
	       verb == VERB_RECOVER;
}

/* What stands behind the verb: a pid, a command, a directory, an fd, or
 * nothing. */
static int words_read(struct arena *arena, const struct option_words *words,
	size_t at, struct options *ret, struct err *err)
{
	const char **command;
	bool takes_dir = verb_takes_dir(ret->verb);
	long long fd, pid;
	int rc;

	if (ret->verb == VERB_RESTORE && ret->exec_cmd) {
		if (at == words->n)
			return err_set(err, EINVAL,
				"--exec-cmd needs a command behind '--'");
		command = arena_newn(arena, const char *, words->n - at + 1);
		memcpy(command, words->at + at,
			(words->n - at) * sizeof(*command));
		ret->exec_argv = command;
		return 0;
	}
	if ((ret->verb == VERB_DUMP || ret->verb == VERB_PRE_DUMP) &&
		!ret->tree && at < words->n) {
		rc = option_read_number(words->at[at++], 1, INT32_MAX,
			"the pid behind 'dump'", &pid, err);
		if (rc)
			return rc;
		ret->tree = (int)pid;
		takes_dir = true;
	}
	if (takes_dir && ret->images_dir == here && at < words->n)
		ret->images_dir = words->at[at++];
	/* --against FILE FILE ... */
	while (ret->verb == VERB_CPUINFO_CHECK && ret->against.n &&
		at < words->n)
		*vec_push(arena, &ret->against) = words->at[at++];
	if (ret->verb == VERB_SWRK && at < words->n) {
		rc = option_read_number(words->at[at++], 0, INT32_MAX,
			"the fd of swrk", &fd, err);
		if (rc)
			return rc;
		ret->swrk_fd = (int)fd;
	}
	if (at == words->n)
		return 0;
	err_set(err, EINVAL, "'%s' is one word too many behind '%s'",
		words->at[at], verb_rows[ret->verb].name);
	if (ret->verb == VERB_RESTORE)
		return err_hint(err, "a command to run after the restore "
				     "needs --exec-cmd");
	return -EINVAL;
}

static int uses_apply(struct arena *arena, const struct option_uses *uses,
	struct options *ret, struct err *err)
{
	int rc;

	for (size_t i = 0; i < uses->n; i++) {
		const struct option_use *use = &uses->at[i];

		if (!(use->row->verbs & 1u << ret->verb)) {
			if (use->from_file || use->no)
				continue; /* meant for other verbs */
			if (use->row->ours)
				return err_set(err, EINVAL,
					"%s is not for '%s'", use->as,
					verb_rows[ret->verb].name);
			*vec_push(arena, &ret->notes) = arena_printf(arena,
				"%s means nothing to '%s' and is ignored",
				use->as, verb_rows[ret->verb].name);
			continue;
		}
		rc = option_set(arena, use->row, use->no, use->value, use->as,
			ret, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The files, in the order in which later ones win. */
static int config_read_all(struct arena *arena, const struct option_uses *line,
	struct option_uses *ret, struct option_words *warnings, struct err *err)
{
	const char *home = getenv("HOME"), *file = getenv("CRIU_CONFIG_FILE");
	const char *paths[4] = {"/etc/criu/default.conf"};
	struct options asked = {0};
	int rc = 0;

	for (size_t i = 0; i < line->n; i++) {
		const char *name = line->at[i].row->name;

		if (!strcmp(name, "config"))
			asked.config_file = line->at[i].value;
		if (!strcmp(name, "no-default-config"))
			asked.no_default_config = true;
	}
	if (home && *home)
		paths[1] = arena_printf(arena, "%s/.criu/default.conf", home);
	if (asked.config_file || asked.no_default_config)
		paths[0] = paths[1] = NULL;
	paths[2] = file && *file ? file : NULL;
	paths[3] = asked.config_file;
	for (size_t i = 0; !rc && i < 4; i++)
		if (paths[i])
			rc = uses_read_file(arena, paths[i], ret,
				i < 2 ? warnings : NULL, err);
	return rc;
}

int options_apply_config(struct arena *arena, const char *path,
	struct options *ret, struct err *err)
{
	const struct option_uses none = {0};
	struct option_uses file = {0};
	int rc;

	rc = path ? uses_read_file(arena, path, &file, NULL, err)
		  : config_read_all(arena, &none, &file, &ret->warnings, err);
	return rc ?: uses_apply(arena, &file, ret, err);
}

static int options_show(const struct option_row *action,
	const struct option_words *words, struct options *ret)
{
	struct options asked;
	size_t taken;

	options_init(&asked);
	action->read(NULL, action, NULL, &asked, NULL);
	if (words->n)
		verb_find(words, &asked.help_for, &taken, ERR_UNREAD);
	*ret = asked;
	return 0;
}

static int options_apply(struct arena *arena, const struct option_uses *line,
	const struct option_words *words, size_t taken, struct options *ret,
	struct err *err)
{
	struct option_uses file = {0};
	int rc;

	rc = config_read_all(arena, line, &file, &ret->warnings, err);
	if (rc)
		return rc;
	ret->work_dir = NULL;
	rc = uses_apply(arena, &file, ret, err);
	if (rc)
		return rc;
	rc = uses_apply(arena, line, ret, err);
	if (rc)
		return rc;
	rc = words_read(arena, words, taken, ret, err);
	if (rc)
		return rc;
	ret->piped = !strcmp(ret->images_dir, "-");
	ret->work_dir_given = ret->work_dir;
	ret->work_dir = ret->work_dir ?: ret->piped ? here : ret->images_dir;
	return options_check(ret, err);
}

/* The names of the steps are shown without a verb, too. */
static bool uses_list_steps(const struct option_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++)
		if (!strcmp(uses->at[i].row->name, "fail-at") &&
			!strcmp(uses->at[i].value, "list"))
			return true;
	return false;
}

int options_parse(struct arena *arena, int argc, char **argv,
	struct options *ret, struct err *err)
{
	const struct option_row *action = NULL;
	struct option_words words = {0};
	struct option_uses line = {0};
	struct options asked;
	size_t taken;
	int rc;

	rc = uses_read_line(arena, argc, argv, &line, &words, &action, err);
	if (rc)
		return rc;
	if (action)
		return options_show(action, &words, ret);
	options_init(&asked);
	if (uses_list_steps(&line)) {
		asked.verb = VERB_STEPS;
		*ret = asked;
		return 0;
	}
	if (!words.n)
		return verb_missing(err);
	rc = verb_find(&words, &asked.verb, &taken, err);
	if (rc)
		return rc;
	rc = verb_check_built(asked.verb, err);
	if (rc)
		return rc;
	rc = options_apply(arena, &line, &words, taken, &asked, err);
	if (rc)
		return rc;
	*ret = asked;
	return 0;
}
