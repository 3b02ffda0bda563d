/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/unwind.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "inspect/machine.h"
#include "inspect/symbols.h"
#include "test.h"

/* A stopped child whose stack is known: what the source reads from. */
struct child {
	pid_t pid;
	int mem;
	struct arena *arena;
	CoreEntry core;
	VEC(struct unwind_map) maps;
};

static size_t child_read_mem(void *arg, uint64_t at, void *to, size_t size)
{
	const struct child *child = arg;
	ssize_t n = pread(child->mem, to, size, (off_t)at);

	return n < 0 ? 0 : (size_t)n;
}

static bool child_read_reg(void *arg, unsigned number, uint64_t *ret_value)
{
	const struct child *child = arg;

	return machine_reg(&child->core, number, ret_value);
}

static volatile int kept;

__attribute__((noinline)) static void chain_inner(void)
{
	raise(SIGSTOP);
	kept++;
}

__attribute__((noinline)) static void chain_middle(void)
{
	chain_inner();
	kept++;
}

__attribute__((noinline)) static void chain_outer(void)
{
	chain_middle();
	kept++;
}

static void child_start(struct child *child)
{
	char path[64];

	fflush(stdout);
	child->pid = fork();
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		chain_outer();
		_exit(0);
	}
	waitpid(child->pid, NULL, 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", child->pid);
	child->mem = open(path, O_RDONLY | O_CLOEXEC);
}

static void child_end(struct child *child)
{
	for (size_t i = 0; i < child->maps.n; i++)
		if (child->maps.at[i].fd >= 0)
			close(child->maps.at[i].fd);
	close(child->mem);
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

static void child_regs(struct child *child)
{
	struct err err = {0};
	struct regs regs = {0};
	struct iovec iov;

	core_entry__init(&child->core);
	for (int i = 0; backend_native->regsets[i].note; i++) {
		iov.iov_len = backend_native->regsets[i].room;
		iov.iov_base = arena_alloc(child->arena, iov.iov_len);
		if (ptrace(PTRACE_GETREGSET, child->pid,
			    (long)backend_native->regsets[i].note, &iov) < 0)
			continue;
		regs.set[i].bytes = iov.iov_base;
		regs.set[i].size = iov.iov_len;
	}
	CHECK_INT(backend_native->thread_to_image(
			  child->arena, &regs, &child->core, &err),
		0);
}

static void child_maps(struct child *child)
{
	unsigned long start, end, pgoff, inode;
	char line[512], prot[8], name[256];
	struct unwind_map *map;
	FILE *file;

	snprintf(line, sizeof(line), "/proc/%d/maps", child->pid);
	file = fopen(line, "re");
	while (fgets(line, sizeof(line), file)) {
		name[0] = '\0';
		sscanf(line, "%lx-%lx %7s %lx %*s %lu %255s", &start, &end,
			prot, &pgoff, &inode, name);
		map = vec_push(child->arena, &child->maps);
		*map = (struct unwind_map){.start = start,
			.end = end,
			.pgoff = pgoff,
			.exec = prot[2] == 'x',
			.object = (uint32_t)inode,
			.name = arena_strdup(child->arena, name),
			.fd = -1};
		if (inode && name[0] == '/')
			map->fd = open(name, O_RDONLY | O_CLOEXEC);
	}
	fclose(file);
}

/* The place of a function in the chain, -1 if it is not there. */
static int frame_of(const struct unwind_stack *stack, const char *symbol)
{
	for (size_t i = 0; i < stack->frames.n; i++)
		if (stack->frames.at[i].symbol &&
			strcmp(stack->frames.at[i].symbol, symbol) == 0)
			return (int)i;
	return -1;
}

static void child_unwind(struct child *child, struct unwind_stack *ret_stack)
{
	_cleanup_unwinder_ struct unwinder *unwinder = NULL;
	struct unwind_source source = {.arg = child,
		.read_mem = child_read_mem,
		.read_reg = child_read_reg,
		.fds = &child->mem,
		.n_fds = 1,
		.chain = machine_chain(&child->core)};
	struct err err = {0};

	source.maps = child->maps.at;
	source.n_maps = child->maps.n;
	REQUIRE(machine_pc_sp(&child->core, &source.pc, &source.sp));
	REQUIRE(unwinder_new(child->arena, &unwinder, &err) == 0);
	CHECK_INT(unwind_threads(child->arena, unwinder, &source, 1, 20000,
			  ret_stack, &err),
		0);
}

TEST(the_call_chain_of_a_stopped_process_is_found)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct child child = {.arena = arena};
	struct unwind_stack stack = {0};
	int inner, main_frame;

	child_start(&child);
	child_regs(&child);
	child_maps(&child);
	child_unwind(&child, &stack);
	inner = frame_of(&stack, "chain_inner");
	CHECK(inner > 0);
	CHECK_INT(frame_of(&stack, "chain_middle"), inner + 1);
	CHECK_INT(frame_of(&stack, "chain_outer"), inner + 2);
	main_frame = frame_of(&stack, "main");
	CHECK(main_frame > inner + 2);
	CHECK(!stack.note);
	child_end(&child);
}

