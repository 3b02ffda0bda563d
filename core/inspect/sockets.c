/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/sockets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* TCP_ESTABLISHED and so on, which other families share. */
static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"unknown", "established",
		"syn sent", "syn received", "fin wait 1", "fin wait 2",
		"time wait", "closed", "close wait", "last ack", "listening",
		"closing"};

	return names[state < sizeof(names) / sizeof(names[0]) ? state : 0];
}

static const char *address_text(struct arena *arena, uint32_t family,
	const uint32_t *words, size_t n, uint32_t port)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (family == AF_INET && n >= 1)
		inet_ntop(AF_INET, words, text, sizeof(text));
	else if (family == AF_INET6 && n >= 4)
		inet_ntop(AF_INET6, words, text, sizeof(text));
	return arena_printf(
		arena, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

static const char *inet_kind(const InetSkEntry *sk)
{
	switch (sk->proto) {
	case IPPROTO_TCP:
		return sk->family == AF_INET6 ? "tcp6" : "tcp";
	case IPPROTO_UDP:
		return sk->family == AF_INET6 ? "udp6" : "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return sk->type == SOCK_RAW ? "raw" : "inet";
	}
}

static struct description inet_describe(
	const struct file_book *book, const InetSkEntry *sk)
{
	const char *from = address_text(book->arena, sk->family, sk->src_addr,
		sk->n_src_addr, sk->src_port);
	const char *to = "";

	if (sk->dst_port)
		to = arena_printf(book->arena, " -> %s",
			address_text(book->arena, sk->family, sk->dst_addr,
				sk->n_dst_addr, sk->dst_port));
	return (struct description){
		inet_kind(sk), arena_printf(book->arena, "%s%s (%s)", from, to,
				       state_name(sk->state))};
}

/* An abstract name begins with NUL, shown as @; a path may end with one. */
static const char *unix_name(struct arena *arena, ProtobufCBinaryData name)
{
	char *text = arena_alloc(arena, name.len + 1);

	while (name.len && !name.data[name.len - 1])
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		text[i] = name.data[i] ? (char)name.data[i] : '@';
	return name.len ? text : "unnamed";
}

static const char *type_name(uint32_t type)
{
	switch (type & 15) {
	case SOCK_STREAM:
		return "stream";
	case SOCK_DGRAM:
		return "datagram";
	case SOCK_SEQPACKET:
		return "seqpacket";
	case SOCK_RAW:
		return "raw";
	default:
		return "unknown type";
	}
}

static struct description unix_describe(
	const struct file_book *book, const UnixSkEntry *sk)
{
	const char *peer = "";

	if (sk->peer)
		peer = arena_printf(book->arena, ", peer [%u]", sk->peer);
	return (struct description){"unix",
		arena_printf(book->arena,
			"[%u] %s (%s, %s%s, %zu packets waiting)", sk->ino,
			unix_name(book->arena, sk->name), type_name(sk->type),
			state_name(sk->state), peer,
			(size_t)(uintptr_t)index_get(&book->packets, sk->id))};
}

struct description socket_describe(
	const struct file_book *book, const FileEntry *file)
{
	if (file->isk)
		return inet_describe(book, file->isk);
	if (file->usk)
		return unix_describe(book, file->usk);
	if (file->nlsk)
		return (struct description){"netlink",
			arena_printf(book->arena, "protocol %u, port %u",
				file->nlsk->protocol, file->nlsk->portid)};
	return (struct description){"packet",
		arena_printf(book->arena, "%s, protocol 0x%04x, interface %u",
			type_name(file->psk->type),
			ntohs((uint16_t)file->psk->protocol),
			file->psk->ifindex)};
}
