/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/restraint.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "service/cgroups.h"

#ifndef SYS_landlock_create_ruleset /* 5.13; the same on all machines */
#define SYS_landlock_create_ruleset 444
#endif
#ifndef STATX_MNT_ID /* 5.8 */
#define STATX_MNT_ID 0x1000
#endif

#ifndef PR_SCHED_CORE /* 5.14 */
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_GET 0
#define PR_SCHED_CORE_SHARE_FROM 3
#endif

enum { SCHED_CORE_THREAD = 0 /* of a pid, that thread alone */ };
enum { LANDLOCK_VERSION = 1, LABEL_MAX = 4096 };

/* Of all threads of the client, for any of them may have asked. */
struct restraint {
	struct arena *arena;
	struct proc proc;
	pid_t *tids;
	size_t n_tids;
	uint64_t cap_bnd;
	uint32_t umask;
	bool no_new_privs;
	int seccomp;
	int nice; /* the least: he may let that thread work for him */
};

static int restraint_refuse(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int restraint_refuse(struct err *err, const char *fmt, ...)
{
	char what[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, EPERM,
		"%s, and the service would do for it what it may not", what);
	return err_hint(err, "start 'stasis swrk' there instead: it is held "
			     "back as its caller is");
}

/* --- looking at him ------------------------------------------------------- */

static int threads_read(struct restraint *r, struct err *err)
{
	struct proc_status status;
	struct sched_attrs attrs;
	int code = proc_list_threads(
		r->arena, &r->proc, &r->tids, &r->n_tids, err);

	r->nice = PRIO_MAX;
	r->cap_bnd = UINT64_MAX;
	for (size_t i = 0; !code && i < r->n_tids; i++) {
		code = proc_status_read(
			r->arena, &r->proc, r->tids[i], &status, err);
		if (code)
			break;
		code = sched_attrs_read(r->tids[i], &attrs, err);
		r->cap_bnd &= status.cap_bnd;
		r->umask = status.umask;
		r->no_new_privs |= status.no_new_privs > 0;
		r->seccomp = status.seccomp ?: r->seccomp;
		r->nice = attrs.nice < r->nice ? attrs.nice : r->nice;
	}
	return code;
}

/* Landlock's rules cannot be seen from outside; who has none of them may say
 * so by having kept the right to new privileges. */
static bool landlock_here(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION) >
	       0;
}

static int filters_check(const struct restraint *r, struct err *err)
{
	if (r->seccomp)
		return restraint_refuse(err,
			"process %d has seccomp filters, which its worker "
			"cannot take over",
			r->proc.pid);
	if (r->no_new_privs && landlock_here())
		return restraint_refuse(err,
			"process %d has renounced new privileges "
			"(no_new_privs), so Landlock may hold it back, which "
			"cannot be seen",
			r->proc.pid);
	return 0;
}

static const char *const spaces[] = {"user", "mnt", "pid", "pid_for_children",
	"net", "ipc", "uts", "cgroup", "time", "time_for_children", NULL};

static int namespaces_check(const struct restraint *r, struct err *err)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	uint64_t his, ours;
	int code = proc_open(getpid(), &self, err);

	for (size_t i = 0; !code && i < r->n_tids; i++)
		for (int s = 0; !code && spaces[s]; s++) {
			code = proc_read_ns_ino(&r->proc, r->tids[i], spaces[s],
				       &his, err)
				       ?: proc_read_ns_ino(&self, 0, spaces[s],
						  &ours, err);
			if (!code && his != ours)
				code = restraint_refuse(err,
					"process %d is in a %s namespace of "
					"its own",
					r->proc.pid, spaces[s]);
		}
	return code;
}

static bool same_place(const struct statx *a, const struct statx *b)
{
	return a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_ino == b->stx_ino &&
	       (a->stx_mask & STATX_MNT_ID) == (b->stx_mask & STATX_MNT_ID) &&
	       a->stx_mnt_id == b->stx_mnt_id;
}

