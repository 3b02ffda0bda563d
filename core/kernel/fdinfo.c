/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/fdinfo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "kernel/scan.h"

struct fdinfo_reader {
	struct arena *arena;
	struct fdinfo info;
	size_t epoll_room, inotify_room, locks_room;
};

/* Pushes a zeroed element to an array of struct fdinfo. */
#define fdinfo_push(reader, list)                                             \
	((reader)->info.list = vec_room((reader)->arena, (reader)->info.list, \
		 sizeof(*(reader)->info.list), (reader)->info.list##_n,       \
		 &(reader)->list##_room),                                     \
		(reader)->info.list + (reader)->info.list##_n++)

/* Blanks, "name:", blanks, number. */
static bool take_named(
	const char **at, const char *name, unsigned base, uint64_t *ret)
{
	scan_blanks(at);
	return scan_mark(at, name) && scan_char(at, ':') &&
	       scan_next_u64(at, base, ret);
}

static bool fdinfo_take_epoll(struct fdinfo_reader *reader, const char *at)
{
	struct fdinfo_epoll target = {0};
	uint64_t fd, events;

	if (!scan_next_u64(&at, 10, &fd) ||
		!take_named(&at, "events", 16, &events) ||
		!take_named(&at, "data", 16, &target.data))
		return false;
	target.fd = (int)fd;
	target.events = (uint32_t)events;
	scan_blanks(&at);
	/* Since 4.13. */
	if (scan_mark(&at, "pos:") &&
		(!scan_next_i64(&at, &target.pos) ||
			!take_named(&at, "ino", 16, &target.ino) ||
			!take_named(&at, "sdev", 16, &target.sdev)))
		return false;
	if (*at != '\n')
		return false;
	*fdinfo_push(reader, epoll) = target;
	reader->info.is_epoll = true;
	return true;
}

static bool take_handle(const char *at, struct fdinfo_inotify *watch)
{
	uint64_t size, type;

	if (!take_named(&at, "fhandle-bytes", 16, &size) ||
		!take_named(&at, "fhandle-type", 16, &type) ||
		size > sizeof(watch->handle))
		return false;
	scan_blanks(&at);
	if (!scan_mark(&at, "f_handle:"))
		return false;
	for (size_t i = 0; i < size; i++, at += 2) {
		unsigned high = scan_digit(at[0]);
		unsigned low = high < 16 ? scan_digit(at[1]) : 16;

		if (low > 15)
			return false;
		watch->handle[i] = (uint8_t)(high << 4 | low);
	}
	watch->handle_type = (int)type;
	watch->handle_size = size;
	return *at == '\n';
}

/* All numbers are hex, the watch's too. */
static bool fdinfo_take_inotify(struct fdinfo_reader *reader, const char *at)
{
	struct fdinfo_inotify watch = {0};
	uint64_t wd, mask, ignored;

	if (!take_named(&at, "wd", 16, &wd) ||
		!take_named(&at, "ino", 16, &watch.ino) ||
		!take_named(&at, "sdev", 16, &watch.sdev) ||
		!take_named(&at, "mask", 16, &mask) ||
		!take_named(&at, "ignored_mask", 16, &ignored))
		return false;
	watch.wd = (int)wd;
	watch.mask = (uint32_t)mask;
	scan_blanks(&at);
	if (*at != '\n' && !take_handle(at, &watch))
		return false;
	*fdinfo_push(reader, inotify) = watch;
	reader->info.is_inotify = true;
	return true;
}

static enum fdinfo_lock_kind take_lock_kind(const char **at)
{
	static const char *const names[] = {
		[FDINFO_LOCK_POSIX] = "POSIX",
		[FDINFO_LOCK_OFD] = "OFDLCK",
		[FDINFO_LOCK_FLOCK] = "FLOCK",
		[FDINFO_LOCK_LEASE] = "LEASE",
		[FDINFO_LOCK_DELEG] = "DELEG",
	};

	for (int i = 0; i < FDINFO_LOCK_OTHER; i++) {
		if (scan_mark(at, names[i]))
			return (enum fdinfo_lock_kind)i;
	}
	return FDINFO_LOCK_OTHER;
}

static void skip_word(const char **at)
{
	while (**at && **at != ' ' && **at != '\n')
		++*at;
	scan_blanks(at);
}

/* "PID MAJ:MIN:INO START END"; the file of some leases is "<none>:0". */
static bool take_lock_range(const char *at, struct fdinfo_lock *lock)
{
	uint64_t major = 0, minor = 0;
	int64_t pid;

	if (!scan_i64(&at, &pid) || !scan_char(&at, ' '))
		return false;
	lock->pid = (pid_t)pid;
	if (!scan_mark(&at, "<none>:0") &&
		(!scan_u64(&at, 16, &major) || !scan_char(&at, ':') ||
			!scan_u64(&at, 16, &minor) || !scan_char(&at, ':') ||
			!scan_u64(&at, 10, &lock->ino)))
		return false;
	lock->dev_major = (uint32_t)major;
	lock->dev_minor = (uint32_t)minor;
	if (!scan_next_u64(&at, 10, &lock->start))
		return false;
	scan_blanks(&at);
	lock->end = UINT64_MAX;
	if (!scan_mark(&at, "EOF") && !scan_u64(&at, 10, &lock->end))
		return false;
	return *at == '\n';
}

/* "1: POSIX  ADVISORY  WRITE 359 00:13:11691 0 EOF" */
static bool fdinfo_take_lock(struct fdinfo_reader *reader, const char *at)
{
	struct fdinfo_lock lock = {0};
	uint64_t number;

	if (!scan_next_u64(&at, 10, &number) || !scan_char(&at, ':'))
		return false;
	scan_blanks(&at);
	if (scan_mark(&at, "->")) {
		lock.waiting = true;
		scan_blanks(&at);
	}
	lock.kind = take_lock_kind(&at);
	skip_word(&at);
	lock.breaking = !strncmp(at, "BREAKING", 8);
	skip_word(&at);
	lock.write = !strncmp(at, "WRITE", 5) || !strncmp(at, "RW", 2);
	skip_word(&at);
	if (!take_lock_range(at, &lock))
		return false;
	*fdinfo_push(reader, locks) = lock;
	return true;
}

/* "(seconds, nanoseconds)" */
static bool take_time(const char *at, uint64_t *ret_sec, uint64_t *ret_nsec)
{
	uint64_t sec, nsec;

	scan_blanks(&at);
	if (!scan_char(&at, '(') || !scan_u64(&at, 10, &sec) ||
		!scan_char(&at, ',') || !scan_next_u64(&at, 10, &nsec) ||
		!scan_char(&at, ')') || *at != '\n')
		return false;
	*ret_sec = sec;
	*ret_nsec = nsec;
	return true;
}

enum fdinfo_form { INFO_DEC, INFO_OCT, INFO_HEX, INFO_INT };

struct fdinfo_key {
	const char *key;
	enum fdinfo_form form;
	uint8_t size; /* of the member: 4 or 8 */
	size_t offset;
	size_t mark; /* offset of the bool that it sets; 0: none */
};

#define KEY(key, form, member, mark)                                 \
	{                                                            \
		key ":", form, sizeof(((struct fdinfo *)0)->member), \
			offsetof(struct fdinfo, member), mark        \
	}
#define MARK(member) offsetof(struct fdinfo, member)
static const struct fdinfo_key fdinfo_keys[] = {
	KEY("pos", INFO_INT, pos, 0),
	KEY("flags", INFO_OCT, flags, 0),
	KEY("mnt_id", INFO_INT, mnt_id, 0),
	KEY("ino", INFO_DEC, ino, 0),
	KEY("eventfd-count", INFO_HEX, eventfd_count, MARK(is_eventfd)),
	KEY("eventfd-semaphore", INFO_INT, eventfd_semaphore, MARK(is_eventfd)),
	KEY("sigmask", INFO_HEX, signalfd_mask, MARK(is_signalfd)),
	KEY("clockid", INFO_INT, timerfd_clockid, MARK(is_timerfd)),
	KEY("ticks", INFO_DEC, timerfd_ticks, 0),
	KEY("settime flags", INFO_OCT, timerfd_settime_flags, 0),
	KEY("Pid", INFO_INT, pidfd_pid, MARK(is_pidfd)),
};
#undef MARK
#undef KEY

static bool fdinfo_store(
	struct fdinfo *info, const struct fdinfo_key *key, const char *at)
{
	static const uint8_t bases[] = {
		[INFO_DEC] = 10, [INFO_OCT] = 8, [INFO_HEX] = 16};
	void *into = (char *)info + key->offset;
	uint64_t value = 0;
	int64_t number = 0;

	if (key->form == INFO_INT) {
		if (!scan_next_i64(&at, &number))
			return false;
		value = (uint64_t)number;
	} else if (!scan_next_u64(&at, bases[key->form], &value)) {
		return false;
	}
	if (*at != '\n')
		return false;
	if (key->size == 4)
		*(uint32_t *)into = (uint32_t)value;
	else
		*(uint64_t *)into = value;
	if (key->mark)
		*((bool *)info + key->mark) = true;
	return true;
}

static bool fdinfo_take_line(struct fdinfo_reader *reader, const char *line)
{
	struct fdinfo *info = &reader->info;
	const char *at = line;

	if (scan_mark(&at, "tfd:"))
		return fdinfo_take_epoll(reader, at);
	if (scan_mark(&at, "inotify"))
		return fdinfo_take_inotify(reader, at);
	if (scan_mark(&at, "lock:"))
		return fdinfo_take_lock(reader, at);
	if (scan_mark(&at, "it_value:"))
		return take_time(at, &info->timerfd_value_sec,
			&info->timerfd_value_nsec);
	if (scan_mark(&at, "it_interval:"))
		return take_time(at, &info->timerfd_interval_sec,
			&info->timerfd_interval_nsec);
	if (scan_mark(&at, "fanotify ")) {
		info->is_fanotify = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(fdinfo_keys) / sizeof(fdinfo_keys[0]);
		i++) {
		if (scan_mark(&at, fdinfo_keys[i].key))
			return fdinfo_store(info, &fdinfo_keys[i], at);
	}
	return true;
}

int fdinfo_parse(struct arena *arena, const char *text, struct fdinfo *ret,
	struct err *err)
{
	struct fdinfo_reader reader = {
		.arena = arena,
		.info = {.text = text, .mnt_id = -1, .eventfd_semaphore = -1},
	};
	size_t size = strlen(text);

	if (!size || text[size - 1] != '\n')
		return err_set(err, EINVAL, "the text ends inside a line");
	if (strncmp(text, "pos:", 4))
		return err_set(err, EINVAL, "the text has no line 'pos:'");
	for (const char *line = text; *line; line = scan_line_next(line)) {
		if (!fdinfo_take_line(&reader, line))
			return err_set(err, EINVAL, "odd line '%.*s'",
				(int)strcspn(line, "\n"), line);
	}
	*ret = reader.info;
	return 0;
}

int fdinfo_read(struct arena *arena, const struct proc *proc, int fd,
	struct fdinfo *ret, struct err *err)
{
	char name[32], few[2048], *text;
	size_t size;
	int r;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	/* An epoll set with many targets is long. */
	r = proc_read_mostly_small(
		arena, proc, 0, name, few, sizeof(few), &text, &size, err);
	if (r)
		return r;
	if (text == few)
		text = arena_copy(arena, few, size + 1);
	r = fdinfo_parse(arena, text, ret, err);
	if (r)
		return err_wrap(err, "/proc/%d/%s", proc->pid, name);
	return 0;
}

const char *fdinfo_find_text(const struct fdinfo *info, const char *key)
{
	for (const char *line = info->text; *line;
		line = scan_line_next(line)) {
		const char *at = line;

		if (!scan_mark(&at, key) || !scan_char(&at, ':'))
			continue;
		scan_blanks(&at);
		return at;
	}
	return NULL;
}

bool fdinfo_find_u64(
	const struct fdinfo *info, const char *key, int base, uint64_t *ret)
{
	const char *at = fdinfo_find_text(info, key);

	return at && scan_u64(&at, (unsigned)base, ret);
}
