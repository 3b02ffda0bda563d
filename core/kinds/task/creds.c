/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * creds: who a thread is and what it may do: ids, groups, capabilities,
 * securebits.
 *
 * All of it is what the kernel says from outside: an answer that came through
 * the victim's memory could be its user's, who would like to be root. (A user
 * namespace that is not ours is refused, so ids are the same inside.) On the
 * way back the order is everything, for each step needs rights that a later
 * one takes away:
 *
 *	securebits NO_SETUID_FIXUP	ids do not touch capabilities
 *	groups, gids, uids		with CAP_SETGID, CAP_SETUID
 *	inheritable			below the bounding set, still whole
 *	ambient				below permitted and inheritable
 *	bounding set, securebits	with CAP_SETPCAP
 *	permitted, effective		the rest goes
 *
 * The last line is a kind of its own, "capabilities". A thread that has its
 * user's ids and all our capabilities is out of his reach; one that has given
 * them up is not, and its memory is that of all threads. So all are made
 * undumpable in between (dumpable.c), when every thread has its ids.
 *
 * Privileges once renounced (no_new_privs) forbid nothing of this, but they
 * come last all the same. Only what differs from a newborn's is put on the
 * tape.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>

#include "kernel/caps.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"

static size_t caps_put(struct arena *arena, uint64_t caps, uint32_t **ret)
{
	uint32_t words[2] = {(uint32_t)caps, (uint32_t)(caps >> 32)};

	*ret = arena_copy(arena, words, sizeof(words));
	return 2;
}

static void caps_keep(struct arena *arena, const struct proc_status *status,
	CredsEntry *creds)
{
	creds->n_cap_inh = caps_put(arena, status->cap_inh, &creds->cap_inh);
	creds->n_cap_prm = caps_put(arena, status->cap_prm, &creds->cap_prm);
	creds->n_cap_eff = caps_put(arena, status->cap_eff, &creds->cap_eff);
	creds->n_cap_bnd = caps_put(arena, status->cap_bnd, &creds->cap_bnd);
	creds->n_cap_amb = caps_put(arena, status->cap_amb, &creds->cap_amb);
}

static int creds_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	const struct proc_status *status = &thread->status;
	CredsEntry *creds = arena_new1(dump->arena, CredsEntry);

	(void)err;
	creds_entry__init(creds);
	creds->uid = status->uid[PROC_ID_REAL];
	creds->euid = status->uid[PROC_ID_EFFECTIVE];
	creds->suid = status->uid[PROC_ID_SAVED];
	creds->fsuid = status->uid[PROC_ID_FS];
	creds->gid = status->gid[PROC_ID_REAL];
	creds->egid = status->gid[PROC_ID_EFFECTIVE];
	creds->sgid = status->gid[PROC_ID_SAVED];
	creds->fsgid = status->gid[PROC_ID_FS];
	creds->secbits = thread->securebits;
	creds->n_groups = status->groups_n;
	creds->groups = arena_copy(dump->arena, status->groups,
		creds->n_groups * sizeof(uint32_t));
	caps_keep(dump->arena, status, creds);
	if (status->no_new_privs > 0) {
		creds->has_no_new_privs = 1;
		creds->no_new_privs = 1;
	}
	((CoreEntry *)msg)->thread_core->creds = creds;
	return 0;
}

/* What the steps share. */
struct emission {
	struct tape *tape;
	const CredsEntry *creds;
	const struct facts *facts;
	uint64_t inh, prm, eff, bnd, amb; /* wanted */
	uint32_t securebits;		  /* as the tape has them by now */
};

/* Without capabilities that this kernel does not know. */
static uint64_t caps_of(
	const struct facts *facts, const uint32_t *words, size_t n)
{
	uint64_t caps = n > 0 ? words[0] : 0;

	if (n > 1)
		caps |= (uint64_t)words[1] << 32;
	return caps & facts_all_caps(facts);
}

static void securebits_emit(struct emission *s, uint32_t bits)
{
	if (s->securebits == bits)
		return;
	tape_call(s->tape, CALL_prctl, A(PR_SET_SECUREBITS), A(bits));
	s->securebits = bits;
}

static void groups_emit(struct emission *s)
{
	const CredsEntry *creds = s->creds;
	size_t size = creds->n_groups * sizeof(uint32_t);

	if (creds->n_groups == s->facts->n_groups &&
		(!size || !memcmp(creds->groups, s->facts->groups, size)))
		return;
	tape_call(s->tape, CALL_setgroups, A(creds->n_groups),
		A_DATA(tape_data(s->tape, creds->groups, size)));
}

static void gids_emit(struct emission *s)
{
	const CredsEntry *creds = s->creds;
	const uint32_t *fresh = s->facts->gid;

	if (creds->gid == fresh[PROC_ID_REAL] &&
		creds->egid == fresh[PROC_ID_EFFECTIVE] &&
		creds->sgid == fresh[PROC_ID_SAVED] &&
		creds->fsgid == fresh[PROC_ID_FS])
		return;
	tape_call(s->tape, CALL_setresgid, A(creds->gid), A(creds->egid),
		A(creds->sgid));
	if (creds->fsgid != creds->egid)
		tape_call(s->tape, CALL_setfsgid, A(creds->fsgid));
}

