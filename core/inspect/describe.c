/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect/sockets.h"
#include "proto/memory.pb-c.h"

static int file_compare(const void *a, const void *b)
{
	const FileEntry *one = *(const FileEntry *const *)a;
	const FileEntry *two = *(const FileEntry *const *)b;

	return one->id < two->id ? -1 : one->id > two->id;
}

/* Where messages of a type have the number that files call them by. */
struct numbered {
	enum image_type type;
	size_t key_at; /* of a uint32_t */
};

/* The first of each number is found. */
static int numbered_load(struct image_set *set, const struct numbered *numbered,
	struct index *ret, struct err *err)
{
	struct image_list list = {0};
	int code = image_load(set, numbered->type, 0, &list, err);
	uint32_t key;
	void **slot;

	for (size_t i = 0; !code && i < list.n; i++) {
		memcpy(&key, (const char *)list.at[i].msg + numbered->key_at,
			sizeof(key));
		slot = index_slot(image_set_arena(set), ret, key);
		*slot = *slot ?: list.at[i].msg;
	}
	return code;
}

static int packets_count(
	struct image_set *set, struct index *ret, struct err *err)
{
	struct image_list list = {0};
	int code = image_load(set, IMAGE_SK_QUEUES, 0, &list, err);
	const SkPacketEntry *packet;
	void **n;

	for (size_t i = 0; !code && i < list.n; i++) {
		packet = (const SkPacketEntry *)list.at[i].msg;
		n = index_slot(image_set_arena(set), ret, packet->id_for);
		*n = (char *)*n + 1;
	}
	return code;
}

static int files_load(
	struct image_set *set, struct file_book *book, struct err *err)
{
	struct image_list files = {0};
	int code = image_load(set, IMAGE_FILES, 0, &files, err);

	if (code < 0)
		return code;
	book->files = arena_newn(book->arena, const FileEntry *, files.n + 1);
	for (size_t i = 0; i < files.n; i++)
		book->files[i] = (const FileEntry *)files.at[i].msg;
	book->n = files.n;
	qsort(book->files, book->n, sizeof(book->files[0]), file_compare);
	return 0;
}

int file_book_load(
	struct image_set *set, struct file_book *ret_book, struct err *err)
{
	static const struct numbered pipe_data = {
		IMAGE_PIPES_DATA, offsetof(PipeDataEntry, pipe_id)};
	static const struct numbered fifo_data = {
		IMAGE_FIFO_DATA, offsetof(PipeDataEntry, pipe_id)};
	static const struct numbered memfds = {
		IMAGE_MEMFD, offsetof(MemfdInodeEntry, inode_id)};
	static const struct numbered ttys = {
		IMAGE_TTY_INFO, offsetof(TtyInfoEntry, id)};
	static const struct numbered remaps = {
		IMAGE_REMAP_FPATH, offsetof(RemapFilePathEntry, orig_id)};
	struct file_book book = {.arena = image_set_arena(set)};
	int code = files_load(set, &book, err);

	if (!code)
		code = numbered_load(set, &pipe_data, &book.pipe_data, err);
	if (!code)
		code = numbered_load(set, &fifo_data, &book.fifo_data, err);
	if (!code)
		code = packets_count(set, &book.packets, err);
	if (!code)
		code = numbered_load(set, &memfds, &book.memfds, err);
	if (!code)
		code = numbered_load(set, &ttys, &book.ttys, err);
	if (!code)
		code = numbered_load(set, &remaps, &book.remaps, err);
	if (code < 0)
		return code;
	*ret_book = book;
	return 0;
}

const FileEntry *file_book_find(const struct file_book *book, uint32_t id)
{
	FileEntry wanted = {.id = id};
	const FileEntry *key = &wanted;
	const FileEntry **found = bsearch(&key, book->files, book->n,
		sizeof(book->files[0]), file_compare);

	return found ? *found : NULL;
}

const char *file_book_path(const struct file_book *book, uint32_t id)
{
	const FileEntry *file = file_book_find(book, id);

	return file && file->reg ? file->reg->name : NULL;
}

