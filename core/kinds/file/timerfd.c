/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timerfd: a timer to wait for.
 *
 * The image has the time that was left, also for timers that were set to a
 * moment. For one of the calendar that is too little: it is to fire when the
 * moment comes, however long the image has lain, so that is stored as well.
 *
 * A timer that repeats stops when it has fired, until somebody looks: read(2)
 * and timerfd_gettime(2) count the ticks that were due and wind it up again,
 * fdinfo does not. So it is asked first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

enum { SECOND = 1000000000, LOOKS = 4 };
#define KTIME_SECONDS 9223372036ull

/* Since 3.17, kernels for checkpoint/restore. */
#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

static bool timerfd_claims(const struct sighting *sighting)
{
	return sighting->fd_number >= 0 && sighting->info.is_timerfd;
}

/* The clock to read; the ones that wake a machine cannot be. */
static clockid_t clock_base(uint32_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME_ALARM:
		return CLOCK_REALTIME;
	case CLOCK_BOOTTIME_ALARM:
		return CLOCK_BOOTTIME;
	}
	return (clockid_t)clock;
}

static const char *clock_label(uint32_t clock)
{
	static const char *const names[] = {
		[CLOCK_REALTIME] = "CLOCK_REALTIME",
		[CLOCK_MONOTONIC] = "CLOCK_MONOTONIC",
		[CLOCK_BOOTTIME] = "CLOCK_BOOTTIME",
		[CLOCK_REALTIME_ALARM] = "CLOCK_REALTIME_ALARM",
		[CLOCK_BOOTTIME_ALARM] = "CLOCK_BOOTTIME_ALARM",
	};
	const char *name =
		clock < sizeof(names) / sizeof(*names) ? names[clock] : NULL;

	return name ?: "a clock that timerfds do not have";
}

static int until_capture(TimerfdEntry *timer, struct err *err)
{
	struct timespec now;

	if (!(timer->settime_flags & TFD_TIMER_ABSTIME) ||
		(!timer->vsec && !timer->vnsec) ||
		clock_base(timer->clockid) != CLOCK_REALTIME)
		return 0;
	if (clock_gettime(CLOCK_REALTIME, &now))
		return err_errno(err, "reading the clock");
	timer->has_stasis_until = true;
	timer->stasis_until = (timer->vsec + (uint64_t)now.tv_sec) * SECOND +
			      timer->vnsec + (uint64_t)now.tv_nsec;
	return 0;
}

/* The ticks that were due are counted, and fdinfo is as old as they are. One
 * that fires at this very moment is looked at again. */
static int fresh_read(struct dump *dump, const struct sighting *sighting,
	struct fdinfo *ret, struct err *err)
{
	struct itimerspec left;
	int code = 0;

	for (int i = 0; i < LOOKS && !code; i++) {
		if (timerfd_gettime(sighting->fd, &left))
			return err_errno(err, "asking a timerfd for its time");
		code = fdinfo_read(dump->arena, &sighting->victim->proc,
			sighting->fd_number, ret, err);
		if (ret->timerfd_value_sec || ret->timerfd_value_nsec ||
			(!ret->timerfd_interval_sec &&
				!ret->timerfd_interval_nsec))
			break;
	}
	return code;
}

static int timerfd_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	TimerfdEntry *timer = arena_new1(dump->arena, TimerfdEntry);
	FileEntry *entry = msg;
	struct fdinfo info;
	int code = fresh_read(dump, sighting, &info, err);

	if (code)
		return code;
	timerfd_entry__init(timer);
	entry->type = FD_TYPES__TIMERFD;
	entry->tfd = timer;
	timer->id = entry->id;
	timer->flags = info.flags & ~(uint32_t)O_CLOEXEC;
	timer->clockid = (uint32_t)info.timerfd_clockid;
	timer->ticks = info.timerfd_ticks;
	timer->settime_flags = info.timerfd_settime_flags;
	timer->vsec = info.timerfd_value_sec;
	timer->vnsec = info.timerfd_value_nsec;
	timer->isec = info.timerfd_interval_sec;
	timer->insec = info.timerfd_interval_nsec;
	code = until_capture(timer, err);
	return code ? code : fown_capture(dump, sighting, &timer->fown, err);
}

