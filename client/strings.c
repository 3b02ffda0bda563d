/* SPDX-License-Identifier: MIT */
/* Options that are one string; a later one takes the place of an earlier. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int options_text_set(char **field, const char *text)
{
	char *copy;

	if (!text)
		return -1;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int criu_local_set_parent_images(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.parent_img, path);
}

int criu_local_set_log_file(criu_opts *opts, const char *name)
{
	return options_text_set(&opts->rpc.log_file, name);
}

int criu_local_set_root(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.root, path);
}

int criu_local_set_freeze_cgroup(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.freeze_cgroup, path);
}

int criu_local_set_lsm_profile(criu_opts *opts, const char *name)
{
	return options_text_set(&opts->rpc.lsm_profile, name);
}

int criu_local_set_lsm_mount_context(criu_opts *opts, const char *context)
{
	return options_text_set(&opts->rpc.lsm_mount_context, context);
}

int criu_local_set_config_file(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.config_file, path);
}

int criu_local_add_cg_props(criu_opts *opts, const char *text)
{
	return options_text_set(&opts->rpc.cgroup_props, text);
}

int criu_local_add_cg_props_file(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.cgroup_props_file, path);
}

int criu_local_add_cg_yard(criu_opts *opts, const char *path)
{
	return options_text_set(&opts->rpc.cgroup_yard, path);
}
