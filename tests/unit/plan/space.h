/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * space: an address space that plays the memory steps of a tape, as strict
 * as the kernel and stricter: nothing may be mapped over, only what is there
 * may be moved or changed. A step against the rules fails the test.
 */
#ifndef STASIS_TEST_SPACE_H
#define STASIS_TEST_SPACE_H

#include <stdio.h>

#include "scene.h"

/* Where the contents come from. */
enum origin { FRESH, HOST, ZONE, STAGED, KERNEL };

struct area {
	uint64_t start, end;
	uint64_t prot, flags, offset;
	int64_t fd;
	enum origin origin;
	uint64_t born; /* where its first byte was at first */
};

struct fill {
	uint64_t at, size, offset;
	int64_t fd;
};

struct space {
	struct arena *arena;
	VEC(struct area) areas;
	VEC(struct fill) fills;	     /* TAPE_READ */
	VEC(struct tape_iov) guards; /* MADV_GUARD_INSTALL */
	VEC(struct tape_iov) locks, copies;
	uint64_t advice; /* bits of all that was given */
};

static inline void space_add(struct space *space, struct area area)
{
	for (size_t i = 0; i < space->areas.n; i++)
		if (!CHECK(area.end <= space->areas.at[i].start ||
			    space->areas.at[i].end <= area.start))
			printf("# %llx-%llx is mapped over\n",
				(unsigned long long)area.start,
				(unsigned long long)area.end);
	*vec_push(space->arena, &space->areas) = area;
}

/* No area goes across this address any more. */
static inline void space_cut(struct space *space, uint64_t at)
{
	struct area upper;

	for (size_t i = 0; i < space->areas.n; i++) {
		if (space->areas.at[i].start >= at ||
			space->areas.at[i].end <= at)
			continue;
		upper = space->areas.at[i];
		space->areas.at[i].end = at;
		upper.offset += at - upper.start;
		upper.born += at - upper.start;
		upper.start = at;
		*vec_push(space->arena, &space->areas) = upper;
		return;
	}
}

static inline void space_unmap(
	struct space *space, uint64_t start, uint64_t end)
{
	size_t n = 0;

	space_cut(space, start);
	space_cut(space, end);
	for (size_t i = 0; i < space->areas.n; i++)
		if (space->areas.at[i].start < start ||
			space->areas.at[i].end > end)
			space->areas.at[n++] = space->areas.at[i];
	space->areas.n = n;
}

static inline void space_move(struct space *space, const struct tape_op *op)
{
	uint64_t from = op->arg[0], size = op->arg[1], to = op->arg[4];
	struct area area;

	CHECK_INT(op->arg[3], MREMAP_MAYMOVE | MREMAP_FIXED);
	CHECK(op->arg[2] == size);
	CHECK(from + size <= to || to + size <= from);
	for (size_t i = 0; i < space->areas.n; i++) {
		area = space->areas.at[i];
		if (area.start != from || area.end < from + size)
			continue;
		space_unmap(space, from, from + size);
		area.start = to;
		area.end = to + size;
		space_add(space, area);
		return;
	}
	if (!CHECK(!"what is moved is there"))
		printf("# %llx\n", (unsigned long long)from);
}

/* How much of a range is mapped with these rights. */
static inline uint64_t space_covered(
	const struct space *space, uint64_t start, uint64_t end, uint64_t prot)
{
	uint64_t covered = 0, from, to;
	const struct area *area;

	for (size_t i = 0; i < space->areas.n; i++) {
		area = &space->areas.at[i];
		from = area->start > start ? area->start : start;
		to = area->end < end ? area->end : end;
		if (from < to && (area->prot & prot) == prot)
			covered += to - from;
	}
	return covered;
}

static inline void space_protect(
	struct space *space, uint64_t start, uint64_t size, uint64_t prot)
{
	uint64_t end = start + size;

	CHECK_INT(space_covered(space, start, end, 0), size);
	space_cut(space, start);
	space_cut(space, end);
	for (size_t i = 0; i < space->areas.n; i++)
		if (space->areas.at[i].start >= start &&
			space->areas.at[i].end <= end)
			space->areas.at[i].prot = prot;
}