/* The access modes have the same bits on all machines, as have these two. */
static const char *access_text(uint32_t flags)
{
	static const char *const plain[] = {"r", "w", "rw", "path"};
	static const char *const append[] = {
		"r,append", "w,append", "rw,append", "path"};

	return flags & 02000 ? append[flags & 3] : plain[flags & 3];
}

static const char *mode_kind(const RegFileEntry *reg)
{
	if (!reg->has_mode)
		return "file";
	switch (reg->mode & S_IFMT) {
	case S_IFDIR:
		return "dir";
	case S_IFCHR:
		return "chr";
	case S_IFBLK:
		return "blk";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "file";
	}
}

static const char *remap_text(const struct file_book *book, uint32_t id)
{
	const RemapFilePathEntry *remap = index_get(&book->remaps, id);

	if (!remap)
		return "";
	if (remap->has_remap_type && remap->remap_type == REMAP_TYPE__LINKED)
		return ", linked under another name";
	if (remap->has_remap_type && remap->remap_type == REMAP_TYPE__PROCFS)
		return ", of a process that is gone";
	return ", deleted";
}

static struct description reg_describe(
	const struct file_book *book, const RegFileEntry *reg)
{
	const char *size = "";

	if (reg->has_size)
		size = arena_printf(book->arena, " of %" PRIu64, reg->size);
	return (struct description){mode_kind(reg),
		arena_printf(book->arena, "%s (%s, at %" PRIu64 "%s%s)",
			reg->name, access_text(reg->flags), reg->pos, size,
			remap_text(book, reg->id))};
}

static uint32_t waiting_bytes(const struct index *data, uint32_t pipe_id)
{
	const PipeDataEntry *entry = index_get(data, pipe_id);

	return entry ? entry->bytes : 0;
}

static struct description pipe_describe(
	const struct file_book *book, const PipeEntry *pipe)
{
	return (struct description){"pipe",
		arena_printf(book->arena, "[%u] (%s, %u bytes waiting)",
			pipe->pipe_id, access_text(pipe->flags),
			waiting_bytes(&book->pipe_data, pipe->pipe_id))};
}

static struct description fifo_describe(
	const struct file_book *book, const FifoEntry *fifo)
{
	const char *path =
		fifo->has_regf_id ? file_book_path(book, fifo->regf_id) : NULL;

	return (struct description){"fifo",
		arena_printf(book->arena, "%s (%u bytes waiting)",
			path ?: "without a path",
			waiting_bytes(&book->fifo_data, fifo->pipe_id))};
}

static struct description memfd_describe(
	const struct file_book *book, const MemfdFileEntry *memfd)
{
	const MemfdInodeEntry *inode =
		index_get(&book->memfds, memfd->inode_id);

	if (!inode)
		return (struct description){"memfd", "without an object"};
	return (struct description){"memfd",
		arena_printf(book->arena,
			"%s (%s, at %" PRIu64 " of %" PRIu64 ")", inode->name,
			access_text(memfd->flags), memfd->pos, inode->size)};
}

static const char *tty_kind(TtyType type)
{
	switch (type) {
	case TTY_TYPE__PTY:
		return "pty";
	case TTY_TYPE__CONSOLE:
		return "console";
	case TTY_TYPE__VT:
		return "vt";
	case TTY_TYPE__CTTY:
		return "ctty";
	case TTY_TYPE__EXT_TTY:
		return "external tty";
	case TTY_TYPE__SERIAL:
		return "serial";
	default:
		return "tty";
	}
}

static struct description tty_describe(
	const struct file_book *book, const TtyFileEntry *tty)
{
	const char *path =
		tty->has_regf_id ? file_book_path(book, tty->regf_id) : NULL;
	const TtyInfoEntry *info = index_get(&book->ttys, tty->tty_info_id);

	if (!info)
		return (struct description){"tty", path ?: "without a path"};
	return (struct description){tty_kind(info->type),
		arena_printf(book->arena,
			"%s (session %u, foreground group %u)",
			path ?: "without a path", info->sid, info->pgrp)};
}

static struct description timerfd_describe(
	const struct file_book *book, const TimerfdEntry *timer)
{
	return (struct description){"timerfd",
		arena_printf(book->arena,
			"clock %u, %" PRIu64 ".%09" PRIu64 " s left, every "
			"%" PRIu64 ".%09" PRIu64 " s, %" PRIu64 " ticks",
			timer->clockid, timer->vsec, timer->vnsec, timer->isec,
			timer->insec, timer->ticks)};
}

