/* SPDX-License-Identifier: MIT */
/*
 * libstasis: lets a program freeze and bring back others, and itself, by
 * asking a worker or a service over the RPC socket (rpc.proto).
 *
 *	criu_init_opts();
 *	criu_set_images_dir_fd(dir);
 *	criu_set_pid(pid);
 *	if (criu_dump() < 0)
 *		err(1, "dump");
 *
 * The interface and the numbers in it are those of libcriu.so.2, so that
 * programs made for that library run with this one, and the other way round.
 * criu_X() works on one set of options that belongs to the program,
 * criu_local_X() on a set of the caller's. Strings are copied. Setting one
 * option twice replaces it, lists (criu_add_X) grow. Functions that set an
 * option and can fail return 0, -ENOMEM, or -1 for a value that cannot be.
 *
 * A set of options is for one thread at a time; criu_X() and
 * criu_get_orphan_pts_master_fd() are for one thread of the program.
 */
#ifndef STASIS_CLIENT_CRIU_H
#define STASIS_CLIENT_CRIU_H

#include <stdbool.h>
#include <stddef.h>

#include "version.h"
#include "rpc.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For criu_set_log_level: each level says what those before it say, too. */
#define CRIU_LOG_UNSET (-1)
#define CRIU_LOG_MSG (0)
#define CRIU_LOG_ERROR (1)
#define CRIU_LOG_WARN (2)
#define CRIU_LOG_INFO (3)
#define CRIU_LOG_DEBUG (4)

/* Who serves: a socket's listener, an open socket, a program we start. */
enum criu_service_comm { CRIU_COMM_SK, CRIU_COMM_FD, CRIU_COMM_BIN };

enum criu_cg_mode {
	CRIU_CG_MODE_IGNORE,
	CRIU_CG_MODE_NONE,
	CRIU_CG_MODE_PROPS,
	CRIU_CG_MODE_SOFT,
	CRIU_CG_MODE_FULL,
	CRIU_CG_MODE_STRICT,
	CRIU_CG_MODE_DEFAULT,
};

enum criu_network_lock_method {
	CRIU_NETWORK_LOCK_IPTABLES = 1,
	CRIU_NETWORK_LOCK_NFTABLES = 2,
	CRIU_NETWORK_LOCK_SKIP = 3,
};

enum criu_pre_dump_mode { CRIU_PRE_DUMP_SPLICE = 1, CRIU_PRE_DUMP_READ = 2 };

typedef struct criu_opts criu_opts;

/* What a notification brought; only good within the callback. */
typedef CriuNotify *criu_notify_arg_t;
typedef void *criu_predump_info;

struct criu_feature_check {
	bool mem_track;
	bool lazy_pages;
	bool pidfd_store;
};

/*
 * Sets of options. criu_init_opts comes before the other criu_X(), sets
 * everything back and returns 0 or -1; criu_local_init_opts makes a new set,
 * or empties the one that *opts points to when it is not NULL.
 */
int criu_init_opts(void);
void criu_free_opts(void);
int criu_local_init_opts(criu_opts **opts);
void criu_local_free_opts(criu_opts *opts);

/*
 * Who serves. By default a new worker for each request, the program "criu" on
 * $PATH (or, when there is none, "stasis"). An address is that of a service's
 * socket. A descriptor is a connected one; it serves one request, which closes
 * it. NULL means the default: "criu", "./criu_service.socket".
 */
int criu_set_service_address(const char *path);
void criu_set_service_fd(int fd);
int criu_set_service_binary(const char *path);
int criu_local_set_service_address(criu_opts *opts, const char *path);
void criu_local_set_service_fd(criu_opts *opts, int fd);
int criu_local_set_service_binary(criu_opts *opts, const char *path);

/*
 * Options of requests, named and explained as the fields of criu_opts in
 * rpc.proto. The directory of the images must be set to dump and restore;
 * descriptors are the caller's and must stay open during requests. Without a
 * pid a dump is of the calling process. ctrl and extra_opt may be NULL.
 */
