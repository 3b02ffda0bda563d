/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/status: lines of "Key:\tvalue". Unknown keys are passed over. */
#include "kernel/proc.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "kernel/scan.h"

enum status_form {
	STATUS_STATE,
	STATUS_DEC,  /* int */
	STATUS_OCT,  /* uint32_t */
	STATUS_HEX,  /* uint64_t */
	STATUS_BOOL, /* bool, from 0 or 1 */
	STATUS_IDS,  /* uint32_t[4] */
	STATUS_GROUPS,
	STATUS_NSPID,
	STATUS_LAST, /* pid_t, the last of several */
};

struct status_key {
	const char *key;
	enum status_form form;
	bool must; /* every kernel since 3.5 writes it */
	size_t offset;
};

#define AT(field) offsetof(struct proc_status, field)
/* In the order of the kernel, so that the search is short. */
static const struct status_key status_keys[] = {
	{"Umask:", STATUS_OCT, false, AT(umask)},
	{"State:", STATUS_STATE, true, AT(state)},
	{"Tgid:", STATUS_DEC, true, AT(tgid)},
	{"Pid:", STATUS_DEC, true, AT(pid)},
	{"PPid:", STATUS_DEC, true, AT(ppid)},
	{"TracerPid:", STATUS_DEC, true, AT(tracer_pid)},
	{"Uid:", STATUS_IDS, true, AT(uid)},
	{"Gid:", STATUS_IDS, true, AT(gid)},
	{"Groups:", STATUS_GROUPS, true, 0},
	{"NSpid:", STATUS_NSPID, false, 0},
	{"NSpgid:", STATUS_LAST, false, AT(ns_pgid)},
	{"NSsid:", STATUS_LAST, false, AT(ns_sid)},
	{"Kthread:", STATUS_BOOL, false, AT(kernel_thread)},
	{"THP_enabled:", STATUS_DEC, false, AT(thp_enabled)},
	{"Threads:", STATUS_DEC, true, AT(threads)},
	{"SigPnd:", STATUS_HEX, true, AT(sig_pending)},
	{"ShdPnd:", STATUS_HEX, true, AT(sig_pending_shared)},
	{"SigBlk:", STATUS_HEX, true, AT(sig_blocked)},
	{"SigIgn:", STATUS_HEX, true, AT(sig_ignored)},
	{"SigCgt:", STATUS_HEX, true, AT(sig_caught)},
	{"CapInh:", STATUS_HEX, true, AT(cap_inh)},
	{"CapPrm:", STATUS_HEX, true, AT(cap_prm)},
	{"CapEff:", STATUS_HEX, true, AT(cap_eff)},
	{"CapBnd:", STATUS_HEX, true, AT(cap_bnd)},
	{"CapAmb:", STATUS_HEX, false, AT(cap_amb)},
	{"NoNewPrivs:", STATUS_DEC, false, AT(no_new_privs)},
	{"Seccomp:", STATUS_DEC, false, AT(seccomp)},
	{"Seccomp_filters:", STATUS_DEC, false, AT(seccomp_filters)},
};
#undef AT

enum { STATUS_KEYS = sizeof(status_keys) / sizeof(status_keys[0]) };

static bool status_take_groups(
	struct arena *arena, const char *at, struct proc_status *status)
{
	struct {
		uint32_t *at;
		size_t n, room;
	} groups = {0};
	uint64_t gid;

	while (scan_next_u64(&at, 10, &gid))
		*vec_push(arena, &groups) = (uint32_t)gid;
	status->groups = groups.at;
	status->groups_n = groups.n;
	return *at == '\n';
}

static bool status_take_nspid(const char *at, struct proc_status *status)
{
	uint64_t pid;

	status->nspid_n = 0;
	while (scan_next_u64(&at, 10, &pid)) {
		if (status->nspid_n == PROC_NSPID_MAX)
			return false;
		status->nspid[status->nspid_n++] = (pid_t)pid;
	}
	return *at == '\n' && status->nspid_n;
}

