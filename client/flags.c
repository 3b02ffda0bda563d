/* SPDX-License-Identifier: MIT */
/* Options that are a flag or a number: each is in the message once set. */
#include "options.h"

void criu_local_set_leave_running(criu_opts *opts, bool on)
{
	opts->rpc.has_leave_running = true;
	opts->rpc.leave_running = on;
}

void criu_local_set_ext_unix_sk(criu_opts *opts, bool on)
{
	opts->rpc.has_ext_unix_sk = true;
	opts->rpc.ext_unix_sk = on;
}

void criu_local_set_tcp_established(criu_opts *opts, bool on)
{
	opts->rpc.has_tcp_established = true;
	opts->rpc.tcp_established = on;
}

void criu_local_set_tcp_skip_in_flight(criu_opts *opts, bool on)
{
	opts->rpc.has_tcp_skip_in_flight = true;
	opts->rpc.tcp_skip_in_flight = on;
}

void criu_local_set_tcp_close(criu_opts *opts, bool on)
{
	opts->rpc.has_tcp_close = true;
	opts->rpc.tcp_close = on;
}

void criu_local_set_weak_sysctls(criu_opts *opts, bool on)
{
	opts->rpc.has_weak_sysctls = true;
	opts->rpc.weak_sysctls = on;
}

void criu_local_set_evasive_devices(criu_opts *opts, bool on)
{
	opts->rpc.has_evasive_devices = true;
	opts->rpc.evasive_devices = on;
}

void criu_local_set_shell_job(criu_opts *opts, bool on)
{
	opts->rpc.has_shell_job = true;
	opts->rpc.shell_job = on;
}

void criu_local_set_skip_file_rwx_check(criu_opts *opts, bool on)
{
	opts->rpc.has_skip_file_rwx_check = true;
	opts->rpc.skip_file_rwx_check = on;
}

void criu_local_set_unprivileged(criu_opts *opts, bool on)
{
	opts->rpc.has_unprivileged = true;
	opts->rpc.unprivileged = on;
}

void criu_local_set_orphan_pts_master(criu_opts *opts, bool on)
{
	opts->rpc.has_orphan_pts_master = true;
	opts->rpc.orphan_pts_master = on;
}

void criu_local_set_file_locks(criu_opts *opts, bool on)
{
	opts->rpc.has_file_locks = true;
	opts->rpc.file_locks = on;
}

void criu_local_set_track_mem(criu_opts *opts, bool on)
{
	opts->rpc.has_track_mem = true;
	opts->rpc.track_mem = on;
}

void criu_local_set_auto_dedup(criu_opts *opts, bool on)
{
	opts->rpc.has_auto_dedup = true;
	opts->rpc.auto_dedup = on;
}

void criu_local_set_force_irmap(criu_opts *opts, bool on)
{
	opts->rpc.has_force_irmap = true;
	opts->rpc.force_irmap = on;
}

void criu_local_set_link_remap(criu_opts *opts, bool on)
{
	opts->rpc.has_link_remap = true;
	opts->rpc.link_remap = on;
}

void criu_local_set_manage_cgroups(criu_opts *opts, bool on)
{
	opts->rpc.has_manage_cgroups = true;
	opts->rpc.manage_cgroups = on;
}

void criu_local_set_auto_ext_mnt(criu_opts *opts, bool on)
{
	opts->rpc.has_auto_ext_mnt = true;
	opts->rpc.auto_ext_mnt = on;
}

void criu_local_set_ext_sharing(criu_opts *opts, bool on)
{
	opts->rpc.has_ext_sharing = true;
	opts->rpc.ext_sharing = on;
}

void criu_local_set_ext_masters(criu_opts *opts, bool on)
{
	opts->rpc.has_ext_masters = true;
	opts->rpc.ext_masters = on;
}

void criu_local_set_mntns_compat_mode(criu_opts *opts, bool on)
{
	opts->rpc.has_mntns_compat_mode = true;
	opts->rpc.mntns_compat_mode = on;
}

void criu_local_set_pid(criu_opts *opts, int pid)
{
	opts->rpc.has_pid = true;
	opts->rpc.pid = pid;
}

void criu_local_set_work_dir_fd(criu_opts *opts, int fd)
{
	opts->rpc.has_work_dir_fd = true;
	opts->rpc.work_dir_fd = fd;
}

void criu_local_set_log_level(criu_opts *opts, int level)
{
	opts->rpc.has_log_level = true;
	opts->rpc.log_level = level;
}

void criu_local_set_cpu_cap(criu_opts *opts, unsigned int cap)
{
	opts->rpc.has_cpu_cap = true;
	opts->rpc.cpu_cap = cap;
}

void criu_local_set_timeout(criu_opts *opts, unsigned int seconds)
{
	opts->rpc.has_timeout = true;
	opts->rpc.timeout = seconds;
}

void criu_local_set_ghost_limit(criu_opts *opts, unsigned int bytes)
{
	opts->rpc.has_ghost_limit = true;
	opts->rpc.ghost_limit = bytes;
}

void criu_local_set_pidfd_store_sk(criu_opts *opts, int sk)
{
	opts->rpc.has_pidfd_store_sk = true;
	opts->rpc.pidfd_store_sk = sk;
}

void criu_local_set_empty_ns(criu_opts *opts, int namespaces)
{
	opts->rpc.has_empty_ns = true;
	opts->rpc.empty_ns = namespaces;
}

/* The one field that every message has. */
void criu_local_set_images_dir_fd(criu_opts *opts, int fd)
{
	opts->rpc.images_dir_fd = fd;
}

void criu_local_set_manage_cgroups_mode(criu_opts *opts, enum criu_cg_mode mode)
{
	opts->rpc.has_manage_cgroups_mode = true;
	opts->rpc.manage_cgroups_mode = (CriuCgMode)mode;
}

int criu_local_set_pre_dump_mode(criu_opts *opts, enum criu_pre_dump_mode mode)
{
	if (mode != CRIU_PRE_DUMP_SPLICE && mode != CRIU_PRE_DUMP_READ)
		return -1;
	opts->rpc.has_pre_dump_mode = true;
	opts->rpc.pre_dump_mode = (CriuPreDumpMode)mode;
	return 0;
}

int criu_local_set_network_lock(
	criu_opts *opts, enum criu_network_lock_method method)
{
	if (method < CRIU_NETWORK_LOCK_IPTABLES ||
		method > CRIU_NETWORK_LOCK_SKIP)
		return -1;
	opts->rpc.has_network_lock = true;
	opts->rpc.network_lock = (CriuNetworkLockMethod)method;
	return 0;
}
