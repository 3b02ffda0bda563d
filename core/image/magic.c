/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/magic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/payload.h"
#include "proto/bpf.pb-c.h"
#include "proto/cgroup.pb-c.h"
#include "proto/core.pb-c.h"
#include "proto/cpuinfo.pb-c.h"
#include "proto/events.pb-c.h"
#include "proto/files.pb-c.h"
#include "proto/fsnotify.pb-c.h"
#include "proto/inventory.pb-c.h"
#include "proto/ipc.pb-c.h"
#include "proto/memory.pb-c.h"
#include "proto/mounts.pb-c.h"
#include "proto/namespaces.pb-c.h"
#include "proto/network.pb-c.h"
#include "proto/owner.pb-c.h"
#include "proto/paths.pb-c.h"
#include "proto/pipes.pb-c.h"
#include "proto/security.pb-c.h"
#include "proto/signals.pb-c.h"
#include "proto/sockets.pb-c.h"
#include "proto/stasis.pb-c.h"
#include "proto/stats.pb-c.h"
#include "proto/timers.pb-c.h"
#include "proto/tree.pb-c.h"
#include "proto/tty.pb-c.h"

#define IMG_COMMON 0x54564319
#define IMG_SERVICE 0x55105940

/* clang-format off */
static const struct image_form forms[] = {
	[IMAGE_INVENTORY] = {
		"inventory", IMAGE_NONE, ".img",
		0, 0x58313116,
		.message = &inventory_entry__descriptor,
	},
	[IMAGE_PSTREE] = {
		"pstree", IMAGE_NONE, ".img",
		IMG_COMMON, 0x50273030,
		.message = &pstree_entry__descriptor,
	},
	[IMAGE_IDS] = {
		"ids-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x54432030,
		.message = &task_kobj_ids_entry__descriptor,
	},
	[IMAGE_CORE] = {
		"core-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55053847,
		.message = &core_entry__descriptor,
	},
	[IMAGE_MM] = {
		"mm-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x57492820,
		.message = &mm_entry__descriptor,
	},
	[IMAGE_FS] = {
		"fs-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x51403912,
		.message = &fs_entry__descriptor,
	},
	[IMAGE_SECCOMP] = {
		"seccomp", IMAGE_NONE, ".img",
		IMG_COMMON, 0x64413049,
		.message = &seccomp_entry__descriptor,
	},
	[IMAGE_CPUINFO] = {
		"cpuinfo", IMAGE_NONE, ".img",
		IMG_COMMON, 0x61404013,
		.message = &cpuinfo_entry__descriptor,
	},
	[IMAGE_APPARMOR] = {
		"apparmor", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59423047,
		.message = &apparmor_entry__descriptor,
	},
	[IMAGE_CGROUP] = {
		"cgroup", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59383330,
		.message = &cgroup_entry__descriptor,
	},
	[IMAGE_PAGEMAP] = {
		"pagemap-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x56084025, &pagemap_head__descriptor,
		.message = &pagemap_entry__descriptor,
	},
	[IMAGE_PAGEMAP_SHMEM] = {
		"pagemap-shmem-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x56084025, &pagemap_head__descriptor,
		.message = &pagemap_entry__descriptor,
	},
	[IMAGE_PAGES] = {
		"pages-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_MEMFD] = {
		"memfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x48453499,
		.message = &memfd_inode_entry__descriptor,
	},
	[IMAGE_FILES] = {
		"files", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56303138,
		.message = &file_entry__descriptor,
	},
	[IMAGE_FDINFO] = {
		"fdinfo-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x56213732,
		.message = &fdinfo_entry__descriptor,
	},
	[IMAGE_FILELOCKS] = {
		"filelocks", IMAGE_NONE, ".img",
		IMG_COMMON, 0x54323616,
		.message = &file_lock_entry__descriptor,
	},
	[IMAGE_REMAP_FPATH] = {
		"remap-fpath", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59133954,
		.message = &remap_file_path_entry__descriptor,
	},
	[IMAGE_GHOST_FILE] = {
		"ghost-file-", IMAGE_HEX, ".img",
		IMG_COMMON, 0x52583605, &ghost_file_entry__descriptor,
		.message = &ghost_chunk_entry__descriptor,
		.payload = payload_ghost,
	},
	[IMAGE_PIPES_DATA] = {
		"pipes-data", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56453709,
		.message = &pipe_data_entry__descriptor,
		.payload = payload_pipe,
	},
	[IMAGE_FIFO_DATA] = {
		"fifo-data", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59333054,
		.message = &pipe_data_entry__descriptor,
		.payload = payload_pipe,
	},
	[IMAGE_SK_QUEUES] = {
		"sk-queues", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56264026,
		.message = &sk_packet_entry__descriptor,
		.payload = payload_packet,
	},
	[IMAGE_TCP_STREAM] = {
		"tcp-stream-", IMAGE_HEX, ".img",
		IMG_COMMON, 0x51465506,
		.message = &tcp_stream_entry__descriptor,
		.payload = payload_tcp,
	},
	[IMAGE_TTY_INFO] = {
		"tty-info", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59453036,
		.message = &tty_info_entry__descriptor,
	},
	[IMAGE_TTY_DATA] = {
		"tty-data", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59413026,
		.message = &tty_data_entry__descriptor,
	},
	[IMAGE_BPFMAP_DATA] = {
		"bpfmap-data", IMAGE_NONE, ".img",
		IMG_COMMON, 0x64324033,
		.message = &bpfmap_data_entry__descriptor,
		.payload = payload_bpfmap,
	},
	[IMAGE_UTSNS] = {
		"utsns-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x54473203,
		.message = &utsns_entry__descriptor,
	},
	[IMAGE_USERNS] = {
		"userns-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55474906,
		.message = &userns_entry__descriptor,
	},
	[IMAGE_PIDNS] = {
		"pidns-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x61157326,
		.message = &pidns_entry__descriptor,
	},
	[IMAGE_TIMENS] = {
		"timens-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x43114433,
		.message = &timens_entry__descriptor,
	},
	[IMAGE_IPCNS_VAR] = {
		"ipcns-var-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x53115007,
		.message = &ipc_var_entry__descriptor,
	},
	[IMAGE_IPCNS_SHM] = {
		"ipcns-shm-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x46283044,
		.message = &ipc_shm_entry__descriptor,
		.payload = payload_shm,
	},
	[IMAGE_IPCNS_MSG] = {
		"ipcns-msg-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55453737,
		.message = &ipc_msg_entry__descriptor,
		.payload = payload_queue,
	},
	[IMAGE_IPCNS_SEM] = {
		"ipcns-sem-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x59573019,
		.message = &ipc_sem_entry__descriptor,
		.payload = payload_sems,
	},
	[IMAGE_MOUNTPOINTS] = {
		"mountpoints-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55563928,
		.message = &mnt_entry__descriptor,
	},
	[IMAGE_TMPFS] = {
		"tmpfs-dev-", IMAGE_DECIMAL, ".tar.gz.img",
		.message = NULL,
	},
	[IMAGE_AUTOFS] = {
		"autofs-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x49353943,
		.message = &autofs_entry__descriptor,
	},
	[IMAGE_BINFMT_MISC] = {
		"binfmt-misc", IMAGE_NONE, ".img",
		IMG_COMMON, 0x67343323,
		.message = &binfmt_misc_entry__descriptor,
	},
	[IMAGE_NETNS] = {
		"netns-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55933752,
		.message = &netns_entry__descriptor,
	},
	[IMAGE_NETDEV] = {
		"netdev-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x57373951,
		.message = &net_device_entry__descriptor,
	},
	[IMAGE_IFADDR] = {
		"ifaddr-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_ROUTE] = {
		"route-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_ROUTE6] = {
		"route6-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_RULE] = {
		"rule-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_IPTABLES] = {
		"iptables-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_IP6TABLES] = {
		"ip6tables-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_NFTABLES] = {
		"nftables-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_NETNS_CT] = {
		"netns-ct-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_NETNS_EXP] = {
		"netns-exp-", IMAGE_DECIMAL, ".img",
		.message = NULL,
	},
	[IMAGE_STATS_DUMP] = {
		"stats-dump", IMAGE_NONE, "",
		IMG_SERVICE, 0x57093306,
		.message = &stats_entry__descriptor,
	},
	[IMAGE_STATS_RESTORE] = {
		"stats-restore", IMAGE_NONE, "",
		IMG_SERVICE, 0x57093306,
		.message = &stats_entry__descriptor,
	},
	[IMAGE_IRMAP_CACHE] = {
		"irmap-cache", IMAGE_NONE, "",
		IMG_SERVICE, 0x57004059,
		.message = &irmap_cache_entry__descriptor,
	},
	[IMAGE_EXTRA] = {
		"stasis-extra", IMAGE_NONE, ".img",
		IMG_COMMON, 0x53544158,
		.message = &stasis_extra__descriptor,
	},
	[IMAGE_MANIFEST] = {
		"stasis", IMAGE_NONE, ".img",
		IMG_COMMON, 0x5354414d,
		.message = &stasis_manifest__descriptor,
		.payload = payload_seal,
	},
	[IMAGE_REG_FILES] = {
		"reg-files", IMAGE_NONE, ".img",
		IMG_COMMON, 0x50363636,
		.message = &reg_file_entry__descriptor,
	},
	[IMAGE_EXT_FILES] = {
		"ext-files", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59255641,
		.message = &ext_file_entry__descriptor,
	},
	[IMAGE_NS_FILES] = {
		"ns-files", IMAGE_NONE, ".img",
		IMG_COMMON, 0x61394011,
		.message = &ns_file_entry__descriptor,
	},
	[IMAGE_EVENTFD] = {
		"eventfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x44523722,
		.message = &eventfd_file_entry__descriptor,
	},
	[IMAGE_EVENTPOLL] = {
		"eventpoll", IMAGE_NONE, ".img",
		IMG_COMMON, 0x45023858,
		.message = &eventpoll_file_entry__descriptor,
	},
	[IMAGE_EVENTPOLL_TFD] = {
		"eventpoll-tfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x44433746,
		.message = &eventpoll_tfd_entry__descriptor,
	},
	[IMAGE_SIGNALFD] = {
		"signalfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x57323820,
		.message = &signalfd_entry__descriptor,
	},
	[IMAGE_INOTIFY] = {
		"inotify", IMAGE_NONE, ".img",
		IMG_COMMON, 0x48424431,
		.message = &inotify_file_entry__descriptor,
	},
	[IMAGE_INOTIFY_WD] = {
		"inotify-wd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x54562009,
		.message = &inotify_wd_entry__descriptor,
	},
	[IMAGE_FANOTIFY] = {
		"fanotify", IMAGE_NONE, ".img",
		IMG_COMMON, 0x55096122,
		.message = &fanotify_file_entry__descriptor,
	},
	[IMAGE_FANOTIFY_MARK] = {
		"fanotify-mark", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56506035,
		.message = &fanotify_mark_entry__descriptor,
	},
	[IMAGE_VMAS] = {
		"vmas-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x54123737,
		.message = &vma_entry__descriptor,
	},
	[IMAGE_PIPES] = {
		"pipes", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56513555,
		.message = &pipe_entry__descriptor,
	},
	[IMAGE_FIFO] = {
		"fifo", IMAGE_NONE, ".img",
		IMG_COMMON, 0x58364939,
		.message = &fifo_entry__descriptor,
	},
	[IMAGE_SIGACTS] = {
		"sigacts-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x55344201,
		.message = &sa_entry__descriptor,
	},
	[IMAGE_UNIXSK] = {
		"unixsk", IMAGE_NONE, ".img",
		IMG_COMMON, 0x54373943,
		.message = &unix_sk_entry__descriptor,
	},
	[IMAGE_INETSK] = {
		"inetsk", IMAGE_NONE, ".img",
		IMG_COMMON, 0x56443851,
		.message = &inet_sk_entry__descriptor,
	},
	[IMAGE_PACKETSK] = {
		"packetsk", IMAGE_NONE, ".img",
		IMG_COMMON, 0x60454618,
		.message = &packet_sock_entry__descriptor,
	},
	[IMAGE_NETLINKSK] = {
		"netlinksk", IMAGE_NONE, ".img",
		IMG_COMMON, 0x58005614,
		.message = &netlink_sk_entry__descriptor,
	},
	[IMAGE_ITIMERS] = {
		"itimers-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x57464056,
		.message = &itimer_entry__descriptor,
	},
	[IMAGE_POSIX_TIMERS] = {
		"posix-timers-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x52603957,
		.message = &posix_timer_entry__descriptor,
	},
	[IMAGE_CREDS] = {
		"creds-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x54023547,
		.message = &creds_entry__descriptor,
	},
	[IMAGE_TMPFS_OLD] = {
		"tmpfs-", IMAGE_DECIMAL, ".tar.gz.img",
		.message = NULL,
	},
	[IMAGE_BINFMT_MISC_OLD] = {
		"binfmt-misc-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x67343323,
		.message = &binfmt_misc_entry__descriptor,
	},
	[IMAGE_TTY] = {
		"tty", IMAGE_NONE, ".img",
		IMG_COMMON, 0x59433025,
		.message = &tty_file_entry__descriptor,
	},
	[IMAGE_RLIMIT] = {
		"rlimit-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x57113925,
		.message = &rlimit_entry__descriptor,
	},
	[IMAGE_SIGNAL_S] = {
		"signal-s-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x59255647,
		.message = &siginfo_entry__descriptor,
	},
	[IMAGE_SIGNAL_P] = {
		"signal-p-", IMAGE_DECIMAL, ".img",
		IMG_COMMON, 0x59255647,
		.message = &siginfo_entry__descriptor,
	},
	[IMAGE_TUNFILE] = {
		"tunfile", IMAGE_NONE, ".img",
		IMG_COMMON, 0x57143751,
		.message = &tunfile_entry__descriptor,
	},
	[IMAGE_TIMERFD] = {
		"timerfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x50493712,
		.message = &timerfd_entry__descriptor,
	},
	[IMAGE_PIDFD] = {
		"pidfd", IMAGE_NONE, ".img",
		IMG_COMMON, 0x54435556,
		.message = &pidfd_entry__descriptor,
	},
};
/* clang-format on */

