/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/inspect.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "proto/core.pb-c.h"
#include "proto/cpu_aarch64.pb-c.h"
#include "proto/inventory.pb-c.h"
#include "proto/memory.pb-c.h"
#include "proto/tree.pb-c.h"
#include "test.h"

static char *dir_print(int dir, bool json, bool stacks)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct err err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (image_set_open(arena, dir, &set, &err) < 0 ||
		inspect_print(set, out, json, stacks, &err) < 0)
		CHECK_STR(err.text, "");
	fclose(out);
	return text;
}

static char *sample_print(const char *sample, bool json)
{
	_cleanup_fd_ int dir = -1;
	char path[64];

	snprintf(path, sizeof(path), "tests/data/samples/%s", sample);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_print(dir, json, false);
}

static void check_has(const char *text, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!CHECK(strstr(text, lines[i])))
			CHECK_STR(text, lines[i]);
}

TEST(a_tree_is_shown_with_commands_states_and_threads)
{
	static const char *const lines[] = {
		"machine   x86_64, pages of 4096 bytes\n",
		"stored    76K private, 12K in 3 shared objects\n",
		"tasks     2 with 3 threads\n",
		"\n1 /srv/sample/zoo (2 threads)\n"
		"    10 [zoo] (zombie, exit status 3)\n",
		"\n1 zoo: alive, group 1, session 1\n",
		"uid 0, gid 0, 40 capabilities, no new privileges\n",
		"  thread  9 zoo, pc 0x43c420, sp 0x7f02ce96f230\n",
		"  memory  stack  132K, stored 12K\n",
		"  memory  shared 24K\n",
	};
	char *text = sample_print("zoo", false);

	check_has(text, lines, sizeof(lines) / sizeof(lines[0]));
	free(text);
}

TEST(every_kind_of_file_in_the_samples_is_described)
{
	static const char *const lines[] = {
		"fd 0    chr       /dev/null (rw, at 0)\n",
		"fd 2    file      /srv/sample/zoo.err (w, at 6 of 6)\n",
		"fd 4    tcp       127.0.0.1:9999 (listening)\n",
		"127.0.0.1:38354 -> 127.0.0.1:9999 (established)\n",
		"fd 7    udp       127.0.0.1:9998 (closed)\n",
		"peer [1238957], 1 packets waiting)\n",
		"@zoo-abstract (seqpacket, listening, ",
		"fd 10   eventfd   counter 42\n",
		"fd 12   timerfd   clock 1, 498.489094235 s left",
		"fd 13   epoll     watches 2: fd 12, 10\n",
		"fd 14   signalfd  mask 0x0000000000000800\n",
		"fd 15   inotify   1 watches: /srv/sample/work/tmpfs\n",
		"fd 16   memfd     zoomem (rw, at 0 of 8192)\n",
		"fd 17   pidfd     of process 1, close on exec\n",
		"ghost-small (rw, at 5 of 5, deleted)\n",
		"fd 20   fifo      /srv/sample/work/fifo (9 bytes waiting)\n",
		"fd 24   pty       /dev/pts/0 (session 0,",
		"fd 25   namespace net, number 10\n",
	};
	char *text = sample_print("zoo", false);

	check_has(text, lines, sizeof(lines) / sizeof(lines[0]));
	CHECK(!strstr(text, "unknown"));
	free(text);
}

TEST(pipes_show_their_ends_and_what_waits)
{
	static const char *const lines[] = {
		"pipe      [1236703] (w, 17 bytes waiting)\n",
		"pipe      [1236703] (r, 17 bytes waiting)\n",
	};
	char *text = sample_print("tree", false);

	check_has(text, lines, 2);
	free(text);
}

TEST(json_has_the_same_facts)
{
	static const char *const lines[] = {"\"pid\": 7400,",
		"\"command\": \"sleep 1000\"", "\"exe\": \"/usr/bin/sleep\"",
		"\"cap_effective\": \"0x1fffeffffff\"",
		"\"pc\": \"0x7f6107a39503\"",
		"\"kind\": \"heap\",\n          \"size\": 135168,\n"
		"          \"stored\": 4096",
		"\"what\": \"/dev/null (rw, at 0)\""};
	char *text = sample_print("sleep", true);

	check_has(text, lines, 7);
	free(text);
}

/* A task of another machine, with a comm that a terminal should not get. */
static void foreign_fill(struct image_set *set, struct err *err)
{
	UserAarch64RegsEntry gpregs = USER_AARCH64_REGS_ENTRY__INIT;
	UserAarch64FpsimdContextEntry fpsimd =
		USER_AARCH64_FPSIMD_CONTEXT_ENTRY__INIT;
	ThreadInfoAarch64 info = THREAD_INFO_AARCH64__INIT;
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;
	TaskCoreEntry tc = TASK_CORE_ENTRY__INIT;
	PstreeEntry task = PSTREE_ENTRY__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	MmEntry mm = MM_ENTRY__INIT;
	uint64_t regs[31] = {0}, auxv[] = {6, 65536, 0, 0};
	char comm[] = "a\x1b[31m";
	uint32_t tid = 5;

	inventory.img_version = 2;
	gpregs.n_regs = 31;
	gpregs.regs = regs;
	gpregs.pc = 0x1234;
	gpregs.sp = 0x5678;
	info.gpregs = &gpregs;
	info.fpsimd = &fpsimd;
	tc.task_state = 1;
	tc.comm = comm;
	core.mtype = CORE_ENTRY__MARCH__AARCH64;
	core.ti_aarch64 = &info;
	core.tc = &tc;
	task.pid = 5;
	task.threads = &tid;
	task.n_threads = 1;
	mm.mm_saved_auxv = auxv;
	mm.n_mm_saved_auxv = 4;
	image_append(set, IMAGE_INVENTORY, 0, &inventory.base, NULL, 0, err);
	image_append(set, IMAGE_PSTREE, 0, &task.base, NULL, 0, err);
	image_append(set, IMAGE_CORE, 5, &core.base, NULL, 0, err);
	image_append(set, IMAGE_MM, 5, &mm.base, NULL, 0, err);
}

TEST(images_of_another_machine_are_shown_without_call_chains)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct image_facts facts = {.machine = "aarch64",
		.page_size = 65536,
		.kernel = "6.6",
		.created = 86400,
		.no_sync = true};
	char path[] = "/tmp/inspect-test-XXXXXX", command[64];
	struct err err = {0};
	char *text;
	int dir;

	REQUIRE(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(image_set_create(arena, dir, &set, &err) == 0);
	foreign_fill(set, &err);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	text = dir_print(dir, false, true);
	CHECK(strstr(text, "machine   aarch64, pages of 65536 bytes\n"));
	CHECK(strstr(text, "on 1970-01-02 at 00:00:00 UTC, 4 files"));
	CHECK(strstr(text, "a\\x1b[31m, pc 0x1234, sp 0x5678\n"));
#ifndef __aarch64__
	CHECK(strstr(text, "on a host of the same machine only)\n"));
#endif
	free(text);
	close(dir);
	snprintf(command, sizeof(command), "rm -r %s", path);
	CHECK_INT(system(command), 0);
}

TEST(a_directory_without_images_is_an_error_with_a_hint)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	_cleanup_fd_ int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = {0};

	REQUIRE(image_set_open(arena, dir, &set, &err) == 0);
	CHECK_INT(inspect_print(set, stdout, false, false, &err), -2);
	CHECK_STR(err.text, "inspecting the images: there is no inventory.img");
	CHECK(err.hint[0]);
}
