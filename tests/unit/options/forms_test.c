/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a form of their own, whether their option is built or not. */
#include <errno.h>

#include "options/table.h"
#include "parse.h"
#include "test.h"

struct set {
	struct arena *arena;
	struct options options;
	struct err err;
};

static int set(struct set *s, const char *name, const char *value)
{
	struct option_row row = *option_find(name, strlen(name), NULL);

	if (!s->arena) {
		s->arena = arena_new();
		options_init(&s->options);
	}
	row.state = OPTION_BUILT;
	return option_set(
		s->arena, &row, false, value, name, &s->options, &s->err);
}

static void set_free(struct set *s)
{
	arena_free(s->arena);
}

#define SET(name) __attribute__((cleanup(set_free))) struct set name = {0}

TEST(external_resources_are_told_by_their_first_letters)
{
	static const char *const later[] = {"mnt[/a]:b", "mnt[]", "dev[1/2]:x",
		"tty[a:b]", "net[5]:x", "veth[a]:b", "macvlan[a]:b",
		"netdev[a]:b", "pid[5]:x", NULL};
	static const char *const wrong[] = {"x", "pipe[7]", "pipe:[]",
		"pipe:[7a]", "pipe:[7", "pipe:[7]x", "file[1]", "file[1:]",
		"file[:1]", "file[1:2]:x", "file[1g:2]", NULL};
	SET(s);

	CHECK_INT(set(&s, "external", "pipe:[77]"), 0);
	CHECK_INT(set(&s, "external", "file[1c:2af]"), 0);
	CHECK_INT(s.options.external.n, 2);
	CHECK_STR(s.options.external.at[0], "pipe:[77]");
	CHECK_STR(s.options.external.at[1], "file[1c:2af]");
	for (int i = 0; later[i]; i++)
		CHECK_INT(set(&s, "external", later[i]), -ENOSYS);
	for (int i = 0; wrong[i]; i++)
		CHECK_INT(set(&s, "external", wrong[i]), -EINVAL);
	CHECK_INT(s.options.external.n, 2);
}

TEST(inherit_fd_is_a_number_and_a_resource)
{
	SET(s);

	CHECK_INT(set(&s, "inherit-fd", "fd[12]:pipe:[77]"), 0);
	CHECK_INT(s.options.inherit_fds.n, 1);
	CHECK_INT(s.options.inherit_fds.at[0].fd, 12);
	CHECK_STR(s.options.inherit_fds.at[0].key, "pipe:[77]");
	CHECK_INT(set(&s, "inherit-fd", "fd[]:x"), -EINVAL);
	CHECK_INT(set(&s, "inherit-fd", "fd[1]:"), -EINVAL);
	CHECK_INT(set(&s, "inherit-fd", "fd[-1]:x"), -EINVAL);
	CHECK_INT(set(&s, "inherit-fd", "3:x"), -EINVAL);
	CHECK_INT(s.options.inherit_fds.n, 1);
}

TEST(join_ns_has_a_name_a_file_and_perhaps_more)
{
	SET(s);

	CHECK_INT(set(&s, "join-ns", "user:/proc/1/ns/user,0,5"), 0);
	CHECK_STR(s.options.join_ns.at[0].key, "user");
	CHECK_STR(s.options.join_ns.at[0].value, "/proc/1/ns/user");
	CHECK_STR(s.options.join_ns.at[0].extra, "0,5");
	CHECK_INT(set(&s, "join-ns", "net:77"), 0);
	CHECK(s.options.join_ns.at[1].extra == NULL);
	CHECK_INT(set(&s, "join-ns", "net"), -EINVAL);
}

TEST(a_cgroup_root_may_leave_out_its_controller)
{
	SET(s);

	CHECK_INT(set(&s, "cgroup-root", "memory:/a"), 0);
	CHECK_INT(set(&s, "cgroup-root", "/b:c"), 0);
	CHECK_STR(s.options.cgroup_roots.at[0].key, "memory");
	CHECK_STR(s.options.cgroup_roots.at[0].value, "/a");
	CHECK_STR(s.options.cgroup_roots.at[1].key, "");
	CHECK_STR(s.options.cgroup_roots.at[1].value, "/b:c");
}

TEST(ext_mount_map_is_auto_or_a_pair)
{
	SET(s);

	CHECK_INT(set(&s, "ext-mount-map", "auto"), 0);
	CHECK(s.options.auto_ext_mounts);
	CHECK_INT(set(&s, "ext-mount-map", "/etc/hosts:/x"), 0);
	CHECK_STR(s.options.ext_mounts.at[0].key, "/etc/hosts");
	CHECK_STR(s.options.ext_mounts.at[0].value, "/x");
	CHECK_INT(set(&s, "ext-mount-map", "x"), -EINVAL);
}

TEST(ext_unix_sk_lists_inodes)
{
	SET(s);

	CHECK_INT(set(&s, "ext-unix-sk", NULL), 0);
	CHECK(s.options.ext_unix);
	CHECK_INT(set(&s, "ext-unix-sk", "5,6"), 0);
	CHECK_INT(s.options.ext_unix_inodes.n, 2);
	CHECK_INT(s.options.ext_unix_inodes.at[1], 6);
	CHECK_INT(set(&s, "ext-unix-sk", "5;6"), -EINVAL);
}

static uint32_t cap_of(const char *value)
{
	SET(s);

	return set(&s, "cpu-cap", value) ? UINT32_MAX : s.options.cpu_cap;
}

TEST(cpu_cap_adds_and_takes_away)
{
	CHECK_INT(cap_of(NULL), CPU_CAP_ALL | CPU_CAP_IMAGE);
	CHECK_INT(cap_of("cpu"), CPU_CAP_ALL | CPU_CAP_IMAGE);
	CHECK_INT(cap_of("^ins"), CPU_CAP_FPU | CPU_CAP_IMAGE);
	CHECK_INT(cap_of("none"), 0);
	CHECK_INT(cap_of("none,cpu"), CPU_CAP_CPU | CPU_CAP_IMAGE);
	CHECK_INT(cap_of("^none"), CPU_CAP_ALL | CPU_CAP_IMAGE);
	CHECK_INT(cap_of("mmx"), UINT32_MAX);
	CHECK_INT(cap_of("fpux"), UINT32_MAX);
}

TEST(manage_cgroups_without_a_mode_is_soft)
{
	SET(s);

	CHECK_INT(set(&s, "manage-cgroups", "full"), 0);
	CHECK_INT(s.options.manage_cgroups, CGROUPS_FULL);
	CHECK_INT(set(&s, "manage-cgroups", "ignore"), 0);
	CHECK_INT(s.options.manage_cgroups, CGROUPS_IGNORE);
	CHECK_INT(set(&s, "manage-cgroups", "gentle"), -EINVAL);
	CHECK_STR(s.err.hint,
		"known are: none, props, soft, full, strict, ignore");
}
