/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every field of criu_opts either takes effect or is refused in words. */
#include "service/wish.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "options/table.h"
#include "test.h"

struct wish_case {
	const char *field;
	enum verb verb;
	void (*fill)(CriuOpts *opts);
	/* What shows the effect; NULL: refused with words. */
	bool (*shows)(const struct wish *wish);
	const char *words;
};

#define FILL(name, ...)                      \
	static void fill_##name(CriuOpts *o) \
	{                                    \
		__VA_ARGS__;                 \
	}
#define SHOWS(name, cond)                              \
	static bool shows_##name(const struct wish *w) \
	{                                              \
		return cond;                           \
	}
#define SET(name, value) FILL(name, o->has_##name = true; o->name = value)
#define TEXT(name, value) FILL(name, o->name = (char *)value)
#define WORDS(name, value)                                                  \
	FILL(name, static char *words[] = {(char *)value}; o->name = words; \
		o->n_##name = 1)
#define MESSAGES(name, type, init, ...)                                  \
	FILL(name, static type one = init; static type * all[] = {&one}; \
		__VA_ARGS__; o->name = all; o->n_##name = 1)

FILL(images_dir_fd, o->images_dir_fd = 7)
SHOWS(images_dir_fd, w->images_fd == 7)
TEXT(images_dir, "/img")
SHOWS(images_dir, !strcmp(w->options.images_dir, "/img"))
SET(pid, 42)
SHOWS(pid, w->options.tree == 42 && !w->self)
SET(leave_running, true)
SHOWS(leave_running, w->options.leave_running)
SET(ext_unix_sk, true)
SHOWS(ext_unix_sk, w->options.ext_unix)
SET(tcp_established, true)
SHOWS(tcp_established, w->options.tcp_established)
SET(evasive_devices, true)
SHOWS(evasive_devices, w->options.evasive_devices)
SET(shell_job, true)
SHOWS(shell_job, w->options.shell_job)
SET(file_locks, true)
SHOWS(file_locks, w->options.file_locks)
SET(log_level, 4)
SHOWS(log_level, w->options.verbosity == 4)
TEXT(log_file, "a.log")
SHOWS(log_file, !strcmp(w->options.log_file, "a.log"))
FILL(ps, static CriuPageServerInfo ps = CRIU_PAGE_SERVER_INFO__INIT;
	o->ps = &ps)
SHOWS(ps, w->options.page_server)
SET(notify_scripts, true)
SHOWS(notify_scripts, w->notify)
TEXT(root, "/root")
SHOWS(root, !strcmp(w->options.root, "/root"))
TEXT(parent_img, "../prev")
SHOWS(parent_img, !strcmp(w->options.prev_images_dir, "../prev"))
SET(track_mem, true)
SHOWS(track_mem, w->options.track_mem)
SET(auto_dedup, true)
SHOWS(auto_dedup, w->options.auto_dedup)
SET(work_dir_fd, 8)
SHOWS(work_dir_fd, w->work_fd == 8)
SET(link_remap, true)
SHOWS(link_remap, w->options.link_remap)
MESSAGES(veths, CriuVethPair, CRIU_VETH_PAIR__INIT, one.if_in = (char *)"in";
	 one.if_out = (char *)"out")
SHOWS(veths, !strcmp(w->options.veth_pairs.at[0].value, "out"))
SET(cpu_cap, CPU_CAP_CPU)
SHOWS(cpu_cap, w->options.cpu_cap == (CPU_CAP_CPU | CPU_CAP_IMAGE))
SET(force_irmap, true)
SHOWS(force_irmap, w->options.force_irmap)
WORDS(exec_cmd, "true")
SHOWS(exec_cmd, !strcmp(w->exec_argv[0], "true") && !w->exec_argv[1])
MESSAGES(ext_mnt, ExtMountMap, EXT_MOUNT_MAP__INIT, one.key = (char *)"key";
	 one.val = (char *)"val")
SHOWS(ext_mnt, !strcmp(w->options.ext_mounts.at[0].key, "key"))
SET(manage_cgroups, true)
SHOWS(manage_cgroups, w->options.manage_cgroups == CGROUPS_SOFT)
MESSAGES(cg_root, CgroupRoot, CGROUP_ROOT__INIT, one.path = (char *)"/x")
SHOWS(cg_root, !strcmp(w->options.cgroup_roots.at[0].key, ""))
SET(rst_sibling, true)
SHOWS(rst_sibling, w->options.restore_sibling)
MESSAGES(inherit_fd, InheritFd, INHERIT_FD__INIT, one.key = (char *)"k")
SHOWS(inherit_fd, !strcmp(w->options.inherit_fds.at[0].key, "k"))
SET(auto_ext_mnt, true)
SHOWS(auto_ext_mnt, w->options.auto_ext_mounts)
SET(ext_sharing, true)
SHOWS(ext_sharing, w->options.external_sharing)
SET(ext_masters, true)
SHOWS(ext_masters, w->options.external_masters)
WORDS(skip_mnt, "/mnt")
SHOWS(skip_mnt, w->options.skip_mounts.n == 1)
WORDS(enable_fs, "xfs")
SHOWS(enable_fs, w->options.enable_fs.n == 1)
MESSAGES(unix_sk_ino, UnixSk, UNIX_SK__INIT, one.inode = 5)
SHOWS(unix_sk_ino, w->options.ext_unix_inodes.at[0] == 5)
SET(manage_cgroups_mode, CRIU_CG_MODE__FULL)
SHOWS(manage_cgroups_mode, w->options.manage_cgroups == CGROUPS_FULL)
SET(ghost_limit, 123456)
SHOWS(ghost_limit, w->options.ghost_limit == 123456)
WORDS(irmap_scan_paths, "/a")
SHOWS(irmap_scan_paths, w->options.irmap_scan_paths.n == 1)
WORDS(external, "pipe:[7]")
SHOWS(external, w->options.external.n == 1)
SET(empty_ns, CLONE_NEWNET)
SHOWS(empty_ns, w->options.empty_net)
MESSAGES(join_ns, JoinNamespace, JOIN_NAMESPACE__INIT, one.ns = (char *)"net";
	 one.ns_file = (char *)"12")
SHOWS(join_ns, !strcmp(w->options.join_ns.at[0].value, "12"))
TEXT(cgroup_props, "props")
SHOWS(cgroup_props, !strcmp(w->options.cgroup_props, "props"))
TEXT(cgroup_props_file, "file")
SHOWS(cgroup_props_file, !strcmp(w->options.cgroup_props_file, "file"))
WORDS(cgroup_dump_controller, "cpu")
SHOWS(cgroup_dump_controller, w->options.cgroup_dump_controllers.n == 1)
TEXT(freeze_cgroup, "/cg")
SHOWS(freeze_cgroup, !strcmp(w->options.freeze_cgroup, "/cg"))
SET(timeout, 77)
SHOWS(timeout, w->options.timeout == 77)
SET(tcp_skip_in_flight, true)
SHOWS(tcp_skip_in_flight, w->options.skip_in_flight)
SET(weak_sysctls, true)
SHOWS(weak_sysctls, w->options.weak_sysctls)
SET(lazy_pages, true)
SHOWS(lazy_pages, w->options.lazy_pages)
SET(status_fd, 3)
SHOWS(status_fd, w->options.status_fd == 3)
SET(orphan_pts_master, true)
TEXT(config_file, "/conf")
SHOWS(config_file, !strcmp(w->config_file, "/conf"))
SET(tcp_close, true)
SHOWS(tcp_close, w->options.tcp_close)
TEXT(lsm_profile, "apparmor:x")
SHOWS(lsm_profile, !strcmp(w->options.lsm_profiles.at[0].value, "x"))
TEXT(tls_cacert, "a")
SHOWS(tls_cacert, w->options.tls_cacert)
TEXT(tls_cacrl, "a")
SHOWS(tls_cacrl, w->options.tls_cacrl)
TEXT(tls_cert, "a")
SHOWS(tls_cert, w->options.tls_cert)
TEXT(tls_key, "a")
SHOWS(tls_key, w->options.tls_key)
SET(tls, true)
SHOWS(tls, w->options.tls)
SET(tls_no_cn_verify, true)
SHOWS(tls_no_cn_verify, w->options.tls_no_cn_verify)
TEXT(cgroup_yard, "/y")
SHOWS(cgroup_yard, !strcmp(w->options.cgroup_yard, "/y"))
SET(pre_dump_mode, CRIU_PRE_DUMP_MODE__VM_READ)
SHOWS(pre_dump_mode, w->options.pre_dump_mode == PRE_DUMP_READ)
SET(pidfd_store_sk, 3)
SHOWS(pidfd_store_sk, !w->unused.n)
TEXT(lsm_mount_context, "ctx")
SHOWS(lsm_mount_context, !strcmp(w->options.lsm_mount_context, "ctx"))
SET(network_lock, CRIU_NETWORK_LOCK_METHOD__NFTABLES)
SHOWS(network_lock, w->options.network_lock == NETWORK_LOCK_NFTABLES)
SET(mntns_compat_mode, true)
SHOWS(mntns_compat_mode, w->options.mntns_compat_mode)
SET(skip_file_rwx_check, true)
SHOWS(skip_file_rwx_check, w->options.skip_file_rwx_check)
SET(unprivileged, true)
SHOWS(unprivileged, w->options.unprivileged)
SET(leave_stopped, true)
SHOWS(leave_stopped, w->options.leave_stopped)
SET(display_stats, true)
SHOWS(display_stats, w->options.display_stats)
SET(log_to_stderr, true)
SHOWS(log_to_stderr, w->log_to_stderr)

#define DOES(name)                                                \
	{                                                         \
#name, VERB_DUMP, fill_##name, shows_##name, NULL \
	}
#define DOES_IN(name, verb)                                  \
	{                                                    \
#name, verb, fill_##name, shows_##name, NULL \
	}
/* Its row in the option table says whether it is built. */
#define AS_ROW(name)                                                     \
	{                                                                \
#name, VERB_DUMP, fill_##name, shows_##name, "not built" \
	}
#define AS_ROW_IN(name, verb)                                       \
	{                                                           \
#name, verb, fill_##name, shows_##name, "not built" \
	}
#define REFUSED(name, words)                               \
	{                                                  \
#name, VERB_DUMP, fill_##name, NULL, words \
	}

static const struct wish_case wish_cases[] = {DOES(images_dir_fd),
	DOES(images_dir), DOES(pid), DOES(leave_running), AS_ROW(ext_unix_sk),
	AS_ROW(tcp_established), DOES(evasive_devices), DOES(shell_job),
	AS_ROW(file_locks), DOES(log_level), DOES(log_file), AS_ROW(ps),
	DOES(notify_scripts), DOES(root), AS_ROW(parent_img), AS_ROW(track_mem),
	AS_ROW(auto_dedup), DOES(work_dir_fd), AS_ROW(link_remap),
	AS_ROW(veths), AS_ROW(cpu_cap), AS_ROW(force_irmap),
	DOES_IN(exec_cmd, VERB_RESTORE), AS_ROW(ext_mnt),
	AS_ROW(manage_cgroups), AS_ROW(cg_root),
	DOES_IN(rst_sibling, VERB_RESTORE), DOES_IN(inherit_fd, VERB_RESTORE),
	AS_ROW(auto_ext_mnt), AS_ROW(ext_sharing), AS_ROW(ext_masters),
	AS_ROW(skip_mnt), AS_ROW(enable_fs), AS_ROW(unix_sk_ino),
	AS_ROW(manage_cgroups_mode), DOES(ghost_limit),
	AS_ROW(irmap_scan_paths), DOES(external), AS_ROW(empty_ns),
	AS_ROW(join_ns), AS_ROW(cgroup_props), AS_ROW(cgroup_props_file),
	AS_ROW(cgroup_dump_controller), AS_ROW(freeze_cgroup), DOES(timeout),
	AS_ROW(tcp_skip_in_flight), AS_ROW(weak_sysctls), AS_ROW(lazy_pages),
	DOES(status_fd), REFUSED(orphan_pts_master, "terminals"),
	DOES(config_file), AS_ROW(tcp_close), AS_ROW(lsm_profile),
	AS_ROW(tls_cacert), AS_ROW(tls_cacrl), AS_ROW(tls_cert),
	AS_ROW(tls_key), AS_ROW(tls), AS_ROW(tls_no_cn_verify),
	AS_ROW(cgroup_yard), AS_ROW(pre_dump_mode), DOES(pidfd_store_sk),
	AS_ROW(lsm_mount_context), AS_ROW(network_lock),
	AS_ROW(mntns_compat_mode), DOES(skip_file_rwx_check),
	DOES(unprivileged), DOES(leave_stopped), DOES(display_stats),
	DOES(log_to_stderr), {}};

static int read_wish(struct arena *arena, enum verb verb, const CriuOpts *opts,
	bool inherited, struct wish *ret, struct err *err)
{
	*err = (struct err){0};
	wish_init(ret, verb);
	return wish_read(arena, opts, inherited, ret, err);
}

static void check_case(const struct wish_case *c)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;
	int rc;

	c->fill(&opts);
	rc = read_wish(arena, c->verb, &opts, true, &wish, &err);
	if (rc && c->words) {
		CHECK_INT(rc, -ENOSYS);
		CHECK(strstr(err.text, c->words) && strstr(err.text, c->field));
		return;
	}
	CHECK_STR(err.text, "");
	CHECK(c->shows && c->shows(&wish));
	CHECK_INT(wish.unused.n, 0);
}

TEST(every_field_takes_effect_or_is_refused_by_name)
{
	for (const struct wish_case *c = wish_cases; c->field; c++)
		check_case(c);
}

static bool case_known(const char *field)
{
	for (const struct wish_case *c = wish_cases; c->field; c++)
		if (!strcmp(c->field, field))
			return true;
	return false;
}

TEST(there_is_a_case_for_every_field_of_criu_opts)
{
	for (unsigned i = 0; i < criu_opts__descriptor.n_fields; i++)
		CHECK(case_known(criu_opts__descriptor.fields[i].name));
}

TEST(an_empty_request_leaves_all_defaults)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct options defaults;
	struct wish wish;
	struct err err;

	options_init(&defaults);
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), 0);
	CHECK(wish.self && wish.images_fd == -1 && wish.work_fd == -1);
	defaults.verb = VERB_DUMP;
	defaults.work_dir = NULL;
	CHECK(!memcmp(&defaults, &wish.options, sizeof(defaults)));
	CHECK_INT(read_wish(arena, VERB_DUMP, NULL, false, &wish, &err), 0);
}

