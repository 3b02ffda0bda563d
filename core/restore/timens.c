/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/timens.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "kernel/timens.h"
#include "proto/namespaces.pb-c.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum { NS_PER_S = 1000000000 };

static bool moment_good(const Timespec *moment)
{
	return moment->tv_sec <= (uint64_t)TIMENS_SECONDS_MAX &&
	       moment->tv_nsec < NS_PER_S;
}

/* The image of the root's time namespace; 0 is that of its engine. */
static int entry_find(
	struct restore *restore, const TimensEntry **ret, struct err *err)
{
	uint32_t id = restore->tree.root->ids->time_ns_id;
	struct image_item item;
	int code;

	if (!image_exists(restore->images, IMAGE_TIMENS, id))
		id = 0;
	if (!image_exists(restore->images, IMAGE_TIMENS, id)) {
		*ret = NULL;
		return 0;
	}
	code = image_load_one(restore->images, IMAGE_TIMENS, id, &item, err);
	if (code)
		return code;
	*ret = (const TimensEntry *)item.msg;
	if (moment_good((*ret)->monotonic) && moment_good((*ret)->boottime))
		return 0;
	return err_set(err, EBADMSG,
		"timens-%u.img is damaged: its clocks say what no clock does",
		id);
}

/* The coarse clocks are behind by up to a tick; with a tick more than what
 * the image's clocks said they, too, do not go back. */
static int64_t offset_wanted(clockid_t clock, const Timespec *then, int64_t own)
{
	struct timespec now, tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	clock_gettime(clock, &now);
	return (int64_t)then->tv_sec * NS_PER_S + (int64_t)then->tv_nsec +
	       tick.tv_nsec - (now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec) +
	       own;
}

static void offset_print(char *out, size_t room, const char *clock, int64_t ns)
{
	int64_t seconds = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	snprintf(out, room, "%s %lld %lld\n", clock, (long long)seconds,
		(long long)rest);
}

static int offsets_write(
	struct restore *restore, const TimensEntry *entry, struct err *err)
{
	char text[160], *own;
	size_t used;
	int code;

	code = io_read_file(restore->arena, AT_FDCWD,
		"/proc/self/timens_offsets", &own, NULL);
	if (code)
		return err_code(err, code, "reading timens_offsets");
	offset_print(text, sizeof(text), "monotonic",
		offset_wanted(CLOCK_MONOTONIC, entry->monotonic,
			timens_offset_parse(own, "monotonic")));
	used = strlen(text);
	offset_print(text + used, sizeof(text) - used, "boottime",
		offset_wanted(CLOCK_BOOTTIME, entry->boottime,
			timens_offset_parse(own, "boottime")));
	code = io_write_text(AT_FDCWD, "/proc/self/timens_offsets", text);
	if (code)
		return err_code(err, code,
			"setting the clocks of the time namespace to those of "
			"the image");
	return 0;
}

int timens_enter(struct restore *restore, int *ret_own, struct err *err)
{
	const TimensEntry *entry;
	_cleanup_fd_ int own = -1;
	int code;

	code = entry_find(restore, &entry, err);
	if (code || !entry)
		return code;
	own = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
	if (own < 0) {
		log_warn("no time namespaces here: monotonic clocks jump");
		return 0;
	}
	if (unshare(CLONE_NEWTIME)) {
		log_warn("no new time namespace (%s): monotonic clocks jump",
			strerror(errno));
		return 0;
	}
	code = offsets_write(restore, entry, err);
	if (!code)
		*ret_own = fd_take(&own);
	else
		setns(own, CLONE_NEWTIME);
	return code;
}

void timens_leave(int own)
{
	if (own < 0)
		return;
	setns(own, CLONE_NEWTIME);
	close(own);
}