static int root_check(const struct restraint *r, struct err *err)
{
	struct statx his = {0}, ours = {0};
	const char *name;

	for (size_t i = 0; i < r->n_tids; i++) {
		name = arena_printf(r->arena, "task/%d/root", r->tids[i]);
		if (statx(r->proc.dir, name, 0, STATX_INO | STATX_MNT_ID,
			    &his) ||
			statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID,
				&ours))
			return err_errno(err,
				"looking at the root directory of the client");
		if (!same_place(&his, &ours))
			return restraint_refuse(err,
				"process %d has another root directory",
				r->proc.pid);
	}
	return 0;
}

/* --- security labels ------------------------------------------------------ */

/* "": this kernel gives none. */
static int label_read(const char *path, char ret[LABEL_MAX], struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, ret, LABEL_MAX - 1);
	int code = errno;

	if (fd >= 0)
		close(fd);
	if (size < 0 && code != ENOENT && code != EINVAL && code != EOPNOTSUPP)
		return err_code(
			err, -code, "reading the security label '%s'", path);
	ret[size > 0 ? size : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

/* SELinux takes the label as it is, AppArmor the name of a profile. What
 * counts is what the kernel says afterwards. */
static void label_ask_for(struct arena *arena, const char *label)
{
	const char *self = "/proc/self/attr/current";
	int length = (int)strcspn(label, " ");

	if (io_write_text(AT_FDCWD, self, label))
		io_write_text(AT_FDCWD, self,
			arena_printf(
				arena, "changeprofile %.*s", length, label));
}

static int label_take(const struct restraint *r, struct err *err)
{
	char his[LABEL_MAX], ours[LABEL_MAX];
	const char *path;
	int code = 0;

	for (size_t i = 0; !code && i < r->n_tids; i++) {
		path = arena_printf(r->arena, "/proc/%d/task/%d/attr/current",
			r->proc.pid, r->tids[i]);
		code = label_read(path, his, err)
			       ?: label_read(
					  "/proc/self/attr/current", ours, err);
		if (code || !strcmp(his, ours))
			continue;
		label_ask_for(r->arena, his);
		code = label_read("/proc/self/attr/current", ours, err);
		if (!code && strcmp(his, ours) != 0)
			code = restraint_refuse(err,
				"process %d has the security label '%s', which "
				"its worker cannot have",
				r->proc.pid, his);
	}
	return code;
}

/* --- taking over ---------------------------------------------------------- */

/* A better place than ours is his to lose, a worse one is not. */
static int nice_take(const struct restraint *r, struct err *err)
{
	struct sched_attrs his, ours;
	int code = sched_attrs_read(r->proc.pid, &his, err)
			   ?: sched_attrs_read(0, &ours, err);

	if (code)
		return code;
	if (his.policy != SCHED_IDLE && his.policy != SCHED_BATCH)
		his.policy = SCHED_OTHER;
	ours = (struct sched_attrs){.policy = his.policy, .nice = r->nice};
	if (!sched_attrs_write(0, &ours, ERR_UNREAD))
		return 0;
	/* Without CAP_SYS_NICE no place is better than it was. */
	code = sched_attrs_read(0, &ours, err);
	if (!code && (ours.nice < r->nice || ours.policy != his.policy))
		code = err_set(err, EPERM,
			"the client's niceness %d cannot be taken over",
			r->nice);
	return code;
}

/* Which CPUs, and how urgent his I/O is: he may change both, so that a kernel
 * that does not give them to us keeps nothing from anybody. */
static void places_take(const struct restraint *r)
{
	uint64_t *words;
	size_t n;
	int ioprio;

	if (!sched_affinity_read(r->arena, r->proc.pid, &words, &n, ERR_UNREAD))
		sched_affinity_write(0, words, n, ERR_UNREAD);
	if (!sched_ioprio_read(r->proc.pid, &ioprio, ERR_UNREAD))
		sched_ioprio_write(0, ioprio, ERR_UNREAD);
}

/* 0: it has none, or this kernel knows none, or has no siblings to keep it
 * from. A number that says nothing but whether two are the same. */
static uint64_t cookie_read(pid_t tid)
{
	uint64_t cookie = 0;

	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, tid, SCHED_CORE_THREAD,
		       &cookie)
		       ? 0
		       : cookie;
}

