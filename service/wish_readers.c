/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of criu_opts that are more than one word of the command line. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "service/wish_field.h"

static int field_check_built(const struct wish_field *field, struct err *err)
{
	return option_check_built(
		field->row, field->wish->options.verb, field->name, err);
}

/* Built or not, it is not for clients who have not started us. */
static int field_check_inherited(
	const struct wish_field *field, struct err *err)
{
	if (field->inherited)
		return 0;
	err_set(err, EPERM, "%s is only for a worker of the client's own",
		field->name);
	return err_hint(err, "start 'stasis swrk' instead of using a service");
}

static int later(
	const struct wish_field *field, const char *belongs, struct err *err)
{
	err_set(err, ENOSYS, "%s is not built yet: it belongs to %s",
		field->name, belongs);
	return err_hint(err, "leave it out if the tasks do not need it; they "
			     "are refused, not harmed, if they do");
}

static struct option_pair *pair_add(const struct wish_field *field,
	struct option_pairs *pairs, const char *key, const char *value)
{
	struct option_pair *pair = vec_push(field->arena, pairs);

	pair->key = key;
	pair->value = value;
	return pair;
}

/* --- places and logs ------------------------------------------------------ */

static int fd_check(const struct wish_field *field, int fd, struct err *err)
{
	if (fd >= -1)
		return 0;
	return err_set(
		err, EINVAL, "%s is %d, which is no fd", field->name, fd);
}

static int images_dir_fd_read(const struct wish_field *field, struct err *err)
{
	field->wish->images_fd = field->opts->images_dir_fd;
	return fd_check(field, field->opts->images_dir_fd, err);
}

/* A directory by name counts only where none is given as an fd. */
static int images_dir_read(const struct wish_field *field, struct err *err)
{
	(void)err;
	field->wish->options.images_dir = field->opts->images_dir;
	return 0;
}

static int work_dir_fd_read(const struct wish_field *field, struct err *err)
{
	field->wish->work_fd = field->opts->work_dir_fd;
	return fd_check(field, field->opts->work_dir_fd, err);
}

static int log_file_read(const struct wish_field *field, struct err *err)
{
	if (strchr(field->opts->log_file, '/')) {
		err_set(err, EINVAL,
			"log_file is '%s', which is not a mere "
			"name",
			field->opts->log_file);
		return err_hint(err, "the log is made in the work directory; "
				     "choose that with work_dir_fd");
	}
	field->wish->options.log_file = field->opts->log_file;
	return 0;
}

static int log_level_read(const struct wish_field *field, struct err *err)
{
	int level = field->opts->log_level;

	if (level < 0)
		return err_set(err, EINVAL,
			"log_level is %d, which is less than 0", level);
	field->wish->options.verbosity = level;
	return 0;
}

static int log_to_stderr_read(const struct wish_field *field, struct err *err)
{
	(void)err;
	field->wish->log_to_stderr = field->opts->log_to_stderr;
	return 0;
}

static int config_file_read(const struct wish_field *field, struct err *err)
{
	(void)err;
	field->wish->config_file = field->opts->config_file;
	return 0;
}

/* --- what becomes of the tasks -------------------------------------------- */

static int pid_read(const struct wish_field *field, struct err *err)
{
	if (field->opts->pid < 1)
		return err_set(err, EINVAL, "pid is %d, which no process has",
			field->opts->pid);
	field->wish->options.tree = field->opts->pid;
	field->wish->self = false;
	return 0;
}

static int notify_scripts_read(const struct wish_field *field, struct err *err)
{
	(void)err;
	field->wish->notify = field->opts->notify_scripts;
	return 0;
}

static int exec_cmd_read(const struct wish_field *field, struct err *err)
{
	size_t n = field->opts->n_exec_cmd;
	const char **argv = arena_newn(field->arena, const char *, n + 1);

	if (!*field->opts->exec_cmd[0])
		return err_set(err, EINVAL, "the command in exec_cmd is empty");
	memcpy(argv, field->opts->exec_cmd, n * sizeof(*argv));
	field->wish->exec_argv = argv;
	return 0;
}

static int rst_sibling_read(const struct wish_field *field, struct err *err)
{
	field->wish->options.restore_sibling = field->opts->rst_sibling;
	return field->opts->rst_sibling ? field_check_inherited(field, err) : 0;
}

static int inherit_fd_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_inherited(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_inherit_fd; i++) {
		const InheritFd *from = field->opts->inherit_fd[i];
		struct option_inherit inherit = {from->fd, from->key};

		*vec_push(field->arena, &field->wish->options.inherit_fds) =
			inherit;
	}
	return rc;
}

static int ps_read(const struct wish_field *field, struct err *err)
{
	int rc =
		field->opts->ps->has_fd ? field_check_inherited(field, err) : 0;

	rc = rc ?: field_check_built(field, err);
	if (rc)
		return rc;
	/* Who keeps his pages until they are asked for is asked there. */
	if (!(field->opts->has_lazy_pages && field->opts->lazy_pages)) {
		field->wish->options.page_server = true;
		field->wish->options.address = field->opts->ps->address;
	}
	field->wish->options.port = field->opts->ps->port;
	field->wish->options.any_port =
		field->wish->options.verb == VERB_PAGE_SERVER;
	if (field->opts->ps->has_fd)
		field->wish->options.ps_fd = field->opts->ps->fd;
	return 0;
}

static int status_fd_read(const struct wish_field *field, struct err *err)
{
	field->wish->options.status_fd = field->opts->status_fd;
	return fd_check(field, field->opts->status_fd, err);
}