TEST(false_and_empty_ask_for_nothing)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	opts.has_tcp_established = opts.has_file_locks = true;
	opts.has_orphan_pts_master = opts.has_auto_ext_mnt = true;
	opts.has_lazy_pages = opts.has_empty_ns = true;
	opts.parent_img = (char *)"";
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), 0);
	CHECK_INT(wish.unused.n, 0);
}

TEST(false_takes_back_what_a_file_said)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;

	wish_init(&wish, VERB_DUMP);
	wish.options.shell_job = wish.options.leave_running = true;
	opts.has_shell_job = opts.has_leave_running = true;
	CHECK_INT(wish_read(arena, &opts, false, &wish, ERR_UNREAD), 0);
	CHECK(!wish.options.shell_job && !wish.options.leave_running);
}

TEST(cgroups_may_be_ignored)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	opts.has_manage_cgroups = true;
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), 0);
	CHECK_INT(wish.options.manage_cgroups, CGROUPS_IGNORE);
	opts.manage_cgroups = opts.has_manage_cgroups_mode = true;
	opts.manage_cgroups_mode = CRIU_CG_MODE__IGNORE;
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), 0);
	CHECK_INT(wish.options.manage_cgroups, CGROUPS_IGNORE);
	opts.manage_cgroups_mode = 9;
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err),
		-EINVAL);
}