/* Who may share a core with whom. */
static int cookie_take(const struct restraint *r, struct err *err)
{
	uint64_t his = cookie_read(r->tids[0]);
	bool same = true;

	for (size_t i = 1; i < r->n_tids; i++)
		same = same && cookie_read(r->tids[i]) == his;
	if (same && his != cookie_read(0))
		same = !prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM,
			       r->tids[0], SCHED_CORE_THREAD, 0) &&
		       cookie_read(0) == his;
	if (same)
		return 0;
	return restraint_refuse(err,
		"process %d has a core scheduling cookie that its worker "
		"cannot take over",
		r->proc.pid);
}

static int oom_take(const struct restraint *r, struct err *err)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	int his, ours;
	int code = proc_read_oom_score_adj(&r->proc, &his, err)
			   ?: proc_open(getpid(), &self, err);

	if (!code)
		code = io_write_text(self.dir, "oom_score_adj",
			arena_printf(r->arena, "%d", his));
	/* Without CAP_SYS_RESOURCE it cannot become less. */
	if (code == -EACCES)
		code = proc_read_oom_score_adj(&self, &ours, err)
			       ?: ours < his ? -EACCES
					     : 0;
	return code ? err_code(err, code,
			      "taking over the client's oom_score_adj")
		    : 0;
}

static int bounding_take(const struct restraint *r, struct err *err)
{
	for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(r->cap_bnd >> cap & 1) &&
			prctl(PR_CAPBSET_READ, cap) == 1 &&
			prctl(PR_CAPBSET_DROP, cap))
			return err_errno(
				err, "taking over the client's bounding set");
	if (r->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(err, "renouncing new privileges");
	return 0;
}

int restraint_take(
	struct arena *arena, const struct peer *peer, struct err *err)
{
	struct restraint r = {.arena = arena, .proc = PROC_CLOSED};
	int code;

	if (!peer->pid)
		return restraint_refuse(err,
			"the client is in a pid namespace that is not visible "
			"from here, so it cannot be seen what holds it back");
	code = proc_open(peer->pid, &r.proc, err)
		?: threads_read(&r, err)
		?: namespaces_check(&r, err)
		?: root_check(&r, err)
		?: filters_check(&r, err)
		?: cgroups_follow(arena, &r.proc, err)
		?: nice_take(&r, err)
		?: cookie_take(&r, err)
		?: oom_take(&r, err)
		?: label_take(&r, err)
		?: bounding_take(&r, err);
	if (!code) {
		places_take(&r);
		if (r.umask != UINT32_MAX)
			umask((mode_t)r.umask);
	}
	proc_close(&r.proc);
	return code;
}

static rlim_t less(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

/* Of memory and stack the engine needs what it needs, and the client could
 * raise his own soft limits to the hard ones. */
static bool limit_is_for_engine(int which)
{
	return which == RLIMIT_STACK || which == RLIMIT_AS ||
	       which == RLIMIT_DATA;
}

/* Hard limits above the client's own would become those of its tasks. */
int restraint_take_limits(const struct peer *peer, struct err *err)
{
	struct rlimit his, ours, next;

	for (int which = 0; which < RLIM_NLIMITS; which++) {
		if (prlimit(peer->pid, (enum __rlimit_resource)which, NULL,
			    &his) ||
			getrlimit((enum __rlimit_resource)which, &ours))
			return err_errno(
				err, "asking for the limits of the client");
		if (limit_is_for_engine(which))
			his.rlim_cur = ours.rlim_cur;
		next.rlim_max = less(ours.rlim_max, his.rlim_max);
		next.rlim_cur = less(his.rlim_cur, next.rlim_max);
		if (setrlimit((enum __rlimit_resource)which, &next))
			return err_errno(
				err, "taking over the limits of the client");
	}
	return 0;
}
