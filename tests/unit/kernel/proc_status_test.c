/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* Recorded on 6.12, shortened by lines that nobody reads. */
static const char recorded[] =
	"Name:\tsleep\\040x\nUmask:\t0022\n"
	"State:\tS (sleeping)\nTgid:\t3159\nNgid:\t0\n"
	"Pid:\t3160\nPPid:\t3051\nTracerPid:\t42\n"
	"Uid:\t1000\t1001\t1002\t1003\n"
	"Gid:\t100\t101\t102\t103\nFDSize:\t256\n"
	"Groups:\t4 24 27 4294967294 \n"
	"NStgid:\t3159\t7\t1\nNSpid:\t3160\t8\t2\n"
	"NSpgid:\t3159\t7\t1\nNSsid:\t3051\t0\t0\n"
	"Kthread:\t0\nVmPeak:\t    5716 kB\n"
	"THP_enabled:\t1\nuntag_mask:\t0xffffffffffffff\n"
	"Threads:\t2\nSigQ:\t0/31452\n"
	"SigPnd:\t0000000000000001\n"
	"ShdPnd:\t0000000000000200\n"
	"SigBlk:\t8000000000010000\n"
	"SigIgn:\t0000000000001000\n"
	"SigCgt:\t0000000180000002\n"
	"CapInh:\t0000000000000001\n"
	"CapPrm:\t000001ffffffffff\n"
	"CapEff:\t000001fffeffffff\n"
	"CapBnd:\t00000000a80425fb\n"
	"CapAmb:\t0000000000000400\n"
	"NoNewPrivs:\t1\nSeccomp:\t2\n"
	"Seccomp_filters:\t3\n"
	"Speculation_Store_Bypass:\tvulnerable\n"
	"Cpus_allowed:\t3\nMems_allowed_list:\t0\n"
	"voluntary_ctxt_switches:\t1\n"
	"nonvoluntary_ctxt_switches:\t0\n";

/* The recorded text without the line that begins with key. */
static const char *without(struct arena *arena, const char *key)
{
	char *text = arena_strdup(arena, recorded);
	char *line = strstr(text, key), *next;

	if (!line)
		return "";
	next = strchr(line, '\n') + 1;
	memmove(line, next, strlen(next) + 1);
	return text;
}

TEST(status_tells_who_the_thread_is)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct proc_status status;
	struct err err = {0};

	CHECK_INT(proc_status_parse(arena, recorded, &status, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(status.umask, 022);
	CHECK_INT(status.state, 'S');
	CHECK_INT(status.tgid, 3159);
	CHECK_INT(status.pid, 3160);
	CHECK_INT(status.ppid, 3051);
	CHECK_INT(status.tracer_pid, 42);
	CHECK_INT(status.threads, 2);
	CHECK_INT(status.uid[PROC_ID_REAL], 1000);
	CHECK_INT(status.uid[PROC_ID_FS], 1003);
	CHECK_INT(status.gid[PROC_ID_EFFECTIVE], 101);
	CHECK_INT(status.gid[PROC_ID_SAVED], 102);
	CHECK_INT(status.groups_n, 4);
	CHECK_INT(status.groups[0], 4);
	CHECK_INT(status.groups[3], 4294967294);
	CHECK_INT(status.nspid_n, 3);
	CHECK_INT(status.nspid[0], 3160);
	CHECK_INT(status.nspid[2], 2);
	CHECK_INT(status.ns_pgid, 1);
	CHECK_INT(status.ns_sid, 0);
	CHECK_INT(status.thp_enabled, 1);
	CHECK(!status.kernel_thread);
}

TEST(status_tells_signals_and_rights)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct proc_status status;

	CHECK_INT(proc_status_parse(arena, recorded, &status, ERR_UNREAD), 0);
	CHECK_INT(status.sig_pending, 1);
	CHECK_INT(status.sig_pending_shared, 0x200);
	CHECK(status.sig_blocked == 0x8000000000010000);
	CHECK_INT(status.sig_ignored, 0x1000);
	CHECK_INT(status.sig_caught, 0x180000002);
	CHECK_INT(status.cap_inh, 1);
	CHECK_INT(status.cap_prm, 0x1ffffffffff);
	CHECK_INT(status.cap_eff, 0x1fffeffffff);
	CHECK_INT(status.cap_bnd, 0xa80425fb);
	CHECK_INT(status.cap_amb, 0x400);
	CHECK_INT(status.no_new_privs, 1);
	CHECK_INT(status.seccomp, 2);
	CHECK_INT(status.seccomp_filters, 3);
}

