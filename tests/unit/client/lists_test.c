/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that are lists or have parts, and that nothing was forgotten. */
#include "fake.h"
#include "test.h"

#include <stdint.h>

static char *command[] = {(char *)"/bin/echo", (char *)"a b", NULL};

/* All lists, by one twin or the other. */
static void lists_set_local(criu_opts *opts)
{
	CHECK_INT(criu_local_add_unix_sk(opts, 9), 0);
	CHECK_INT(criu_local_add_unix_sk(opts, 10), 0);
	CHECK_INT(criu_local_add_ext_mount(opts, "k", "v"), 0);
	CHECK_INT(criu_local_add_ext_mount(opts, "k2", "v2"), 0);
	CHECK_INT(criu_local_add_veth_pair(opts, "i", "o"), 0);
	CHECK_INT(criu_local_add_cg_root(opts, "c", "/p"), 0);
	CHECK_INT(criu_local_add_cg_root(opts, NULL, "/p"), 0);
	CHECK_INT(criu_local_add_inherit_fd(opts, 3, "pipe:[1]"), 0);
	CHECK_INT(criu_local_join_ns_add(opts, "net", "/n", "e"), 0);
	CHECK_INT(criu_local_join_ns_add(opts, "net", "/n", NULL), 0);
	CHECK_INT(criu_local_set_page_server_address_port(opts, "::1", 55), 0);
	CHECK_INT(criu_local_set_exec_cmd(opts, 2, command), 0);
}

static void lists_set_global(void)
{
	CHECK_INT(criu_add_unix_sk(9), 0);
	CHECK_INT(criu_add_unix_sk(10), 0);
	CHECK_INT(criu_add_ext_mount("k", "v"), 0);
	CHECK_INT(criu_add_ext_mount("k2", "v2"), 0);
	CHECK_INT(criu_add_veth_pair("i", "o"), 0);
	CHECK_INT(criu_add_cg_root("c", "/p"), 0);
	CHECK_INT(criu_add_cg_root(NULL, "/p"), 0);
	CHECK_INT(criu_add_inherit_fd(3, "pipe:[1]"), 0);
	CHECK_INT(criu_join_ns_add("net", "/n", "e"), 0);
	CHECK_INT(criu_join_ns_add("net", "/n", NULL), 0);
	CHECK_INT(criu_set_page_server_address_port("::1", 55), 0);
	CHECK_INT(criu_set_exec_cmd(2, command), 0);
}

static const char lists_want[] = "2001" /* ext_unix_sk, said by unix_sk_ino */
				 "5a07"
				 "0a033a3a31"
				 "1037" /* ps */
				 "9a0106"
				 "0a0169"
				 "12016f" /* veths */
				 "b20109"
				 "2f62696e2f6563686f"
				 "b20103"
				 "612062" /* exec_cmd */
				 "ba0106"
				 "0a016b"
				 "120176"
				 "ba0108"
				 "0a026b32"
				 "12027632" /* ext_mnt */
				 "ca0107"
				 "0a0163"
				 "12022f70"
				 "ca0104"
				 "12022f70" /* cg_root */
				 "da010c"
				 "0a08706970653a5b315d"
				 "1003" /* inherit_fd */
				 "8a0202"
				 "0809"
				 "8a0202"
				 "080a" /* unix_sk_ino */
				 "ba020c"
				 "0a036e6574"
				 "12022f6e"
				 "1a0165"
				 "ba0209"
				 "0a036e6574"
				 "12022f6e"; /* join_ns */

TEST(lists_reach_the_message_in_their_order)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	lists_set_local(opts);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_STR(fake_dump_opts(&fake), lists_want);
	fake_close(&fake, opts);
	criu_init_opts();
	criu_set_service_fd(fake_open(&fake));
	lists_set_global();
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_dump(), 0);
	CHECK_STR(fake_dump_opts(&fake), lists_want);
	close(fake.fd);
	criu_free_opts();
}

TEST(a_later_command_and_page_server_replace_the_earlier)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	CHECK_INT(criu_local_set_exec_cmd(opts, 2, command), 0);
	CHECK_INT(criu_local_set_exec_cmd(opts, 1, command + 1), 0);
	CHECK_INT(criu_local_set_page_server_address_port(opts, "::1", 1), 0);
	CHECK_INT(criu_local_set_page_server_address_port(opts, "x", 2), 0);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_STR(fake_dump_opts(&fake), "5a050a01781002"
					 "b20103612062");
	fake_close(&fake, opts);
}

TEST(a_part_that_is_missing_changes_nothing)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	CHECK_INT(criu_local_add_ext_mount(opts, NULL, "v"), -1);
	CHECK_INT(criu_local_add_ext_mount(opts, "k", NULL), -1);
	CHECK_INT(criu_local_add_veth_pair(opts, "i", NULL), -1);
	CHECK_INT(criu_local_add_cg_root(opts, "c", NULL), -1);
	CHECK_INT(criu_local_add_inherit_fd(opts, 3, NULL), -1);
	CHECK_INT(criu_local_join_ns_add(opts, NULL, "/n", NULL), -1);
	CHECK_INT(criu_local_join_ns_add(opts, "net", NULL, NULL), -1);
	CHECK_INT(criu_local_set_page_server_address_port(opts, NULL, 1), -1);
	CHECK_INT(criu_local_set_exec_cmd(opts, 3, command), -1);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_STR(fake_dump_opts(&fake), "");
	fake_close(&fake, opts);
}
