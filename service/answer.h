/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer: what a client is told, whole sentences included.
 *
 * A failure carries cr_errno and cr_errmsg, the sentence with its hint behind
 * it; a success carries neither. Text is made valid UTF-8, whatever bytes the
 * names in it have: some clients refuse a message otherwise.
 */
#ifndef STASIS_SERVICE_ANSWER_H
#define STASIS_SERVICE_ANSWER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "proto/rpc.pb-c.h"

struct answer {
	CriuResp resp;
	CriuDumpResp dump;
	CriuRestoreResp restore;
	CriuFeatures features;
	CriuVersion version;
	CriuPageServerInfo page_server;
};

/* As for a success; its parts are hung in by who has them. */
void answer_init(struct answer *ret, CriuReqType type);
void answer_fail(
	struct arena *arena, struct answer *answer, const struct err *err);

#endif
