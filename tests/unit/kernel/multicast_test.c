/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/multicast.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test.h"

static const char v4[] =
	"Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
	"1\tlo        :     1      V3\n"
	"\t\t\t\t%s     1 0:00000000\t\t0\n"
	"12\teth0      :     2      V3\n"
	"\t\t\t\t%s     3 0:00000000\t\t0\n"
	"\t\t\t\t%s     1 0:00000000\t\t0\n";

/* As the kernel prints it: the word in memory, as a number. */
static void as_number(const uint8_t bytes[4], char ret[9])
{
	uint32_t word;

	memcpy(&word, bytes, 4);
	snprintf(ret, 9, "%08X", word);
}

TEST(groups_of_IPv4_come_with_the_device_that_they_stand_below)
{
	static const uint8_t all[] = {224, 0, 0, 1}, mdns[] = {224, 0, 0, 251};
	_cleanup_arena_ struct arena *arena = arena_new();
	struct multicast_groups groups = {0};
	char text[512], one[9], two[9];

	as_number(all, one);
	as_number(mdns, two);
	snprintf(text, sizeof(text), v4, one, two, one);
	multicast_scan_v4(arena, text, &groups);
	CHECK_INT(groups.n, 3);
	CHECK_STR(groups.at[0].ifname, "lo");
	CHECK(!memcmp(groups.at[0].address, all, 4));
	CHECK_STR(groups.at[1].ifname, "eth0");
	CHECK_INT(groups.at[1].ifindex, 12);
	CHECK_INT(groups.at[1].family, AF_INET);
	CHECK(!memcmp(groups.at[1].address, mdns, 4));
	CHECK(!memcmp(groups.at[2].address, all, 4));
}

TEST(groups_of_IPv6_are_one_a_line)
{
	static const uint8_t nodes[16] = {0xff, 2, [15] = 1};
	_cleanup_arena_ struct arena *arena = arena_new();
	struct multicast_groups groups = {0};

	multicast_scan_v6(arena,
		"1    lo              ff020000000000000000000000000001     1 "
		"0000000C 0\n"
		"4    eth0            ff02000000000000000000000000000g     1\n"
		"5    wlan0           FF020000000000000000000000000001     2\n",
		&groups);
	CHECK_INT(groups.n, 2);
	CHECK_STR(groups.at[0].ifname, "lo");
	CHECK_INT(groups.at[0].family, AF_INET6);
	CHECK(!memcmp(groups.at[0].address, nodes, 16));
	CHECK_INT(groups.at[1].ifindex, 5);
	CHECK(!memcmp(groups.at[1].address, nodes, 16));
}

TEST(this_hosts_groups_can_be_listed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct multicast_groups groups = {0};
	struct err err = {0};

	CHECK_INT(multicast_list(arena, &groups, &err), 0);
	CHECK_STR(err.text, "");
	for (size_t i = 0; i < groups.n; i++)
		CHECK(groups.at[i].ifindex && groups.at[i].ifname[0]);
}
