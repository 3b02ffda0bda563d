/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the folder of a cgroup is, from what the kernel tells. */
#include "kernel/cgroup.h"

#include <string.h>

#include "test.h"

#define V1(root, options)                                            \
	"35 31 0:32 " root " /sys/fs/cgroup/x rw,relatime shared:9 " \
	"master:1 - cgroup cgroup rw," options
#define V2                                                          \
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 " \
	"rw,nsdelegate"

static void check_place(const char *line, const char *mount, const char *place)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	const char *found = cgroup_place(arena, line, mount);

	CHECK_STR(found ?: "nowhere", place);
}

TEST(a_cgroup_is_below_the_mount_of_its_hierarchy)
{
	check_place("4:memory:/user/a", V1("/", "memory"),
		"/sys/fs/cgroup/x/user/a");
	check_place("4:cpu,cpuacct:/a", V1("/", "cpuacct,cpu"),
		"/sys/fs/cgroup/x/a");
	check_place("1:name=systemd:/a:b", V1("/", "xattr,name=systemd"),
		"/sys/fs/cgroup/x/a:b");
	check_place("0::/user", V2, "/sys/fs/cgroup/unified/user");
	check_place("0::/", V2, "/sys/fs/cgroup/unified/");
}

TEST(another_hierarchy_is_not_taken_for_it)
{
	check_place("4:memory:/a", V1("/", "pids"), "nowhere");
	check_place("4:cpu:/a", V1("/", "cpuset"), "nowhere");
	check_place("4:cpu,pids:/a", V1("/", "cpu"), "nowhere");
	check_place("4:memory:/a", V2, "nowhere");
	check_place("0::/a", V1("/", "memory"), "nowhere");
	check_place(
		"4:memory:/a", "1 2 0:3 / /proc rw - proc proc rw", "nowhere");
}

TEST(what_is_not_mounted_cannot_be_entered)
{
	check_place(
		"4:memory:/in/a", V1("/in", "memory"), "/sys/fs/cgroup/x/a");
	check_place("4:memory:/in", V1("/in", "memory"), "/sys/fs/cgroup/x");
	check_place("4:memory:/inner", V1("/in", "memory"), "nowhere");
	check_place("4:memory:/", V1("/in", "memory"), "nowhere");
	check_place("0::/../other", V2, "nowhere");
	check_place("0::/..", V2, "nowhere");
}

TEST(broken_lines_are_nowhere)
{
	check_place("4:memory", V1("/", "memory"), "nowhere");
	check_place("", V2, "nowhere");
	check_place("0::/a", "", "nowhere");
	check_place("0::/a", "41 31 0:38 / /sys rw cgroup2", "nowhere");
	check_place("0::/a", "41 31 0:38 / /sys rw - cgroup2", "nowhere");
}

TEST(a_text_names_a_cgroup_by_all_of_its_controllers_and_path)
{
	static const char text[] = "4:cpu,cpuacct:/a/b\n1:name=x:/\n0::/c:d";
	const struct {
		struct cgroup_member member;
		bool has;
	} all[] = {
		{{"cpu,cpuacct", "/a/b"}, true},
		{{"name=x", "/"}, true},
		{{"", "/c:d"}, true},
		{{"cpu", "/a/b"}, false},
		{{"cpu,cpuacct", "/a"}, false},
		{{"cpu,cpuacct", "/a/b/c"}, false},
		{{"", "/a/b"}, false},
		{{"", "/c"}, false},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		CHECK_INT(cgroup_has_member(text, &all[i].member), all[i].has);
	CHECK(!cgroup_has_member("", &all[0].member));
}
