/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/vmas.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "dump/registry.h"
#include "image/extra.h"
#include "model/extra.h"

/* Advices that VmFlags tell; bit N of madv is madvise(N). */
static const struct {
	uint64_t flag;
	int advice;
} advices[] = {
	{MAP_VM_SR, MADV_SEQUENTIAL},
	{MAP_VM_RR, MADV_RANDOM},
	{MAP_VM_DC, MADV_DONTFORK},
	{MAP_VM_DD, MADV_DONTDUMP},
	{MAP_VM_MG, MADV_MERGEABLE},
	{MAP_VM_HG, MADV_HUGEPAGE},
	{MAP_VM_NH, MADV_NOHUGEPAGE},
	{MAP_VM_WF, MADV_WIPEONFORK},
};

struct walk {
	struct dump *dump;
	struct victim *victim;
	const struct map *last; /* whose file is known: */
	struct registry_file last_file;
	bool sketch; /* no files, nothing is refused */
};

static const char name_begins[] = "[anon:";
static const char shared_name_begins[] = "[anon_shmem:";

static bool begins(const struct map *map, const char *with)
{
	return strncmp(map->path, with, strlen(with)) == 0;
}

/* Anonymous memory that is shared may have a name since 6.2, and is still a
 * file. */
static bool is_special(const struct map *map)
{
	return map->path[0] == '[' && !begins(map, shared_name_begins);
}

/* Nobody else has that memory, nor its tags. */
static bool tags_are_own(const struct map *map)
{
	return !map->shared && !(map->flags & MAP_VM_HT) &&
	       (!map->ino || is_special(map));
}

static const char unmap_hint[] =
	"have the program unmap it before the checkpoint";

struct oddity {
	const char *what, *hint;
};

static const struct oddity watched = {"watched through userfaultfd",
	"have its watcher let it go (UFFDIO_UNREGISTER) before the checkpoint"};
static const struct oddity shadow_stack = {"a shadow stack",
	"start the program without one: "
	"GLIBC_TUNABLES=glibc.cpu.x86_shstk=off"};
static const struct oddity tagged = {
	"tagged memory (MTE) of a file, shared or in huge pages",
	"have the program tag private memory alone"};
static const struct oddity keyed = {"guarded by a protection key",
	"have the program give it key 0 (pkey_mprotect) before the "
	"checkpoint"};
static const struct oddity device = {"memory of a device", unmap_hint};
static const struct oddity aio = {"a ring of asynchronous I/O",
	"have the program end it (io_destroy) before the checkpoint"};
static const struct oddity kernel_object = {
	"memory of a kernel object", unmap_hint};
static const struct oddity socket_ring = {"a ring of a socket", unmap_hint};
static const struct oddity sysv = {"System V shared memory",
	"have the program detach it (shmdt) before the checkpoint"};
static const struct oddity sealed = {"sealed by mseal",
	"such memory can never be unmapped or moved again: start the program "
	"without sealing"};

/* What cannot be dumped; NULL: it can. */
static const struct oddity *map_oddity(const struct map *map)
{
	if (map->flags & (MAP_VM_UM | MAP_VM_UW | MAP_VM_UI))
		return &watched;
	if (map->flags & MAP_VM_SS)
		return &shadow_stack;
	if (map->flags & MAP_VM_MT && !tags_are_own(map))
		return &tagged;
	/* Code that cannot be read has a key of the kernel's own. */
	if (map->pkey && map->prot != PROT_EXEC)
		return &keyed;
	if (map->flags & (MAP_VM_IO | MAP_VM_PF) && !is_special(map))
		return &device;
	if (begins(map, "/[aio]"))
		return &aio;
	if (begins(map, "anon_inode:"))
		return &kernel_object;
	if (begins(map, "socket:"))
		return &socket_ring;
	/* Its inode is its number, which may be 0. */
	if (begins(map, "/SYSV") && (map->deleted || !map->ino))
		return &sysv;
	if (map->flags & MAP_VM_SL && !is_special(map))
		return &sealed;
	return NULL;
}

