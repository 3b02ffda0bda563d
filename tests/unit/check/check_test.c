/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "test.h"

/* Every name that CRIU 4.2 knows. */
static const char *const known[] = {"mnt_id", "mem_dirty_track", "aio_remap",
	"timerfd", "tun", "tun_ns", "userns", "fdinfo_lock", "seccomp_suspend",
	"seccomp_filters", "loginuid", "cgroupns", "autofs", "tcp_half_closed",
	"compat_cr", "uffd", "uffd-noncoop", "can_map_vdso", "sk_ns",
	"sk_unix_file", "net_diag_raw", "nsid", "link_nsid", "kcmp_epoll",
	"timens", "external_net_ns", "clone3_set_tid", "newifindex", "nftables",
	"has_ipt_legacy", "pidfd_store", "ns_pid", "apparmor_stacking",
	"network_lock_nftables", "sockopt_buf_lock", "memfd_hugetlb",
	"move_mount_set_group", "openat2", "get_rseq_conf", "ipv6_freebind",
	"pagemap_scan", "timer_cr_ids", "overlayfs_maps", "breakpoints",
	"pagemap_scan_guard_pages"};

TEST(every_feature_of_criu_has_a_row)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!CHECK(check_find(known[i]) != NULL))
			printf("# %s\n", known[i]);
}

TEST(the_manual_names_every_feature)
{
	static char page[1 << 16];
	FILE *file = fopen("man/stasis.1", "r");
	char words[80];

	if (!file) {
		test_skip("not run in the root of the sources");
		return;
	}
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	for (const struct check_row *row = check_rows; row->name; row++) {
		const char *at;

		snprintf(words, sizeof(words), ".It %s Ta", row->name);
		at = strstr(page, words);
		snprintf(words, sizeof(words), "Ta %s\n", row->name);
		if (!CHECK(at || strstr(page, words)))
			printf("# %s\n", row->name);
	}
}

struct asked {
	char out[4096];
	struct err err;
	int rc;
};

static struct asked ask(const char *feature)
{
	struct asked asked = {.err = {.text = "no error"}};
	FILE *out = fmemopen(asked.out, sizeof(asked.out), "w");
	struct options options;

	options_init(&options);
	options.features.at = &feature;
	options.features.n = 1;
	asked.rc = check_run(&options, out, &asked.err);
	fclose(out);
	return asked;
}

TEST(a_feature_that_is_there_is_supported)
{
	struct asked asked = ask("external_net_ns");

	CHECK_INT(asked.rc, 0);
	CHECK_STR(asked.out, "external_net_ns is supported\n");
	asked = ask("ns_pid");
	CHECK_INT(asked.rc, 0);
	CHECK_STR(asked.out, "ns_pid is supported\n");
}

TEST(a_feature_that_nobody_knows_is_an_error)
{
	struct asked asked = ask("list");

	CHECK_INT(asked.rc, -EINVAL);
	CHECK_STR(asked.err.text, "there is no feature 'list'");
	asked = ask("uffd_noncoop");
	CHECK_INT(asked.rc, -EINVAL);
	CHECK_STR(asked.err.hint, "there are uffd, uffd-noncoop");
}

/* Only probes that this kernel is known to answer with no may say no here;
 * all must come back, twice with the same answer. */
TEST(every_probe_answers_the_same_twice)
{
	for (const struct check_row *row = check_rows; row->name; row++)
		if (!CHECK_INT(row->probe(), row->probe()))
			printf("# %s\n", row->name);
}
