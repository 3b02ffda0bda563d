/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/memory_object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/index.h"
#include "base/io.h"
#include "base/vec.h"
#include "kinds/file/lib/attributes.h"
#include "pages/source.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

void memory_object_tell(
	struct dump *dump, const struct sighting *sighting, uint32_t *ret_shmid)
{
	struct memory_object *object =
		arena_new1(dump->arena, struct memory_object);
	uint32_t shmid = (uint32_t)sighting->stat.st_ino;

	if (!dump->memory)
		dump->memory = arena_new1(dump->arena, struct memory_objects);
	/* In another file system there may be the same inode. */
	while (!shmid || index_get(&dump->memory->by_shmid, shmid))
		shmid++;
	*object = (struct memory_object){
		.shmid = shmid,
		.path = arena_printf(dump->arena, "/proc/%d/%s",
			sighting->victim->pid, sighting->link),
		.dev = sighting->stat.st_dev,
		.ino = sighting->stat.st_ino,
		.size = (uint64_t)sighting->stat.st_size,
		.held = -1,
	};
	*index_slot(dump->arena, &dump->memory->by_shmid, shmid) = object;
	*vec_push(dump->arena, &dump->memory->list) = object;
	*ret_shmid = shmid;
}

struct shelf_memory {
	uint32_t shmid;
	int fd; /* -1: closed again */
	uint32_t late_seals;
};

typedef VEC(struct shelf_memory *) memories;

/* Those that files are being made of, few at a time; and those that are out of
 * their way until every task has mapped what it had: then they are sealed. */
struct memory_shelf {
	memories open, parked;
	struct index by_shmid; /* of both */
};

static void memories_close(const memories *all)
{
	for (size_t i = 0; i < all->n; i++)
		fd_closep(&all->at[i]->fd);
}

void memory_shelf_close(struct restore *restore)
{
	if (!restore->memory)
		return;
	memories_close(&restore->memory->open);
	memories_close(&restore->memory->parked);
	restore->memory = NULL;
}

/* Not among the numbers of the shelf, which are closed as a whole. */
static int memory_park(
	struct restore *restore, struct shelf_memory *memory, struct err *err)
{
	int above = fcntl(memory->fd, F_DUPFD_CLOEXEC, restore->park_from);

	if (above < 0)
		return err_errno(
			err, "keeping memory object %u open", memory->shmid);
	close(memory->fd);
	memory->fd = above;
	*vec_push(restore->arena, &restore->memory->parked) = memory;
	return 0;
}

int memory_shelf_clear(struct restore *restore, struct err *err)
{
	struct memory_shelf *shelf = restore->memory;
	struct shelf_memory *memory;
	int code = 0;

	for (size_t i = 0; shelf && i < shelf->open.n && !code; i++) {
		memory = shelf->open.at[i];
		if (memory->late_seals) {
			code = memory_park(restore, memory, err);
			continue;
		}
		close(memory->fd);
		memory->fd = -1;
		*index_slot(restore->arena, &shelf->by_shmid, memory->shmid) =
			NULL;
	}
	if (shelf && !code)
		shelf->open.n = 0;
	return code;
}

/* What mmap makes of MAP_SHARED | MAP_ANONYMOUS: a file without the name that
 * a memfd has. Only its mapping leads to it. */
static int anonymous_make(
	const MemfdInodeEntry *inode, int *ret_fd, struct err *err)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	unsigned long size = (inode->size + page - 1) & ~(page - 1);
	char link[80];
	void *at;
	int fd;

	at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return err_errno(
			err, "making %lu bytes of shared memory", size);
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx",
		(unsigned long)at, (unsigned long)at + size);
	fd = open(link, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err_errno(err, "opening shared memory through %s", link);
	munmap(at, size);
	if (fd < 0)
		return err_hint(err, "this needs CAP_CHECKPOINT_RESTORE or "
				     "CAP_SYS_ADMIN");
	*ret_fd = fd;
	return 0;
}

static int memfd_make(
	const MemfdInodeEntry *inode, int *ret_fd, struct err *err)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | inode->hugetlb_flag;
	_cleanup_fd_ int fd = -1;

	/* Whether it may be executed is said since 6.3, and can only be taken
	 * back by the seal. */
	if (!(inode->seals & F_SEAL_EXEC))
		fd = (int)syscall(
			SYS_memfd_create, inode->name, flags | MFD_EXEC);
	if (fd < 0)
		fd = (int)syscall(SYS_memfd_create, inode->name, flags);
	if (fd < 0)
		return err_errno(err, "making the memfd '%s'", inode->name);
	if (ftruncate(fd, (off_t)inode->size))
		return err_errno(err, "making the memfd '%s' %llu bytes big",
			inode->name, (unsigned long long)inode->size);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int piece_read(struct source_reader *reader,
	const struct source_piece *piece, uint8_t *memory, uint64_t room,
	struct err *err)
{
	uint64_t size = piece->nr_pages * reader->source->page_size;
	int code, fd;