static int moment_of(
	const TimerfdEntry *timer, struct timespec *value, struct err *err)
{
	struct timespec now;

	if (timer->has_stasis_until) {
		value->tv_sec = (time_t)(timer->stasis_until / SECOND);
		value->tv_nsec = (long)(timer->stasis_until % SECOND);
		return 0;
	}
	if (clock_gettime(clock_base(timer->clockid), &now))
		return err_errno(
			err, "reading %s", clock_label(timer->clockid));
	value->tv_sec += now.tv_sec;
	value->tv_nsec += now.tv_nsec;
	if (value->tv_nsec >= SECOND) {
		value->tv_nsec -= SECOND;
		value->tv_sec++;
	}
	return 0;
}

static int timer_arm(const TimerfdEntry *timer, int fd, struct err *err)
{
	struct itimerspec when = {
		.it_interval = {(time_t)timer->isec, (long)timer->insec},
		.it_value = {(time_t)timer->vsec, (long)timer->vnsec},
	};
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	/* One that has fired and goes on when it is read. */
	bool fired =
		!timer->vsec && !timer->vnsec && (timer->isec || timer->insec);
	int code;

	/* What the kernel takes; its own moments are all below (KTIME_MAX). */
	if (timer->vsec > KTIME_SECONDS || timer->isec > KTIME_SECONDS ||
		timer->vnsec >= SECOND || timer->insec >= SECOND)
		return err_set(err, EBADMSG,
			"its time in the image is none: %" PRIu64 " s %" PRIu64
			" ns, every %" PRIu64 " s %" PRIu64 " ns",
			(uint64_t)timer->vsec, (uint64_t)timer->vnsec,
			(uint64_t)timer->isec, (uint64_t)timer->insec);
	if (fired)
		when.it_value.tv_nsec = 1;
	if (!when.it_value.tv_sec && !when.it_value.tv_nsec)
		return 0;
	if (timer->settime_flags & TFD_TIMER_ABSTIME) {
		code = moment_of(timer, &when.it_value, err);
		if (code)
			return code;
	}
	if (timerfd_settime(fd, (int)timer->settime_flags, &when, NULL))
		return err_errno(err, "setting a timerfd");
	/* Its tick must not come on top of those that are set below. */
	if (fired && poll(&poller, 1, 1000) != 1)
		return err_set(err, EIO, "a timerfd does not fire");
	return 0;
}

/* A task may have clocks of its own, by which no other moment is meant. */
static int timerfd_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	(void)err;
	if (!(object->entry->tfd->settime_flags & TFD_TIMER_ABSTIME))
		object_share(view, object, 0, 0);
	return 0;
}

static int timerfd_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const TimerfdEntry *timer = object->entry->tfd;
	_cleanup_fd_ int fd = -1;
	int code;

	(void)restore;
	fd = timerfd_create((clockid_t)timer->clockid, TFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "making a timerfd of %s",
			clock_label(timer->clockid));
	code = timer_arm(timer, fd, err);
	if (code)
		return code;
	if (timer->ticks && ioctl(fd, TFD_IOC_SET_TICKS, &timer->ticks))
		return err_errno(err, "setting the ticks of a timerfd");
	code = fown_flags_set(fd, timer->flags, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static int timerfd_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const TimerfdEntry *timer = object->entry->tfd;

	(void)err;
	fown_emit(tape, holder, timer->fown, timer->flags);
	return 0;
}

const struct kind kind_timerfd = {
	.name = "timerfd",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__TIMERFD,
	.schema = &timerfd_entry__descriptor,
	.claims = timerfd_claims,
	.capture = timerfd_capture,
	.plan = timerfd_plan,
	.make = timerfd_make,
	.emit = timerfd_emit,
};
