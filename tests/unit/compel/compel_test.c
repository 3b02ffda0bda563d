/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compel tool, fed with objects that the three machines' compilers make
 * while the test runs, and with broken ones.
 */
#include "bench.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/io.h"

/* Code that calls across sections, and reads a table and a string. */
static const char bench_good[] =
	"static const short table[] = {3, 1, 4, 1, 5, 9, 2, 6};\n"
	"static const char word[] = \"stasis\";\n"
	"__attribute__((noinline)) static int add(int a, int b)\n"
	"{ __asm__ volatile(\"\"); return a + b; }\n"
	"__attribute__((noinline)) static int sum(const short *t, int n)\n"
	"{ int s = 0; while (n--) s = add(s, t[n]); return s; }\n"
	"int agent_entry(int i)\n"
	"{ return add(sum(table + i, 8 - i), word[i]); }\n";

TEST(compel_accepts_objects_of_every_machine)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;
	char wanted[64];
	int seen = 0;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		REQUIRE(bench_compile(bench, machine, bench_good));
		CHECK_INT(bench_compel(bench, "check in.elf"), 0);
		CHECK_STR(bench->complaint, "");
		snprintf(wanted, sizeof(wanted), "can be injected: %s,",
			machine->name);
		CHECK(strstr(bench->out, wanted));
		seen++;
	}
	if (seen < BENCH_MACHINES)
		test_skip("a cross compiler is missing");
}

static void *bench_map_code(const char *bytes, size_t size)
{
	void *code = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return NULL;
	memcpy(code, bytes, size);
	__builtin___clear_cache(code, (char *)code + size);
	return mprotect(code, size, PROT_READ | PROT_EXEC) ? NULL : code;
}

/* Where the symbols' list says that name is; -1: nowhere. */
static long bench_find_symbol(struct bench *bench, const char *name)
{
	char wanted[64];
	char *line, *save = NULL;

	bench_compel(bench, "symbols in.elf");
	snprintf(wanted, sizeof(wanted), " %s", name);
	for (line = strtok_r(bench->out, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > strlen(wanted) &&
			!strcmp(line + strlen(line) - strlen(wanted), wanted))
			return strtol(line, NULL, 16);
	return -1;
}

TEST(compel_makes_code_that_runs_where_it_is_put)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_bench_ struct bench *bench = bench_new();
	int (*entry)(int);
	size_t size;
	char *bytes, path[128];
	char *code;

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	CHECK_INT(bench_compel(bench, "build --raw in.elf -o out.bin"), 0);
	bench_path(bench, "out.bin", path);
	REQUIRE(!io_read_file(arena, AT_FDCWD, path, &bytes, &size));
	code = bench_map_code(bytes, size);
	REQUIRE(code);
	code += bench_find_symbol(bench, "agent_entry");
	memcpy(&entry, &code, sizeof(entry));
	CHECK_INT(entry(0), 31 + 's');
	CHECK_INT(entry(3), 23 + 's');
}

/* What the linker of that machine makes of the same object, bytes for bytes,
 * put together in the same order. */
TEST(compel_settles_relocations_as_the_linkers_do)
{
	static const char script[] =
		"SECTIONS { . = 0; .all : { *(.text .text.* .rodata "
		".rodata.*) } =0 /DISCARD/ : { *(*) } }";
	/* ppc64's linker rewrites how a function finds its TOC, so that
	 * there only calls are compared, made for processors that need none.
	 */
	static const char calls[] =
		"__attribute__((noinline)) static int add(int a, int b)\n"
		"{ __asm__ volatile(\"\"); return a + b; }\n"
		"__attribute__((noinline)) static int mul(int a, int b)\n"
		"{ int s = 0; while (b--) s = add(s, a); return s; }\n"
		"int agent_entry(int i) { return mul(i, i) + add(i, 1); }\n";
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;
	char *ours, *theirs, path[128];
	size_t our_size, their_size;

	bench_write(bench, "lds", script);
	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		bool ppc64le = machine == &bench_machines[BENCH_PPC64LE];

		REQUIRE(bench_compile(
			bench, machine, ppc64le ? calls : bench_good));
		if (ppc64le)
			REQUIRE(bench_run(bench, machine,
				"gcc " BENCH_FLAGS " -mcpu=power10 -c in.c "
				"-o in.elf"));
		REQUIRE(bench_run(
			bench, machine, "ld -T lds -e 0 in.elf -o linked.elf"));
		REQUIRE(bench_run(bench, machine,
			"objcopy -O binary linked.elf linked.bin"));
		bench_compel(bench, "build --raw in.elf -o out.bin");
		CHECK_STR(bench->complaint, "");
		bench_path(bench, "out.bin", path);
		REQUIRE(!io_read_file(arena, AT_FDCWD, path, &ours, &our_size));
		bench_path(bench, "linked.bin", path);
		REQUIRE(!io_read_file(
			arena, AT_FDCWD, path, &theirs, &their_size));
		CHECK_INT(our_size, their_size);
		CHECK(our_size > 64);
		CHECK_MEM(ours, theirs, our_size);
	}
}

