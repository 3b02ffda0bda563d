/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/unix_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/stand_in.h"

enum {
	FDS_MAX = 253, /* SCM_MAX_FD */
	CONTROL = CMSG_SPACE(sizeof(int) * FDS_MAX) +
		  CMSG_SPACE(sizeof(struct ucred)) + 1024,
	LOOK_FIRST = 1 << 16, /* bytes */
	LOOK_MAX = 1 << 28,
};

/* --- dump ---------------------------------------------------------------- */

struct look {
	struct arena *arena;
	int fd;
	char *room;
	size_t size;
	bool offset; /* SO_PEEK_OFF is moved along */
};

static void rights_take(
	struct look *look, const struct cmsghdr *c, struct unix_packet *packet)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	packet->fds = arena_copy(look->arena, CMSG_DATA(c), n * sizeof(int));
	packet->n_fds = n;
}

static void control_take(
	struct look *look, struct msghdr *head, struct unix_packet *packet)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			rights_take(look, c, packet);
		if (c->cmsg_type == SCM_CREDENTIALS) {
			packet->has_cred = true;
			memcpy(&packet->cred, CMSG_DATA(c),
				sizeof(packet->cred));
		}
	}
}

static void sender_take(struct look *look, const struct msghdr *head,
	struct unix_packet *packet)
{
	const struct sockaddr_un *from = head->msg_name;
	size_t begin = offsetof(struct sockaddr_un, sun_path);

	if (head->msg_namelen <= begin)
		return;
	packet->from_size = head->msg_namelen - begin;
	packet->from =
		arena_copy(look->arena, from->sun_path, packet->from_size);
}

static void fds_close(const struct unix_packet *packet)
{
	for (size_t i = 0; i < packet->n_fds; i++)
		close(packet->fds[i]);
}

/* 1: a packet; 0: there is none. What does not fit is asked for again. */
static int packet_look(
	struct look *look, struct unix_packet *ret, struct err *err)
{
	char control[CONTROL] __attribute__((aligned(16)));
	struct sockaddr_un from;
	struct iovec iov = {look->room, look->size};
	struct msghdr head = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(look->fd, &head,
		MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN ? 0
				       : err_errno(err, "looking into a unix "
							"socket's queue");
	*ret = (struct unix_packet){.size = (size_t)n};
	control_take(look, &head, ret);
	if (head.msg_flags & MSG_CTRUNC) {
		fds_close(ret);
		return err_set(
			err, EMFILE, "files in flight could not all be opened");
	}
	sender_take(look, &head, ret);
	return 1;
}

static int offset_get(int fd)
{
	socklen_t size = sizeof(int);
	int at = -1;

	getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &at, &size);
	return at;
}

static int offset_set(int fd, int at, struct err *err)
{
	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &at, sizeof(at)))
		return err_errno(err, "moving where a unix socket peeks");
	return 0;
}

static void packet_keep(
	struct look *look, struct unix_packet *packet, struct unix_queue *queue)
{
	packet->bytes = arena_copy(look->arena, look->room, packet->size);
	*vec_push(look->arena, &queue->packets) = *packet;
}

static int room_grow(struct look *look, size_t size, struct err *err)
{
	if (size > LOOK_MAX)
		return err_set(
			err, E2BIG, "a message of %zu bytes waits in it", size);
	look->size = size;
	look->room = arena_alloc(look->arena, size + 1);
	return 0;
}

/* A message that is longer than the room begins where it began. */
static int message_look(
	struct look *look, int at, struct unix_packet *ret, struct err *err)
{
	int code = packet_look(look, ret, err);

	if (code <= 0 || ret->size <= look->size)
		return code;
	fds_close(ret);
	code = room_grow(look, ret->size, err) ?: offset_set(look->fd, at, err);
	return code ?: packet_look(look, ret, err);
}

static int messages_peek(
	struct look *look, struct unix_queue *queue, struct err *err)
{
	struct unix_packet packet;
	int at = 0, code;

	while ((code = message_look(look, at, &packet, err)) == 1) {
		packet_keep(look, &packet, queue);
		at += (int)packet.size;
	}
	return code;
}

static int stream_peek(
	struct look *look, struct unix_queue *queue, struct err *err)
{
	struct unix_packet packet;
	int code;

	while ((code = packet_look(look, &packet, err)) == 1) {
		if (!packet.size)
			return 0; /* shut: there is no more */
		packet_keep(look, &packet, queue);
	}
	return code;
}