void criu_set_pid(int pid);
void criu_set_images_dir_fd(int fd);
void criu_set_work_dir_fd(int fd);
void criu_set_log_level(int level);
void criu_set_cpu_cap(unsigned int cap);
void criu_set_timeout(unsigned int seconds);
void criu_set_ghost_limit(unsigned int bytes);
void criu_set_pidfd_store_sk(int sk);
void criu_set_empty_ns(int namespaces);
void criu_set_leave_running(bool on);
void criu_set_ext_unix_sk(bool on);
void criu_set_tcp_established(bool on);
void criu_set_tcp_skip_in_flight(bool on);
void criu_set_tcp_close(bool on);
void criu_set_weak_sysctls(bool on);
void criu_set_evasive_devices(bool on);
void criu_set_shell_job(bool on);
void criu_set_skip_file_rwx_check(bool on);
void criu_set_unprivileged(bool on);
void criu_set_orphan_pts_master(bool on);
void criu_set_file_locks(bool on);
void criu_set_track_mem(bool on);
void criu_set_auto_dedup(bool on);
void criu_set_force_irmap(bool on);
void criu_set_link_remap(bool on);
void criu_set_manage_cgroups(bool on);
void criu_set_auto_ext_mnt(bool on);
void criu_set_ext_sharing(bool on);
void criu_set_ext_masters(bool on);
void criu_set_mntns_compat_mode(bool on);
void criu_set_manage_cgroups_mode(enum criu_cg_mode mode);
int criu_set_pre_dump_mode(enum criu_pre_dump_mode mode);
int criu_set_network_lock(enum criu_network_lock_method method);
int criu_set_parent_images(const char *path);
int criu_set_log_file(const char *name);
int criu_set_root(const char *path);
int criu_set_freeze_cgroup(const char *path);
int criu_set_lsm_profile(const char *name);
int criu_set_lsm_mount_context(const char *context);
int criu_set_config_file(const char *path);
int criu_set_page_server_address_port(const char *address, int port);
int criu_set_exec_cmd(int argc, char *argv[]);
int criu_add_unix_sk(unsigned int inode);
int criu_add_ext_mount(const char *key, const char *val);
int criu_add_veth_pair(const char *in, const char *out);
int criu_add_cg_root(const char *ctrl, const char *path);
int criu_add_enable_fs(const char *fs);
int criu_add_skip_mnt(const char *mnt);
int criu_add_irmap_path(const char *path);
int criu_add_inherit_fd(int fd, const char *key);
int criu_add_external(const char *key);
int criu_join_ns_add(
	const char *ns, const char *ns_file, const char *extra_opt);
void criu_local_set_pid(criu_opts *opts, int pid);
void criu_local_set_images_dir_fd(criu_opts *opts, int fd);
void criu_local_set_work_dir_fd(criu_opts *opts, int fd);
void criu_local_set_log_level(criu_opts *opts, int level);
void criu_local_set_cpu_cap(criu_opts *opts, unsigned int cap);
void criu_local_set_timeout(criu_opts *opts, unsigned int seconds);
void criu_local_set_ghost_limit(criu_opts *opts, unsigned int bytes);
void criu_local_set_pidfd_store_sk(criu_opts *opts, int sk);
void criu_local_set_empty_ns(criu_opts *opts, int namespaces);
void criu_local_set_leave_running(criu_opts *opts, bool on);
void criu_local_set_ext_unix_sk(criu_opts *opts, bool on);
void criu_local_set_tcp_established(criu_opts *opts, bool on);
void criu_local_set_tcp_skip_in_flight(criu_opts *opts, bool on);
void criu_local_set_tcp_close(criu_opts *opts, bool on);
void criu_local_set_weak_sysctls(criu_opts *opts, bool on);
void criu_local_set_evasive_devices(criu_opts *opts, bool on);
void criu_local_set_shell_job(criu_opts *opts, bool on);
void criu_local_set_skip_file_rwx_check(criu_opts *opts, bool on);
void criu_local_set_unprivileged(criu_opts *opts, bool on);
void criu_local_set_orphan_pts_master(criu_opts *opts, bool on);
void criu_local_set_file_locks(criu_opts *opts, bool on);
void criu_local_set_track_mem(criu_opts *opts, bool on);
void criu_local_set_auto_dedup(criu_opts *opts, bool on);
void criu_local_set_force_irmap(criu_opts *opts, bool on);
void criu_local_set_link_remap(criu_opts *opts, bool on);
void criu_local_set_manage_cgroups(criu_opts *opts, bool on);
void criu_local_set_auto_ext_mnt(criu_opts *opts, bool on);
void criu_local_set_ext_sharing(criu_opts *opts, bool on);
void criu_local_set_ext_masters(criu_opts *opts, bool on);
void criu_local_set_mntns_compat_mode(criu_opts *opts, bool on);
void criu_local_set_manage_cgroups_mode(
	criu_opts *opts, enum criu_cg_mode mode);
int criu_local_set_pre_dump_mode(criu_opts *opts, enum criu_pre_dump_mode mode);
int criu_local_set_network_lock(
	criu_opts *opts, enum criu_network_lock_method method);
