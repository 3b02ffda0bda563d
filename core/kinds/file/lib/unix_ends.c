/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sockets there are, and what they wait for. */
#include "kinds/file/lib/unix_ends.h"

#include <errno.h>
#include <string.h>

#include "kinds/file/lib/unix_client.h"

static int entry_check(const UnixSkEntry *entry, struct err *err)
{
	if (entry->type != SOCK_STREAM && entry->type != SOCK_DGRAM &&
		entry->type != SOCK_SEQPACKET)
		return err_set(
			err, EBADMSG, "a unix socket of type %u", entry->type);
	if (entry->uflags & ~(uint32_t)(UNIX_OUTSIDE | UNIX_CLIENT))
		return err_set(err, EOPNOTSUPP,
			"a unix socket of a sort (uflags %u) that is not known",
			entry->uflags);
	return 0;
}

static int ends_list(
	struct restore *restore, struct unix_ends *ends, struct err *err)
{
	struct object *object;
	struct unix_end *end;
	int code = 0;

	for (size_t i = 0; i < restore->objects.list.n && !code; i++) {
		object = restore->objects.list.at[i];
		if (!object->entry->usk)
			continue;
		end = arena_new1(restore->arena, struct unix_end);
		*end = (struct unix_end){.object = object,
			.entry = object->entry->usk,
			.made = -1};
		object->images = end;
		object->common = ends;
		code = entry_check(end->entry, err);
		*vec_push(restore->arena, &ends->list) = end;
		if (end->entry->ino)
			*index_slot(restore->arena, &ends->by_ino,
				end->entry->ino) = end;
		*index_slot(restore->arena, &ends->by_id, object->id) = end;
	}
	return code;
}

static int queues_read(
	struct restore *restore, struct unix_ends *ends, struct err *err)
{
	const SkPacketEntry *entry;
	struct image_list list;
	struct unix_end *end;
	int code = image_load(restore->images, IMAGE_SK_QUEUES, 0, &list, err);

	for (size_t i = 0; i < list.n && !code; i++) {
		entry = (const SkPacketEntry *)list.at[i].msg;
		end = index_get(&ends->by_id, entry->id_for);
		if (end)
			*vec_push(restore->arena, &end->queue) = &list.at[i];
	}
	return code;
}

static bool has_same_name(const struct unix_end *a, const struct unix_end *b)
{
	return a->entry->name.len == b->entry->name.len &&
	       !memcmp(a->entry->name.data, b->entry->name.data,
		       a->entry->name.len);
}

/* The listener that an accepted one has its name from. */
static struct unix_end *host_find(struct restore *restore, struct book **hosts,
	const struct unix_end *end)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	struct unix_end *host;

	for (size_t i = 0; i < end->entry->name.len; i++)
		hash = (hash ^ end->entry->name.data[i]) * 0x100000001b3ull;
	host = *book_slot(
		restore->arena, hosts, "host", hash, end->entry->type);
	if (end->entry->state == TCP_LISTEN) {
		*book_slot(restore->arena, hosts, "host", hash,
			end->entry->type) = (struct unix_end *)end;
		return NULL;
	}
	return host && host != end && has_same_name(host, end) ? host : NULL;
}

static void ends_connect(struct restore *restore, struct unix_ends *ends)
{
	struct book *hosts = NULL;
	struct unix_end *end, *other;

	for (size_t i = 0; i < ends->list.n; i++) {
		end = ends->list.at[i];
		end->peer = end->entry->peer
				    ? index_get(&ends->by_ino, end->entry->peer)
				    : NULL;
		if (end->peer && !unix_is_stream(end))
			*vec_push(restore->arena, &end->peer->callers) = end;
		for (size_t k = 0; k < end->entry->n_stasis_waiting; k++) {
			other = index_get(
				&ends->by_ino, end->entry->stasis_waiting[k]);
			if (other)
				other->waits = true;
		}
		if (end->entry->state == TCP_LISTEN && end->entry->name.len)
			host_find(restore, &hosts, end);
	}
	for (size_t i = 0; i < ends->list.n; i++) {
		end = ends->list.at[i];
		if (unix_is_stream(end) &&
			end->entry->state == TCP_ESTABLISHED &&
			end->entry->name.len && !unix_is_outside(end))
			end->host = host_find(restore, &hosts, end);
	}
}

int unix_join_load(struct restore *restore, struct err *err)
{
	struct unix_ends *ends = arena_new1(restore->arena, struct unix_ends);
	int code = ends_list(restore, ends, err)
			   ?: queues_read(restore, ends, err);

	if (!code)
		ends_connect(restore, ends);
	return code;
}

/* Files in flight are made, too. */
static void rights_link(const struct plan_view *view, struct unix_end *end)
{
	const SkPacketEntry *packet;
	struct object *other;

	for (size_t i = 0; i < end->queue.n; i++) {
		packet = unix_packet_of(end, i);
		for (size_t s = 0; s < packet->n_scm; s++)
			for (size_t k = 0; k < packet->scm[s]->n_rights; k++) {
				other = objects_find(view->objects,
					packet->scm[s]->rights[k]);
				if (other)
					object_link(view->arena, end->object,
						other);
			}
	}
}

/* Bytes that nobody's name is on. */
static bool queue_is_plain(const struct unix_end *end)
{
	const SkPacketEntry *packet;

	for (size_t i = 0; i < end->queue.n; i++) {
		packet = unix_packet_of(end, i);
		if (packet->n_scm || packet->has_stasis_pid ||
			packet->has_stasis_from)
			return false;
	}
	return true;
}

static bool is_pair(const struct unix_end *end)
{
	return end->peer && end->peer->peer == end && !end->entry->name.len &&
	       !end->peer->entry->name.len;
}

int unix_join_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	struct unix_end *end = object->images;
	uint64_t a, b;

	(void)err;
	/* While dumping nothing was read: the numbers for all are counted. */
	if (!end)
		return 0;
	rights_link(view, end);
	if (end->host)
		object_need(view->arena, object, end->host->object);
	if (end->peer && end->peer->host && !end->host &&
		end->peer->host->object != object)
		object_need(view->arena, object, end->peer->host->object);
	if (end->peer && !unix_is_outside(end->peer) &&
		!end->peer->object->holders.n)
		object_link(view->arena, object, end->peer->object);
	if (!is_pair(end) || !queue_is_plain(end) || !queue_is_plain(end->peer))
		return 0;
	a = object->id;
	b = end->peer->object->id;
	object_share(view, object, (a < b ? a : b) + 1, 0);
	return 0;
}