TEST(without_maps_there_is_the_innermost_frame)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct child child = {.arena = arena};
	struct unwind_stack stack = {0};

	child_start(&child);
	child_regs(&child);
	child_unwind(&child, &stack);
	CHECK_INT(stack.frames.n, 1);
	CHECK(!stack.frames.at[0].symbol);
	CHECK(stack.note);
	child_end(&child);
}

TEST(a_file_with_another_build_id_is_not_taken)
{
	unsigned char wrong[20] = {0};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CHECK(!symbols_build_id_is(fd, wrong, sizeof(wrong)));
	close(fd);
	fd = open("tests/data/samples/README.md", O_RDONLY | O_CLOEXEC);
	CHECK(!symbols_build_id_is(fd, wrong, sizeof(wrong)));
	close(fd);
}

/* Memory that is made up: an ELF file with an unwind table, of which any word
 * may be anything. */
struct liar {
	uint64_t seed;
	CoreEntry core;
};

enum { LIAR_AT = 0x10000, LIAR_SIZE = 0x100000 };

static uint64_t liar_dice(const struct liar *liar, uint64_t at)
{
	uint64_t x = liar->seed * 0x9e3779b97f4a7c15ull + at;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

static size_t liar_read_mem(void *arg, uint64_t at, void *to, size_t size)
{
	const struct liar *liar = arg;
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64},
		.e_phoff = 64,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	Elf64_Phdr phdrs[] = {{.p_type = PT_LOAD, .p_filesz = LIAR_SIZE},
		{.p_type = PT_GNU_EH_FRAME, .p_vaddr = 0x1000}};
	uint8_t head[512] = {0}, *bytes = to;
	static const uint8_t table[] = {1, 0x1b, 3, 0x3b};
	uint64_t here, dice;

	memcpy(head, &ehdr, sizeof(ehdr));
	memcpy(head + 64, phdrs, sizeof(phdrs));
	for (size_t i = 0; i < size; i++) {
		here = at + i - LIAR_AT;
		dice = liar_dice(liar, here / 8) >> here % 8 * 8;
		/* Words that lead back into it, mostly. */
		if (here % 4 == 2)
			dice &= 0x1f;
		if (here % 4 == 3)
			dice = 0;
		bytes[i] = here < sizeof(head) ? head[here]
			   : here >= 0x1000 && here < 0x1004
				   ? table[here - 0x1000]
				   : (uint8_t)dice;
	}
	return at < LIAR_AT || at + size > LIAR_AT + LIAR_SIZE ? 0 : size;
}

static bool liar_read_reg(void *arg, unsigned number, uint64_t *ret_value)
{
	*ret_value = LIAR_AT + liar_dice(arg, number) % LIAR_SIZE;
	return true;
}

TEST(whatever_a_process_says_of_itself_the_answer_comes_in_time)
{
	struct unwind_map map = {.start = LIAR_AT,
		.end = LIAR_AT + LIAR_SIZE,
		.exec = true,
		.object = 1,
		.fd = -1};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_unwinder_ struct unwinder *unwinder = NULL;
	struct liar liars[8] = {0};
	struct unwind_source sources[8];
	struct unwind_stack stacks[8];
	struct err err = {0};

	REQUIRE(unwinder_new(arena, &unwinder, &err) == 0);
	for (uint64_t round = 0; round < 40; round++) {
		for (size_t i = 0; i < 8; i++) {
			liars[i].seed = round * 8 + i;
			sources[i] = (struct unwind_source){.arg = &liars[i],
				.read_mem = liar_read_mem,
				.read_reg = liar_read_reg,
				.pc = LIAR_AT + 0x2000 + i * 0x100,
				.sp = LIAR_AT + 0x8000,
				.maps = &map,
				.n_maps = 1,
				.chain = machine_chain(&liars[i].core)};
		}
		err = (struct err){0};
		unwind_threads(arena, unwinder, sources, 8, 3000, stacks, &err);
		CHECK(!err.code || err.text[0]);
		for (size_t i = 0; i < 8; i++)
			CHECK(stacks[i].frames.n >= 1 &&
				stacks[i].frames.n <= 256 &&
				stacks[i].frames.at[0].pc == sources[i].pc);
	}
}

TEST(a_child_that_breaks_leaves_the_innermost_frame_and_says_so)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_unwinder_ struct unwinder *unwinder = NULL;
	struct unwind_map map = {.start = 4096,
		.end = 8192,
		.exec = true,
		.object = 1,
		.fd = -1};
	/* Who calls that function does not come back. */
	struct unwind_source source = {.read_mem = (size_t(*)(void *, uint64_t,
					       void *, size_t))(void *)abort,
		.pc = 5000,
		.maps = &map,
		.n_maps = 1};
	struct unwind_stack stack;
	struct err err = {0};

	REQUIRE(unwinder_new(arena, &unwinder, &err) == 0);
	CHECK(unwind_threads(arena, unwinder, &source, 1, 3000, &stack, &err) <
		0);
	CHECK_INT(stack.frames.n, 1);
	CHECK_INT(stack.frames.at[0].pc, 5000);
	CHECK(stack.note && strstr(stack.note, "process for it"));
}
