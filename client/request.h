/* SPDX-License-Identifier: MIT */
/*
 * request: one question over a connection, up to its last answer; the
 * notifications in between go to the callback of the options.
 */
#ifndef STASIS_CLIENT_REQUEST_H
#define STASIS_CLIENT_REQUEST_H

#include "connection.h"

/* 0 only for an answer of the request's type that says success; that one is
 * the caller's. Otherwise an error of the library's interface, or what the
 * callback returned when the request failed because of it. */
int request_exchange(const struct connection *connection, const criu_opts *opts,
	const CriuReq *req, CriuResp **ret_resp);

/* The same over a connection of its own. */
int request_run(criu_opts *opts, const CriuReq *req, bool detached,
	CriuResp **ret_resp);

#endif
