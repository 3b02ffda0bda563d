/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set: an image directory, being written or being read.
 *
 * Writing: files grow in memory and in a hidden directory below the image
 * directory, which is made at the first byte. Until image_set_commit nothing
 * of what was there before is touched. Commit removes an older manifest and
 * inventory first and puts the new inventory second to last and the new
 * manifest (stasis.img) last, so that no moment shows a mix that looks
 * whole. image_set_abort, or closing without commit, leaves no trace.
 *
 * Reading: a directory with a manifest is checked, every file of it, before
 * image_set_open returns; what the manifest does not list is then as good as
 * absent, and small files are what they were when they were checked. A
 * directory without one was made by CRIU and is taken as it is. No size or
 * number in a file is trusted. Damage is -EBADMSG.
 *
 * Messages, lists and small payloads live in the arena; payloads of big
 * files are gone after image_set_close. Not for threads, but for the fds of
 * raw files.
 */
#ifndef STASIS_IMAGE_SET_H
#define STASIS_IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/magic.h"
#include "proto/stasis.pb-c.h"

struct image_set;

/* The directory fd stays the caller's (a copy is kept). */
int image_set_create(struct arena *arena, int dir_fd,
	struct image_set **ret_set, struct err *err);
int image_set_open(struct arena *arena, int dir_fd, struct image_set **ret_set,
	struct err *err);
/* The files come from an image streamer, to whom stream is connected
 * (image/streamer.h), into dir_fd, which is empty and nobody else's. With a
 * manifest all are brought and checked now, else when they are first asked for,
 * which only the process that opened the set may do. */
struct stream;
int image_set_open_streamed(struct arena *arena, int dir_fd,
	struct stream *stream, struct image_set **ret_set, struct err *err);
/* A failure of the source that image_exists met. */
int image_set_check_source(const struct image_set *set, struct err *err);
/* The same, but big pages files are only looked at for their size: for who
 * reads little of them. */
int image_set_open_small(struct arena *arena, int dir_fd,
	struct image_set **ret_set, struct err *err);
/* The set that "parent" leads to, checked at the first call and closed with
 * this one; *ret_set is NULL if there is none. */
int image_set_open_parent(
	struct image_set *set, struct image_set **ret_set, struct err *err);
void image_set_close(struct image_set *set);
void image_set_closep(struct image_set **set);
#define _cleanup_image_set_ __attribute__((cleanup(image_set_closep)))

/* A set that is being read, for a process forked off: it reads through an fd
 * of its own (the caller's), into an arena of its own, and is never closed. */
struct image_set *image_set_view(
	struct arena *arena, const struct image_set *set, int dir_fd);

struct arena *image_set_arena(struct image_set *set);
int image_set_dir(const struct image_set *set);

/* --- writing --- */

/* One more record. The message must be the one that the file has at this
 * place. Payload sizes are the caller's promise to the payload rule. */
int image_append(struct image_set *set, enum image_type type, uint64_t id,
	const ProtobufCMessage *msg, const void *payload, size_t payload_size,
	struct err *err);

/* A file with a head and no records yet, which readers see as empty list. */
int image_touch(struct image_set *set, enum image_type type, uint64_t id,
	struct err *err);

/* A raw file: bytes at its end, or an fd to write to (the caller's to close;
 * any thread may pwrite). A raw file with an fd must be finished before the
 * commit: by image_raw_close with size and digest (digest.h) as the writer
 * knows them, or by image_raw_seal, which reads the file once more. */
int image_raw_append(struct image_set *set, enum image_type type, uint64_t id,
	const void *bytes, size_t size, struct err *err);
int image_raw_create(struct image_set *set, enum image_type type, uint64_t id,
	int *ret_fd, struct err *err);
int image_raw_close(struct image_set *set, enum image_type type, uint64_t id,
	uint64_t size, uint64_t digest, struct err *err);
int image_raw_seal(struct image_set *set, enum image_type type, uint64_t id,
	struct err *err);

/* Forget a file again; absent is fine. */
void image_remove(struct image_set *set, enum image_type type, uint64_t id);

/* The set that this one builds upon, a path as seen from this directory. */
void image_set_link_parent(struct image_set *set, const char *path);