static inline bool space_writable(
	const struct space *space, uint64_t start, uint64_t end)
{
	return space_covered(space, start, end, PROT_WRITE) == end - start;
}

static inline void space_fill(
	struct space *space, const struct tape *tape, const struct tape_op *op)
{
	const struct tape_iov *iov = (const void *)(tape->data + op->arg[1]);
	uint64_t offset = op->arg[3];

	for (uint64_t i = 0; i < op->arg[2]; i++) {
		CHECK(space_writable(
			space, iov[i].base, iov[i].base + iov[i].size));
		*vec_push(space->arena, &space->fills) = (struct fill){
			iov[i].base, iov[i].size, offset, (int64_t)op->arg[0]};
		offset += iov[i].size;
	}
}

/* Lazily, and then at once, is locked once. */
static inline void space_lock(struct space *space, struct tape_iov range)
{
	size_t n = space->locks.n;

	CHECK_INT(space_covered(space, range.base, range.base + range.size, 0),
		range.size);
	if (!n || space->locks.at[n - 1].base != range.base)
		*vec_push(space->arena, &space->locks) = range;
}

/* The kernel refuses guards in locked memory. */
static inline void space_guard(struct space *space, struct tape_iov range)
{
	const struct tape_iov *lock;

	for (size_t i = 0; i < space->locks.n; i++) {
		lock = &space->locks.at[i];
		CHECK(range.base >= lock->base + lock->size ||
			range.base + range.size <= lock->base);
	}
	*vec_push(space->arena, &space->guards) = range;
}

static inline void space_advise(struct space *space, const struct tape_op *op)
{
	struct tape_iov range = {op->arg[0], op->arg[1]};

	CHECK_INT(space_covered(space, range.base, range.base + range.size, 0),
		range.size);
	if (op->arg[2] == 102)
		space_guard(space, range);
	else
		space->advice |= 1ull << op->arg[2];
}

static inline void space_call(struct space *space, const struct tape_op *op)
{
	const uint64_t *arg = op->arg;
	struct tape_iov range = {arg[0], arg[1]};

	switch (op->nr) {
	case CALL_mmap:
		CHECK(arg[3] & MAP_FIXED);
		space_add(space, (struct area){.start = arg[0],
					 .end = arg[0] + arg[1],
					 .prot = arg[2],
					 .flags = arg[3] & ~(uint64_t)MAP_FIXED,
					 .fd = (int64_t)arg[4],
					 .offset = arg[5],
					 .origin = FRESH,
					 .born = arg[0]});
		break;
	case CALL_munmap:
		space_unmap(space, arg[0], arg[0] + arg[1]);
		break;
	case CALL_mremap:
		space_move(space, op);
		break;
	case CALL_mprotect:
		space_protect(space, arg[0], arg[1], arg[2]);
		break;
	case CALL_mlock:
	case CALL_mlock2:
		space_lock(space, range);
		break;
	case CALL_madvise:
		space_advise(space, op);
		break;
	default:
		if (!CHECK(!"a step that changes memory"))
			printf("# call %u\n", op->nr);
	}
}

static inline void space_play(struct space *space, const struct tape *tape)
{
	const struct tape_op *op;

	for (size_t i = 0; i < tape->ops.n; i++) {
		op = &tape->ops.at[i];
		if (op->verb == TAPE_READ) {
			space_fill(space, tape, op);
		} else if (op->verb == TAPE_COPY) {
			CHECK(space_writable(
				space, op->arg[0], op->arg[0] + op->arg[2]));
			*vec_push(space->arena, &space->copies) =
				(struct tape_iov){op->arg[0], op->arg[2]};
		} else if (CHECK_INT(op->verb, TAPE_SYSCALL)) {
			space_call(space, op);
		}
	}
}

/* The first bytes of a moved or new area. */
static inline const struct area *space_at(
	const struct space *space, uint64_t start)
{
	for (size_t i = 0; i < space->areas.n; i++)
		if (space->areas.at[i].start == start)
			return &space->areas.at[i];
	return NULL;
}

#endif
