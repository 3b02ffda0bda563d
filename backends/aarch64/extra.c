/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	FLAG_REGS_SVE = 1, /* of aarch64_sve_head: not just FPSIMD */
	TPIDR2_AT = 8,
	GCS_ENABLED_AT = 0,
	GCS_WORDS = 3,	 /* enabled, locked, pointer */
	POE_INITIAL = 7, /* all may be done with key 0, nothing with others */
};

static uint64_t word_at(
	const struct regs *regs, enum aarch64_set set, size_t at)
{
	uint64_t word = 0;

	if (regs->set[set].bytes && regs->set[set].size >= at + sizeof(word))
		memcpy(&word, (char *)regs->set[set].bytes + at, sizeof(word));
	return word;
}

static struct aarch64_sve_head head_of(const void *bytes, size_t size)
{
	struct aarch64_sve_head head = {0};

	if (bytes && size >= sizeof(head))
		memcpy(&head, bytes, sizeof(head));
	return head;
}

static struct aarch64_sve_head set_head(
	const struct regs *regs, enum aarch64_set set)
{
	return head_of(regs->set[set].bytes, regs->set[set].size);
}

static void set_drop(struct regs *regs, enum aarch64_set set)
{
	regs->set[set].bytes = NULL;
	regs->set[set].size = 0;
}

static int ssve_in_use(const struct regs *regs)
{
	return set_head(regs, AARCH64_SSVE).flags & FLAG_REGS_SVE;
}

static int za_in_use(const struct regs *regs)
{
	return set_head(regs, AARCH64_ZA).size >
	       sizeof(struct aarch64_sve_head);
}

static int set_has_head(enum aarch64_set set)
{
	return set == AARCH64_SVE || set == AARCH64_SSVE || set == AARCH64_ZA;
}

/* Without the room for bigger vectors that the kernel shows behind. */
static size_t size_in_use(const struct regs *regs, enum aarch64_set set)
{
	size_t size = regs->set[set].size;
	struct aarch64_sve_head head;

	if (!set_has_head(set))
		return size;
	head = set_head(regs, set);
	return head.size >= sizeof(head) && head.size < size ? head.size : size;
}

static int gcs_in_use(const struct regs *regs)
{
	for (size_t i = 0; i < GCS_WORDS; i++)
		if (word_at(regs, AARCH64_GCS, i * sizeof(uint64_t)))
			return 1;
	return 0;
}

/* Behind what is in use the kernel shows nothing, but tells the whole room as
 * the size. To write more than the head switches ZA on. */
static void set_cut(struct regs *regs, enum aarch64_set set)
{
	if (regs->set[set].bytes)
		regs->set[set].size = size_in_use(regs, set);
}

/* Writing SSVE enters streaming mode, writing ZT switches ZA on. What stays
 * of a ZA that is off is its head, with the length of streaming vectors. */
void aarch64_regs_prune(struct regs *regs)
{
	set_cut(regs, AARCH64_SVE);
	set_cut(regs, AARCH64_SSVE);
	set_cut(regs, AARCH64_ZA);
	if (!ssve_in_use(regs))
		set_drop(regs, AARCH64_SSVE);
	if (!za_in_use(regs))
		set_drop(regs, AARCH64_ZT);
	if (!gcs_in_use(regs))
		set_drop(regs, AARCH64_GCS);
}

/* The kernel makes such a stack only for the one who asks, at a place of its
 * own choice, and unmaps that place when the thread ends. */
int aarch64_regs_check(const struct regs *regs, struct err *err)
{
	if (word_at(regs, AARCH64_GCS, GCS_ENABLED_AT)) {
		err_set(err, ENOTSUP,
			"the thread uses a guarded control stack (GCS), which "
			"is not supported");
		return err_hint(err, "start the program without one: "
				     "GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0");
	}
	return 0;
}

/* Is there something in the set that must not be lost? */
static int set_matters(const struct regs *regs, enum aarch64_set set)
{
	switch (set) {
	case AARCH64_SVE: /* at least the vector length */
	case AARCH64_ZA:  /* so, too */
	case AARCH64_SSVE:
	case AARCH64_ZT:
	case AARCH64_GCS:
		return 1; /* or it was pruned */
	case AARCH64_POE:
		return word_at(regs, set, 0) != POE_INITIAL;
	case AARCH64_TLS:
		return word_at(regs, set, TPIDR2_AT) != 0;
	case AARCH64_FPMR:
	case AARCH64_TAGGED_ADDR:
		return word_at(regs, set, 0) != 0;
	default:
		return 0;
	}
}

int aarch64_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err)
{
	struct regs_extra *extra =
		arena_newn(arena, struct regs_extra, AARCH64_SETS);
	size_t n = 0;
	int error = aarch64_regs_check(regs, err);

	if (error < 0)
		return error;
	for (enum aarch64_set set = 0; set < AARCH64_SETS; set++) {
		if (!regs->set[set].bytes || !set_matters(regs, set))
			continue;
		extra[n++] = (struct regs_extra){
			.note = aarch64_regsets[set].note,
			.bytes = regs->set[set].bytes,
			.size = size_in_use(regs, set),
		};
	}
	*ret = extra;
	*ret_n = n;
	return 0;
}