static void uids_emit(struct emission *s)
{
	const CredsEntry *creds = s->creds;
	const uint32_t *fresh = s->facts->uid;

	if (creds->uid == fresh[PROC_ID_REAL] &&
		creds->euid == fresh[PROC_ID_EFFECTIVE] &&
		creds->suid == fresh[PROC_ID_SAVED] &&
		creds->fsuid == fresh[PROC_ID_FS])
		return;
	securebits_emit(s, s->securebits | SECBIT_NO_SETUID_FIXUP);
	tape_call(s->tape, CALL_setresuid, A(creds->uid), A(creds->euid),
		A(creds->suid));
	if (creds->fsuid != creds->euid)
		tape_call(s->tape, CALL_setfsuid, A(creds->fsuid));
}

static void caps_put_on(struct emission *s, uint64_t eff, uint64_t prm)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint64_t head_at, data_at;

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(eff >> (32 * i));
		data[i].permitted = (uint32_t)(prm >> (32 * i));
		data[i].inheritable = (uint32_t)(s->inh >> (32 * i));
	}
	head_at = tape_data(s->tape, &head, sizeof(head));
	data_at = tape_data(s->tape, data, sizeof(data));
	tape_call(s->tape, CALL_capset, A_DATA(head_at), A_DATA(data_at));
}

static void ambient_emit(struct emission *s)
{
	if (s->facts->cap_amb)
		tape_call(s->tape, CALL_prctl, A(PR_CAP_AMBIENT),
			A(PR_CAP_AMBIENT_CLEAR_ALL), A(0), A(0), A(0));
	for (uint32_t cap = 0; cap <= s->facts->last_cap; cap++)
		if (s->amb >> cap & 1)
			tape_call(s->tape, CALL_prctl, A(PR_CAP_AMBIENT),
				A(PR_CAP_AMBIENT_RAISE), A(cap), A(0), A(0));
}

static void bounding_emit(struct emission *s)
{
	uint64_t gone = s->facts->cap_bnd & ~s->bnd;

	for (uint32_t cap = 0; cap <= s->facts->last_cap; cap++)
		if (gone >> cap & 1)
			tape_call(s->tape, CALL_prctl, A(PR_CAPBSET_DROP),
				A(cap));
}

/*
 * What a newborn has not, it cannot get. A bounding set may come back smaller
 * than it was: it lets nobody do more, and hosts and containers differ in it.
 */
static int creds_check(
	const struct emission *s, const struct holder *holder, struct err *err)
{
	const struct facts *facts = s->facts;
	uint64_t lost = (s->prm & ~facts->cap_prm) |
			(s->inh & ~(facts->cap_inh | facts->cap_bnd));
	int cap;

	if (!lost)
		return 0;
	cap = __builtin_ctzll(lost);
	err_set(err, EPERM, "thread %d had %s (capability %d), which we lack",
		holder->thread->tid, caps_name(cap), cap);
	return err_hint(err, "start stasis with all capabilities that the "
			     "images have");
}

static void creds_put_on(struct emission *s)
{
	const struct facts *facts = s->facts;
	uint64_t all = facts->cap_prm;
	bool early = s->inh != facts->cap_inh || s->amb != facts->cap_amb;

	tape_about(s->tape, "groups");
	groups_emit(s);
	tape_about(s->tape, "group ids");
	gids_emit(s);
	tape_about(s->tape, "user ids");
	uids_emit(s);
	tape_about(s->tape, "inheritable capabilities");
	if (early)
		caps_put_on(s, all, all);
	if (s->amb != facts->cap_amb) {
		tape_about(s->tape, "ambient capabilities");
		/* The newborn's own bits may forbid it. */
		securebits_emit(
			s, s->securebits & ~SECBIT_NO_CAP_AMBIENT_RAISE);
		ambient_emit(s);
	}
	tape_about(s->tape, "bounding set");
	bounding_emit(s);
	tape_about(s->tape, "securebits");
	securebits_emit(s, s->creds->secbits);
}

/* False: the image does not say. */
static bool settling_begin(
	struct emission *s, struct tape *tape, const struct holder *holder)
{
	const CredsEntry *creds = holder->thread->core->thread_core->creds;
	const struct facts *facts = holder->facts;

	if (!creds)
		return false;
	*s = (struct emission){.tape = tape, .creds = creds, .facts = facts};
	s->inh = caps_of(facts, creds->cap_inh, creds->n_cap_inh);
	s->prm = caps_of(facts, creds->cap_prm, creds->n_cap_prm);
	s->eff = caps_of(facts, creds->cap_eff, creds->n_cap_eff);
	s->bnd = caps_of(facts, creds->cap_bnd, creds->n_cap_bnd);
	s->amb = caps_of(facts, creds->cap_amb, creds->n_cap_amb);
	s->securebits = facts->securebits;
	return true;
}

static int creds_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	struct emission s;
	int ret;

	(void)object;
	if (!settling_begin(&s, tape, holder))
		return 0;
	ret = creds_check(&s, holder, err);
	if (!ret)
		creds_put_on(&s);
	return ret;
}

static int caps_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	struct emission s;

	(void)object;
	(void)err;
	if (!settling_begin(&s, tape, holder))
		return 0;
	tape_about(tape, "capabilities");
	if (s.prm != s.facts->cap_prm || s.eff != s.facts->cap_prm)
		caps_put_on(&s, s.eff, s.prm);
	if (s.creds->no_new_privs && !s.facts->no_new_privs) {
		tape_about(tape, "no new privileges");
		tape_call(tape, CALL_prctl, A(PR_SET_NO_NEW_PRIVS), A(1), A(0),
			A(0), A(0));
	}
	return 0;
}

const struct kind kind_creds = {
	.name = "creds",
	.scope = SCOPE_THREAD,
	.capture = creds_capture,
	.emit = creds_emit,
};

const struct kind kind_caps = {
	.name = "capabilities",
	.scope = SCOPE_THREAD,
	.emit = caps_emit,
};
