/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is set goes into the request, byte by byte, by both twins of a
 * function; the field numbers are those of rpc.proto. */
#include "fake.h"
#include "test.h"

#include <stdint.h>

struct flag_row {
	void (*local)(criu_opts *opts, bool on);
	void (*global)(bool on);
	const char *want;
};

struct text_row {
	int (*local)(criu_opts *opts, const char *text);
	int (*global)(const char *text); /* NULL: there is none */
	const char *want;
};

struct number_row {
	void (*local)(criu_opts *opts, int number);
	void (*global)(int number);
	const char *want;
};

struct size_row {
	void (*local)(criu_opts *opts, unsigned int number);
	void (*global)(unsigned int number);
	const char *want;
};

#define TWINS(name) criu_local_##name, criu_##name

static const struct flag_row flag_rows[] = {
	{TWINS(set_leave_running), "1801"},
	{TWINS(set_ext_unix_sk), "2001"},
	{TWINS(set_tcp_established), "2801"},
	{TWINS(set_tcp_skip_in_flight), "f00201"},
	{TWINS(set_tcp_close), "a00301"},
	{TWINS(set_weak_sysctls), "f80201"},
	{TWINS(set_evasive_devices), "3001"},
	{TWINS(set_shell_job), "3801"},
	{TWINS(set_skip_file_rwx_check), "900401"},
	{TWINS(set_unprivileged), "980401"},
	{TWINS(set_orphan_pts_master), "900301"},
	{TWINS(set_file_locks), "4001"},
	{TWINS(set_track_mem), "7801"},
	{TWINS(set_auto_dedup), "800101"},
	{TWINS(set_force_irmap), "a80101"},
	{TWINS(set_link_remap), "900101"},
	{TWINS(set_manage_cgroups), "c00101"},
	{TWINS(set_auto_ext_mnt), "e00101"},
	{TWINS(set_ext_sharing), "e80101"},
	{TWINS(set_ext_masters), "f00101"},
	{TWINS(set_mntns_compat_mode), "880401"},
};

static const struct text_row text_rows[] = {
	{TWINS(set_parent_images), "720178"},
	{TWINS(set_log_file), "520178"},
	{TWINS(set_root), "6a0178"},
	{TWINS(set_freeze_cgroup), "e2020178"},
	{TWINS(set_lsm_profile), "aa030178"},
	{TWINS(set_lsm_mount_context), "fa030178"},
	{TWINS(set_config_file), "9a030178"},
	{TWINS(add_enable_fs), "82020178"},
	{TWINS(add_skip_mnt), "fa010178"},
	{TWINS(add_irmap_path), "a2020178"},
	{TWINS(add_external), "aa020178"},
	{criu_local_add_cg_props, NULL, "ca020178"},
	{criu_local_add_cg_props_file, NULL, "d2020178"},
	{criu_local_add_cg_dump_controller, NULL, "da020178"},
	{criu_local_add_cg_yard, NULL, "e2030178"},
};

/* Set to 5. */
static const struct number_row number_rows[] = {
	{TWINS(set_work_dir_fd), "880105"},
	{TWINS(set_pid), "1005"},
	{TWINS(set_log_level), "4805"},
	{TWINS(set_pidfd_store_sk), "f00305"},
	{TWINS(set_empty_ns), "b00205"},
};

static const struct size_row size_rows[] = {
	{TWINS(set_cpu_cap), "a00105"},
	{TWINS(set_timeout), "e80205"},
	{TWINS(set_ghost_limit), "980205"},
};