TEST(fields_for_another_request_are_listed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	fill_rst_sibling(&opts);
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), 0);
	CHECK_INT(wish.unused.n, 1);
	CHECK_STR(wish.unused.at[0], "rst_sibling");
}

TEST(fields_of_swrk_are_not_for_clients_of_a_service)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT, more = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	fill_rst_sibling(&opts);
	CHECK_INT(read_wish(arena, VERB_RESTORE, &opts, false, &wish, &err),
		-EPERM);
	fill_inherit_fd(&more);
	CHECK_INT(read_wish(arena, VERB_RESTORE, &more, false, &wish, &err),
		-EPERM);
}

TEST(numbers_out_of_range_are_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts;
	struct wish wish;
	struct err err;

#define WRONG(set)                                                        \
	criu_opts__init(&opts);                                           \
	set;                                                              \
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err), \
		-EINVAL)
	WRONG(opts.has_pid = true);
	WRONG(opts.has_pid = true; opts.pid = -3);
	WRONG(opts.has_log_level = true; opts.log_level = -1);
	WRONG(opts.images_dir_fd = -2);
	WRONG(opts.has_timeout = true; opts.timeout = UINT32_MAX);
	WRONG(opts.has_empty_ns = true; opts.empty_ns = CLONE_NEWUSER);
	WRONG(opts.log_file = (char *)"a/b");
}