const struct image_form *image_form(enum image_type type)
{
	return &forms[type];
}

const ProtobufCMessageDescriptor *image_message(
	enum image_type type, size_t record)
{
	const struct image_form *form = &forms[type];

	return form->head && record == 0 ? form->head : form->message;
}

void image_name(
	char ret_name[IMAGE_NAME_MAX], enum image_type type, uint64_t id)
{
	const struct image_form *form = &forms[type];
	char number[24] = "";

	if (form->number == IMAGE_DECIMAL)
		snprintf(number, sizeof(number), "%" PRIu64, id);
	else if (form->number == IMAGE_HEX)
		snprintf(number, sizeof(number), "%" PRIx64, id);
	snprintf(ret_name, IMAGE_NAME_MAX, "%s%s%s", form->prefix, number,
		form->suffix);
}

/* Written back, the number must give the same name: no signs, no leading
 * zeroes, nothing behind. */
static bool form_parse(enum image_type type, const char *name, uint64_t *ret_id)
{
	const struct image_form *form = &forms[type];
	size_t prefix = strlen(form->prefix);
	char again[IMAGE_NAME_MAX];
	uint64_t id = 0;

	if (strncmp(name, form->prefix, prefix) != 0)
		return false;
	if (form->number)
		id = strtoull(name + prefix, NULL,
			form->number == IMAGE_HEX ? 16 : 10);
	image_name(again, type, id);
	if (strcmp(name, again) != 0)
		return false;
	*ret_id = id;
	return true;
}

bool image_name_parse(
	const char *name, enum image_type *ret_type, uint64_t *ret_id)
{
	for (int type = 0; type < IMAGE_TYPES; type++)
		if (form_parse((enum image_type)type, name, ret_id)) {
			*ret_type = (enum image_type)type;
			return true;
		}
	return false;
}