/* What a message of so many bytes takes of a sender's buffer. */
static int message_memory(size_t size)
{
	_cleanup_fd_ int to = -1, from = -1;
	char bytes[1024] = {0};
	int pair[2], taken = 0;

	if (size > sizeof(bytes) ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 0;
	from = pair[0];
	to = pair[1];
	if (write(from, bytes, size) != (ssize_t)size ||
		ioctl(from, TIOCOUTQ, &taken))
		return 0;
	return taken;
}

/* How many messages the stream was sent in; 0: nobody knows. */
static size_t messages_count(const struct unix_queue *queue, size_t memory)
{
	size_t bytes = 0;
	int unit;

	for (size_t i = 0; i < queue->packets.n; i++)
		bytes += queue->packets.at[i].size;
	unit = message_memory(1);
	return unit > 0 && bytes && message_memory(bytes) == unit
		       ? memory / (size_t)unit
		       : 0;
}

/*
 * A look shows bytes that come with files together with all that is before
 * them, and nothing tells where they begin. Who sends files in a stream sends
 * them with one byte, or with a message that is read in one go; so where there
 * were more messages than looks, they come with the last byte.
 */
static void files_move(struct look *look, struct unix_queue *queue)
{
	struct unix_queue moved = {0};
	struct unix_packet rest;

	for (size_t i = 0; i < queue->packets.n; i++) {
		rest = queue->packets.at[i];
		if (rest.n_fds && rest.size > 1) {
			*vec_push(look->arena, &moved.packets) =
				(struct unix_packet){.bytes = rest.bytes,
					.size = rest.size - 1,
					.has_cred = rest.has_cred,
					.cred = rest.cred};
			rest.bytes += rest.size - 1;
			rest.size = 1;
		}
		*vec_push(look->arena, &moved.packets) = rest;
	}
	*queue = moved;
}

/* Bytes of a stream, or of some message. */
static int waiting(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) ? 0 : n;
}

/* Most streams show all they have at the first look. */
static bool stream_is_short(struct look *look, struct unix_queue *queue)
{
	struct unix_packet packet;
	int n = waiting(look->fd);

	if (!n)
		return true;
	if ((size_t)n > look->size && room_grow(look, (size_t)n, ERR_UNREAD))
		return false;
	if (packet_look(look, &packet, ERR_UNREAD) != 1)
		return false;
	if (packet.size == (size_t)n && !packet.n_fds) {
		packet_keep(look, &packet, queue);
		return true;
	}
	fds_close(&packet);
	return false;
}

static bool is_empty(struct look *look)
{
	struct unix_packet packet;
	struct look one = *look;

	one.size = 1;
	if (packet_look(&one, &packet, ERR_UNREAD) != 1)
		return true;
	fds_close(&packet);
	return false;
}

int unix_queue_peek(struct arena *arena, int fd, bool stream, size_t memory,
	struct unix_queue *ret, struct err *err)
{
	struct look look = {.arena = arena, .fd = fd};
	int before = offset_get(fd), code, back;

	code = room_grow(&look, LOOK_FIRST, err);
	if (code)
		return code;
	if (before >= 0 && (code = offset_set(fd, 0, err)))
		return code;
	if (before < 0 &&
		(stream ? stream_is_short(&look, ret) : is_empty(&look)))
		return 0;
	ret->packets.n = 0;
	code = offset_set(fd, 0, err);
	if (!code)
		code = stream ? stream_peek(&look, ret, err)
			      : messages_peek(&look, ret, err);
	back = offset_set(fd, before, code ? ERR_UNREAD : err);
	if (stream && messages_count(ret, memory) > ret->packets.n)
		files_move(&look, ret);
	return code ?: back;
}

static int packet_store(struct dump *dump, uint32_t id,
	const struct unix_packet *from, struct err *err)
{
	SkPacketEntry entry = SK_PACKET_ENTRY__INIT;
	ScmEntry scm = SCM_ENTRY__INIT, *scms[1] = {&scm};
	int code = 0;

	entry.id_for = id;
	entry.length = (uint32_t)from->size;
	if (from->n_fds) {
		scm.type = SCM_RIGHTS;
		scm.n_rights = from->n_fds;
		scm.rights = arena_newn(dump->arena, uint32_t, from->n_fds);
		entry.n_scm = 1;
		entry.scm = scms;
	}
	for (size_t i = 0; i < from->n_fds && !code; i++)
		code = dump->ops->file_of_ours(
			dump, from->fds[i], &scm.rights[i], err);
	if (code)
		return code;
	entry.has_stasis_from = from->from_size;
	entry.stasis_from =
		(ProtobufCBinaryData){from->from_size, (uint8_t *)from->from};
	entry.has_stasis_pid = entry.has_stasis_uid = entry.has_stasis_gid =
		from->has_cred;
	entry.stasis_pid = (uint32_t)dump_pid_in_images(dump, from->cred.pid);
	entry.stasis_uid = from->cred.uid;
	entry.stasis_gid = from->cred.gid;
	return image_append(dump->images, IMAGE_SK_QUEUES, 0, &entry.base,
		from->bytes, from->size, err);
}