/* What the manifest says about the dump. Strings may be NULL but machine. */
struct image_facts {
	const char *machine;
	uint32_t page_size;
	const char *kernel, *cpu, *hostname, *stasis_version;
	CpuinfoEntry *cpuinfo; /* of the dump's host; NULL: not known */
	uint64_t created;      /* seconds since 1970 */
	bool remote_pages;     /* pages and pagemaps went to a page server */
	bool no_sync;	       /* do not wait for the disk */
};

/* In a directory: dirty marks of the kernel (soft-dirty) were taken back since
 * the set was written, so they tell nothing about it any more. It goes when
 * another set takes its place. */
#define IMAGE_PASSED_NAME ".stasis-passed"

/* Without facts the files join those in the directory and no manifest is
 * written (a page server). The set is only to be closed afterwards. */
int image_set_commit(struct image_set *set, const struct image_facts *facts,
	struct err *err);
void image_set_abort(struct image_set *set);

/* --- reading --- */

/* Pages files of a set that is read are about to get holes: the manifest says
 * so, before, and for whom (NULL: that is not said). Then they may be opened
 * for writing. In the end they are sealed, with the digests that they have
 * then. Without a manifest nothing is noted. */
int image_set_open_up(struct image_set *set, const uint32_t *pages_ids,
	size_t n, const uint64_t *holes_for, struct err *err);
int image_pages_reopen(
	struct image_set *set, uint32_t pages_id, int *ret_fd, struct err *err);
int image_set_seal_again(struct image_set *set, const uint32_t *pages_ids,
	size_t n, struct err *err);

/* A random number that is this set's; 0: it has none. */
uint64_t image_set_id(const struct image_set *set);

struct image_item {
	ProtobufCMessage *msg;
	const void *payload; /* not aligned */
	size_t payload_size;
	off_t payload_at; /* where it begins in the file */
};

struct image_list {
	struct image_item *at;
	size_t n;
};

/* NULL: the directory has none. */
const StasisManifest *image_set_manifest(const struct image_set *set);

bool image_exists(
	const struct image_set *set, enum image_type type, uint64_t id);

/* A set that goes out as a stream; dir_fd: where small files wait until then.
 * stream is borrowed, and open. A raw file can go out at once: its size, then
 * its bytes with stream_put, then image_raw_close. The commit sends all but
 * the inventory and the manifest, without which nobody takes it for whole;
 * they go with image_set_stream_end, and then the set is only to be closed. */
int image_set_create_stream(struct arena *arena, int dir_fd,
	struct stream *stream, struct image_set **ret_set, struct err *err);
int image_raw_stream(struct image_set *set, enum image_type type, uint64_t id,
	uint64_t size, struct err *err);
int image_set_stream_end(struct image_set *set, struct err *err);

/* Has a set that is being written such a file already? */
bool image_written(
	const struct image_set *set, enum image_type type, uint64_t id);

/* Each file of the directory that has the name of an image, in any order; ends
 * with the first failure of one(). */
typedef int image_each(
	void *of, enum image_type type, uint64_t id, struct err *err);
int image_set_each(const struct image_set *set, image_each *one, void *of,
	struct err *err);

/* All records; an absent file has none. */
int image_load(struct image_set *set, enum image_type type, uint64_t id,
	struct image_list *ret_list, struct err *err);

/* The only record of a file that must exist. */
int image_load_one(struct image_set *set, enum image_type type, uint64_t id,
	struct image_item *ret_item, struct err *err);

/* A raw file that must exist, as bytes or as fd (the caller's to close). */
int image_raw_load(struct image_set *set, enum image_type type, uint64_t id,
	const void **ret_bytes, size_t *ret_size, struct err *err);
int image_raw_open(struct image_set *set, enum image_type type, uint64_t id,
	int *ret_fd, uint64_t *ret_size, struct err *err);

/* The messages in the payload of an IPC queue. */
int image_letters(struct image_set *set, const struct image_item *queue,
	struct image_list *ret_letters, struct err *err);

/* One file with one record, outside of any set (statistics in the work
 * directory), written by rename. */
int image_write_alone(int dir, enum image_type type, uint64_t id,
	const ProtobufCMessage *msg, struct err *err);

/* The same read, from a path below dir (or AT_FDCWD). Only for types without
 * payload; the message lives in the arena. */
int image_read_alone(struct arena *arena, int dir, const char *path,
	enum image_type type, ProtobufCMessage **ret_msg, struct err *err);

#endif