/* Sends what is set and says what the message has of it. */
static const char *local_sent(struct fake *fake, criu_opts *opts)
{
	fake_answer(fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	return fake_dump_opts(fake);
}

static const char *global_sent(struct fake *fake)
{
	fake_answer(fake, DUMP_DONE);
	CHECK_INT(criu_dump(), 0);
	return fake_dump_opts(fake);
}

static void global_begin(struct fake *ret_fake)
{
	CHECK_INT(criu_init_opts(), 0);
	criu_set_service_fd(fake_open(ret_fake));
}

static void global_end(struct fake *fake)
{
	close(fake->fd);
	criu_free_opts();
}

#define EACH(row, rows) \
	(size_t i = 0; row = &rows[i], i < sizeof(rows) / sizeof(*rows); i++)

TEST(flags_reach_the_message)
{
	const struct flag_row *row;

	for
		EACH(row, flag_rows)
		{
			struct fake fake;
			criu_opts *opts = fake_opts(&fake);

			row->local(opts, true);
			CHECK_STR(local_sent(&fake, opts), row->want);
			fake_close(&fake, opts);
			global_begin(&fake);
			row->global(true);
			CHECK_STR(global_sent(&fake), row->want);
			global_end(&fake);
		}
}

TEST(a_flag_that_is_set_to_no_is_said)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	criu_local_set_leave_running(opts, true);
	criu_local_set_leave_running(opts, false);
	CHECK_STR(local_sent(&fake, opts), "1800");
	fake_close(&fake, opts);
}

TEST(texts_reach_the_message)
{
	const struct text_row *row;

	for
		EACH(row, text_rows)
		{
			struct fake fake;
			criu_opts *opts = fake_opts(&fake);

			CHECK_INT(row->local(opts, "x"), 0);
			CHECK_INT(row->local(opts, NULL), -1);
			CHECK_STR(local_sent(&fake, opts), row->want);
			fake_close(&fake, opts);
			if (!row->global)
				continue;
			global_begin(&fake);
			CHECK_INT(row->global("x"), 0);
			CHECK_STR(global_sent(&fake), row->want);
			global_end(&fake);
		}
}

TEST(numbers_reach_the_message)
{
	const struct number_row *row;

	for
		EACH(row, number_rows)
		{
			struct fake fake;
			criu_opts *opts = fake_opts(&fake);

			row->local(opts, 5);
			CHECK_STR(local_sent(&fake, opts), row->want);
			fake_close(&fake, opts);
			global_begin(&fake);
			row->global(5);
			CHECK_STR(global_sent(&fake), row->want);
			global_end(&fake);
		}
}

TEST(sizes_reach_the_message)
{
	const struct size_row *row;

	for
		EACH(row, size_rows)
		{
			struct fake fake;
			criu_opts *opts = fake_opts(&fake);

			row->local(opts, 5);
			CHECK_STR(local_sent(&fake, opts), row->want);
			fake_close(&fake, opts);
			global_begin(&fake);
			row->global(5);
			CHECK_STR(global_sent(&fake), row->want);
			global_end(&fake);
		}
}

TEST(the_directory_of_images_is_always_said)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	criu_local_set_images_dir_fd(opts, 5);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	CHECK_STR(fake_request(&fake), "080112020805");
	fake_close(&fake, opts);
	global_begin(&fake);
	criu_set_images_dir_fd(5);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_dump(), 0);
	CHECK_STR(fake_request(&fake), "080112020805");
	global_end(&fake);
}

TEST(modes_reach_the_message_and_unknown_ones_do_not)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	criu_local_set_manage_cgroups_mode(opts, CRIU_CG_MODE_STRICT);
	CHECK_INT(criu_local_set_pre_dump_mode(opts, CRIU_PRE_DUMP_READ), 0);
	CHECK_INT(criu_local_set_network_lock(opts, CRIU_NETWORK_LOCK_SKIP), 0);
	CHECK_INT(criu_local_set_pre_dump_mode(opts, 0), -1);
	CHECK_INT(criu_local_set_pre_dump_mode(opts, 3), -1);
	CHECK_INT(criu_local_set_network_lock(opts, 0), -1);
	CHECK_INT(criu_local_set_network_lock(opts, 4), -1);
	CHECK_STR(local_sent(&fake, opts), "900205e80302800403");
	fake_close(&fake, opts);
	global_begin(&fake);
	criu_set_manage_cgroups_mode(CRIU_CG_MODE_STRICT);
	CHECK_INT(criu_set_pre_dump_mode(CRIU_PRE_DUMP_READ), 0);
	CHECK_INT(criu_set_network_lock(CRIU_NETWORK_LOCK_SKIP), 0);
	CHECK_STR(global_sent(&fake), "900205e80302800403");
	global_end(&fake);
}

