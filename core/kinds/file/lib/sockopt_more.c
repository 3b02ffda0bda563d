/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/sockopt_more.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "kinds/file/lib/sockopt_table.h"

/* An extension header of IPv6 is the longest. */
enum { VALUE_MAX = 2048, NUMBERED_TIMESTAMPS = 1 << 7 };

/* What a new socket says, in the order of asking. */
struct usual {
	int level, name;
	int size; /* negative: -errno */
	const void *value;
};
typedef VEC(struct usual) usual_vec;

StasisSocketOption *sockopt_more_add(
	struct arena *arena, struct sockopt_more *more, int level, int name)
{
	StasisSocketOption *option = arena_new1(arena, StasisSocketOption);

	stasis_socket_option__init(option);
	option->level = (uint32_t)level;
	option->name = (uint32_t)name;
	more->at = arena_grow(arena, more->at, more->n * sizeof(option),
		(more->n + 1) * sizeof(option));
	more->at[more->n++] = option;
	return option;
}

/* Its size; -errno: it is not told. */
static int option_get(int fd, int level, int name, void *ret)
{
	socklen_t size = VALUE_MAX;

	return getsockopt(fd, level, name, ret, &size) ? -errno : (int)size;
}

static void level_ask(struct arena *arena, int fresh, int level, usual_vec *ret)
{
	uint8_t value[VALUE_MAX];
	enum sockopt_sort sort;
	struct usual *usual;
	int size;

	for (int name = 0; name < SOCKOPT_NAMES; name++) {
		sort = sockopt_sort(level, name);
		if (sort != SOCKOPT_KEEP && sort != SOCKOPT_UNKNOWN)
			continue;
		size = option_get(fresh, level, name, value);
		if (size == -ENOPROTOOPT)
			continue;
		usual = vec_push(arena, ret);
		*usual = (struct usual){level, name, size,
			arena_copy(arena, value, size > 0 ? (size_t)size : 0)};
	}
}

static int usual_ask(struct arena *arena, const struct sockopt_look *look,
	usual_vec *ret, struct err *err)
{
	_cleanup_fd_ int fresh =
		socket(look->family, look->type | SOCK_CLOEXEC, look->protocol);

	if (fresh < 0)
		return err_errno(err, "making a socket to compare with");
	for (size_t i = 0; i < look->n_levels; i++)
		level_ask(arena, fresh, look->levels[i], ret);
	return 0;
}

/* Asked once of each sort of sockets. */
static int usual_find(struct dump *dump, const struct sockopt_look *look,
	const usual_vec **ret, struct err *err)
{
	void **known = book_slot(dump->arena, &dump->book, "usual options",
		(uint64_t)look->family << 32 | (uint32_t)look->type,
		(uint64_t)look->protocol);
	usual_vec *usual = *known;
	int code = 0;

	if (!usual) {
		usual = arena_new1(dump->arena, usual_vec);
		code = usual_ask(dump->arena, look, usual, err);
		if (code)
			return code;
		*known = usual;
	}
	*ret = usual;
	return 0;
}

static int option_refuse(const struct usual *usual, struct err *err)
{
	char text[48];

	err_set(err, EOPNOTSUPP,
		"it is a socket with %s, which cannot be given to another one",
		sockopt_label(usual->level, usual->name, text));
	return err_hint(err, "undo that, or close the socket before the "
			     "checkpoint");
}

/* They would begin at 0 again. */
static bool numbers_timestamps(
	const struct usual *usual, const uint8_t *value, int size)
{
	uint32_t flags = 0;

	if (usual->level != SOL_SOCKET ||
		(usual->name != SO_TIMESTAMPING_OLD &&
			usual->name != SO_TIMESTAMPING_NEW))
		return false;
	memcpy(&flags, value, (size_t)size < 4 ? (size_t)size : 4);
	return flags & NUMBERED_TIMESTAMPS;
}

static int numbers_refuse(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"it numbers its timestamps (SOF_TIMESTAMPING_OPT_ID), and the "
		"count would be lost");
	return err_hint(err, "have the program turn that off "
			     "(SO_TIMESTAMPING) before the checkpoint");
}

static int option_capture(struct arena *arena, int fd,
	const struct usual *usual, struct sockopt_more *ret, struct err *err)
{
	uint8_t value[VALUE_MAX];
	int size = option_get(fd, usual->level, usual->name, value);
	StasisSocketOption *more;

	if (size < 0 || (size == usual->size &&
				memcmp(value, usual->value, (size_t)size) == 0))
		return 0;
	if (sockopt_sort(usual->level, usual->name) != SOCKOPT_KEEP)
		return option_refuse(usual, err);
	if (numbers_timestamps(usual, value, size))
		return numbers_refuse(err);
	more = sockopt_more_add(arena, ret, usual->level, usual->name);
	more->value = (ProtobufCBinaryData){
		(size_t)size, arena_copy(arena, value, (size_t)size)};
	return 0;
}

static bool is_skipped(
	const struct sockopt_look *look, const struct usual *usual)
{
	for (size_t i = 0; i < look->n_skip; i++)
		if (look->skip[i].level == usual->level &&
			look->skip[i].name == usual->name)
			return true;
	return false;
}

int sockopt_more_capture(struct dump *dump, int fd,
	const struct sockopt_look *look, struct sockopt_more *ret,
	struct err *err)
{
	const usual_vec *usual;
	int code = usual_find(dump, look, &usual, err);

	for (size_t i = 0; !code && i < usual->n; i++)
		if (!is_skipped(look, &usual->at[i]))
			code = option_capture(
				dump->arena, fd, &usual->at[i], ret, err);
	return code;
}

/* An image could ask for anything, as for rules of netfilter. */
int sockopt_more_restore(
	int fd, const StasisSocketOption *more, struct err *err)
{
	int level = (int)more->level, name = (int)more->name;
	char text[48];

	if (sockopt_sort(level, name) != SOCKOPT_KEEP)
		return err_set(err, EBADMSG,
			"the image sets %s of a socket, which no restore does",
			sockopt_label(level, name, text));
	if (setsockopt(fd, level, name, more->value.data,
		    (socklen_t)more->value.len))
		return err_errno(err, "setting %s of a socket",
			sockopt_label(level, name, text));
	return 0;
}
