/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/answer.h"

#include <stddef.h>

#include "base/shown.h"

void answer_init(struct answer *ret, CriuReqType type)
{
	criu_resp__init(&ret->resp);
	criu_dump_resp__init(&ret->dump);
	criu_restore_resp__init(&ret->restore);
	criu_features__init(&ret->features);
	criu_version__init(&ret->version);
	criu_page_server_info__init(&ret->page_server);
	ret->resp.type = type;
	ret->resp.success = true;
}

void answer_fail(
	struct arena *arena, struct answer *answer, const struct err *err)
{
	CriuResp *resp = &answer->resp;
	char *text, shown[4 * sizeof(err->text)];

	text = err->hint[0] ? arena_printf(arena, "%s (hint: %s)", err->text,
				      err->hint)
			    : arena_strdup(arena, err->text);
	/* No longer than what can be sent. */
	shown_copy(shown, sizeof(err->text) + sizeof(err->hint) + 10, text);
	text = arena_strdup(arena, shown);
	resp->success = false;
	resp->has_cr_errno = true;
	resp->cr_errno = err->code;
	resp->cr_errmsg = text;
}