	if (piece->vaddr > room || size > room - piece->vaddr)
		return err_set(err, EBADMSG,
			"its pages reach up to %llu, behind its end at %llu",
			(unsigned long long)(piece->vaddr + size),
			(unsigned long long)room);
	if (piece->file == SOURCE_ELSEWHERE)
		return err_set(err, EBADMSG,
			"its pages are still with whoever dumped it");
	code = source_reader_fd(reader, piece->file, &fd, err);
	if (code)
		return code;
	code = io_pread_exact(
		fd, memory + piece->vaddr, size, (off_t)piece->offset);
	return code ? err_code(err, code, "reading its pages") : 0;
}

static int memory_fill(struct restore *restore, const MemfdInodeEntry *inode,
	int fd, struct err *err)
{
	uint32_t page = (uint32_t)restore->run->page_size;
	_cleanup_source_reader_ struct source_reader reader = {0};
	uint64_t room = (inode->size + page - 1) & ~(uint64_t)(page - 1);
	struct source pages = {0};
	void *memory;
	int code;

	code = source_load(restore->images, IMAGE_PAGEMAP_SHMEM, inode->shmid,
		page, &pages, err);
	if (code || !pages.n)
		return code;
	memory = room ? mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				0)
		      : MAP_FAILED;
	if (memory == MAP_FAILED)
		return err_errno(err, "mapping it");
	source_reader_open(&reader, restore->arena, &pages);
	for (size_t i = 0; i < pages.n && !code; i++)
		code = piece_read(&reader, &pages.pieces[i], memory, room, err);
	munmap(memory, room);
	return code;
}

/* Memory that may be mapped for writing no more can still be so, by those who
 * had mapped it before: they must have again. No seal comes after F_SEAL_SEAL.
 */
static uint32_t late_seals(const MemfdInodeEntry *inode)
{
	bool later = inode->seals & F_SEAL_FUTURE_WRITE &&
		     !(inode->seals & F_SEAL_WRITE);

	return later ? inode->seals & (F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) : 0;
}

static int seals_add(int fd, uint32_t seals, struct err *err)
{
	int now = fcntl(fd, F_GET_SEALS);

	if (now >= 0 && ((uint32_t)now & seals) != seals &&
		fcntl(fd, F_ADD_SEALS, seals & ~(uint32_t)now))
		return err_errno(err, "setting its seals (F_ADD_SEALS)");
	return 0;
}

/* Everybody's last write and the seals against more come in this order. */
static int memory_finish(const MemfdInodeEntry *inode, int fd, struct err *err)
{
	struct stat now;

	if (fstat(fd, &now) ||
		((now.st_uid != inode->uid || now.st_gid != inode->gid) &&
			fchown(fd, inode->uid, inode->gid)))
		return err_errno(err, "giving it to its owner");
	if (inode->has_mode && (now.st_mode & 07777) != (inode->mode & 07777) &&
		fchmod(fd, inode->mode & 07777))
		return err_errno(err, "setting its permissions");
	return attributes_restore(fd, inode->stasis_attribute,
		       inode->n_stasis_attribute, err)
		       ?: seals_add(fd, inode->seals & ~late_seals(inode), err);
}

static int memory_make(struct restore *restore, const MemfdInodeEntry *inode,
	int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int code;

	if (strcmp(inode->name, "/dev/zero") == 0)
		code = anonymous_make(inode, &fd, err);
	else
		code = memfd_make(inode, &fd, err);
	if (!code)
		code = memory_fill(restore, inode, fd, err);
	if (!code)
		code = memory_finish(inode, fd, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

int memory_object_open(struct restore *restore, const MemfdInodeEntry *inode,
	int *ret_fd, struct err *err)
{
	uint32_t shmid = inode->shmid;
	struct shelf_memory *memory;
	int code, fd;

	if (!restore->memory)
		restore->memory =
			arena_new1(restore->arena, struct memory_shelf);
	memory = index_get(&restore->memory->by_shmid, shmid);
	if (memory) {
		*ret_fd = memory->fd;
		return 0;
	}
	code = memory_make(restore, inode, &fd, err);
	if (!code)
		code = restore_keep(restore, &fd, err);
	if (code)
		return code;
	memory = arena_new1(restore->arena, struct shelf_memory);
	*memory = (struct shelf_memory){
		.shmid = shmid, .fd = fd, .late_seals = late_seals(inode)};
	*vec_push(restore->arena, &restore->memory->open) = memory;
	*index_slot(restore->arena, &restore->memory->by_shmid, shmid) = memory;
	*ret_fd = fd;
	return 0;
}

static int memories_seal(const memories *all, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < all->n && !code; i++) {
		code = seals_add(all->at[i]->fd, all->at[i]->late_seals, err);
		if (code)
			err_wrap(err, "memory object %u", all->at[i]->shmid);
	}
	return code;
}

int memory_shelf_seal(struct restore *restore, struct err *err)
{
	struct memory_shelf *shelf = restore->memory;

	return shelf ? memories_seal(&shelf->open, err)
			       ?: memories_seal(&shelf->parked, err)
		     : 0;
}