static int map_check(
	const struct victim *victim, const struct map *map, struct err *err)
{
	const struct oddity *oddity = map_oddity(map);

	if (!oddity)
		return 0;
	err_set(err, EOPNOTSUPP,
		"process %d: the mapping %llx-%llx (%s) is %s, which cannot "
		"be dumped",
		victim->pid, (unsigned long long)map->start,
		(unsigned long long)map->end, map->path, oddity->what);
	return err_hint(err, "%s", oddity->hint);
}

static uint32_t anon_status(const struct map *map)
{
	uint32_t status = VMA_REGULAR | VMA_ANON_PRIVATE;

	if (strcmp(map->path, "[heap]") == 0)
		status |= VMA_HEAP;
	if (strcmp(map->path, "[vdso]") == 0)
		status |= VMA_VDSO;
	if (strncmp(map->path, "[vvar", 5) == 0)
		status |= VMA_VVAR;
	if (strcmp(map->path, "[vsyscall]") == 0)
		status = VMA_VSYSCALL | VMA_ANON_PRIVATE;
	if (strcmp(map->path, "[uprobes]") == 0)
		status |= VMA_UPROBES;
	return status;
}

static uint32_t map_flags(const struct map *map)
{
	uint32_t flags = map->shared		  ? MAP_SHARED
			 : map->flags & MAP_VM_DP ? VMA_MAP_DROPPABLE
						  : MAP_PRIVATE;

	if (map->flags & MAP_VM_GD)
		flags |= MAP_GROWSDOWN;
	if (map->flags & MAP_VM_LO)
		flags |= MAP_LOCKED;
	if (map->flags & MAP_VM_NR)
		flags |= MAP_NORESERVE;
	if (map->flags & MAP_VM_HT) {
		flags |= MAP_HUGETLB;
		flags |= (uint32_t)(__builtin_ctzll(map->page_kb) + 10)
			 << MAP_HUGE_SHIFT;
	}
	return flags;
}

static uint64_t map_advices(const struct map *map)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (map->flags & advices[i].flag)
			bits |= 1ull << advices[i].advice;
	return bits;
}

static bool is_same_file(const struct map *a, const struct map *b)
{
	return a->ino == b->ino && a->shared == b->shared &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       strcmp(a->path, b->path) == 0;
}

/* All that the neighbours ask of their file. What is written to private memory
 * is not the file's business. */
static struct map neighbours_join(
	const struct walk *walk, const struct map *map)
{
	const struct maps *maps = &walk->victim->maps;
	struct map all = *map;

	for (; map < maps->at + maps->n && is_same_file(map, &all); map++) {
		all.prot |= map->prot;
		all.flags |= map->flags & MAP_VM_MW;
	}
	if (!all.shared)
		all.prot &= ~(uint32_t)PROT_WRITE;
	return all;
}

/* Neighbouring areas of one file are looked up once. */
static int file_find(struct walk *walk, const struct map *map,
	struct registry_file *ret, struct err *err)
{
	const struct map *last = walk->last;
	char link[64], where[64];
	struct map all;
	int code;

	if (last && is_same_file(last, map)) {
		*ret = walk->last_file;
		walk->last = map;
		return 0;
	}
	snprintf(link, sizeof(link), "map_files/%llx-%llx",
		(unsigned long long)map->start, (unsigned long long)map->end);
	snprintf(where, sizeof(where), "the mapping %llx-%llx",
		(unsigned long long)map->start, (unsigned long long)map->end);
	all = neighbours_join(walk, map);
	code = registry_path(
		walk->dump, walk->victim, link, where, &all, ret, err);
	if (code)
		return code;
	walk->last = map;
	walk->last_file = *ret;
	return 0;
}

static int file_fill(struct walk *walk, const struct map *map, VmaEntry *vma,
	struct err *err)
{
	struct registry_file file;
	int code;

	code = file_find(walk, map, &file, err);
	if (code)
		return code;
	vma->shmid = file.id;
	vma->pgoff = map->offset;
	vma->status = VMA_REGULAR |
		      (map->shared ? VMA_FILE_SHARED : VMA_FILE_PRIVATE);
	if (file.type == FD_TYPES__MEMFD)
		vma->status |= VMA_MEMFD;
	vma->has_fdflags = true;
	vma->fdflags =
		map->shared && map->flags & MAP_VM_MW ? O_RDWR : O_RDONLY;
	return 0;
}