static bool status_take_last(const char *at, pid_t *ret)
{
	uint64_t pid;
	bool any = false;

	for (; scan_next_u64(&at, 10, &pid); any = true)
		*ret = (pid_t)pid;
	return *at == '\n' && any;
}

static bool status_take_ids(const char *at, uint32_t ids[4])
{
	for (int i = 0; i < 4; i++) {
		uint64_t id;

		if (!scan_next_u64(&at, 10, &id))
			return false;
		ids[i] = (uint32_t)id;
	}
	return *at == '\n';
}

static bool status_take_number(
	const char *at, enum status_form form, void *into)
{
	uint64_t big = 0;
	int64_t value = 0;

	if (form == STATUS_DEC) {
		if (!scan_next_i64(&at, &value))
			return false;
		*(int *)into = (int)value;
		return *at == '\n';
	}
	if (!scan_next_u64(&at, form == STATUS_HEX ? 16 : 8, &big))
		return false;
	if (form == STATUS_HEX)
		*(uint64_t *)into = big;
	else if (form == STATUS_OCT)
		*(uint32_t *)into = (uint32_t)big;
	else
		*(bool *)into = big != 0;
	return *at == '\n';
}

static bool status_take_value(struct arena *arena, const struct status_key *key,
	const char *at, struct proc_status *status)
{
	void *into = (char *)status + key->offset;

	switch (key->form) {
	case STATUS_STATE:
		scan_blanks(&at);
		status->state = *at;
		return *at && *at != '\n';
	case STATUS_IDS:
		return status_take_ids(at, into);
	case STATUS_GROUPS:
		return status_take_groups(arena, at, status);
	case STATUS_NSPID:
		return status_take_nspid(at, status);
	case STATUS_LAST:
		return status_take_last(at, into);
	default:
		return status_take_number(at, key->form, into);
	}
}

/* Searches from where the last line was found: the order is nearly ours. */
static int status_find_key(const char **at, int from)
{
	for (int i = 0; i < STATUS_KEYS; i++) {
		int k = (from + i) % STATUS_KEYS;

		if (**at == *status_keys[k].key &&
			scan_mark(at, status_keys[k].key))
			return k;
	}
	return -1;
}

static int status_check_whole(uint64_t seen, pid_t pid, struct err *err)
{
	for (int k = 0; k < STATUS_KEYS; k++) {
		if (!status_keys[k].must || seen & 1ull << k)
			continue;
		return err_set(err, EINVAL,
			"the status text of process %d has no line '%s'", pid,
			status_keys[k].key);
	}
	return 0;
}

int proc_status_parse(struct arena *arena, const char *text,
	struct proc_status *ret, struct err *err)
{
	struct proc_status status = {
		.umask = UINT32_MAX,
		.no_new_privs = -1,
		.seccomp_filters = -1,
		.thp_enabled = -1,
	};
	uint64_t seen = 0;
	int from = 0;

	for (const char *line = text; *line; line = scan_line_next(line)) {
		const char *at = line;
		int k = status_find_key(&at, from);

		if (k < 0)
			continue;
		if (!status_take_value(arena, &status_keys[k], at, &status))
			return err_set(err, EINVAL,
				"the status text of process %d has an odd or "
				"broken line '%.*s'",
				status.pid, (int)strcspn(line, "\n"), line);
		seen |= 1ull << k;
		from = k + 1;
	}
	if (status_check_whole(seen, status.pid, err))
		return -EINVAL;
	*ret = status;
	return 0;
}

int proc_status_read(struct arena *arena, const struct proc *proc, pid_t tid,
	struct proc_status *ret, struct err *err)
{
	/* Many groups make it long. */
	char few[4096], *text;
	int r = proc_read_mostly_small(
		arena, proc, tid, "status", few, sizeof(few), &text, NULL, err);

	if (r)
		return r;
	return proc_status_parse(arena, text, ret, err);
}