TEST(empty_set_of_options_says_nothing)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);

	criu_local_set_log_level(opts, 4);
	CHECK_INT(criu_local_add_external(opts, "x"), 0);
	CHECK_INT(criu_local_init_opts(&opts), 0);
	close(fake.fd);
	criu_local_set_service_fd(opts, fake_open(&fake));
	CHECK_STR(local_sent(&fake, opts), "");
	fake_close(&fake, opts);
}

/* Fields that no function sets: the library's own, and those that the
 * interface has never had. */
static const char *const unset[] = {"images_dir_fd", "rst_sibling",
	"images_dir", "lazy_pages", "status_fd", "tls", "tls_cacert",
	"tls_cacrl", "tls_cert", "tls_key", "tls_no_cn_verify", "leave_stopped",
	"display_stats", "log_to_stderr"};

static int unset_has(const char *name)
{
	for (size_t i = 0; i < sizeof(unset) / sizeof(*unset); i++)
		if (strcmp(unset[i], name) == 0)
			return 1;
	return 0;
}

static void all_set(criu_opts *opts)
{
	char *words[] = {(char *)"true"};

	for (size_t i = 0; i < sizeof(flag_rows) / sizeof(*flag_rows); i++)
		flag_rows[i].local(opts, true);
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(*text_rows); i++)
		text_rows[i].local(opts, "x");
	for (size_t i = 0; i < sizeof(number_rows) / sizeof(*number_rows); i++)
		number_rows[i].local(opts, 5);
	for (size_t i = 0; i < sizeof(size_rows) / sizeof(*size_rows); i++)
		size_rows[i].local(opts, 5);
	criu_local_set_manage_cgroups_mode(opts, CRIU_CG_MODE_FULL);
	criu_local_set_pre_dump_mode(opts, CRIU_PRE_DUMP_READ);
	criu_local_set_network_lock(opts, CRIU_NETWORK_LOCK_SKIP);
	criu_local_set_notify_cb(opts, NULL);
	criu_local_set_page_server_address_port(opts, "x", 1);
	criu_local_set_exec_cmd(opts, 1, words);
	criu_local_add_unix_sk(opts, 1);
	criu_local_add_ext_mount(opts, "k", "v");
	criu_local_add_veth_pair(opts, "i", "o");
	criu_local_add_cg_root(opts, "c", "p");
	criu_local_add_inherit_fd(opts, 1, "k");
	criu_local_join_ns_add(opts, "n", "f", NULL);
}

/* Whether a message holds a field; offsets are those of protobuf-c. */
static int field_there(
	const CriuOpts *rpc, const ProtobufCFieldDescriptor *field)
{
	const char *at = (const char *)rpc + field->offset;
	const char *has = (const char *)rpc + field->quantifier_offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)has > 0;
	if (field->type == PROTOBUF_C_TYPE_STRING ||
		field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)at != NULL;
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return *(const int32_t *)at != -1;
	return *(const protobuf_c_boolean *)has;
}

TEST(every_field_of_the_message_can_be_set_or_is_known_not_to)
{
	struct fake fake;
	criu_opts *opts = fake_opts(&fake);
	uint8_t bytes[4096];
	CriuReq *req;
	ssize_t n;

	all_set(opts);
	fake_answer(&fake, DUMP_DONE);
	CHECK_INT(criu_local_dump(opts), 0);
	n = recv(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	req = n > 0 ? criu_req__unpack(NULL, n, bytes) : NULL;
	REQUIRE(req && req->opts);
	for (unsigned i = 0; i < criu_opts__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *field =
			&criu_opts__descriptor.fields[i];

		if (field_there(req->opts, field) == unset_has(field->name))
			CHECK_STR(field->name, "a field set or known");
	}
	criu_req__free_unpacked(req, NULL);
	fake_close(&fake, opts);
}
