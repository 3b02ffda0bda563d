/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy_bring: pages into the memories that miss them.
 *
 * The kernel gives pages to one area at a time and says no more than that a
 * range is not in one: then it is tried in smaller pieces, down to a page that
 * nobody can touch, which is missing no more.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "kernel/uffd.h"
#include "pages/lazy.h"
#include "pages/lazy_room.h"

enum {
	PATIENCE_MS = 10000, /* for a process that changes its memory */
	AHEAD = 2,	     /* requests in the background, of one family */
};

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- into one memory ------------------------------------------------------
 */

static int give_failed(
	struct lazy_member *member, int code, uint64_t at, struct err *err)
{
	if (code == -EAGAIN)
		return code;
	if (code == -ESRCH || code == -ENOSPC) {
		member->gone = true;
		return 0;
	}
	err_code(err, code, "bringing the page at 0x%" PRIx64 " of task %d", at,
		member->family->pid);
	return code == -ENOMEM ? err_hint(err, "its control group has no room "
					       "for its memory")
			       : code;
}

static uint64_t half_of(const struct lazy *lazy, uint64_t size)
{
	uint64_t half = size / 2 & ~(uint64_t)(lazy->page_size - 1);

	return half ?: lazy->page_size;
}

/* -EAGAIN: there are events to be read first. */
static int range_give(struct lazy *lazy, struct lazy_member *member,
	const struct missing_range *range, const char *bytes, struct err *err)
{
	uint64_t at = range->start, step = range->end - at;
	size_t done;
	int code;

	while (at < range->end && !member->gone) {
		step = min_of(step, range->end - at);
		code = uffd_copy(member->uffd, at, bytes + (at - range->start),
			step, &done);
		missing_drop(&member->missing, at, at + done);
		lazy->brought += done;
		at += done;
		if (!code)
			step *= 2;
		else if (code == -ENOENT && step > lazy->page_size)
			step = half_of(lazy, step);
		else if (code == -EEXIST || code == -ENOENT) {
			uffd_wake(member->uffd, at, lazy->page_size);
			missing_drop(
				&member->missing, at, at + lazy->page_size);
			at += lazy->page_size;
		} else if (code != -EAGAIN || !done) {
			code = give_failed(member, code, at, err);
			if (code)
				return code;
		}
	}
	return 0;
}

/* Bytes of the images to wherever they belong in one memory by now. */
static int bytes_give(struct lazy *lazy, struct lazy_member *member,
	uint64_t from, const char *bytes, uint64_t size, struct err *err)
{
	struct missing_range range;
	uint64_t until = 0;
	size_t place = 0;
	int code = 0;

	while (!member->gone && !code &&
		missing_from(&member->missing, from, size, &place, &range)) {
		place = 0;
		code = range_give(
			lazy, member, &range, bytes + (range.from - from), err);
		if (code != -EAGAIN)
			continue;
		if (!until)
			until = lazy_now() + PATIENCE_MS;
		if (lazy_now() > until)
			return err_set(err, ETIMEDOUT,
				"task %d changes its memory without an end",
				member->family->pid);
		code = lazy_events_read(lazy, member, err);
		poll(NULL, 0, 0);
	}
	return code;
}

static int family_give(struct lazy *lazy, const struct lazy_family *family,
	uint64_t from, const char *bytes, uint64_t size, struct err *err)
{
	int code = 0;

	for (struct lazy_member *m = lazy->members; m && !code; m = m->next)
		if (m->family == family)
			code = bytes_give(lazy, m, from, bytes, size, err);
	return code;
}

/* --- from a server --------------------------------------------------------
 */

static struct lazy_request *request_at(const struct lazy *lazy, size_t i)
{
	return &lazy->requests[(lazy->first_request + i) % LAZY_REQUESTS];
}

static bool is_asked(const struct lazy *lazy, const struct lazy_family *family,
	uint64_t from)
{
	const struct lazy_request *request;

	for (size_t i = 0; family->asked && i < lazy->n_requests; i++) {
		request = request_at(lazy, i);
		if (request->family == family && from >= request->from &&
			from - request->from < request->size)
			return true;
	}
	return false;
}

/* -EAGAIN: too many are on their way. */
static int pages_ask(struct lazy *lazy, struct lazy_family *family,
	uint64_t from, uint64_t size, struct err *err)
{
	const struct wire_message message = {.command = WIRE_GET,
		.nr_pages = size / lazy->page_size,
		.vaddr = from,
		.object = (uint64_t)family->pid};
	int code;

	if (lazy->n_requests == LAZY_REQUESTS)
		return -EAGAIN;
	code = wire_send(lazy->wire, &message, err);
	if (code)
		return code;
	if (!lazy->n_requests)
		lazy->idle_since = lazy_now();
	*request_at(lazy, lazy->n_requests++) =
		(struct lazy_request){family, from, size};
	family->asked++;
	return 0;
}

static int answer_check(const struct lazy *lazy,
	const struct lazy_request *request, const struct wire_message *answer,
	struct err *err)
{
	uint64_t asked = request->size / lazy->page_size;

	if (wire_command(answer) == WIRE_ADD_F &&
		wire_flags(answer) & PAGES_PRESENT &&
		answer->vaddr == request->from && answer->nr_pages &&
		answer->nr_pages <= asked)
		return 0;
	return err_set(err, EBADMSG,
		"the page server was asked for %" PRIu64 " pages at 0x%" PRIx64
		" and answers with command %u, %" PRIu64 " at 0x%" PRIx64,
		asked, request->from, answer->command, answer->nr_pages,
		answer->vaddr);
}