int criu_local_set_parent_images(criu_opts *opts, const char *path);
int criu_local_set_log_file(criu_opts *opts, const char *name);
int criu_local_set_root(criu_opts *opts, const char *path);
int criu_local_set_freeze_cgroup(criu_opts *opts, const char *path);
int criu_local_set_lsm_profile(criu_opts *opts, const char *name);
int criu_local_set_lsm_mount_context(criu_opts *opts, const char *context);
int criu_local_set_config_file(criu_opts *opts, const char *path);
int criu_local_set_page_server_address_port(
	criu_opts *opts, const char *address, int port);
int criu_local_set_exec_cmd(criu_opts *opts, int argc, char *argv[]);
int criu_local_add_unix_sk(criu_opts *opts, unsigned int inode);
int criu_local_add_ext_mount(criu_opts *opts, const char *key, const char *val);
int criu_local_add_veth_pair(criu_opts *opts, const char *in, const char *out);
int criu_local_add_cg_root(criu_opts *opts, const char *ctrl, const char *path);
int criu_local_add_enable_fs(criu_opts *opts, const char *fs);
int criu_local_add_skip_mnt(criu_opts *opts, const char *mnt);
int criu_local_add_irmap_path(criu_opts *opts, const char *path);
int criu_local_add_inherit_fd(criu_opts *opts, int fd, const char *key);
int criu_local_add_external(criu_opts *opts, const char *key);
int criu_local_join_ns_add(criu_opts *opts, const char *ns, const char *ns_file,
	const char *extra_opt);
int criu_local_add_cg_props(criu_opts *opts, const char *text);
int criu_local_add_cg_props_file(criu_opts *opts, const char *path);
int criu_local_add_cg_yard(criu_opts *opts, const char *path);
int criu_local_add_cg_dump_controller(criu_opts *opts, const char *name);

/*
 * Notifications: cb is called with the name of each step and may let the
 * operation fail by returning something other than 0; what is below 0 the
 * request then returns. Setting it asks for them.
 */
void criu_set_notify_cb(int (*cb)(char *action, criu_notify_arg_t na));
void criu_local_set_notify_cb(
	criu_opts *opts, int (*cb)(char *action, criu_notify_arg_t na));

/* The root task's pid, as the worker sees it; 0: not told. */
int criu_notify_pid(criu_notify_arg_t na);

/* The pty master that came with "orphan-pts-master", which is the caller's
 * from then on; -1: none came during the last request. */
int criu_get_orphan_pts_master_fd(void);

/*
 * Requests. They return what is said at each, 0 otherwise, or:
 *
 *	-EBADE		the answer is "failed"; errno is the reason, if told
 *	-ECONNREFUSED	no worker or service can be reached; errno says why
 *	-ECOMM		the connection broke, or no message came; errno says how
 *	-EINVAL		the service knows no such request
 *	-EBADMSG	the answer is none to this request
 */
int criu_check(void);
int criu_local_check(criu_opts *opts);

/* 1: this is the copy that a restore of the images has made (only when a
 * process dumps itself). */
int criu_dump(void);
int criu_local_dump(criu_opts *opts);

/* Memory alone; the tasks go on. */
int criu_pre_dump(void);
int criu_local_pre_dump(criu_opts *opts);

/* The pid of the root task. criu_restore_child makes it a child of the
 * caller, which works through a program of our own only, whatever was set. */
int criu_restore(void);
int criu_restore_child(void);
int criu_local_restore(criu_opts *opts);
int criu_local_restore_child(criu_opts *opts);

/* Memory in rounds, then the dump. more() is asked after each round and may
 * change options: > 0 another round, 0 the dump, < 0 ends it and is returned.
 * pi is NULL. -EINVAL: no pid is set. */
int criu_dump_iters(int (*more)(criu_predump_info pi));
int criu_local_dump_iters(criu_opts *opts, int (*more)(criu_predump_info pi));

/*
 * The version of the program that serves: major * 10000 + minor * 100 +
 * sublevel; one that was built between releases counts as the next minor one.
 * criu_check_version says whether it is at least minimum: 1 or 0.
 */
int criu_get_version(void);
int criu_check_version(int minimum);
int criu_local_get_version(criu_opts *opts);
int criu_local_check_version(criu_opts *opts, int minimum);

/* Asks for those that are true and leaves true those that work on this
 * machine. size is that of the caller's structure; -1: it is larger. */
int criu_feature_check(struct criu_feature_check *features, size_t size);
int criu_local_feature_check(
	criu_opts *opts, struct criu_feature_check *features, size_t size);

#ifdef __cplusplus
}
#endif

#endif