static struct description eventpoll_describe(
	const struct file_book *book, const EventpollFileEntry *poll)
{
	char *text = arena_printf(book->arena, "watches %zu", poll->n_tfd);

	for (size_t i = 0; i < poll->n_tfd && i < 32; i++)
		text = arena_printf(book->arena, "%s%s%u", text,
			i ? ", " : ": fd ", poll->tfd[i]->tfd);
	return (struct description){"epoll", text};
}

static struct description inotify_describe(
	const struct file_book *book, const InotifyFileEntry *inotify)
{
	char *text = arena_printf(book->arena, "%zu watches", inotify->n_wd);
	const InotifyWdEntry *watch;

	for (size_t i = 0; i < inotify->n_wd && i < 32; i++) {
		watch = inotify->wd[i];
		text = arena_printf(book->arena, "%s%s%s", text,
			i ? ", " : ": ",
			watch->f_handle->path ?: "an inode without a path");
	}
	return (struct description){"inotify", text};
}

static const char *ns_name(uint32_t cflag)
{
	switch (cflag) {
	case 0x00020000:
		return "mnt";
	case 0x02000000:
		return "cgroup";
	case 0x04000000:
		return "uts";
	case 0x08000000:
		return "ipc";
	case 0x10000000:
		return "user";
	case 0x20000000:
		return "pid";
	case 0x40000000:
		return "net";
	case 0x00000080:
		return "time";
	default:
		return "unknown";
	}
}

static struct description event_describe(
	const struct file_book *book, const FileEntry *file)
{
	struct arena *arena = book->arena;

	if (file->efd)
		return (struct description){
			"eventfd", arena_printf(arena, "counter %" PRIu64,
					   file->efd->counter)};
	if (file->sgfd)
		return (struct description){
			"signalfd", arena_printf(arena, "mask 0x%016" PRIx64,
					    file->sgfd->sigmask)};
	if (file->tfd)
		return timerfd_describe(book, file->tfd);
	if (file->epfd)
		return eventpoll_describe(book, file->epfd);
	if (file->ify)
		return inotify_describe(book, file->ify);
	if (file->ffy)
		return (struct description){"fanotify",
			arena_printf(arena, "%zu marks", file->ffy->n_mark)};
	return (struct description){"pidfd",
		arena_printf(arena, "of process %d", file->pidfd->nspid)};
}

static struct description other_describe(
	const struct file_book *book, const FileEntry *file)
{
	struct arena *arena = book->arena;

	if (file->nsf)
		return (struct description){
			"namespace", arena_printf(arena, "%s, number %u",
					     ns_name(file->nsf->ns_cflag),
					     file->nsf->ns_id)};
	if (file->tunf)
		return (struct description){
			"tun", file->tunf->netdev ?: "not attached"};
	if (file->ext)
		return (struct description){
			"external", "brought back by a plugin"};
	if (file->bpf)
		return (struct description){"bpf map",
			arena_printf(arena, "'%s', type %u, %u entries at most",
				file->bpf->map_name, file->bpf->map_type,
				file->bpf->max_entries)};
	return (struct description){"unknown",
		arena_printf(arena, "a file of type %d", (int)file->type)};
}

struct description file_describe(
	const struct file_book *book, const FdinfoEntry *fd)
{
	const FileEntry *file = file_book_find(book, fd->id);

	if (!file)
		return (struct description){
			"unknown", "it is not in files.img"};
	if (file->reg)
		return reg_describe(book, file->reg);
	if (file->pipe)
		return pipe_describe(book, file->pipe);
	if (file->fifo)
		return fifo_describe(book, file->fifo);
	if (file->isk || file->usk || file->nlsk || file->psk)
		return socket_describe(book, file);
	if (file->tty)
		return tty_describe(book, file->tty);
	if (file->memfd)
		return memfd_describe(book, file->memfd);
	if (file->efd || file->sgfd || file->tfd || file->epfd || file->ify ||
		file->ffy || file->pidfd)
		return event_describe(book, file);
	return other_describe(book, file);
}
