/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/send.h"

#include <errno.h>

int send_object(struct wire *wire, enum wire_object what, uint64_t id,
	bool *ret_parent, struct err *err)
{
	const struct wire_message message = {
		.command = WIRE_OPEN2, .object = wire_object(what, id)};
	uint8_t answer = 0;
	int code;

	code = wire_send(wire, &message, err)
		       ?: wire_take(wire, &answer, sizeof(answer), err);
	if (!code)
		*ret_parent = answer != 0;
	return code;
}

int send_parent_ask(struct wire *wire, enum wire_object what, uint64_t id,
	bool *ret_parent, struct err *err)
{
	const struct wire_message message = {
		.command = WIRE_PARENT, .object = wire_object(what, id)};
	int32_t answer = 0;
	int code;

	code = wire_send(wire, &message, err)
		       ?: wire_take(wire, &answer, sizeof(answer), err);
	if (!code)
		*ret_parent = answer > 0;
	return code;
}

int send_run(struct wire *wire, enum wire_object what, uint64_t id,
	uint64_t vaddr, uint64_t nr_pages, uint32_t flags, struct err *err)
{
	const struct wire_message message = {
		.command = WIRE_ADD_F | flags << 16,
		.nr_pages = nr_pages,
		.vaddr = vaddr,
		.object = wire_object(what, id)};

	return wire_send(wire, &message, err);
}

int send_end(struct wire *wire, bool shared_fd, struct err *err)
{
	const struct wire_message message = {
		.command = shared_fd ? WIRE_FORCE_CLOSE : WIRE_CLOSE};
	int32_t answer = -1;
	int code;

	code = wire_send(wire, &message, err)
		       ?: wire_take(wire, &answer, sizeof(answer), err);
	if (!code && answer)
		return err_set(err, EIO,
			"the page server could not store all pages (%d)",
			answer);
	return code;
}
