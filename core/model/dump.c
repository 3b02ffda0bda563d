/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/dump.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

uint32_t dump_file_id(struct dump *dump)
{
	return ++dump->last_file_id;
}

pid_t dump_pid_in_images(const struct dump *dump, pid_t host)
{
	return dump->own_pids
		       ? (pid_t)(intptr_t)index_get(&dump->pids, (uint64_t)host)
		       : host;
}

static int inet_order(const void *one, const void *other)
{
	const struct sockdiag_inet *a = one, *b = other;

	return (a->ino > b->ino) - (a->ino < b->ino);
}

int dump_sockets(
	struct dump *dump, const struct sockdiag_inets **ret, struct err *err)
{
	/* Connections are refused before anybody asks for them. */
	static const struct {
		int protocol;
		uint32_t states;
	} wanted[] = {
		{IPPROTO_TCP, 1 << TCP_LISTEN},
		{IPPROTO_UDP, UINT32_MAX},
	};
	struct sockdiag_inets *all, some;
	int code;

	if (dump->sockets) {
		*ret = dump->sockets;
		return 0;
	}
	all = arena_new1(dump->arena, struct sockdiag_inets);
	for (size_t i = 0; i < 2; i++) {
		code = sockdiag_collect_inet(dump->arena, wanted[i].protocol,
			wanted[i].states, &some, err);
		if (code)
			return code;
		for (size_t k = 0; k < some.n; k++)
			*vec_push(dump->arena, all) = some.at[k];
	}
	if (all->n)
		qsort(all->at, all->n, sizeof(*all->at), inet_order);
	*ret = dump->sockets = all;
	return 0;
}