static int set_lacking(enum aarch64_set set, struct err *err)
{
	return err_set(err, ENOTSUP,
		"the thread uses %s, which this host lacks",
		aarch64_regsets[set].name);
}

static void set_load(struct arena *arena, const struct regs_extra *extra,
	struct regs *regs, enum aarch64_set set)
{
	regs->set[set].bytes = arena_copy(arena, extra->bytes, extra->size);
	regs->set[set].size = extra->size;
}

static bool vector_in_use(
	enum aarch64_set set, const struct aarch64_sve_head *head)
{
	if (set == AARCH64_ZA)
		return head->size > sizeof(*head);
	return head->flags & FLAG_REGS_SVE;
}

/* Can the host hold it? ret_needless: nothing is in the vectors, and their
 * length is that of the host already or none that it has. */
static int vector_fit(const struct aarch64_sve_head *head,
	const struct regs *here, enum aarch64_set set, bool *ret_needless,
	struct err *err)
{
	struct aarch64_sve_head host =
		set_head(here, set == AARCH64_SVE ? AARCH64_SVE : AARCH64_ZA);
	bool in_use = vector_in_use(set, head);

	*ret_needless =
		!in_use && (head->vl > host.max_vl ||
				   (set == AARCH64_ZA && head->vl == host.vl &&
					   head->flags == host.flags));
	if (!in_use || head->vl <= host.max_vl)
		return 0;
	if (!host.max_vl)
		return set_lacking(set, err);
	return err_set(err, ENOTSUP,
		"the thread uses %s with vectors of %u bytes; this host has at "
		"most %u",
		aarch64_regsets[set].name, head->vl, host.max_vl);
}

/* Sets whose size goes with the vector length. */
static int vector_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, enum aarch64_set set,
	struct err *err)
{
	struct aarch64_sve_head head = head_of(extra->bytes, extra->size);
	bool needless = false;
	int error = 0;

	if (head.size < sizeof(head) || head.size > extra->size || !head.vl)
		return err_set(err, EINVAL,
			"the image's %s are damaged (%u bytes of %zu, vector "
			"length %u)",
			aarch64_regsets[set].name, head.size, extra->size,
			head.vl);
	if (here)
		error = vector_fit(&head, here, set, &needless, err);
	if (!error && !needless)
		set_load(arena, extra, regs, set);
	return error;
}

static int tpidr2_load(
	const struct regs_extra *extra, struct regs *regs, struct err *err)
{
	if (extra->size != 16)
		return err_set(err, EINVAL,
			"the image's TLS registers have %zu bytes, not 16",
			extra->size);
	if (regs->set[AARCH64_TLS].size != 16)
		return err_set(err, ENOTSUP,
			"the thread uses TPIDR2, which this kernel does not "
			"know");
	memcpy((char *)regs->set[AARCH64_TLS].bytes + TPIDR2_AT,
		(const char *)extra->bytes + TPIDR2_AT, 8);
	return 0;
}

/* A host that has it shows no more of it than one that has not. */
static bool set_is_pruned(enum aarch64_set set)
{
	return set == AARCH64_ZT || set == AARCH64_GCS;
}

static int word_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, enum aarch64_set set,
	struct err *err)
{
	size_t size = aarch64_regsets[set].room;

	if (extra->size != size)
		return err_set(err, EINVAL,
			"the image's %s have %zu bytes, not %zu",
			aarch64_regsets[set].name, extra->size, size);
	if (here && !here->set[set].bytes && !set_is_pruned(set))
		return set_lacking(set, err);
	set_load(arena, extra, regs, set);
	return 0;
}

static int gcs_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err)
{
	int error = word_load(arena, extra, here, regs, AARCH64_GCS, err);

	return error ?: aarch64_regs_check(regs, err);
}

int aarch64_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err)
{
	enum aarch64_set set = 0;

	while (set < AARCH64_SETS && aarch64_regsets[set].note != extra->note)
		set++;
	switch (set) {
	case AARCH64_SVE:
	case AARCH64_SSVE:
	case AARCH64_ZA:
		return vector_load(arena, extra, here, regs, set, err);
	case AARCH64_TLS:
		return tpidr2_load(extra, regs, err);
	case AARCH64_GCS:
		return gcs_load(arena, extra, here, regs, err);
	case AARCH64_ZT:
	case AARCH64_FPMR:
	case AARCH64_TAGGED_ADDR:
	case AARCH64_POE:
		return word_load(arena, extra, here, regs, set, err);
	default:
		return err_set(err, EINVAL,
			"the image holds an extra register set %#" PRIx32
			", which no aarch64 has",
			extra->note);
	}
}
