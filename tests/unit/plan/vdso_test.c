/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's code in a task: the same one is moved home, another one is
 * bridged by jumps, and a damaged one does no harm.
 */
#include <elf.h>
#include <errno.h>

#include "scene.h"

#define HOST_VDSO 0x7ffff7fb4000ull
#define WAS_VDSO 0x7fff12340000ull

enum {
	VDSO_SIZE = 2 * SCENE_PAGE,
	DYNAMIC_AT = 0x200,
	HASH_AT = 0x300,
	SYMTAB_AT = 0x400,
	STRTAB_AT = 0x500,
	STRTAB_SIZE = 0x100,
};

/* One function of that name at that address. */
struct vdso {
	_Alignas(16) uint8_t bytes[VDSO_SIZE];
};

static void vdso_make(struct vdso *vdso, const char *name, uint64_t function)
{
	Elf64_Ehdr head = {.e_ident = ELFMAG,
		.e_phoff = 64,
		.e_phnum = 2,
		.e_phentsize = sizeof(Elf64_Phdr)};
	Elf64_Phdr phdr[2] = {
		{.p_type = PT_LOAD, .p_filesz = VDSO_SIZE},
		{.p_type = PT_DYNAMIC,
			.p_offset = DYNAMIC_AT,
			.p_filesz = 5 * sizeof(Elf64_Dyn)},
	};
	Elf64_Dyn dynamic[5] = {{DT_HASH, {HASH_AT}}, {DT_SYMTAB, {SYMTAB_AT}},
		{DT_STRTAB, {STRTAB_AT}}, {DT_STRSZ, {STRTAB_SIZE}}};
	Elf64_Sym symbols[2] = {
		{0}, {.st_name = 1, .st_shndx = 1, .st_value = function}};
	uint32_t hash[2] = {1, 2};

	memset(vdso->bytes, 0x90, VDSO_SIZE);
	memcpy(vdso->bytes, &head, sizeof(head));
	memcpy(vdso->bytes + 64, phdr, sizeof(phdr));
	memcpy(vdso->bytes + DYNAMIC_AT, dynamic, sizeof(dynamic));
	memcpy(vdso->bytes + HASH_AT, hash, sizeof(hash));
	memcpy(vdso->bytes + SYMTAB_AT, symbols, sizeof(symbols));
	memset(vdso->bytes + STRTAB_AT, 0, STRTAB_SIZE);
	strcpy((char *)vdso->bytes + STRTAB_AT + 1, name);
}

/* The tape that puts the vdso of one task into its place, whose thread was
 * stopped at pc. */
static struct tape *place_stopped(struct scene *s, const struct backend *be,
	const struct vdso *host, const struct vdso *was, uint64_t pc)
{
	uint64_t gpr[128] = {0};
	struct task *task;
	struct tape *tape;

	scene_start(s, be);
	scene_file(s, 1, &scene_kind);
	scene_map(s, HOST_VDSO, HOST_VDSO + VDSO_SIZE, "[vdso]");
	s->host.vdso_bytes = host->bytes;
	task = scene_task(s, 7, 1, 7, 7);
	scene_vma(s, task, WAS_VDSO, WAS_VDSO + VDSO_SIZE,
		PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		VMA_REGULAR | VMA_VDSO | VMA_ANON_PRIVATE);
	task->vdso = was ? was->bytes : NULL;
	be->reg_set(gpr, REG_PC, pc);
	task->threads[0].regs.set[0].bytes = gpr;
	task->threads[0].regs.set[0].size = sizeof(gpr);
	scene_plan_begin(s);
	CHECK_INT(plan_forest(&s->plan, &s->err), 0);
	CHECK_INT(plan_slots(&s->plan, &s->err), 0);
	CHECK_INT(plan_layout(&s->plan, &s->err), 0);
	tape = tape_new(s->arena, "task 7");
	if (plan_vdso_place(&s->plan, &s->plan.tasks[0], tape, &s->err))
		return NULL;
	return tape;
}

static struct tape *place(struct scene *s, const struct backend *be,
	const struct vdso *host, const struct vdso *was)
{
	return place_stopped(s, be, host, was, 0x1000);
}

TEST(the_same_vdso_is_moved_from_where_it_was_parked_to_its_old_place)
{
	const struct tape_op *op;
	struct tape *tape;
	struct vdso vdso;
	struct scene s;

	vdso_make(&vdso, "__vdso_time", 0x800);
	tape = place(&s, backends[0], &vdso, &vdso);
	REQUIRE(tape);
	CHECK_INT(tape->ops.n, 1);
	op = &tape->ops.at[0];
	CHECK_INT(op->nr, CALL_mremap);
	CHECK_INT(op->arg[0], s.plan.zone.park);
	CHECK_INT(op->arg[4], WAS_VDSO);
	scene_end(&s);
}

