/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/unix_opts.h"

#include <sys/socket.h>

#include "kinds/file/lib/sockopt_more.h"

static void passing_capture(int fd, SkOptsEntry *opts)
{
	uint32_t value;

	opts->has_so_passcred =
		sockopt_get(fd, SOL_SOCKET, SO_PASSCRED, &value);
	opts->so_passcred = value != 0;
	opts->has_so_passsec = sockopt_get(fd, SOL_SOCKET, SO_PASSSEC, &value);
	opts->so_passsec = value != 0;
}

int unix_opts_capture(
	struct dump *dump, int fd, UnixSkEntry *unix_sk, struct err *err)
{
	static const int levels[] = {SOL_SOCKET};
	static const struct sockopt_name skip[] = {
		{SOL_SOCKET, SO_PASSCRED}, {SOL_SOCKET, SO_PASSSEC}};
	const struct sockopt_look look = {.family = AF_UNIX,
		.type = (int)unix_sk->type,
		.levels = levels,
		.n_levels = 1,
		.skip = skip,
		.n_skip = 2};
	struct sockopt_more more = {0};
	int code = sockopts_capture(dump->arena, fd, &unix_sk->opts, err);

	if (code)
		return code;
	passing_capture(fd, unix_sk->opts);
	code = sockopt_more_capture(dump, fd, &look, &more, err);
	unix_sk->stasis_option = more.at;
	unix_sk->n_stasis_option = more.n;
	return code;
}

int unix_opts_restore(int fd, const UnixSkEntry *unix_sk, struct err *err)
{
	const SkOptsEntry *opts = unix_sk->opts;
	int code = sockopts_restore(fd, opts, err);

	if (!code && opts->has_so_passcred)
		code = sockopt_set(
			fd, SOL_SOCKET, SO_PASSCRED, opts->so_passcred, err);
	if (!code && opts->has_so_passsec)
		code = sockopt_set(
			fd, SOL_SOCKET, SO_PASSSEC, opts->so_passsec, err);
	for (size_t i = 0; i < unix_sk->n_stasis_option && !code; i++)
		code = sockopt_more_restore(fd, unix_sk->stasis_option[i], err);
	return code;
}
