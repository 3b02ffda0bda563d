/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a form of their own. */
#include "options/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int option_read_help(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	(void)arena, (void)row, (void)value, (void)err;
	ret->verb = VERB_HELP;
	return 0;
}

int option_read_version(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	(void)arena, (void)row, (void)value, (void)err;
	ret->verb = VERB_VERSION;
	return 0;
}

/* -v, -vv, -v4, --verbosity, --verbosity=4; -verbosity=4 with one dash, too,
 * which is -v with "erbosity=4" behind. */
int option_read_verbosity(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	long long level;
	int rc;

	(void)arena, (void)row;
	if (value && !strncmp(value, "erbosity", 8))
		value = value[8] == '=' ? value + 9 : value[8] ? value : NULL;
	if (!value || value[strspn(value, "v")] == '\0') {
		ret->verbosity += 1 + (value ? (int)strlen(value) : 0);
		return 0;
	}
	rc = option_read_number(value, 0, 1000, "the log level", &level, err);
	if (rc)
		return err_hint(err, "levels are 0 none, 1 errors, "
				     "2 warnings, 3 what is done, "
				     "4 everything");
	ret->verbosity = (int)level;
	return 0;
}

int option_read_close(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	long long fd;
	int rc;

	(void)row;
	rc = option_read_number(
		value, 0, INT32_MAX, "the fd of --close", &fd, err);
	if (!rc)
		*vec_push(arena, &ret->close_fds) = (int)fd;
	return rc;
}

/* fd[N]:RESOURCE */
int option_read_inherit(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	struct option_inherit inherit;
	long fd = -1;
	char *end = NULL;

	if (!strncmp(value, "fd[", 3))
		fd = strtol(value + 3, &end, 10);
	if (!end || end == value + 3 || fd < 0 || fd > INT32_MAX ||
		strncmp(end, "]:", 2) || !end[2])
		return err_set(err, EINVAL,
			"the value '%s' of --inherit-fd is not of the form %s",
			value, row->arg);
	inherit.fd = (int)fd;
	inherit.key = end + 2;
	*vec_push(arena, &ret->inherit_fds) = inherit;
	return 0;
}

int option_read_ext_unix(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	char *end;

	(void)row;
	ret->ext_unix = true;
	while (value && *value) {
		unsigned long inode = strtoul(value, &end, 10);

		if (end == value || (*end && *end != ',') || inode > UINT32_MAX)
			return err_set(err, EINVAL,
				"the value of --ext-unix-sk has no inode "
				"number at '%s'",
				value);
		*vec_push(arena, &ret->ext_unix_inodes) = (uint32_t)inode;
		value = *end ? end + 1 : end;
	}
	return 0;
}

int option_read_empty_ns(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	(void)arena, (void)row;
	if (strcmp(value, "net"))
		return err_set(err, EINVAL,
			"--empty-ns knows only 'net', not '%s'", value);
	ret->empty_net = true;
	return 0;
}

int option_read_ext_mount(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	struct option_pair pair = {0};
	const char *cut = strchr(value, ':');
	char *text;

	if (!strcmp(value, "auto")) {
		ret->auto_ext_mounts = true;
		return 0;
	}
	if (!cut)
		return err_set(err, EINVAL,
			"the value '%s' of --ext-mount-map is not of the form "
			"%s",
			value, row->arg);
	text = arena_strdup(arena, value);
	text[cut - value] = '\0';
	pair.key = text;
	pair.value = text + (cut - value) + 1;
	*vec_push(arena, &ret->ext_mounts) = pair;
	return 0;
}

static const struct option_choice caps[] = {{"fpu", CPU_CAP_FPU},
	{"cpu", CPU_CAP_CPU}, {"ins", CPU_CAP_INS}, {"all", CPU_CAP_ALL},
	{"none", 0}, {}};

static int option_read_cap(
	const char *word, size_t length, uint32_t *cap, struct err *err)
{
	bool without = false;

	for (; length && *word == '^'; word++, length--)
		without = !without;
	for (const struct option_choice *c = caps; c->name; c++) {
		if (strlen(c->name) != length || strncmp(c->name, word, length))
			continue;
		if (!c->value) /* none; ^none is everything */
			*cap = without ? CPU_CAP_ALL : 0;
		else if (without)
			*cap &= ~(uint32_t)c->value;
		else
			*cap |= (uint32_t)c->value;
		return 0;
	}
	err_set(err, EINVAL, "--cpu-cap does not know '%.*s'", (int)length,
		word);
	return err_hint(err, "known are fpu, cpu, ins, all and none, with ^ "
			     "in front to take one away");
}

int option_read_cpu_cap(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	uint32_t cap = ret->cpu_cap;
	size_t length;
	int rc;

	(void)arena, (void)row;
	if (!value)
		cap |= CPU_CAP_ALL;
	while (value && *value) {
		length = strcspn(value, ",");
		rc = option_read_cap(value, length, &cap, err);
		if (rc)
			return rc;
		value += length + (value[length] == ',');
	}
	ret->cpu_cap = cap & CPU_CAP_ALL ? cap | CPU_CAP_IMAGE : 0;
	return 0;
}
