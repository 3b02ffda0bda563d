/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <stdlib.h>

void options_init(criu_opts *opts)
{
	*opts = (criu_opts){
		.service = {.comm = CRIU_COMM_BIN, .fd = -1},
	};
	criu_opts__init(&opts->rpc);
}

/* The message itself is a part of the set: it stays, its fields go. */
static void field_free(void *message, void *field)
{
	if (field != message)
		free(field);
}

void options_clear(criu_opts *opts)
{
	ProtobufCAllocator fields = {
		.free = field_free, .allocator_data = &opts->rpc};

	criu_opts__free_unpacked(&opts->rpc, &fields);
	free(opts->service.address);
	free(opts->service.binary);
	options_init(opts);
}

int criu_local_init_opts(criu_opts **opts)
{
	criu_opts *made;

	if (*opts) {
		options_clear(*opts);
		return 0;
	}
	made = malloc(sizeof(*made));
	if (!made)
		return -1;
	options_init(made);
	*opts = made;
	return 0;
}

void criu_local_free_opts(criu_opts *opts)
{
	if (!opts)
		return;
	options_clear(opts);
	free(opts);
}

void criu_local_set_notify_cb(
	criu_opts *opts, int (*cb)(char *action, criu_notify_arg_t na))
{
	opts->notify = cb;
	opts->rpc.has_notify_scripts = true;
	opts->rpc.notify_scripts = true;
}

/* A name that may be left to the default. */
static int place_set(char **place, const char *name)
{
	if (name)
		return options_text_set(place, name);
	free(*place);
	*place = NULL;
	return 0;
}

int criu_local_set_service_address(criu_opts *opts, const char *path)
{
	opts->service.comm = CRIU_COMM_SK;
	return place_set(&opts->service.address, path);
}

int criu_local_set_service_binary(criu_opts *opts, const char *path)
{
	opts->service.comm = CRIU_COMM_BIN;
	return place_set(&opts->service.binary, path);
}

void criu_local_set_service_fd(criu_opts *opts, int fd)
{
	opts->service.comm = CRIU_COMM_FD;
	opts->service.fd = fd;
}

/* Part of the library's interface since its first days, in no header. */
void criu_free_service(criu_opts *opts);

void criu_free_service(criu_opts *opts)
{
	place_set(&opts->service.address, NULL);
	place_set(&opts->service.binary, NULL);
}
