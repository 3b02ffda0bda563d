/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/lazy.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/uffd.h"
#include "pages/announce.h"
#include "pages/lazy_room.h"
#include "pages/tls.h"
#include "proto/tree.pb-c.h"

enum { LOOK_MS = 200, SOON_MS = 1 };

uint64_t lazy_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int lazy_member_add(struct lazy *lazy, struct lazy_family *family, int uffd,
	pid_t pid, struct lazy_member **ret, struct err *err)
{
	struct arena *arena = arena_new_below(lazy->arena);
	struct lazy_member *member = arena_new1(arena, struct lazy_member);
	struct lazy_member **last = &lazy->members;
	int code;

	*member = (struct lazy_member){.family = family,
		.arena = arena,
		.uffd = uffd,
		.missing = {.arena = arena}};
	code = roster_take(lazy->roster, uffd, pid, &member->seat, err);
	if (code) {
		arena_free(arena);
		return code;
	}
	while (*last)
		last = &(*last)->next;
	*last = member;
	*ret = member;
	return 0;
}

static void member_leave(struct lazy *lazy, struct lazy_member **at)
{
	struct lazy_member *member = *at;

	*at = member->next;
	roster_leave(lazy->roster, member->seat);
	arena_free(member->arena);
}

/* --- the restore's words --------------------------------------------------
 */

/* What the daemon is to bring. */
static int missing_fill(const struct lazy *lazy,
	const struct lazy_family *family, struct missing *missing,
	struct err *err)
{
	const struct source *source = &family->source;
	const struct source_piece *piece;

	for (size_t i = 0; i < source->n; i++) {
		piece = &source->pieces[i];
		if (!(piece->flags & PAGES_LAZY))
			continue;
		if (piece->file == SOURCE_ELSEWHERE && !lazy->wire) {
			err_set(err, ENOENT,
				"pages of task %d are still with who dumped "
				"it",
				family->pid);
			return err_hint(err, "name that page server with "
					     "--page-server --address --port");
		}
		missing_add(
			missing, piece->vaddr, source_piece_end(source, piece));
	}
	return 0;
}

static int family_find(
	struct lazy *lazy, pid_t pid, struct lazy_family **ret, struct err *err)
{
	for (struct lazy_family *f = lazy->families; f; f = f->next) {
		if (f->pid != pid || f->announced)
			continue;
		f->announced = true;
		*ret = f;
		return 0;
	}
	return err_set(err, EBADMSG,
		"the restore announces process %d, which is not in the images "
		"or was announced before",
		pid);
}

static int task_announced(
	struct lazy *lazy, pid_t pid, int uffd, struct err *err)
{
	struct lazy_family *family = NULL;
	struct lazy_member *member;
	int code = family_find(lazy, pid, &family, err);

	if (!code && uffd >= 0)
		code = source_load(lazy->images, IMAGE_PAGEMAP, (uint64_t)pid,
			lazy->page_size, &family->source, err);
	if (!code && uffd >= 0)
		code = lazy_member_add(lazy, family, uffd, pid, &member, err);
	if (code || uffd < 0) {
		if (uffd >= 0)
			close(uffd);
		return code;
	}
	source_reader_open(&family->reader, lazy->arena, &family->source);
	return missing_fill(lazy, family, &member->missing, err);
}

static int finished_receive(struct lazy *lazy, struct err *err)
{
	uint32_t word = 0;
	ssize_t got = recv(lazy->client, &word, sizeof(word), MSG_WAITALL);

	if (got <= 0 && !lazy->finished)
		return err_set(err, EPIPE,
			"the restore has gone away before it was finished");
	if (got <= 0) {
		close(lazy->client);
		lazy->client = lazy->roster->peers[0] = -1;
		return 0;
	}
	if (got != sizeof(word) || word != ANNOUNCE_FINISHED)
		return err_set(err, EBADMSG,
			"the restore says something else than that it is "
			"finished (word %u)",
			word);
	lazy->finished = true;
	return 0;
}

static int client_hear(struct lazy *lazy, struct err *err)
{
	pid_t pid = 0;
	int uffd = -1, code;

	if (lazy->announced >= lazy->expected)
		return finished_receive(lazy, err);
	code = announce_receive(lazy->client, &pid, &uffd, err);
	if (!code)
		code = roster_guard(lazy->roster, err);
	lazy->announced++;
	return code ?: task_announced(lazy, pid, uffd, err);
}

/* --- the loop -------------------------------------------------------------
 */

static int families_load(struct lazy *lazy, struct err *err)
{
	struct image_list list;
	struct lazy_family *family;
	int code = image_load(lazy->images, IMAGE_PSTREE, 0, &list, err);

	if (code)
		return code;
	if (!list.n)
		return err_set(err, ENOENT,
			"there is no pstree.img in the image directory");
	for (size_t i = 0; i < list.n; i++) {
		family = arena_new1(lazy->arena, struct lazy_family);
		family->pid = (pid_t)((const PstreeEntry *)list.at[i].msg)->pid;
		family->next = lazy->families;
		lazy->families = family;
	}
	lazy->expected = list.n;
	return 0;
}

