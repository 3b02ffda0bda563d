/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/inet_bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/sockopts.h"

/* How many sockets of the image have a port, an address. */
enum { ALONE = 1 };

bool inet_bind_nonlocal(const union inet_address *address)
{
	union inet_address probe = *address;
	bool six = address->any.sa_family == AF_INET6;
	_cleanup_fd_ int fd = -1;

	if (six ? IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr)
		: !address->v4.sin_addr.s_addr)
		return false;
	if (six)
		probe.v6.sin6_port = 0;
	else
		probe.v4.sin_port = 0;
	fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 &&
	       bind(fd, &probe.any,
		       six ? sizeof(probe.v6) : sizeof(probe.v4)) &&
	       errno == EADDRNOTAVAIL;
}

bool inet_is_bound(const InetSkEntry *inet)
{
	bool bound = inet->src_port != 0;

	for (size_t i = 0; i < inet->n_src_addr; i++)
		bound |= inet->src_addr[i] != 0;
	return bound;
}

socklen_t inet_address_size(const InetSkEntry *inet)
{
	return inet->family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

const char *inet_address_text(
	const InetSkEntry *inet, const uint32_t *words, char ret[64])
{
	return inet_ntop((int)inet->family, words, ret, 64) ?: "?";
}

/* --- who else is bound to it --------------------------------------------- */

static uint64_t address_key(const InetSkEntry *inet)
{
	uint64_t key = inet->family;

	for (size_t i = 0; i < inet->n_src_addr; i++)
		key = (key ^ inet->src_addr[i]) * 0x9e3779b97f4a7c15ull;
	return key;
}

static void **port_slot(struct restore *restore, const InetSkEntry *inet)
{
	return book_slot(restore->arena, &restore->book, "port", inet->proto,
		inet->src_port);
}

/* Of those with SO_REUSEPORT. */
static void **place_slot(struct restore *restore, const InetSkEntry *inet)
{
	return book_slot(restore->arena, &restore->book, "reuseport",
		(uint64_t)inet->proto << 32 | inet->src_port,
		address_key(inet));
}

static void places_count(struct restore *restore)
{
	void **counted =
		book_slot(restore->arena, &restore->book, "ports", 0, 0);
	const struct objects *all = &restore->objects;
	const InetSkEntry *inet;
	char **port;

	if (*counted)
		return;
	*counted = restore;
	for (size_t i = 0; i < all->list.n; i++) {
		inet = all->list.at[i]->entry->isk;
		if (!inet || !inet->src_port)
			continue;
		port = (char **)port_slot(restore, inet);
		*port += 1;
		if (inet->opts && inet->opts->has_so_reuseport &&
			inet->opts->so_reuseport)
			*place_slot(restore, inet) = restore;
	}
}

/* Others of the image are bound to the port, too. All of them have the option
 * until the last one is. */
static int sharing_allow(struct restore *restore, int fd,
	const InetSkEntry *inet, struct err *err)
{
	bool shared, reuseport;
	int code = 0;

	if (!inet->src_port)
		return 0;
	places_count(restore);
	shared = (uintptr_t)*port_slot(restore, inet) > ALONE;
	reuseport = shared && *place_slot(restore, inet);
	/* Addresses that connections of the past still hold are free to a
	 * listener with SO_REUSEADDR. */
	if (shared || inet->proto == IPPROTO_TCP)
		code = sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1, err);
	if (!code && reuseport)
		code = sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1, err);
	return code;
}

/* --- bind ---------------------------------------------------------------- */

/* Whose a socket is decides who may share its port. */
static int owner_restore(const struct run_owner *his, int fd,
	const InetSkEntry *inet, struct err *err)
{
	uid_t owner = inet->has_stasis_owner ? inet->stasis_owner
		      : his		     ? his->uid
					     : 0;
	struct stat stat;

	if (his && owner != his->uid)
		return err_set(err, EPERM,
			"it is a socket of user %u; the request was made by "
			"user %u",
			owner, his->uid);
	if (!his && !inet->has_stasis_owner)
		return 0;
	if (fstat(fd, &stat) ||
		(stat.st_uid != owner && fchown(fd, owner, (gid_t)-1)))
		return err_errno(err, "giving a socket to user %u", owner);
	return 0;
}

static int bind_refuse(const InetSkEntry *inet, struct err *err)
{
	char text[64];
	int code = err_errno(err, "binding a %s socket to %s port %u",
		inet->proto == IPPROTO_TCP ? "TCP" : "UDP",
		inet_address_text(inet, inet->src_addr, text), inet->src_port);

	if (code == -EADDRINUSE)
		return err_hint(err, "another program uses it, or a "
				     "connection that ended is in TIME_WAIT "
				     "(ss -tanp shows which): end that "
				     "program, or wait a minute");
	if (code == -EADDRNOTAVAIL)
		return err_hint(err, "give the address to a network device of "
				     "this machine first");
	return code;
}

int inet_bind(struct restore *restore, int fd, const InetSkEntry *inet,
	const union inet_address *from, bool nonlocal, struct err *err)
{
	int code = owner_restore(restore->run->owner, fd, inet, err);

	if (code || !inet_is_bound(inet))
		return code;
	code = sharing_allow(restore, fd, inet, err);
	if (!code && nonlocal)
		code = sockopt_set(fd, SOL_IP, IP_FREEBIND, 1, err);
	if (!code && bind(fd, &from->any, inet_address_size(inet)))
		code = bind_refuse(inet, err);
	return code;
}

static void off_emit(struct tape *tape, int fd, int level, int name, bool is_on)
{
	const int off = 0;

	if (!is_on)
		tape_call(tape, CALL_setsockopt, A(fd), A(level), A(name),
			A_DATA(tape_data(tape, &off, sizeof(off))),
			A(sizeof(off)));
}

void inet_bind_emit(struct tape *tape, const InetSkEntry *inet, bool nonlocal,
	const struct holder *holder)
{
	const SkOptsEntry *opts = inet->opts;
	const IpOptsEntry *ip = inet->ip_opts;

	if (!opts || !inet_is_bound(inet))
		return;
	tape_about(tape, "fd %d: a socket that is bound", holder->fd);
	off_emit(tape, holder->fd, SOL_SOCKET, SO_REUSEADDR,
		opts->has_reuseaddr && opts->reuseaddr);
	off_emit(tape, holder->fd, SOL_SOCKET, SO_REUSEPORT,
		opts->has_so_reuseport && opts->so_reuseport);
	off_emit(tape, holder->fd, SOL_IP, IP_FREEBIND,
		!nonlocal || (ip && ip->has_freebind && ip->freebind));
}
