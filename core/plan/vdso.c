/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vdso: the kernel's code in every task, at the address where the task knew
 * it.
 *
 * The newborn's own vdso and the data before it are parked in the zone while
 * memory is exchanged. When the image holds the same vdso, they are moved to
 * the old addresses. When it holds another (another kernel), the old code is
 * mapped from the image, its functions jump to the host's vdso, which stays
 * at an address of its own, and zeros stand in for its old data: with those,
 * what is not bridged falls back to system calls.
 */
#include <elf.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#include "model/vma.h"
#include "plan/plan.h"

static bool is_vdso(const struct map *map)
{
	return strcmp(map->path, "[vdso]") == 0;
}

static bool is_vvar(const struct map *map)
{
	return strncmp(map->path, "[vvar", 5) == 0;
}

struct vdso_span {
	uint64_t vdso, vdso_size;
	uint64_t vvar, vvar_size; /* all of it; 0: none */
};

static struct vdso_span host_span(const struct host *host)
{
	struct vdso_span span = {0};
	const struct map *map;

	for (size_t i = 0; i < host->maps.n; i++) {
		map = &host->maps.at[i];
		if (is_vdso(map)) {
			span.vdso = map->start;
			span.vdso_size = map->end - map->start;
		} else if (is_vvar(map)) {
			if (!span.vvar)
				span.vvar = map->start;
			span.vvar_size = map->end - span.vvar;
		}
	}
	return span;
}

static struct vdso_span task_span(const struct task *task)
{
	struct vdso_span span = {0};
	const VmaEntry *vma;

	for (size_t i = 0; i < task->mm->n_vmas; i++) {
		vma = task->mm->vmas[i];
		if (vma->status & VMA_VDSO) {
			span.vdso = vma->start;
			span.vdso_size = vma->end - vma->start;
		} else if (vma->status & VMA_VVAR) {
			if (!span.vvar)
				span.vvar = vma->start;
			span.vvar_size = vma->end - span.vvar;
		}
	}
	return span;
}

/* The lowest of all that belongs together: moves keep the distances. */
static uint64_t span_base(const struct vdso_span *span)
{
	return span->vvar && span->vvar < span->vdso ? span->vvar : span->vdso;
}

static void areas_move(const struct host *host, struct tape *tape,
	int64_t from_shift, int64_t to_shift)
{
	const struct map *map;

	for (size_t i = 0; i < host->maps.n; i++) {
		map = &host->maps.at[i];
		if (!is_vdso(map) && !is_vvar(map))
			continue;
		tape_call(tape, CALL_mremap,
			A(map->start + (uint64_t)from_shift),
			A(map->end - map->start), A(map->end - map->start),
			A(MREMAP_MAYMOVE | MREMAP_FIXED),
			A(map->start + (uint64_t)to_shift));
	}
}

void plan_vdso_park(struct plan *plan, struct tape *tape)
{
	struct vdso_span host = host_span(plan->host);

	if (!host.vdso)
		return;
	tape_about(tape, "vdso: aside");
	areas_move(plan->host, tape, 0,
		(int64_t)(plan->zone.park - span_base(&host)));
}

bool plan_vdso_same(const struct plan *plan, const struct task *task)
{
	struct vdso_span host = host_span(plan->host), was = task_span(task);

	return task->vdso && plan->host->vdso_bytes &&
	       host.vdso_size == was.vdso_size &&
	       host.vvar_size == was.vvar_size &&
	       (!host.vvar || host.vdso - host.vvar == was.vdso - was.vvar) &&
	       memcmp(task->vdso, plan->host->vdso_bytes, host.vdso_size) == 0;
}

/* --- the bridge --------------------------------------------------------- */

struct elf {
	const uint8_t *bytes;
	size_t size;
	const Elf64_Sym *symbols;
	size_t n_symbols;
	const char *names;
	size_t names_size;
	uint64_t load; /* lowest vaddr */
};

/* NULL: not in the file, or not where such things can be. */
static const void *elf_at(
	const struct elf *elf, uint64_t at, uint64_t size, uint64_t alignment)
{
	return at <= elf->size && size <= elf->size - at && at % alignment == 0
		       ? elf->bytes + at
		       : NULL;
}

static bool elf_dynamic(struct elf *elf, const Elf64_Phdr *phdr)
{
	size_t n = phdr->p_filesz / sizeof(Elf64_Dyn);
	const Elf64_Dyn *dyn =
		elf_at(elf, phdr->p_offset, phdr->p_filesz, alignof(Elf64_Dyn));
	uint64_t hash = 0, symtab = 0, strtab = 0, strsz = 0;
	const uint32_t *words;

	for (size_t i = 0; dyn && i < n && dyn[i].d_tag; i++) {
		if (dyn[i].d_tag == DT_HASH)
			hash = dyn[i].d_un.d_ptr - elf->load;
		else if (dyn[i].d_tag == DT_SYMTAB)
			symtab = dyn[i].d_un.d_ptr - elf->load;
		else if (dyn[i].d_tag == DT_STRTAB)
			strtab = dyn[i].d_un.d_ptr - elf->load;
		else if (dyn[i].d_tag == DT_STRSZ)
			strsz = dyn[i].d_un.d_val;
	}
	elf->names = elf_at(elf, strtab, strsz, 1);
	elf->names_size = strsz;
	words = hash ? elf_at(elf, hash, 8, 4) : NULL;
	/* Without DT_HASH the names begin right behind the symbols. */
	elf->n_symbols = words ? words[1]
			 : strtab > symtab
				 ? (strtab - symtab) / sizeof(Elf64_Sym)
				 : 0;
	elf->symbols = elf_at(elf, symtab, elf->n_symbols * sizeof(Elf64_Sym),
		alignof(Elf64_Sym));
	return elf->symbols && elf->names && strsz &&
	       elf->names[strsz - 1] == '\0';
}