static int vma_fill(struct walk *walk, const struct map *map, VmaEntry *vma,
	struct err *err)
{
	uint64_t madv;
	int code = 0;

	vma_entry__init(vma);
	vma->start = map->start;
	vma->end = map->end;
	vma->prot = map->prot | (map->flags & MAP_VM_BT ? VMA_PROT_BTI : 0) |
		    (map->flags & MAP_VM_MT ? VMA_PROT_TAGS : 0);
	vma->flags = map_flags(map);
	vma->fd = -1;
	if (map->ino && !is_special(map) && walk->sketch) {
		vma->status = VMA_REGULAR | (map->shared ? VMA_FILE_SHARED
							 : VMA_FILE_PRIVATE);
	} else if (map->ino && !is_special(map)) {
		code = file_fill(walk, map, vma, err);
	} else {
		vma->flags |= MAP_ANONYMOUS;
		vma->status = anon_status(map);
	}
	madv = map_advices(map);
	if (madv && !(vma->status & VMA_VVAR)) {
		vma->has_madv = true;
		vma->madv = madv;
	}
	return code;
}

static void name_keep(struct walk *walk, const struct map *map)
{
	const char *name;
	size_t size;

	if (begins(map, name_begins))
		name = map->path + strlen(name_begins);
	else if (begins(map, shared_name_begins))
		name = map->path + strlen(shared_name_begins);
	else
		return;
	size = strlen(name);
	if (size && name[size - 1] == ']')
		extra_name_add(walk->dump->arena,
			extra_of_task(walk->dump->arena, walk->victim),
			map->start, map->end, name, size - 1);
}

/* What vma_entry has no field for. */
static void more_keep(struct walk *walk, const struct map *map)
{
	StasisTaskExtra *extra;

	name_keep(walk, map);
	if (!(map->flags & MAP_VM_LF))
		return;
	extra = extra_of_task(walk->dump->arena, walk->victim);
	extra_range_add(walk->dump->arena, &extra->lock_on_fault,
		&extra->n_lock_on_fault, map->start, map->end, 0);
}

static bool vvar_continues(const VmaEntry *last, const struct map *map)
{
	return last && last->status & VMA_VVAR && last->end == map->start &&
	       strncmp(map->path, "[vvar", 5) == 0;
}

static int vmas_fill(struct walk *walk, MmEntry *mm,
	const struct map ***ret_maps, struct err *err)
{
	struct dump *dump = walk->dump;
	struct victim *victim = walk->victim;
	size_t n = victim->maps.n;
	VmaEntry *entries = arena_newn(dump->arena, VmaEntry, n);
	const struct map **maps =
		arena_newn(dump->arena, const struct map *, n);
	const struct map *map;
	size_t count = 0;
	int code;

	/* Room for as many guard entries is added when they are found. */
	mm->vmas = arena_newn(dump->arena, VmaEntry *, n);
	for (size_t i = 0; i < n; i++) {
		map = &victim->maps.at[i];
		if (vvar_continues(count ? &entries[count - 1] : NULL, map)) {
			entries[count - 1].end = map->end;
			continue;
		}
		code = walk->sketch ? 0 : map_check(victim, map, err);
		if (!code)
			code = vma_fill(walk, map, &entries[count], err);
		if (code)
			return code;
		if (!walk->sketch)
			more_keep(walk, map);
		maps[count] = map;
		mm->vmas[count] = &entries[count];
		count++;
	}
	mm->n_vmas = count;
	*ret_maps = maps;
	return 0;
}

int vmas_capture(struct dump *dump, struct victim *victim, MmEntry *mm,
	const struct map ***ret_maps, struct err *err)
{
	struct walk walk = {.dump = dump, .victim = victim};

	return vmas_fill(&walk, mm, ret_maps, err);
}

void vmas_sketch(struct dump *dump, struct victim *victim, MmEntry *mm,
	const struct map ***ret_maps)
{
	struct walk walk = {.dump = dump, .victim = victim, .sketch = true};

	/* Nothing of it can fail. */
	vmas_fill(&walk, mm, ret_maps, ERR_UNREAD);
}
