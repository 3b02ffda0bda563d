/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpuinfo/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "cpuinfo/cpuinfo.h"

static int host_describe(
	struct arena *arena, struct cpu_host *host, struct err *err)
{
	host->be = backend_by_cpuinfo(host->entry);
	if (host->be->cpu_features(arena, host->entry, &host->features, err))
		return err_wrap(err, "'%s'", host->name);
	return 0;
}

static int host_read(struct arena *arena, const char *path,
	struct cpu_host *ret, struct err *err)
{
	struct cpu_host host = {.name = path};
	struct stat st;
	int code;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		code = cpuinfo_read_dir(arena, path, &host.entry, err);
	else
		code = cpuinfo_read(arena, AT_FDCWD, path, &host.entry, err);
	if (!code)
		code = host_describe(arena, &host, err);
	if (!code)
		*ret = host;
	return code;
}

static int host_here(struct arena *arena, struct cpu_host *ret, struct err *err)
{
	struct cpu_host host = {.name = "this host"};
	CpuinfoEntry *entry;
	int code;

	if (!backend_host())
		return err_set(err, ENOTSUP, "this machine is not supported");
	code = backend_host()->cpu_describe(arena, &entry, err);
	if (code)
		return code;
	host.entry = entry;
	code = host_describe(arena, &host, err);
	if (!code)
		*ret = host;
	return code;
}

static bool has(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static const char *const *names_missing(struct arena *arena,
	const char *const *wanted, const char *const *there)
{
	VEC(const char *) missing = {0};

	for (; *wanted; wanted++)
		if (!has(there, *wanted))
			*vec_push(arena, &missing) = *wanted;
	*vec_push(arena, &missing) = NULL;
	return missing.at;
}

static struct cpu_verdict verdict_find(struct arena *arena,
	const struct cpu_host *from, const struct cpu_host *to, uint32_t cap)
{
	static const char *const nothing[] = {NULL};
	struct cpu_verdict verdict = {.lacks = nothing};
	struct err err = {0};

	if (from->be != to->be) {
		verdict.reason = arena_printf(
			arena, "%s is not %s", to->be->name, from->be->name);
		return verdict;
	}
	verdict.lacks = names_missing(arena, from->features, to->features);
	verdict.can = !from->be->cpu_accept(from->entry, to->entry, cap, &err);
	if (!verdict.can)
		verdict.reason = arena_strdup(arena, err.text);
	return verdict;
}

int compare_hosts(struct arena *arena, const char *const *paths, size_t n,
	uint32_t cap, struct cpu_comparison *ret, struct err *err)
{
	struct cpu_comparison made = {.cap = cap, .all_can = true};
	int code = 0;

	made.hosts = arena_newn(arena, struct cpu_host, n + 1);
	while (made.n < n && !code) {
		code = host_read(
			arena, paths[made.n], &made.hosts[made.n], err);
		made.n++;
	}
	if (!code && n == 1)
		code = host_here(arena, &made.hosts[made.n++], err);
	if (code)
		return code;
	made.verdicts = arena_newn(arena, struct cpu_verdict, made.n * made.n);
	for (size_t i = 0; i < made.n * made.n; i++) {
		made.verdicts[i] = verdict_find(arena, &made.hosts[i / made.n],
			&made.hosts[i % made.n], cap);
		made.all_can &= made.verdicts[i].can;
	}
	*ret = made;
	return 0;
}

const char *const *compare_baseline(struct arena *arena,
	const struct cpu_comparison *comparison, const struct backend *be)
{
	VEC(const char *) common = {0};
	const struct cpu_host *first = comparison->hosts;
	const struct cpu_host *end = comparison->hosts + comparison->n;

	while (first < end && first->be != be)
		first++;
	for (size_t i = 0; first < end && first->features[i]; i++) {
		const struct cpu_host *host = first;

		while (host < end &&
			(host->be != be ||
				has(host->features, first->features[i])))
			host++;
		if (host == end)
			*vec_push(arena, &common) = first->features[i];
	}
	*vec_push(arena, &common) = NULL;
	return common.at;
}