int lazy_answer_take(struct lazy *lazy, struct err *err)
{
	struct lazy_request request;
	struct wire_message answer;
	bool end = false;
	int code = wire_receive(lazy->wire, &answer, &end, err);

	if (!code && end)
		code = err_set(err, EPIPE, "the page server has gone away");
	if (!code && !lazy->n_requests)
		code = err_set(err, EBADMSG,
			"the page server answers what it was not asked");
	if (code)
		return code;
	request = *request_at(lazy, 0);
	code = answer_check(lazy, &request, &answer, err);
	if (!code)
		code = wire_take(lazy->wire, lazy->room,
			answer.nr_pages * lazy->page_size, err);
	if (code)
		return code;
	lazy->first_request = (lazy->first_request + 1) % LAZY_REQUESTS;
	lazy->n_requests--;
	lazy->idle_since = lazy_now();
	request.family->asked--;
	return family_give(lazy, request.family, request.from, lazy->room,
		answer.nr_pages * lazy->page_size, err);
}

/* --- from wherever it is --------------------------------------------------
 */

static bool is_remote(const struct lazy *lazy, const struct source *source,
	const struct source_piece *piece)
{
	return piece->file == SOURCE_ELSEWHERE ||
	       (lazy->wire && !source->files[piece->file].depth);
}

/* The pages of the images from there on, at most size bytes of them. */
static int pages_bring(struct lazy *lazy, struct lazy_member *member,
	uint64_t from, uint64_t size, struct err *err)
{
	struct lazy_family *family = member->family;
	const struct source_piece *piece =
		source_piece_find(&family->source, from);

	if (!piece)
		return err_set(err, EBADMSG,
			"task %d: the page at 0x%" PRIx64
			" is not in the images",
			family->pid, from);
	size = min_of(size, source_piece_end(&family->source, piece) - from);
	if (is_remote(lazy, &family->source, piece))
		return is_asked(lazy, family, from)
			       ? 0
			       : pages_ask(lazy, family, from, size, err);
	size = source_read(&family->reader, from, lazy->room, size) &
	       ~(uint64_t)(lazy->page_size - 1);
	if (!size)
		return err_set(err, EIO,
			"task %d: the page at 0x%" PRIx64
			" could not be read from the images",
			family->pid, from);
	return bytes_give(lazy, member, from, lazy->room, size, err);
}

/* Where nothing is missing there were zeros. */
static int zeros_give(struct lazy *lazy, struct lazy_member *member,
	uint64_t at, struct err *err)
{
	int code = uffd_zero(member->uffd, at, lazy->page_size);

	if (code == -EEXIST || code == -ENOENT) {
		uffd_wake(member->uffd, at, lazy->page_size);
		code = 0;
	}
	return code ? give_failed(member, code, at, err) : 0;
}

static int fault_answer(struct lazy *lazy, struct lazy_member *member,
	uint64_t at, struct err *err)
{
	struct missing_range range;

	if (!missing_find(&member->missing, at, &range))
		return zeros_give(lazy, member, at, err);
	return pages_bring(lazy, member, range.from, lazy->page_size, err);
}

/* Those that must wait for an event come again. */
int lazy_faults_answer(
	struct lazy *lazy, struct lazy_member *member, struct err *err)
{
	size_t n = member->faults.n, kept = 0;
	uint64_t at;
	int code = 0;

	lazy->chunk = LAZY_CHUNK;
	for (size_t i = 0; i < n && !member->gone; i++) {
		at = member->faults.at[i];
		code = fault_answer(lazy, member, at, err);
		if (code == -EAGAIN)
			member->faults.at[kept++] = at;
		else if (code)
			return code;
	}
	/* More may have come meanwhile. */
	for (size_t i = n; i < member->faults.n; i++)
		member->faults.at[kept++] = member->faults.at[i];
	member->faults.n = kept;
	return 0;
}

/* --- in the background ----------------------------------------------------
 */

static bool next_find(const struct lazy_member *member, uint64_t *cursor,
	struct missing_range *ret)
{
	if (missing_next(&member->missing, *cursor, ret))
		return true;
	/* From the beginning, when all that was asked for is there. */
	*cursor = 0;
	return !member->family->asked && missing_next(&member->missing, 0, ret);
}

static int member_push(struct lazy *lazy, struct lazy_member *member,
	bool *ret_some, struct err *err)
{
	struct missing_range range;
	uint64_t size;
	int code;

	if (member->gone || !member->missing.bytes ||
		member->family->asked >= AHEAD ||
		!next_find(member, &member->cursor, &range))
		return 0;
	size = min_of(range.end - range.start, lazy->chunk);
	code = pages_bring(lazy, member, range.from, size, err);
	if (code)
		return code == -EAGAIN ? 0 : code;
	member->cursor = range.start + size;
	*ret_some = true;
	if (lazy->chunk < LAZY_ROOM)
		lazy->chunk += LAZY_CHUNK;
	return 0;
}

int lazy_push(struct lazy *lazy, bool *ret_some, struct err *err)
{
	int code = 0;

	*ret_some = false;
	for (struct lazy_member *m = lazy->members; m && !code && !*ret_some;
		m = m->next)
		code = member_push(lazy, m, ret_some, err);
	return code;
}