TEST(compel_takes_linked_files_as_they_are)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		REQUIRE(bench_compile(bench, machine, bench_good));
		REQUIRE(bench_run(bench, machine,
			"ld -shared -Bsymbolic in.elf -o linked.elf"));
		CHECK_INT(bench_compel(bench, "check linked.elf"), 0);
		CHECK_STR(bench->complaint, "");
		REQUIRE(bench_run(bench, machine,
			"ld -static -e agent_entry in.elf -o linked.elf"));
		CHECK_INT(bench_compel(bench, "check linked.elf"), 0);
		CHECK_STR(bench->complaint, "");
	}
}

TEST(compel_names_the_undefined_symbol)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		REQUIRE(bench_compile(bench, machine,
			"__attribute__((visibility(\"hidden\"))) "
			"int elsewhere(void);\n"
			"int agent_entry(void) { return elsewhere() + 1; }"));
		bench_check_refused(bench, "check in.elf", "elsewhere",
			".text.agent_entry", "undefined");
	}
}

TEST(compel_names_writable_data_unless_it_is_allowed)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		REQUIRE(bench_compile(bench, machine,
			"static int counter = 7;\n"
			"int agent_entry(void) { return counter++; }"));
		bench_check_refused(bench, "check in.elf", "counter in .data",
			"writable", "4 bytes");
		CHECK_INT(bench_compel(bench, "check --allow-data in.elf"), 0);
		REQUIRE(bench_compile(bench, machine,
			"static int room[5];\n"
			"int agent_entry(int i) { return room[i]++; }"));
		bench_check_refused(bench, "check in.elf", "room in .bss",
			"writable", "20 bytes");
		CHECK_INT(bench_compel(bench, "check --allow-data in.elf"), 0);
	}
}

TEST(compel_refuses_absolute_addresses)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		REQUIRE(bench_compile(bench, machine,
			"static int f(void) { return 1; }\n"
			"static int (*const table[])(void) = {f, f};\n"
			"int agent_entry(int i) { return table[i](); }"));
		bench_check_refused(bench, "check in.elf", "absolute address",
			".data.rel.ro", "64");
		REQUIRE(bench_run(
			bench, machine, "ld -shared in.elf -o linked.elf"));
		bench_check_refused(bench, "check linked.elf", "loader",
			"_RELATIVE", "linked.elf");
	}
}

TEST(compel_refuses_tables_of_addresses_and_thread_local_data)
{
	static const char table[] =
		"__attribute__((visibility(\"default\"))) const int "
		"shared = 1;\n"
		"const int *agent_entry(void) { return &shared; }";
	static const char tls[] = "static __thread int mine;\n"
				  "int agent_entry(void) { return mine++; }";
	_cleanup_bench_ struct bench *bench = bench_new();
	const struct bench_machine *machine;

	if (!bench_has_here())
		return;
	for (machine = NULL; (machine = bench_next(machine));) {
		/* There the compiler writes the table itself. */
		bool toc = machine == &bench_machines[BENCH_PPC64LE];

		REQUIRE(bench_compile(bench, machine, table));
		bench_check_refused(bench, "check in.elf",
			toc ? "absolute address" : "GOT", "shared",
			toc ? ".toc" : ".text.agent_entry");
		REQUIRE(bench_compile(bench, machine, tls));
		bench_check_refused(bench, "check in.elf", "thread-local",
			".text.agent_entry", "");
	}
}