int unix_queue_store(struct dump *dump, uint32_t id,
	const struct unix_queue *queue, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < queue->packets.n && !code; i++)
		code = packet_store(dump, id, &queue->packets.at[i], err);
	return code;
}

/* --- restore ------------------------------------------------------------- */

struct sending {
	int from;
	struct msghdr head;
	bool has_cred;
	struct ucred cred;
};

/* The pid is ours, which was chosen to be the right one. */
static void cred_put(struct sending *sending)
{
	struct msghdr *head = &sending->head;
	struct cmsghdr *c = (struct cmsghdr *)((char *)head->msg_control +
					       head->msg_controllen);

	sending->cred.pid = getpid();
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(sending->cred));
	memcpy(CMSG_DATA(c), &sending->cred, sizeof(sending->cred));
	head->msg_controllen += CMSG_SPACE(sizeof(sending->cred));
}

/* As many bytes as were sent in one go may be more than a buffer holds that
 * was made smaller since. */
static int send_do(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	struct sending *sending = of;
	struct iovec *iov = sending->head.msg_iov;
	ssize_t n;

	(void)ret;
	if (sending->has_cred)
		cred_put(sending);
	do {
		n = sendmsg(sending->from, &sending->head,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			err_set(err, EAGAIN,
				"putting %zu bytes into a unix socket: its "
				"queue is full",
				iov->iov_len);
			return err_hint(err,
				"raise /proc/sys/net/core/wmem_max or "
				"/proc/sys/net/unix/max_dgram_qlen");
		}
		if (n < 0)
			return err_errno(err,
				"putting %zu bytes into a unix socket",
				iov->iov_len);
		iov->iov_base = (char *)iov->iov_base + n;
		iov->iov_len -= (size_t)n;
		sending->head.msg_control = NULL;
		sending->head.msg_controllen = 0;
	} while (iov->iov_len);
	return 0;
}

static int rights_put(struct restore *restore, const SkPacketEntry *entry,
	struct msghdr *head, struct err *err)
{
	const struct object *object;
	struct cmsghdr *c;
	int fds[FDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < entry->n_scm; i++) {
		if (entry->scm[i]->type != SCM_RIGHTS)
			return err_set(err, EBADMSG,
				"control messages of type %u in a queue",
				entry->scm[i]->type);
		for (size_t k = 0; k < entry->scm[i]->n_rights; k++) {
			object = objects_find(
				&restore->objects, entry->scm[i]->rights[k]);
			if (!object || object->shelf_fd < 0 || n == FDS_MAX)
				return err_set(err, EBADMSG,
					"file %u in flight is not there",
					entry->scm[i]->rights[k]);
			fds[n++] = object->shelf_fd;
		}
	}
	head->msg_controllen = 0;
	if (!n)
		return 0;
	c = (struct cmsghdr *)head->msg_control;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	head->msg_controllen = CMSG_SPACE(n * sizeof(int));
	return 0;
}

int unix_queue_send(struct restore *restore, const struct image_item *item,
	int from, const struct sockaddr_un *to, socklen_t to_size,
	struct err *err)
{
	const SkPacketEntry *entry = (const SkPacketEntry *)item->msg;
	char control[CONTROL] __attribute__((aligned(16))) = {0};
	struct iovec iov = {(void *)item->payload, item->payload_size};
	struct sending sending = {.from = from,
		.head = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_name = (void *)to,
			.msg_namelen = to_size,
			.msg_control = control},
		.has_cred = entry->has_stasis_uid && entry->has_stasis_gid,
		.cred = {.uid = entry->stasis_uid, .gid = entry->stasis_gid}};
	const struct stand_in who = {
		.pid = entry->has_stasis_pid ? (pid_t)entry->stasis_pid : 0};
	int ret[STAND_IN_RESULTS];
	int code = rights_put(restore, entry, &sending.head, err);

	if (!sending.head.msg_controllen && !sending.has_cred)
		sending.head.msg_control = NULL;
	return code ?: stand_in_do(&who, send_do, &sending, ret, err);
}