static const struct tape_op *op_find(const struct tape *tape, uint8_t verb)
{
	for (size_t i = 0; i < tape->ops.n; i++)
		if (tape->ops.at[i].verb == verb)
			return &tape->ops.at[i];
	return NULL;
}

TEST(the_functions_of_another_vdso_jump_to_those_of_the_host)
{
	const struct tape_op *copy;
	struct vdso host, was;
	struct tape *tape;
	uint8_t jump[32];
	const char *data;
	struct scene s;
	size_t size;

	for (size_t i = 0; backends[i]; i++) {
		vdso_make(&host, backends[i]->vdso_symbols[0], 0xa40);
		vdso_make(&was, backends[i]->vdso_symbols[0], 0x840);
		tape = place(&s, backends[i], &host, &was);
		REQUIRE(tape);
		copy = op_find(tape, TAPE_COPY);
		REQUIRE(copy);
		CHECK_INT(copy->arg[0], WAS_VDSO);
		CHECK_INT(copy->arg[2], VDSO_SIZE);
		data = tape_data_at(tape, copy->arg[1]);
		size = backends[i]->vdso_jump(
			jump, WAS_VDSO + 0x840, s.plan.zone.vdso_home + 0xa40);
		CHECK_MEM(data + 0x840, jump, size);
		CHECK_MEM(data, was.bytes, 0x840);
		CHECK_MEM(data + 0x840 + size, was.bytes + 0x840 + size,
			VDSO_SIZE - 0x840 - size);
		scene_end(&s);
	}
}

TEST(a_function_that_the_host_does_not_have_stays_as_it_was)
{
	const struct tape_op *copy;
	struct vdso host, was;
	struct tape *tape;
	struct scene s;

	vdso_make(&host, "__vdso_of_tomorrow", 0xa40);
	vdso_make(&was, backends[0]->vdso_symbols[0], 0x840);
	tape = place(&s, backends[0], &host, &was);
	REQUIRE(tape);
	copy = op_find(tape, TAPE_COPY);
	REQUIRE(copy);
	CHECK_MEM(tape_data_at(tape, copy->arg[1]), was.bytes, VDSO_SIZE);
	scene_end(&s);
}

TEST(a_thread_that_would_go_on_in_the_middle_of_a_jump_is_refused)
{
	struct vdso host, was;
	uint8_t jump[32];
	struct scene s;
	size_t size;

	for (size_t i = 0; backends[i]; i++) {
		vdso_make(&host, backends[i]->vdso_symbols[0], 0xa40);
		vdso_make(&was, backends[i]->vdso_symbols[0], 0x840);
		size = backends[i]->vdso_jump(jump, WAS_VDSO + 0x840, 0);
		CHECK(!place_stopped(&s, backends[i], &host, &was,
			WAS_VDSO + 0x840 + size - 4));
		CHECK(strstr(s.err.text, "task 7: thread 7 was stopped at"));
		CHECK(strstr(s.err.text, backends[i]->vdso_symbols[0]));
		scene_end(&s);
		/* Where the jump begins and ends all is well. */
		CHECK(place_stopped(
			&s, backends[i], &host, &was, WAS_VDSO + 0x840));
		scene_end(&s);
		CHECK(place_stopped(
			&s, backends[i], &host, &was, WAS_VDSO + 0x840 + size));
		scene_end(&s);
		/* Nor does the same vdso need one. */
		CHECK(place_stopped(&s, backends[i], &was, &was,
			WAS_VDSO + 0x840 + size - 4));
		scene_end(&s);
	}
}

TEST(an_image_without_its_vdso_is_refused)
{
	struct vdso host;
	struct scene s;

	vdso_make(&host, "__vdso_time", 0x800);
	CHECK(!place(&s, backends[0], &host, NULL));
	CHECK_STR(s.err.text, "task 7: the image has no contents of its vdso");
	scene_end(&s);
}

/* Bytes of images are not trusted: sanitizers watch this. */
TEST(a_damaged_vdso_does_no_harm)
{
	struct vdso host, was;
	uint64_t seed = 3;
	struct scene s;

	vdso_make(&host, backends[0]->vdso_symbols[0], 0xa40);
	for (int round = 0; round < 2000; round++) {
		vdso_make(&was, backends[0]->vdso_symbols[0], 0x840);
		for (int k = 0; k < 1 + round % 4; k++)
			was.bytes[scene_random(&seed) % STRTAB_AT] =
				(uint8_t)scene_random(&seed);
		CHECK(place(&s, backends[0], &host, &was));
		scene_end(&s);
	}
}
