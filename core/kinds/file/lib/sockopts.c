/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/sockopts.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kinds/file/lib/sockopt_table.h"

/* Since 5.15. */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

enum { FILTER_MAX = 4096 };

bool sockopt_get(int fd, int level, int name, uint32_t *ret_value)
{
	socklen_t size = sizeof(*ret_value);

	*ret_value = 0;
	return getsockopt(fd, level, name, ret_value, &size) == 0;
}

int sockopt_set(int fd, int level, int name, uint32_t value, struct err *err)
{
	char text[48];
	uint32_t now;

	if (sockopt_get(fd, level, name, &now) && now == value)
		return 0;
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		return err_errno(err, "setting %s of a socket to %u",
			sockopt_label(level, name, text), value);
	return 0;
}

/* Options that are numbers, and where the message has them. */
struct number {
	int name;
	protobuf_c_boolean *has;
	uint32_t *value;
};
struct flag {
	int name;
	protobuf_c_boolean *has, *value;
};
enum { NUMBERS = 4, FLAGS = 6 };

static void numbers_list(SkOptsEntry *opts, struct number ret[NUMBERS])
{
	const struct number list[NUMBERS] = {
		{SO_PRIORITY, &opts->has_so_priority, &opts->so_priority},
		{SO_RCVLOWAT, &opts->has_so_rcvlowat, &opts->so_rcvlowat},
		{SO_MARK, &opts->has_so_mark, &opts->so_mark},
		{SO_OOBINLINE, &opts->has_so_oobinline, &opts->so_oobinline},
	};

	memcpy(ret, list, sizeof(list));
}

static void flags_list(SkOptsEntry *opts, struct flag ret[FLAGS])
{
	const struct flag list[FLAGS] = {
		{SO_REUSEADDR, &opts->has_reuseaddr, &opts->reuseaddr},
		{SO_REUSEPORT, &opts->has_so_reuseport, &opts->so_reuseport},
		{SO_DONTROUTE, &opts->has_so_dontroute, &opts->so_dontroute},
		{SO_NO_CHECK, &opts->has_so_no_check, &opts->so_no_check},
		{SO_BROADCAST, &opts->has_so_broadcast, &opts->so_broadcast},
		{SO_KEEPALIVE, &opts->has_so_keepalive, &opts->so_keepalive},
	};

	memcpy(ret, list, sizeof(list));
}

static void numbers_capture(int fd, SkOptsEntry *opts)
{
	struct number numbers[NUMBERS];
	struct flag flags[FLAGS];
	uint32_t value;

	numbers_list(opts, numbers);
	for (int i = 0; i < NUMBERS; i++)
		*numbers[i].has = sockopt_get(
			fd, SOL_SOCKET, numbers[i].name, numbers[i].value);
	/* The mark is for those who set one. */
	opts->has_so_mark = opts->so_mark != 0;
	flags_list(opts, flags);
	for (int i = 0; i < FLAGS; i++) {
		*flags[i].has =
			sockopt_get(fd, SOL_SOCKET, flags[i].name, &value);
		*flags[i].value = value != 0;
	}
}

static int numbers_restore(int fd, const SkOptsEntry *from, struct err *err)
{
	SkOptsEntry opts = *from;
	struct number numbers[NUMBERS];
	struct flag flags[FLAGS];
	int code = 0;

	numbers_list(&opts, numbers);
	for (int i = 0; i < NUMBERS && !code; i++)
		if (*numbers[i].has)
			code = sockopt_set(fd, SOL_SOCKET, numbers[i].name,
				*numbers[i].value, err);
	flags_list(&opts, flags);
	for (int i = 0; i < FLAGS && !code; i++)
		if (*flags[i].has)
			code = sockopt_set(fd, SOL_SOCKET, flags[i].name,
				*flags[i].value, err);
	return code;
}