TEST(compel_refuses_the_wrong_machine)
{
	_cleanup_bench_ struct bench *bench = bench_new();
	char words[64], made[64], other[64];

	if (!bench_has_here())
		return;
	snprintf(made, sizeof(made), "made for %s", bench_here->name);
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	for (int i = 0; i < BENCH_MACHINES; i++) {
		snprintf(words, sizeof(words), "check --machine %s in.elf",
			bench_machines[i].name);
		snprintf(other, sizeof(other), "not for %s",
			bench_machines[i].name);
		if (&bench_machines[i] == bench_here)
			CHECK_INT(bench_compel(bench, words), 0);
		else
			bench_check_refused(
				bench, words, made, other, "in.elf");
	}
	CHECK_INT(bench_compel(bench, "check --machine sparc in.elf"), 2);
	CHECK(strstr(bench->complaint, "sparc"));
}

TEST(compel_refuses_files_without_the_entry)
{
	_cleanup_bench_ struct bench *bench = bench_new();

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here,
		"const int number = 3;\nint run(void) { return number; }"));
	bench_check_refused(
		bench, "check in.elf", "no entry", "agent_entry", "--entry");
	bench_check_refused(bench, "check --entry walk in.elf", "no entry",
		"walk", "not defined");
	bench_check_refused(bench, "check --entry number in.elf", "number",
		"not in a section of code", "in.elf");
	CHECK_INT(bench_compel(bench, "check --entry run in.elf"), 0);
}

/* Changes one byte of in.elf's header. */
static void bench_spoil(const struct bench *bench, size_t at, uint8_t value)
{
	char path[128];
	int fd;

	bench_path(bench, "in.elf", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK_INT(pwrite(fd, &value, 1, (off_t)at), 1);
	close(fd);
}

TEST(compel_refuses_headers_of_other_kinds)
{
	_cleanup_bench_ struct bench *bench = bench_new();

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	bench_spoil(bench, EI_DATA, ELFDATA2MSB);
	bench_check_refused(bench, "check in.elf", "big-endian", "", "");
	bench_spoil(bench, EI_DATA, ELFDATA2LSB);
	bench_spoil(bench, EI_CLASS, ELFCLASS32);
	bench_check_refused(bench, "check in.elf", "not a 64-bit", "", "");
	bench_spoil(bench, EI_CLASS, ELFCLASS64);
	bench_spoil(bench, offsetof(Elf64_Ehdr, e_type), ET_CORE);
	bench_check_refused(
		bench, "check in.elf", "neither an object", "type 4", "");
	bench_spoil(bench, offsetof(Elf64_Ehdr, e_type), ET_REL);
	bench_spoil(bench, offsetof(Elf64_Ehdr, e_machine), EM_S390);
	bench_check_refused(bench, "check in.elf", "machine 22", "x86_64", "");
	bench_write(bench, "in.elf", "int agent_entry(void);\n");
	bench_check_refused(bench, "check in.elf", "not an ELF file", "", "");
	bench_write(bench, "in.elf", "");
	bench_check_refused(bench, "check in.elf", "not an ELF file", "", "");
	bench_check_refused(
		bench, "check gone.elf", "gone.elf", "No such file", "");
}

/* However much is missing: refused, never read beyond the end (the test runs
 * under ASan). */
TEST(compel_refuses_files_that_are_cut_short)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_bench_ struct bench *bench = bench_new();
	char *bytes, path[128];
	size_t size;

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	bench_path(bench, "in.elf", path);
	REQUIRE(!io_read_file(arena, AT_FDCWD, path, &bytes, &size));
	for (size_t left = size - 1; left; left = left * 7 / 8) {
		CHECK_INT(truncate(path, (off_t)left), 0);
		bench_check_refused(bench, "check in.elf",
			left >= SELFMAG ? "cut short" : "not an ELF", "in.elf",
			"");
	}
}