TEST(a_field_that_nobody_knows_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	ProtobufCMessageUnknownField field = {.tag = 99};
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	opts.base.n_unknown_fields = 1;
	opts.base.unknown_fields = &field;
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err),
		-EINVAL);
	CHECK(strstr(err.text, "99"));
}

TEST(the_first_failure_is_told_and_the_log_is_found_all_the_same)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts opts = CRIU_OPTS__INIT;
	struct wish wish;
	struct err err;

	fill_pidfd_store_sk(&opts);
	fill_orphan_pts_master(&opts);
	fill_images_dir(&opts);
	CHECK_INT(read_wish(arena, VERB_DUMP, &opts, false, &wish, &err),
		-ENOSYS);
	CHECK(strstr(err.text, "orphan_pts_master"));
	CHECK_STR(wish.options.images_dir, "/img");
}

/* All that a client can say at once. */
static size_t everything_pack(uint8_t *bytes, size_t room)
{
	CriuOpts opts = CRIU_OPTS__INIT;

	for (const struct wish_case *c = wish_cases; c->field; c++)
		c->fill(&opts);
	CHECK(criu_opts__get_packed_size(&opts) <= room);
	return criu_opts__pack(&opts, bytes);
}

static void check_damaged(const uint8_t *bytes, size_t size, enum verb verb)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	CriuOpts *opts = criu_opts__unpack(NULL, size, bytes);
	struct wish wish;
	struct err err;

	if (!opts)
		return;
	if (read_wish(arena, verb, opts, true, &wish, &err))
		CHECK(err.code > 0 && err.text[0]);
	criu_opts__free_unpacked(opts, NULL);
}

TEST(every_flipped_bit_of_a_full_request_is_read_or_refused)
{
	uint8_t bytes[2048];
	size_t size = everything_pack(bytes, sizeof(bytes));

	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		check_damaged(bytes, size, VERB_DUMP);
		check_damaged(bytes, size, VERB_RESTORE);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}