/* The connections, then one place for each member. */
enum { AT_CLIENT, AT_SERVER, AT_MEMBERS };

struct watch {
	struct pollfd *at;
	size_t n, room;
};

static int watch_fill(
	struct watch *watch, const struct lazy *lazy, struct err *err)
{
	size_t n = AT_MEMBERS;
	struct pollfd *at;

	for (const struct lazy_member *m = lazy->members; m; m = m->next)
		n++;
	if (n > watch->room) {
		at = realloc(watch->at, 2 * n * sizeof(*at));
		if (!at)
			return err_set(err, ENOMEM, "no memory to wait with");
		watch->at = at;
		watch->room = 2 * n;
	}
	watch->n = n;
	watch->at[AT_CLIENT].fd = lazy->client;
	watch->at[AT_SERVER].fd = lazy->wire ? lazy->wire->fd : -1;
	n = AT_MEMBERS;
	for (const struct lazy_member *m = lazy->members; m; m = m->next)
		watch->at[n++].fd = m->uffd;
	for (size_t i = 0; i < n; i++)
		watch->at[i].events = POLLIN;
	return 0;
}

/* Members may have been added behind those that were watched, none gone. */
static int members_attend(
	struct lazy *lazy, const struct watch *watch, struct err *err)
{
	struct lazy_member *member = lazy->members;
	int code = 0;

	for (size_t i = AT_MEMBERS; i < watch->n && !code;
		i++, member = member->next) {
		if (watch->at[i].revents)
			code = lazy_events_read(lazy, member, err);
		if (!code && member->faults.n)
			code = lazy_faults_answer(lazy, member, err);
	}
	return code;
}

/* Before the restore is finished, faults may still come. */
static void members_forget(struct lazy *lazy)
{
	struct lazy_member **at = &lazy->members;

	while (*at) {
		if ((*at)->gone || (lazy->finished && !(*at)->missing.bytes))
			member_leave(lazy, at);
		else
			at = &(*at)->next;
	}
}

static bool faults_wait(const struct lazy *lazy)
{
	for (const struct lazy_member *m = lazy->members; m; m = m->next)
		if (m->faults.n)
			return true;
	return false;
}

static int server_check(struct lazy *lazy, struct err *err)
{
	uint64_t limit = (uint64_t)(lazy->wire ? lazy->wire->idle_seconds : 0);

	if (!limit || !lazy->n_requests ||
		lazy_now() - lazy->idle_since < limit * 1000)
		return 0;
	return err_set(err, ETIMEDOUT,
		"the page server has not answered for %" PRIu64 " seconds",
		limit);
}

static int turn(
	struct lazy *lazy, struct watch *watch, bool *busy, struct err *err)
{
	bool heard =
		lazy->wire && lazy->wire->tls && tls_pending(lazy->wire->tls);
	int wait = *busy || heard ? 0 : faults_wait(lazy) ? SOON_MS : LOOK_MS;
	int code = watch_fill(watch, lazy, err);

	if (code)
		return code;
	if (poll(watch->at, watch->n, wait) < 0 && errno != EINTR)
		return err_errno(err, "waiting for those who want pages");
	code = lazy->look(lazy->of, err);
	if (!code && (heard || watch->at[AT_SERVER].revents))
		code = lazy_answer_take(lazy, err);
	if (!code)
		code = members_attend(lazy, watch, err);
	if (!code && watch->at[AT_CLIENT].revents)
		code = client_hear(lazy, err);
	if (!code)
		code = server_check(lazy, err);
	*busy = false;
	if (!code && lazy->finished)
		code = lazy_push(lazy, busy, err);
	members_forget(lazy);
	return code;
}

/* But for the seats: who is on the roster must not go on. */
static void all_forget(struct lazy *lazy)
{
	struct lazy_member *member;

	for (struct lazy_family *f = lazy->families; f; f = f->next)
		source_reader_close(&f->reader);
	while (lazy->members) {
		member = lazy->members;
		lazy->members = member->next;
		arena_free(member->arena);
	}
	free(lazy->room);
	free(lazy->requests);
	lazy->room = NULL;
	lazy->requests = NULL;
}

int lazy_run(struct lazy *lazy, struct err *err)
{
	struct watch watch = {0};
	bool busy = false;
	int code;

	lazy->chunk = LAZY_CHUNK;
	lazy->room = aligned_alloc(LAZY_ROOM_ALIGN, LAZY_ROOM);
	lazy->requests = calloc(LAZY_REQUESTS, sizeof(*lazy->requests));
	code = lazy->room && lazy->requests
		       ? families_load(lazy, err)
		       : err_set(err, ENOMEM,
				 "no memory to bring pages through");
	while (!code && (!lazy->finished || lazy->members))
		code = turn(lazy, &watch, &busy, err);
	free(watch.at);
	all_forget(lazy);
	return code;
}