/* Any damage to the file is either harmless or refused. */
TEST(compel_survives_damaged_files)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_bench_ struct bench *bench = bench_new();
	char *bytes, path[128];
	size_t size;

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	bench_path(bench, "in.elf", path);
	REQUIRE(!io_read_file(arena, AT_FDCWD, path, &bytes, &size));
	srandom(1);
	for (int i = 0; i < 400; i++) {
		size_t at = (size_t)random() % size;

		bench_spoil(bench, at, (uint8_t)random());
		CHECK(bench_compel(bench, "check in.elf") <= 1);
		if (bench->status)
			CHECK(strlen(bench->complaint) > 10);
		if (i % 3)
			bench_spoil(bench, at, (uint8_t)bytes[at]);
	}
}

TEST(compel_emits_source_that_compiles_to_the_same_bytes)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_bench_ struct bench *bench = bench_new();
	char *raw, *made, path[128];
	size_t raw_size, made_size;

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	REQUIRE(!bench_compel(
		bench, "build --symbol some_blob in.elf -o blob.c"));
	CHECK_STR(bench->out, "");
	REQUIRE(!bench_compel(bench, "build --raw in.elf -o raw.bin"));
	bench_write(bench, "backend.h",
		"#include <stddef.h>\n#include <stdint.h>\n"
		"struct blob { const uint8_t *bytes; size_t size, entry; };\n");
	bench_write(bench, "print.c",
		"#include <stdio.h>\n#include \"backend.h\"\n"
		"extern const struct blob some_blob;\n"
		"int main(void) { fwrite(some_blob.bytes, 1, some_blob.size,"
		" stdout); return some_blob.entry >= some_blob.size; }\n");
	REQUIRE(bench_run(bench, bench_here,
		"gcc -Wall -Wextra -Werror -I. print.c blob.c -o print && "
		"./print > made.bin"));
	bench_path(bench, "raw.bin", path);
	REQUIRE(!io_read_file(arena, AT_FDCWD, path, &raw, &raw_size));
	bench_path(bench, "made.bin", path);
	REQUIRE(!io_read_file(arena, AT_FDCWD, path, &made, &made_size));
	CHECK_INT(raw_size, made_size);
	CHECK_MEM(raw, made, raw_size);
}

TEST(compel_lists_symbols_in_the_source)
{
	_cleanup_bench_ struct bench *bench = bench_new();

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	REQUIRE(!bench_compel(bench, "build --symbol b --public in.elf -o -"));
	CHECK(strstr(bench->out, "code  agent_entry\n"));
	CHECK(strstr(bench->out, "data  table\n"));
	CHECK(strstr(bench->out, "#include <compel/compel.h>"));
	CHECK(strstr(bench->out, "const struct compel_blob b = {"));
}

TEST(compel_explains_wrong_usage)
{
	static const char *const wrong[][2] = {
		{"build --symbol x in.elf", "-o is missing"},
		{"build in.elf -o x.c", "--symbol is missing"},
		{"build --symbol 3x in.elf -o x.c", "C identifier"},
		{"build --symbol x -o x.c", "no ELF file"},
		{"check a b", "one file at a time"},
		{"check --fast a", "no such option: --fast"},
		{"check a --entry", "value is missing after --entry"},
		{"fly", "usage: compel"},
		{"", "usage: compel"},
	};
	_cleanup_bench_ struct bench *bench = bench_new();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_INT(bench_compel(bench, wrong[i][0]), 2);
		if (!CHECK(strstr(bench->complaint, wrong[i][1])))
			printf("# %s\n", bench->complaint);
	}
	CHECK_INT(bench_compel(bench, "--help"), 0);
	CHECK(strstr(bench->out, "usage: compel"));
}

TEST(compel_says_where_it_cannot_write)
{
	_cleanup_bench_ struct bench *bench = bench_new();

	if (!bench_has_here())
		return;
	REQUIRE(bench_compile(bench, bench_here, bench_good));
	bench_check_refused(bench, "build --symbol x in.elf -o no/such/dir.c",
		"opening no/such/dir.c", "No such file", "");
}
