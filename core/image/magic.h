/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * magic: the table of all files of an image directory: their names, magic
 * words, messages, and what follows a message.
 *
 * The format is CRIU's, version 1.1. A file is: common word, own magic word,
 * then records of {u32 size, message, payload}. inventory.img has no common
 * word; raw files (no message in the table) have no words and no records.
 */
#ifndef STASIS_IMAGE_MAGIC_H
#define STASIS_IMAGE_MAGIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

enum image_type {
	/* the whole and the tree */
	IMAGE_INVENTORY,
	IMAGE_PSTREE,
	IMAGE_IDS,
	IMAGE_CORE,
	IMAGE_MM,
	IMAGE_FS,
	IMAGE_SECCOMP,
	IMAGE_CPUINFO,
	IMAGE_APPARMOR,
	IMAGE_CGROUP,
	/* memory */
	IMAGE_PAGEMAP,
	IMAGE_PAGEMAP_SHMEM,
	IMAGE_PAGES,
	IMAGE_MEMFD,
	/* files */
	IMAGE_FILES,
	IMAGE_FDINFO,
	IMAGE_FILELOCKS,
	IMAGE_REMAP_FPATH,
	IMAGE_GHOST_FILE,
	IMAGE_PIPES_DATA,
	IMAGE_FIFO_DATA,
	IMAGE_SK_QUEUES,
	IMAGE_TCP_STREAM,
	IMAGE_TTY_INFO,
	IMAGE_TTY_DATA,
	IMAGE_BPFMAP_DATA,
	/* namespaces */
	IMAGE_UTSNS,
	IMAGE_USERNS,
	IMAGE_PIDNS,
	IMAGE_TIMENS,
	IMAGE_IPCNS_VAR,
	IMAGE_IPCNS_SHM,
	IMAGE_IPCNS_MSG,
	IMAGE_IPCNS_SEM,
	IMAGE_MOUNTPOINTS,
	IMAGE_TMPFS,
	IMAGE_AUTOFS,
	IMAGE_BINFMT_MISC,
	IMAGE_NETNS,
	IMAGE_NETDEV,
	IMAGE_IFADDR,
	IMAGE_ROUTE,
	IMAGE_ROUTE6,
	IMAGE_RULE,
	IMAGE_IPTABLES,
	IMAGE_IP6TABLES,
	IMAGE_NFTABLES,
	IMAGE_NETNS_CT,
	IMAGE_NETNS_EXP,
	/* beside the set, in the work directory */
	IMAGE_STATS_DUMP,
	IMAGE_STATS_RESTORE,
	IMAGE_IRMAP_CACHE,
	/* our own */
	IMAGE_EXTRA,
	IMAGE_MANIFEST,
	/* only read: what older writers split off */
	IMAGE_REG_FILES,
	IMAGE_EXT_FILES,
	IMAGE_NS_FILES,
	IMAGE_EVENTFD,
	IMAGE_EVENTPOLL,
	IMAGE_EVENTPOLL_TFD,
	IMAGE_SIGNALFD,
	IMAGE_INOTIFY,
	IMAGE_INOTIFY_WD,
	IMAGE_FANOTIFY,
	IMAGE_FANOTIFY_MARK,
	IMAGE_VMAS,
	IMAGE_PIPES,
	IMAGE_FIFO,
	IMAGE_SIGACTS,
	IMAGE_UNIXSK,
	IMAGE_INETSK,
	IMAGE_PACKETSK,
	IMAGE_NETLINKSK,
	IMAGE_ITIMERS,
	IMAGE_POSIX_TIMERS,
	IMAGE_CREDS,
	IMAGE_TMPFS_OLD,
	IMAGE_BINFMT_MISC_OLD,
	IMAGE_TTY,
	IMAGE_RLIMIT,
	IMAGE_SIGNAL_S,
	IMAGE_SIGNAL_P,
	IMAGE_TUNFILE,
	IMAGE_TIMERFD,
	IMAGE_PIDFD,
	IMAGE_TYPES /* how many */
};

enum image_number { IMAGE_NONE, IMAGE_DECIMAL, IMAGE_HEX };

enum { IMAGE_NAME_MAX = 64 };

struct image_form {
	const char *prefix;
	enum image_number number; /* how the id is written, if there is one */
	const char *suffix;
	uint32_t common, magic; /* 0: the file does not have that word */
	/* Of the first record, where it differs from the others. */
	const ProtobufCMessageDescriptor *head;
	const ProtobufCMessageDescriptor *message; /* NULL: a raw file */
	/* The size of what follows a message whose next bytes are at; NULL:
	 * nothing does. Returns 0, or -EBADMSG when the message asks for more
	 * than is left. */
	int (*payload)(const ProtobufCMessage *msg, const uint8_t *at,
		size_t left, size_t *ret_size);
};

const struct image_form *image_form(enum image_type type);

/* The message that a record has, counted from 0. */
const ProtobufCMessageDescriptor *image_message(
	enum image_type type, size_t record);

/* "core-42.img". */
void image_name(
	char ret_name[IMAGE_NAME_MAX], enum image_type type, uint64_t id);

/* The reverse; false if it is not the name of an image. */
bool image_name_parse(
	const char *name, enum image_type *ret_type, uint64_t *ret_id);

#endif