static int buffers_capture(int fd, SkOptsEntry *opts, struct err *err)
{
	if (!sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &opts->so_sndbuf) ||
		!sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &opts->so_rcvbuf))
		return err_errno(err, "asking for the buffers of a socket");
	opts->has_so_buf_lock =
		sockopt_get(fd, SOL_SOCKET, SO_BUF_LOCK, &opts->so_buf_lock);
	return 0;
}

/* The kernel doubles what it is given. Beyond the limits needs CAP_NET_ADMIN,
 * within them anybody may. */
static int buffer_set(
	int fd, int forced, int name, uint32_t value, struct err *err)
{
	uint32_t now, half = value / 2;

	if (sockopt_get(fd, SOL_SOCKET, name, &now) && now == value)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, forced, &half, sizeof(half)) == 0)
		return 0;
	return sockopt_set(fd, SOL_SOCKET, name, half, err);
}

static int buffers_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	int code;

	code = buffer_set(fd, SO_SNDBUFFORCE, SO_SNDBUF, opts->so_sndbuf, err);
	if (!code)
		code = buffer_set(
			fd, SO_RCVBUFFORCE, SO_RCVBUF, opts->so_rcvbuf, err);
	/* Having been set, they would no longer grow by themselves. */
	if (!code && opts->has_so_buf_lock)
		code = sockopt_set(
			fd, SOL_SOCKET, SO_BUF_LOCK, opts->so_buf_lock, err);
	return code;
}

static int timeouts_capture(int fd, SkOptsEntry *opts, struct err *err)
{
	struct timeval send, receive;
	socklen_t send_size = sizeof(send), size = sizeof(receive);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, &send_size) ||
		getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, &size))
		return err_errno(err, "asking for the timeouts of a socket");
	opts->so_snd_tmo_sec = (uint64_t)send.tv_sec;
	opts->so_snd_tmo_usec = (uint64_t)send.tv_usec;
	opts->so_rcv_tmo_sec = (uint64_t)receive.tv_sec;
	opts->so_rcv_tmo_usec = (uint64_t)receive.tv_usec;
	return 0;
}

static int timeouts_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	struct timeval send = {(time_t)opts->so_snd_tmo_sec,
		(suseconds_t)opts->so_snd_tmo_usec};
	struct timeval receive = {(time_t)opts->so_rcv_tmo_sec,
		(suseconds_t)opts->so_rcv_tmo_usec};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send)) ||
		setsockopt(
			fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive)))
		return err_errno(err, "setting the timeouts of a socket");
	return 0;
}

static int linger_capture(int fd, SkOptsEntry *opts, struct err *err)
{
	struct linger linger;
	socklen_t size = sizeof(linger);

	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size))
		return err_errno(err, "asking how long a socket lingers");
	opts->has_so_linger = linger.l_onoff != 0;
	opts->so_linger = linger.l_onoff ? (uint32_t)linger.l_linger : 0;
	return 0;
}

static int linger_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	struct linger linger = {1, (int)opts->so_linger};

	if (opts->has_so_linger &&
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return err_errno(err, "setting how long a socket lingers");
	return 0;
}

static int device_capture(
	struct arena *arena, int fd, SkOptsEntry *opts, struct err *err)
{
	char name[IFNAMSIZ] = "";
	socklen_t size = sizeof(name);

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size))
		return err_errno(err, "asking for the device of a socket");
	if (size && name[0])
		opts->so_bound_dev = arena_strdup(arena, name);
	return 0;
}

static int device_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	const char *name = opts->so_bound_dev;

	if (name && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
			    (socklen_t)strlen(name) + 1))
		return err_errno(err, "binding a socket to device %s", name);
	return 0;
}

/* An instruction in the format: code << 48 | jt << 40 | jf << 32 | k. */
static uint64_t insn_pack(const struct sock_filter *insn)
{
	return (uint64_t)insn->code << 48 | (uint64_t)insn->jt << 40 |
	       (uint64_t)insn->jf << 32 | insn->k;
}