static bool elf_open(const uint8_t *bytes, size_t size, struct elf *ret)
{
	struct elf elf = {.bytes = bytes, .size = size};
	const Elf64_Ehdr *head = elf_at(&elf, 0, sizeof(*head), 1);
	const Elf64_Phdr *phdr;

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	phdr = elf_at(&elf, head->e_phoff, head->e_phnum * sizeof(*phdr),
		alignof(Elf64_Phdr));
	for (int i = 0; phdr && i < head->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD)
			elf.load = phdr[i].p_vaddr - phdr[i].p_offset;
	for (int i = 0; phdr && i < head->e_phnum; i++)
		if (phdr[i].p_type == PT_DYNAMIC &&
			elf_dynamic(&elf, &phdr[i])) {
			*ret = elf;
			return true;
		}
	return false;
}

/* Offset of a function in the vdso, or 0. */
static uint64_t elf_function(const struct elf *elf, const char *name)
{
	const Elf64_Sym *symbol;

	for (size_t i = 0; i < elf->n_symbols; i++) {
		symbol = &elf->symbols[i];
		if (symbol->st_name < elf->names_size && symbol->st_shndx &&
			strcmp(elf->names + symbol->st_name, name) == 0 &&
			symbol->st_value - elf->load < elf->size)
			return symbol->st_value - elf->load;
	}
	return 0;
}

/* Dumps of ours find no thread inside of the vdso, those of others may: one
 * that goes on behind a jump's first byte would run into its middle. */
static int jump_check(const struct plan *plan, const struct task *task,
	uint64_t at, size_t size, const char *function, struct err *err)
{
	const struct thread *thread;
	uint64_t pc;

	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		if (!thread->regs.set[0].bytes)
			continue;
		pc = plan->host->be->reg_get(thread->regs.set[0].bytes, REG_PC);
		if (pc <= at || pc - at >= size)
			continue;
		err_set(err, EBUSY,
			"task %d: thread %d was stopped at the start of %s in "
			"the vdso of another kernel, which is no code here",
			task->pid, thread->tid, function);
		return err_hint(err, "restore it under the kernel that it was "
				     "dumped under, and dump it again");
	}
	return 0;
}

/* The image's code with jumps in it, as data of the tape. */
static int bridge_build(const struct plan *plan, const struct task *task,
	const struct vdso_span *was, uint64_t home, struct tape *tape,
	uint64_t data, struct err *err)
{
	const struct backend *be = plan->host->be;
	struct vdso_span host = host_span(plan->host);
	struct elf old, new;
	uint64_t from, to;
	uint8_t jump[32];
	size_t size;
	int code = 0;

	if (!plan->host->vdso_bytes ||
		!elf_open(task->vdso, was->vdso_size, &old) ||
		!elf_open(plan->host->vdso_bytes, host.vdso_size, &new))
		return 0;
	for (size_t i = 0; be->vdso_symbols[i] && !code; i++) {
		from = elf_function(&old, be->vdso_symbols[i]);
		to = elf_function(&new, be->vdso_symbols[i]);
		if (!from || !to)
			continue;
		size = be->vdso_jump(jump, was->vdso + from, home + to);
		if (from + size > was->vdso_size)
			continue;
		memcpy((char *)tape_data_at(tape, data) + from, jump, size);
		code = jump_check(plan, task, was->vdso + from, size,
			be->vdso_symbols[i], err);
	}
	return code;
}

static int bridge_place(struct plan *plan, const struct task *task,
	const struct vdso_span *was, struct tape *tape, struct err *err)
{
	struct vdso_span host = host_span(plan->host);
	uint64_t base = span_base(&host), data, home;

	home = plan->zone.vdso_home + (host.vdso - base);
	tape_about(tape, "vdso: the host's, to an address of its own");
	if (host.vdso)
		areas_move(plan->host, tape, (int64_t)(plan->zone.park - base),
			(int64_t)(plan->zone.vdso_home - base));
	tape_about(tape, "vdso: the image's, bridged to the host's");
	if (was->vvar)
		tape_call(tape, CALL_mmap, A(was->vvar), A(was->vvar_size),
			A(PROT_READ),
			A(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), A(-1),
			A(0));
	tape_call(tape, CALL_mmap, A(was->vdso), A(was->vdso_size),
		A(PROT_READ | PROT_WRITE),
		A(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), A(-1), A(0));
	data = tape_data(tape, task->vdso, was->vdso_size);
	tape_copy(tape, A(was->vdso), A_DATA(data), was->vdso_size);
	tape_call(tape, CALL_mprotect, A(was->vdso), A(was->vdso_size),
		A(PROT_READ | PROT_EXEC));
	return bridge_build(plan, task, was, home, tape, data, err);
}

int plan_vdso_place(struct plan *plan, struct plan_task *pt, struct tape *tape,
	struct err *err)
{
	struct vdso_span host = host_span(plan->host);
	struct vdso_span was = task_span(pt->task);

	if (!was.vdso)
		return 0; /* the parked one goes with the zone */
	if (plan_vdso_same(plan, pt->task)) {
		tape_about(tape, "vdso: home");
		areas_move(plan->host, tape,
			(int64_t)(plan->zone.park - span_base(&host)),
			(int64_t)(span_base(&was) - span_base(&host)));
		return 0;
	}
	if (!pt->task->vdso)
		return err_set(err, EBADMSG,
			"task %d: the image has no contents of its vdso",
			pt->task->pid);
	return bridge_place(plan, pt->task, &was, tape, err);
}