TEST(status_of_an_older_kernel_leaves_gaps_that_are_told)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct proc_status status;

	CHECK_INT(proc_status_parse(
			  arena, without(arena, "Umask:"), &status, ERR_UNREAD),
		0);
	CHECK_INT(status.umask, UINT32_MAX);
	CHECK_INT(proc_status_parse(
			  arena, without(arena, "NSpid:"), &status, ERR_UNREAD),
		0);
	CHECK_INT(status.nspid_n, 0);
	CHECK_INT(proc_status_parse(arena, without(arena, "NoNewPrivs:"),
			  &status, ERR_UNREAD),
		0);
	CHECK_INT(status.no_new_privs, -1);
	CHECK_INT(proc_status_parse(arena, without(arena, "Seccomp_filters:"),
			  &status, ERR_UNREAD),
		0);
	CHECK_INT(status.seccomp_filters, -1);
}

TEST(status_without_what_every_kernel_says_is_refused)
{
	static const char *const must[] = {"State:", "\nPid:", "PPid:", "Uid:",
		"Groups:", "SigBlk:", "CapEff:", "CapBnd:"};
	_cleanup_arena_ struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		const char *key = must[i] + (*must[i] == '\n');
		struct proc_status status = {.pid = -7};
		struct err err = {0};
		const char *text = *must[i] == '\n' ? strstr(recorded, "PPid:")
						    : without(arena, key);

		CHECK_INT(
			proc_status_parse(arena, text, &status, &err), -EINVAL);
		CHECK_INT(status.pid, -7);
		CHECK(err.text[0] != '\0');
	}
}

TEST(status_cut_inside_a_line_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	const char *end = strstr(recorded, "CapBnd:");

	for (const char *cut = recorded; cut < end; cut++) {
		char *text = arena_copy(
			arena, recorded, (size_t)(cut - recorded) + 1);
		struct proc_status status;

		text[cut - recorded] = '\0';
		CHECK_INT(proc_status_parse(arena, text, &status, ERR_UNREAD),
			-EINVAL);
	}
}

TEST(status_with_an_odd_line_names_it)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *text = arena_strdup(arena, recorded);
	struct proc_status status;
	struct err err = {0};

	memcpy(strstr(text, "0000000000000200"), "zzzz", 4);
	CHECK_INT(proc_status_parse(arena, text, &status, &err), -EINVAL);
	CHECK(strstr(err.text, "process 3160"));
	CHECK(strstr(err.text, "'ShdPnd:\tzzzz000000000200'"));
}

TEST(status_groups_may_be_none_or_very_many)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *text = arena_strdup(arena, without(arena, "Groups:"));
	struct proc_status status;
	char *many = arena_alloc(arena, 1000000);
	size_t size;

	CHECK_INT(proc_status_parse(arena,
			  arena_printf(arena, "%sGroups:\t \n", text), &status,
			  ERR_UNREAD),
		0);
	CHECK_INT(status.groups_n, 0);
	size = (size_t)sprintf(many, "%sGroups:\t", text);
	for (unsigned i = 0; i < 65536; i++)
		size += (size_t)sprintf(many + size, "%u ", i);
	memcpy(many + size, "\n", 2);
	CHECK_INT(proc_status_parse(arena, many, &status, ERR_UNREAD), 0);
	CHECK_INT(status.groups_n, 65536);
	CHECK_INT(status.groups[65535], 65535);
}

TEST(status_of_ourselves_tells_what_we_know)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct proc_status status;
	struct err err = {0};
	mode_t mask = umask(027);

	REQUIRE(!proc_open(getpid(), &self, &err));
	CHECK_INT(proc_status_read(arena, &self, 0, &status, &err), 0);
	umask(mask);
	CHECK_STR(err.text, "");
	CHECK_INT(status.umask, 027);
	CHECK_INT(status.tgid, getpid());
	CHECK_INT(status.ppid, getppid());
	CHECK_INT(status.uid[PROC_ID_EFFECTIVE], geteuid());
	CHECK_INT(status.gid[PROC_ID_REAL], getgid());
	CHECK_INT(status.nspid[0], getpid());
	CHECK_INT(status.tracer_pid, 0);
}