static struct sock_filter insn_unpack(uint64_t word)
{
	return (struct sock_filter){(uint16_t)(word >> 48),
		(uint8_t)(word >> 40), (uint8_t)(word >> 32), (uint32_t)word};
}

/* What early images of Stasis have: the kernel's struct, as it lies in memory
 * (little-endian). */
static struct sock_filter insn_unpack_early(uint64_t word)
{
	return (struct sock_filter){(uint16_t)word, (uint8_t)(word >> 16),
		(uint8_t)(word >> 24), (uint32_t)(word >> 32)};
}

/* Codes are bytes, and every filter ends by returning: so in the other coding
 * none looks like one, but for very few constants. */
static bool filter_unpack(const SkOptsEntry *opts,
	struct sock_filter (*unpack)(uint64_t), struct sock_filter *ret)
{
	size_t n = opts->n_so_filter;

	for (size_t i = 0; i < n; i++) {
		ret[i] = unpack(opts->so_filter[i]);
		if (ret[i].code > UINT8_MAX)
			return false;
	}
	return BPF_CLASS(ret[n - 1].code) == BPF_RET;
}

static int filter_capture(
	struct arena *arena, int fd, SkOptsEntry *opts, struct err *err)
{
	struct sock_filter filter[FILTER_MAX];
	socklen_t n = FILTER_MAX;

	/* Counted in instructions. */
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, filter, &n)) {
		if (errno != EACCES)
			return err_errno(
				err, "asking for the filter of a socket");
		err_set(err, EOPNOTSUPP,
			"the socket has a filter that is an eBPF program, "
			"which cannot be read");
		return err_hint(err,
			"have the program detach it "
			"(SO_DETACH_FILTER) before the checkpoint");
	}
	opts->n_so_filter = n;
	opts->so_filter = arena_newn(arena, uint64_t, n + 1);
	for (socklen_t i = 0; i < n; i++)
		opts->so_filter[i] = insn_pack(&filter[i]);
	return 0;
}

static int filter_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	struct sock_filter filter[FILTER_MAX];
	struct sock_fprog program = {
		.len = (unsigned short)opts->n_so_filter,
		.filter = filter,
	};

	if (!opts->n_so_filter)
		return 0;
	if (opts->n_so_filter > FILTER_MAX)
		return err_set(err, EBADMSG,
			"its filter has %zu instructions in the image, more "
			"than any socket takes (%d)",
			opts->n_so_filter, FILTER_MAX);
	if (!filter_unpack(opts, insn_unpack, filter) &&
		!filter_unpack(opts, insn_unpack_early, filter))
		return err_set(err, EBADMSG,
			"its filter in the image is damaged: not all of its "
			"%zu words are instructions",
			opts->n_so_filter);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		    sizeof(program)))
		return err_errno(err, "giving a socket its filter");
	return 0;
}

int sockopts_capture(
	struct arena *arena, int fd, SkOptsEntry **ret, struct err *err)
{
	SkOptsEntry *opts = arena_new1(arena, SkOptsEntry);
	int code;

	sk_opts_entry__init(opts);
	numbers_capture(fd, opts);
	code = buffers_capture(fd, opts, err);
	if (!code)
		code = timeouts_capture(fd, opts, err);
	if (!code)
		code = linger_capture(fd, opts, err);
	if (!code)
		code = device_capture(arena, fd, opts, err);
	if (!code)
		code = filter_capture(arena, fd, opts, err);
	if (!code)
		*ret = opts;
	return code;
}

int sockopts_restore(int fd, const SkOptsEntry *opts, struct err *err)
{
	int code;

	code = buffers_restore(fd, opts, err);
	if (!code)
		code = numbers_restore(fd, opts, err);
	if (!code)
		code = timeouts_restore(fd, opts, err);
	if (!code)
		code = linger_restore(fd, opts, err);
	if (!code)
		code = device_restore(fd, opts, err);
	if (!code)
		code = filter_restore(fd, opts, err);
	return code;
}
