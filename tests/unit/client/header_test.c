/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that programs were compiled with, and fields that nobody can set. */
#include "fake.h"
#include "test.h"

#include <stdint.h>

TEST(the_header_has_the_numbers_that_programs_know)
{
	CHECK_INT(CRIU_LOG_UNSET, -1);
	CHECK_INT(CRIU_LOG_MSG, 0);
	CHECK_INT(CRIU_LOG_ERROR, 1);
	CHECK_INT(CRIU_LOG_WARN, 2);
	CHECK_INT(CRIU_LOG_INFO, 3);
	CHECK_INT(CRIU_LOG_DEBUG, 4);
	CHECK_INT(CRIU_COMM_SK, 0);
	CHECK_INT(CRIU_COMM_FD, 1);
	CHECK_INT(CRIU_COMM_BIN, 2);
	CHECK_INT(CRIU_CG_MODE_IGNORE, 0);
	CHECK_INT(CRIU_CG_MODE_NONE, 1);
	CHECK_INT(CRIU_CG_MODE_PROPS, 2);
	CHECK_INT(CRIU_CG_MODE_SOFT, 3);
	CHECK_INT(CRIU_CG_MODE_FULL, 4);
	CHECK_INT(CRIU_CG_MODE_STRICT, 5);
	CHECK_INT(CRIU_CG_MODE_DEFAULT, 6);
	CHECK_INT(CRIU_NETWORK_LOCK_IPTABLES, 1);
	CHECK_INT(CRIU_NETWORK_LOCK_NFTABLES, 2);
	CHECK_INT(CRIU_NETWORK_LOCK_SKIP, 3);
	CHECK_INT(CRIU_PRE_DUMP_SPLICE, 1);
	CHECK_INT(CRIU_PRE_DUMP_READ, 2);
	CHECK_INT(CRIU_VERSION_MAJOR, 4);
	CHECK_INT(CRIU_VERSION_MINOR, 2);
	CHECK_STR(CRIU_VERSION, "4.2");
}

TEST(the_features_lie_where_programs_put_them)
{
	CHECK_INT(sizeof(struct criu_feature_check), 3);
	CHECK_INT(offsetof(struct criu_feature_check, mem_track), 0);
	CHECK_INT(offsetof(struct criu_feature_check, lazy_pages), 1);
	CHECK_INT(offsetof(struct criu_feature_check, pidfd_store), 2);
}

TEST(messages_know_their_own_numbers)
{
	CHECK_INT(CRIU_REQ_TYPE__EMPTY, 0);
	CHECK_INT(CRIU_REQ_TYPE__NOTIFY, 6);
	CHECK_INT(CRIU_REQ_TYPE__SINGLE_PRE_DUMP, 13);
	CHECK_INT(CRIU_CG_MODE__DEFAULT, CRIU_CG_MODE_DEFAULT);
	CHECK_INT(CRIU_NETWORK_LOCK_METHOD__SKIP, CRIU_NETWORK_LOCK_SKIP);
	CHECK_INT(CRIU_PRE_DUMP_MODE__VM_READ, CRIU_PRE_DUMP_READ);
}
