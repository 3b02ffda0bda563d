/* SPDX-License-Identifier: MIT */
/* Options that are lists, and those with parts of their own. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more behind n pointers; the caller's list stays good when
 * there is none. */
static void *list_grow(void *list, size_t n)
{
	return realloc(list, (n + 1) * sizeof(void *));
}

static int text_add(char ***list, size_t *n, const char *text)
{
	char **grown, *copy = NULL;
	int ret = options_text_set(&copy, text);

	if (ret)
		return ret;
	grown = list_grow(*list, *n);
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[(*n)++] = copy;
	*list = grown;
	return 0;
}

int criu_local_add_enable_fs(criu_opts *opts, const char *fs)
{
	return text_add(&opts->rpc.enable_fs, &opts->rpc.n_enable_fs, fs);
}

int criu_local_add_skip_mnt(criu_opts *opts, const char *mnt)
{
	return text_add(&opts->rpc.skip_mnt, &opts->rpc.n_skip_mnt, mnt);
}

int criu_local_add_irmap_path(criu_opts *opts, const char *path)
{
	return text_add(&opts->rpc.irmap_scan_paths,
		&opts->rpc.n_irmap_scan_paths, path);
}

int criu_local_add_external(criu_opts *opts, const char *key)
{
	return text_add(&opts->rpc.external, &opts->rpc.n_external, key);
}

int criu_local_add_cg_dump_controller(criu_opts *opts, const char *name)
{
	return text_add(&opts->rpc.cgroup_dump_controller,
		&opts->rpc.n_cgroup_dump_controller, name);
}

/* A later command takes the place of an earlier one. */
int criu_local_set_exec_cmd(criu_opts *opts, int argc, char *argv[])
{
	char **words = NULL;
	size_t n = 0;
	int ret = 0;

	for (int i = 0; i < argc && !ret; i++)
		ret = text_add(&words, &n, argv[i]);
	if (!ret) {
		char **old = opts->rpc.exec_cmd;
		size_t n_old = opts->rpc.n_exec_cmd;

		opts->rpc.exec_cmd = words;
		opts->rpc.n_exec_cmd = n;
		words = old;
		n = n_old;
	}
	while (n)
		free(words[--n]);
	free(words);
	return ret;
}

/* Naming a socket means allowing such sockets. */
int criu_local_add_unix_sk(criu_opts *opts, unsigned int inode)
{
	CriuOpts *rpc = &opts->rpc;
	UnixSk *item = malloc(sizeof(*item));
	UnixSk **grown = list_grow(rpc->unix_sk_ino, rpc->n_unix_sk_ino);

	if (grown)
		rpc->unix_sk_ino = grown;
	if (!item || !grown) {
		free(item);
		return -ENOMEM;
	}
	unix_sk__init(item);
	item->inode = inode;
	grown[rpc->n_unix_sk_ino++] = item;
	criu_local_set_ext_unix_sk(opts, true);
	return 0;
}

int criu_local_add_ext_mount(criu_opts *opts, const char *key, const char *val)
{
	CriuOpts *rpc = &opts->rpc;
	ExtMountMap *item = malloc(sizeof(*item));
	ExtMountMap **grown = list_grow(rpc->ext_mnt, rpc->n_ext_mnt);
	int ret = item && grown ? 0 : -ENOMEM;

	if (grown)
		rpc->ext_mnt = grown;
	if (!item)
		return ret;
	ext_mount_map__init(item);
	ret = ret ?: options_text_set(&item->key, key);
	ret = ret ?: options_text_set(&item->val, val);
	if (ret)
		ext_mount_map__free_unpacked(item, NULL);
	else
		grown[rpc->n_ext_mnt++] = item;
	return ret;
}

int criu_local_add_veth_pair(criu_opts *opts, const char *in, const char *out)
{
	CriuOpts *rpc = &opts->rpc;
	CriuVethPair *item = malloc(sizeof(*item));
	CriuVethPair **grown = list_grow(rpc->veths, rpc->n_veths);
	int ret = item && grown ? 0 : -ENOMEM;

	if (grown)
		rpc->veths = grown;
	if (!item)
		return ret;
	criu_veth_pair__init(item);
	ret = ret ?: options_text_set(&item->if_in, in);
	ret = ret ?: options_text_set(&item->if_out, out);
	if (ret)
		criu_veth_pair__free_unpacked(item, NULL);
	else
		grown[rpc->n_veths++] = item;
	return ret;
}

int criu_local_add_cg_root(criu_opts *opts, const char *ctrl, const char *path)
{
	CriuOpts *rpc = &opts->rpc;
	CgroupRoot *item = malloc(sizeof(*item));
	CgroupRoot **grown = list_grow(rpc->cg_root, rpc->n_cg_root);
	int ret = item && grown ? 0 : -ENOMEM;

	if (grown)
		rpc->cg_root = grown;
	if (!item)
		return ret;
	cgroup_root__init(item);
	if (ctrl)
		ret = ret ?: options_text_set(&item->ctrl, ctrl);
	ret = ret ?: options_text_set(&item->path, path);
	if (ret)
		cgroup_root__free_unpacked(item, NULL);
	else
		grown[rpc->n_cg_root++] = item;
	return ret;
}

int criu_local_add_inherit_fd(criu_opts *opts, int fd, const char *key)
{
	CriuOpts *rpc = &opts->rpc;
	InheritFd *item = malloc(sizeof(*item));
	InheritFd **grown = list_grow(rpc->inherit_fd, rpc->n_inherit_fd);
	int ret = item && grown ? 0 : -ENOMEM;

	if (grown)
		rpc->inherit_fd = grown;
	if (!item)
		return ret;
	inherit_fd__init(item);
	item->fd = fd;
	ret = ret ?: options_text_set(&item->key, key);
	if (ret)
		inherit_fd__free_unpacked(item, NULL);
	else
		grown[rpc->n_inherit_fd++] = item;
	return ret;
}

int criu_local_join_ns_add(criu_opts *opts, const char *ns, const char *ns_file,
	const char *extra_opt)
{
	CriuOpts *rpc = &opts->rpc;
	JoinNamespace *item = malloc(sizeof(*item));
	JoinNamespace **grown = list_grow(rpc->join_ns, rpc->n_join_ns);
	int ret = item && grown ? 0 : -ENOMEM;

	if (grown)
		rpc->join_ns = grown;
	if (!item)
		return ret;
	join_namespace__init(item);
	ret = ret ?: options_text_set(&item->ns, ns);
	ret = ret ?: options_text_set(&item->ns_file, ns_file);
	if (extra_opt)
		ret = ret ?: options_text_set(&item->extra_opt, extra_opt);
	if (ret)
		join_namespace__free_unpacked(item, NULL);
	else
		grown[rpc->n_join_ns++] = item;
	return ret;
}

int criu_local_set_page_server_address_port(
	criu_opts *opts, const char *address, int port)
{
	CriuPageServerInfo *ps = malloc(sizeof(*ps));
	int ret;

	if (!ps)
		return -ENOMEM;
	criu_page_server_info__init(ps);
	ps->has_port = true;
	ps->port = port;
	ret = options_text_set(&ps->address, address);
	if (ret) {
		criu_page_server_info__free_unpacked(ps, NULL);
		return ret;
	}
	if (opts->rpc.ps)
		criu_page_server_info__free_unpacked(opts->rpc.ps, NULL);
	opts->rpc.ps = ps;
	return 0;
}
