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

/* Length of the UTF-8 sequence at the text; 0: there is none. */
static size_t sequence_length(const unsigned char *text)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned value, length;

	if (text[0] < 0x80)
		return 1;
	length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc0 || text[0] > 0xf4)
		return 0;
	value = text[0] & (0xffu >> (length + 1));
	for (unsigned i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff ||
		(value >= 0xd800 && value < 0xe000))
		return 0;
	return length;
}

void answer_clean_text(char *text)
{
	size_t length;

	while (*text) {
		length = sequence_length((const unsigned char *)text);
		if (!length)
			*text = '?';
		text += length ?: 1;
	}
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
	answer_clean_text(text);
	resp->success = false;
	resp->has_cr_errno = true;
	resp->cr_errno = err->code;
	resp->cr_errmsg = text;
}
