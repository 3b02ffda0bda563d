/* SPDX-License-Identifier: MIT */
/*
 * options: a set of options is the part "opts" of a request, kept ready to be
 * sent, with what only the library needs to know beside it.
 *
 * Everything that rpc points to was allocated with malloc and is the set's.
 */
#ifndef STASIS_CLIENT_OPTIONS_H
#define STASIS_CLIENT_OPTIONS_H

#include "criu.h"

/* Which of the three serves, and where each of them would be found. */
struct client_service {
	enum criu_service_comm comm;
	char *address; /* NULL: the default */
	char *binary;  /* NULL: the default */
	int fd;
};

struct criu_opts {
	CriuOpts rpc;
	int (*notify)(char *action, criu_notify_arg_t na);
	struct client_service service;
};

/* Makes an empty set of memory that holds none. */
void options_init(criu_opts *opts);
/* Frees what a set holds and empties it. */
void options_clear(criu_opts *opts);

/* Replaces a string by a copy of text. */
int options_text_set(char **field, const char *text);

#endif
