/* SPDX-License-Identifier: MIT */
/* criu_X(): criu_local_X() for the program's own set of options. */
#include "global.h"

void criu_set_pid(int pid)
{
	criu_local_set_pid(global_opts(), pid);
}

void criu_set_images_dir_fd(int fd)
{
	criu_local_set_images_dir_fd(global_opts(), fd);
}

void criu_set_work_dir_fd(int fd)
{
	criu_local_set_work_dir_fd(global_opts(), fd);
}

void criu_set_log_level(int level)
{
	criu_local_set_log_level(global_opts(), level);
}

void criu_set_cpu_cap(unsigned int cap)
{
	criu_local_set_cpu_cap(global_opts(), cap);
}

void criu_set_timeout(unsigned int seconds)
{
	criu_local_set_timeout(global_opts(), seconds);
}

void criu_set_ghost_limit(unsigned int bytes)
{
	criu_local_set_ghost_limit(global_opts(), bytes);
}

void criu_set_pidfd_store_sk(int sk)
{
	criu_local_set_pidfd_store_sk(global_opts(), sk);
}

void criu_set_empty_ns(int namespaces)
{
	criu_local_set_empty_ns(global_opts(), namespaces);
}

void criu_set_leave_running(bool on)
{
	criu_local_set_leave_running(global_opts(), on);
}

void criu_set_ext_unix_sk(bool on)
{
	criu_local_set_ext_unix_sk(global_opts(), on);
}

void criu_set_tcp_established(bool on)
{
	criu_local_set_tcp_established(global_opts(), on);
}

void criu_set_tcp_skip_in_flight(bool on)
{
	criu_local_set_tcp_skip_in_flight(global_opts(), on);
}

void criu_set_tcp_close(bool on)
{
	criu_local_set_tcp_close(global_opts(), on);
}

void criu_set_weak_sysctls(bool on)
{
	criu_local_set_weak_sysctls(global_opts(), on);
}

void criu_set_evasive_devices(bool on)
{
	criu_local_set_evasive_devices(global_opts(), on);
}

void criu_set_shell_job(bool on)
{
	criu_local_set_shell_job(global_opts(), on);
}

void criu_set_skip_file_rwx_check(bool on)
{
	criu_local_set_skip_file_rwx_check(global_opts(), on);
}

void criu_set_unprivileged(bool on)
{
	criu_local_set_unprivileged(global_opts(), on);
}

void criu_set_orphan_pts_master(bool on)
{
	criu_local_set_orphan_pts_master(global_opts(), on);
}

void criu_set_file_locks(bool on)
{
	criu_local_set_file_locks(global_opts(), on);
}

void criu_set_track_mem(bool on)
{
	criu_local_set_track_mem(global_opts(), on);
}

void criu_set_auto_dedup(bool on)
{
	criu_local_set_auto_dedup(global_opts(), on);
}

void criu_set_force_irmap(bool on)
{
	criu_local_set_force_irmap(global_opts(), on);
}

void criu_set_link_remap(bool on)
{
	criu_local_set_link_remap(global_opts(), on);
}

void criu_set_manage_cgroups(bool on)
{
	criu_local_set_manage_cgroups(global_opts(), on);
}

void criu_set_auto_ext_mnt(bool on)
{
	criu_local_set_auto_ext_mnt(global_opts(), on);
}

void criu_set_ext_sharing(bool on)
{
	criu_local_set_ext_sharing(global_opts(), on);
}

void criu_set_ext_masters(bool on)
{
	criu_local_set_ext_masters(global_opts(), on);
}

void criu_set_mntns_compat_mode(bool on)
{
	criu_local_set_mntns_compat_mode(global_opts(), on);
}

void criu_set_manage_cgroups_mode(enum criu_cg_mode mode)
{
	criu_local_set_manage_cgroups_mode(global_opts(), mode);
}

int criu_set_pre_dump_mode(enum criu_pre_dump_mode mode)
{
	return criu_local_set_pre_dump_mode(global_opts(), mode);
}

int criu_set_network_lock(enum criu_network_lock_method method)
{
	return criu_local_set_network_lock(global_opts(), method);
}

int criu_set_parent_images(const char *path)
{
	return criu_local_set_parent_images(global_opts(), path);
}

int criu_set_log_file(const char *name)
{
	return criu_local_set_log_file(global_opts(), name);
}

int criu_set_root(const char *path)
{
	return criu_local_set_root(global_opts(), path);
}

int criu_set_freeze_cgroup(const char *path)
{
	return criu_local_set_freeze_cgroup(global_opts(), path);
}

int criu_set_lsm_profile(const char *name)
{
	return criu_local_set_lsm_profile(global_opts(), name);
}

int criu_set_lsm_mount_context(const char *context)
{
	return criu_local_set_lsm_mount_context(global_opts(), context);
}

int criu_set_config_file(const char *path)
{
	return criu_local_set_config_file(global_opts(), path);
}

int criu_set_page_server_address_port(const char *address, int port)
{
	return criu_local_set_page_server_address_port(
		global_opts(), address, port);
}

int criu_set_exec_cmd(int argc, char *argv[])
{
	return criu_local_set_exec_cmd(global_opts(), argc, argv);
}

int criu_add_unix_sk(unsigned int inode)
{
	return criu_local_add_unix_sk(global_opts(), inode);
}

int criu_add_ext_mount(const char *key, const char *val)
{
	return criu_local_add_ext_mount(global_opts(), key, val);
}

int criu_add_veth_pair(const char *in, const char *out)
{
	return criu_local_add_veth_pair(global_opts(), in, out);
}

int criu_add_cg_root(const char *ctrl, const char *path)
{
	return criu_local_add_cg_root(global_opts(), ctrl, path);
}

int criu_add_enable_fs(const char *fs)
{
	return criu_local_add_enable_fs(global_opts(), fs);
}

int criu_add_skip_mnt(const char *mnt)
{
	return criu_local_add_skip_mnt(global_opts(), mnt);
}

int criu_add_irmap_path(const char *path)
{
	return criu_local_add_irmap_path(global_opts(), path);
}

int criu_add_inherit_fd(int fd, const char *key)
{
	return criu_local_add_inherit_fd(global_opts(), fd, key);
}

int criu_add_external(const char *key)
{
	return criu_local_add_external(global_opts(), key);
}

int criu_join_ns_add(const char *ns, const char *ns_file, const char *extra_opt)
{
	return criu_local_join_ns_add(global_opts(), ns, ns_file, extra_opt);
}
