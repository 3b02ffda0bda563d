/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/host.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/vma.h"

static unsigned cpus_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set)
		       ? 1
		       : (unsigned)CPU_COUNT(&set);
}

/* Taken or free, an address that can be mapped is told from one that cannot.
 * The kernel's sizes are powers of two, or less by a page. */
static uint64_t task_size_find(const struct host *host)
{
	uint64_t size = host->be->task_size, page = host->page_size;
	void *at;

	for (; size > 1ull << 32; size >>= 1) {
		at = mmap((void *)(uintptr_t)(size - page), page, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			0);
		if (at != MAP_FAILED)
			munmap(at, page);
		if (at != MAP_FAILED || errno == EEXIST)
			return size;
	}
	return host->be->task_size;
}

/* Is anonymous memory of that kind unknown here? */
static bool memory_lacks(const struct host *host, int prot, int flags)
{
	void *at = mmap(NULL, host->page_size, PROT_READ | prot,
		flags | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return errno == EINVAL;
	munmap(at, host->page_size);
	return false;
}

/* Newborns have ours, and need it elsewhere. */
static int vdso_read(struct host *host, struct err *err)
{
	const struct map *map;

	for (size_t i = 0; i < host->maps.n; i++) {
		map = &host->maps.at[i];
		if (strcmp(map->path, "[vdso]") != 0)
			continue;
		if (maps_own_is_sealed(map))
			return err_set(err, EPERM,
				"this kernel has sealed the vdso "
				"(CONFIG_MSEAL_SYSTEM_MAPPINGS): processes "
				"cannot get theirs back");
		host->vdso_bytes = (const uint8_t *)(uintptr_t)map->start;
	}
	return 0;
}

/* mmap lets bits pass that it does not know. */
static bool tags_lack(const struct host *host)
{
	void *at = mmap(NULL, host->page_size, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool lack;

	if (at == MAP_FAILED)
		return true;
	lack = mprotect(at, host->page_size, PROT_READ | VMA_PROT_TAGS) != 0;
	munmap(at, host->page_size);
	return lack;
}

int host_read(struct restore *restore, struct host *ret, struct err *err)
{
	_cleanup_proc_ struct proc own = PROC_CLOSED;
	struct host host = {.be = restore->be,
		.page_size = restore->run->page_size,
		.cpus = cpus_count()};
	int code;

	host.task_size = task_size_find(&host);
	/* A CPU that knows no marks runs marked code, but the kernel does not
	 * map it as such. Kernels of other machines let the bit pass. */
	host.prot_lacks = memory_lacks(&host, VMA_PROT_BTI, MAP_PRIVATE)
				  ? VMA_PROT_BTI
				  : 0;
	host.tags_lack = tags_lack(&host);
	host.droppable_lacks = memory_lacks(&host, 0, VMA_MAP_DROPPABLE);
	code = proc_open(getpid(), &own, err);
	if (!code)
		code = maps_read_plain(restore->arena, &own, &host.maps, err);
	if (!code)
		code = proc_list_fds(
			restore->arena, &own, &host.fds.at, &host.fds.n, err);
	if (code)
		return code;
	code = vdso_read(&host, err);
	if (!code)
		*ret = host;
	return code;
}

void host_imagine(
	struct restore *restore, struct host *ret, struct facts *ret_facts)
{
	*ret = (struct host){
		.be = restore->be, .page_size = restore->page_size};
	*ret_facts = (struct facts){
		.proc_fd = -1,
		.timer_restore_ids = true,
		.last_cap = 40,
		.cap_prm = ~0ull,
		.cap_bnd = ~0ull,
		.loginuid = UINT32_MAX,
		.coredump_filter = 0x33,
		.timerslack = 50000,
		.dumpable = 1,
		.affinity_all = true,
	};
	for (int i = 0; i < FACTS_RLIMITS; i++)
		ret_facts->rlimits[i].cur = ret_facts->rlimits[i].max =
			UINT64_MAX;
}
