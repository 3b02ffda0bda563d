/* SPDX-License-Identifier: MIT */
#include "global.h"

static struct {
	criu_opts opts;
	bool ready; /* opts is a set, not zeros */
} global;

criu_opts *global_opts(void)
{
	if (!global.ready)
		options_init(&global.opts);
	global.ready = true;
	return &global.opts;
}

int criu_init_opts(void)
{
	options_clear(global_opts());
	return 0;
}

void criu_free_opts(void)
{
	options_clear(global_opts());
}

int criu_set_service_address(const char *path)
{
	return criu_local_set_service_address(global_opts(), path);
}

void criu_set_service_fd(int fd)
{
	criu_local_set_service_fd(global_opts(), fd);
}

int criu_set_service_binary(const char *path)
{
	return criu_local_set_service_binary(global_opts(), path);
}

void criu_set_notify_cb(int (*cb)(char *action, criu_notify_arg_t na))
{
	criu_local_set_notify_cb(global_opts(), cb);
}

int criu_check(void)
{
	return criu_local_check(global_opts());
}

int criu_dump(void)
{
	return criu_local_dump(global_opts());
}

int criu_pre_dump(void)
{
	return criu_local_pre_dump(global_opts());
}

int criu_dump_iters(int (*more)(criu_predump_info pi))
{
	return criu_local_dump_iters(global_opts(), more);
}

int criu_restore(void)
{
	return criu_local_restore(global_opts());
}

int criu_restore_child(void)
{
	return criu_local_restore_child(global_opts());
}

int criu_get_version(void)
{
	return criu_local_get_version(global_opts());
}

int criu_check_version(int minimum)
{
	return criu_local_check_version(global_opts(), minimum);
}

int criu_feature_check(struct criu_feature_check *features, size_t size)
{
	return criu_local_feature_check(global_opts(), features, size);
}