static int orphan_pts_master_read(
	const struct wish_field *field, struct err *err)
{
	if (!field->opts->orphan_pts_master)
		return 0;
	return later(field, "terminals", err);
}

/* Pids that were given anew are noticed without it. */
static int pidfd_store_sk_read(const struct wish_field *field, struct err *err)
{
	(void)field, (void)err;
	return 0;
}

/* --- network, mounts, cgroups --------------------------------------------- */

static int ext_unix_sk_read(const struct wish_field *field, struct err *err)
{
	int rc = field->opts->ext_unix_sk ? field_check_built(field, err) : 0;

	if (!rc)
		field->wish->options.ext_unix = field->opts->ext_unix_sk;
	return rc;
}

static int unix_sk_ino_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_unix_sk_ino; i++)
		*vec_push(field->arena, &field->wish->options.ext_unix_inodes) =
			field->opts->unix_sk_ino[i]->inode;
	return rc;
}

static int veths_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_veths; i++)
		pair_add(field, &field->wish->options.veth_pairs,
			field->opts->veths[i]->if_in,
			field->opts->veths[i]->if_out);
	return rc;
}

static int empty_ns_read(const struct wish_field *field, struct err *err)
{
	uint32_t mask = field->opts->empty_ns;

	if (mask & ~(uint32_t)CLONE_NEWNET)
		return err_set(err, EINVAL,
			"empty_ns names other namespaces than the network "
			"namespace (CLONE_NEWNET), which alone may be empty");
	if (!mask)
		return 0;
	field->wish->options.empty_net = true;
	return field_check_built(field, err);
}

static int join_ns_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_join_ns; i++) {
		const JoinNamespace *from = field->opts->join_ns[i];

		pair_add(field, &field->wish->options.join_ns, from->ns,
			from->ns_file)
			->extra = from->extra_opt;
	}
	return rc;
}

static int ext_mnt_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_ext_mnt; i++)
		pair_add(field, &field->wish->options.ext_mounts,
			field->opts->ext_mnt[i]->key,
			field->opts->ext_mnt[i]->val);
	return rc;
}

static int auto_ext_mnt_read(const struct wish_field *field, struct err *err)
{
	int rc = field->opts->auto_ext_mnt ? field_check_built(field, err) : 0;

	if (!rc)
		field->wish->options.auto_ext_mounts =
			field->opts->auto_ext_mnt;
	return rc;
}

static int cgroups_manage(
	const struct wish_field *field, enum cgroups_mode mode, struct err *err)
{
	/* Ignoring them is what is done anyway. */
	int rc = mode == CGROUPS_IGNORE ? 0 : field_check_built(field, err);

	if (!rc)
		field->wish->options.manage_cgroups = mode;
	return rc;
}

/* The older of two fields; the mode says more. */
static int manage_cgroups_read(const struct wish_field *field, struct err *err)
{
	if (field->opts->has_manage_cgroups_mode)
		return 0;
	return cgroups_manage(field,
		field->opts->manage_cgroups ? CGROUPS_SOFT : CGROUPS_IGNORE,
		err);
}

static int manage_cgroups_mode_read(
	const struct wish_field *field, struct err *err)
{
	CriuCgMode mode = field->opts->manage_cgroups_mode;

	if (mode == CRIU_CG_MODE__DEFAULT)
		mode = CRIU_CG_MODE__SOFT;
	if ((int)mode < CGROUPS_IGNORE || (int)mode > CGROUPS_STRICT)
		return err_set(err, EINVAL, "%s is %d, which has no meaning",
			field->name, (int)mode);
	return cgroups_manage(field, (enum cgroups_mode)mode, err);
}

static int cg_root_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	for (size_t i = 0; !rc && i < field->opts->n_cg_root; i++)
		pair_add(field, &field->wish->options.cgroup_roots,
			field->opts->cg_root[i]->ctrl ?: "",
			field->opts->cg_root[i]->path);
	return rc;
}

/* RPC has no way to say that no image of the CPU is wanted. */
static int cpu_cap_read(const struct wish_field *field, struct err *err)
{
	int rc = field_check_built(field, err);

	if (!rc)
		field->wish->options.cpu_cap =
			(field->opts->cpu_cap & CPU_CAP_ALL) | CPU_CAP_IMAGE;
	return rc;
}

enum { ANY_VERB = UINT8_MAX + 1 }; /* the tag of no row */

const struct wish_reader wish_readers[] = {
	{1, ANY_VERB, images_dir_fd_read},
	{2, 0, pid_read},
	{4, 0, ext_unix_sk_read},
	{9, 0, log_level_read},
	{10, 0, log_file_read},
	{11, 0, ps_read},
	{12, 0, notify_scripts_read},
	{17, 0, work_dir_fd_read},
	{19, 0, veths_read},
	{20, 0, cpu_cap_read},
	{22, 0, exec_cmd_read},
	{23, 0, ext_mnt_read},
	{24, 34, manage_cgroups_read},
	{25, 0, cg_root_read},
	{26, 0, rst_sibling_read},
	{27, 0, inherit_fd_read},
	{28, 23, auto_ext_mnt_read},
	{33, 4, unix_sk_ino_read},
	{34, 0, manage_cgroups_mode_read},
	{38, 0, empty_ns_read},
	{39, 0, join_ns_read},
	{49, 0, status_fd_read},
	{50, 48, orphan_pts_master_read},
	{51, ANY_VERB, config_file_read},
	{62, 14, pidfd_store_sk_read},
	{68, 0, images_dir_read},
	{71, ANY_VERB, log_to_stderr_read},
	{},
};
