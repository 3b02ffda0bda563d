/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options: everything a run was asked for, parsed whole and checked once.
 *
 * options_parse reads configuration files and the command line into a plain
 * struct that nobody writes to afterwards. Names, letters and meaning are
 * those of the table in options/table.h. Strings live in the arena or in
 * argv. Errors are whole sentences with a hint: EINVAL for what cannot be
 * meant, ENOSYS for what is known but not built.
 */
#ifndef STASIS_OPTIONS_OPTIONS_H
#define STASIS_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

enum verb {
	VERB_NONE,
	VERB_HELP,
	VERB_VERSION,
	VERB_STEPS, /* --fail-at list */
	VERB_DUMP,
	VERB_PRE_DUMP,
	VERB_RESTORE,
	VERB_CHECK,
	VERB_INSPECT,
	VERB_RECOVER,
	VERB_CPUINFO_DUMP,
	VERB_CPUINFO_CHECK,
	VERB_PAGE_SERVER,
	VERB_LAZY_PAGES,
	VERB_SERVICE,
	VERB_SWRK,
	VERB_DEDUP,
	VERBS,
};

/* The numbers are those of RPC (criu_cg_mode). */
enum cgroups_mode {
	CGROUPS_IGNORE,
	CGROUPS_NONE,
	CGROUPS_PROPS,
	CGROUPS_SOFT,
	CGROUPS_FULL,
	CGROUPS_STRICT,
};

/* The numbers are those of RPC; the image counts from 0. */
enum network_lock {
	NETWORK_LOCK_IPTABLES = 1,
	NETWORK_LOCK_NFTABLES = 2,
	NETWORK_LOCK_SKIP = 3,
};

enum pre_dump_mode { PRE_DUMP_SPLICE = 1, PRE_DUMP_READ = 2 };
enum file_validation { VALIDATE_SIZE, VALIDATE_BUILDID };

enum {
	CPU_CAP_FPU = 1,
	CPU_CAP_CPU = 2,
	CPU_CAP_INS = 4,
	CPU_CAP_ALL = 7,
	CPU_CAP_IMAGE = 8,
	CPU_CAP_DEFAULT = CPU_CAP_FPU | CPU_CAP_INS,
	/* Without a name for people: what code may have been chosen by, and
	 * harm that is known. Restore asks that of every image that tells. */
	CPU_CAP_CODE = 16,
};

struct option_words {
	const char **at;
	size_t n, room;
};

/* KEY:VALUE and its relatives; extra is what a second separator cuts off. */
struct option_pair {
	const char *key, *value, *extra;
};

struct option_pairs {
	struct option_pair *at;
	size_t n, room;
};

struct option_inherit {
	int fd;
	const char *key;
};

struct options {
	enum verb verb;
	/* For the log, once it is open: options that mean nothing to the verb;
	 * what is worth a warning. */
	struct option_words notes, warnings;
	enum verb help_for; /* VERB_HELP: of what, or VERB_NONE */

	/* where things are */
	const char *images_dir; /* never NULL */
	const char *work_dir;	/* never NULL; the images dir by default */
	bool piped; /* -D -: standard output or input; by CLI only */
	bool work_dir_given;
	const char *log_file; /* NULL: stderr */
	int verbosity;	      /* 0 none .. 4 debug */
	bool log_pid;
	const char *pidfile;
	const char *prev_images_dir;
	const char *root;
	const char *libdir;
	VEC(int) close_fds;

	/* what becomes of the tasks */
	pid_t tree;
	bool leave_running, leave_stopped;
	bool restore_detached; /* for daemons: go into the background */
	bool restore_sibling;
	bool exec_cmd;
	const char *const *exec_argv; /* NULL-terminated when exec_cmd */
	bool shell_job;
	int timeout; /* seconds for freezing; 0: none */
	const char *freeze_cgroup;
	struct option_words action_scripts; /* in the order given */

	/* files */
	uint64_t ghost_limit; /* bytes */
	bool ghost_fiemap;
	bool file_locks;
	bool link_remap;
	bool evasive_devices;
	bool skip_file_rwx_check;
	bool allow_grown_files;
	enum file_validation file_validation;
	bool force_irmap;
	struct option_words irmap_scan_paths;
	struct option_words external;
	VEC(struct option_inherit) inherit_fds;
	bool ext_unix;
	VEC(uint32_t) ext_unix_inodes;

	/* network */
	bool tcp_established, tcp_close, skip_in_flight;
	enum network_lock network_lock;
	bool weak_sysctls;
	struct option_pairs veth_pairs; /* inside, outside */

	/* namespaces, mounts, cgroups, security modules */
	struct option_pairs ext_mounts;
	bool auto_ext_mounts, external_sharing, external_masters;
	struct option_words skip_mounts, enable_fs;
	bool mntns_compat_mode;
	struct option_pairs join_ns; /* namespace, PID or file, options */
	bool empty_net;
	enum cgroups_mode manage_cgroups;
	struct option_pairs cgroup_roots; /* controller or "", path */
	const char *cgroup_props, *cgroup_props_file, *cgroup_yard;
	struct option_words cgroup_dump_controllers;
	struct option_pairs lsm_profiles; /* module, profile */
	const char *lsm_mount_context;

	/* memory */
	bool track_mem, auto_dedup, lazy_pages, stream;
	enum pre_dump_mode pre_dump_mode;
	bool page_server;
	const char *address;
	int port, ps_fd, status_fd;
	bool any_port; /* port 0: the kernel chooses; only by RPC */
	bool tls, tls_no_cn_verify;
	const char *tls_cacert, *tls_cacrl, *tls_cert, *tls_key;

	/* machine and privileges */
	uint32_t cpu_cap; /* CPU_CAP_* bits */
	bool unprivileged;
	bool allow_uprobes;

	/* what is shown */
	bool display_stats;
	bool plan, json, stacks;
	const char *fail_at; /* name of a step */

	/* check */
	bool check_extra, check_experimental, check_all;
	struct option_words features;

	/* cpuinfo check: files and directories to compare */
	struct option_words against;

	/* service */
	const char *allow_users, *allow_group;
	int max_workers, request_timeout;

	int swrk_fd;
	bool no_default_config;
	const char *config_file;
	bool deprecated;
};

/* All defaults, no verb. */
void options_init(struct options *ret);

int options_parse(struct arena *arena, int argc, char **argv,
	struct options *ret, struct err *err);

/* Applies a configuration file, or (path NULL) those that are read without
 * being asked for, to options whose verb is set. */
int options_apply_config(struct arena *arena, const char *path,
	struct options *ret, struct err *err);

/* What no single option can know: what is missing, what contradicts. Called
 * by options_parse; others that fill a struct options call it themselves. */
int options_check(const struct options *options, struct err *err);

#endif
