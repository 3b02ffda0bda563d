/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/place.h"
#include "hooks/hooks.h"
#include "image/leftover.h"
#include "image/streamer.h"

/* Seconds for which the other end may stand still in the middle. */
enum { INCOMING_IDLE = 600 };

int incoming_divert(struct run *run, struct err *err)
{
	int std = run->opt->verb == VERB_DUMP ? STDOUT_FILENO : STDIN_FILENO;
	_cleanup_fd_ int instead = -1;

	run->piped = -1;
	if (!run->opt->piped)
		return 0;
	run->piped = fcntl(std, F_DUPFD_CLOEXEC, 3);
	if (run->piped < 0)
		return err_errno(err, "using standard %s for the images",
			std ? "output" : "input");
	if (std)
		instead = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (instead < 0)
		instead = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (instead < 0 || dup2(instead, std) < 0)
		return err_errno(err,
			"putting something else in the place of "
			"standard %s",
			std ? "output" : "input");
	return 0;
}

static int incoming_look(void *of, struct err *err)
{
	return run_check_interrupt(of, "while", "the images came in", err);
}

static int folder_make(
	struct run *run, struct incoming *incoming, struct err *err)
{
	int fd = place_new_dir(run->work_dir, incoming->name);

	if (fd < 0)
		return err_code(err, fd,
			"making a folder for the images in the work directory");
	flock(fd, LOCK_EX | LOCK_NB); /* image/leftover.h */
	incoming->folder = fd;
	return 0;
}

static void folder_remove(struct run *run, struct incoming *incoming)
{
	leftover_empty(incoming->folder);
	place_remove(run->work_dir, incoming->name, incoming->folder);
}

/* From here on nobody but us may have them. */
static int folder_show(
	struct run *run, struct incoming *incoming, struct err *err)
{
	char shown[INCOMING_NAME];

	snprintf(shown, sizeof(shown), "stasis-images-%s",
		incoming->name + strcspn(incoming->name, "-") + 1);
	if (renameat2(run->work_dir, incoming->name, run->work_dir, shown,
		    RENAME_NOREPLACE))
		return err_errno(err, "giving the images the name '%s'", shown);
	strcpy(incoming->name, shown);
	incoming->whole = true;
	return 0;
}

static int pipe_receive(
	struct run *run, struct incoming *incoming, struct err *err)
{
	struct stream *stream = &incoming->stream;
	bool done = false;
	int code;

	stream->fd = run->piped;
	code = stream_receive(stream, incoming->folder, err);
	if (!code)
		code = folder_show(run, incoming, err);
	if (!code)
		code = stream_receive_done(stream, &done, err);
	if (code || done)
		return code;
	err_set(err, EPIPE,
		"the images are whole, but the dump has ended before it said "
		"what became of the tasks");
	return err_hint(err, "look whether they run there; if not, restore "
			     "with -D and the directory above");
}

static int streamer_find(
	struct run *run, struct incoming *incoming, struct err *err)
{
	int code = hooks_run(run, "pre-stream", 0, err);

	if (!code)
		code = streamer_connect(&incoming->stream, run->images_dir,
			STREAMER_SERVE, &incoming->streamer, err);
	incoming->stream.fd = incoming->streamer;
	run->source = &incoming->stream;
	return code;
}

static void incoming_undo(void *of)
{
	struct incoming *incoming = of;

	if (incoming->whole)
		log_warn("the images that came in are kept in '%s/%s'",
			incoming->run->opt->work_dir, incoming->name);
	else if (incoming->folder >= 0)
		folder_remove(incoming->run, incoming);
}

int incoming_open(struct run *run, struct incoming *ret, struct err *err)
{
	int code;

	*ret = (struct incoming){.streamer = -1, .folder = -1, .run = run};
	if (!run->opt->piped && !run->opt->stream)
		return 0;
	ret->on = true;
	ret->end = (struct arena_end){.undo = incoming_undo, .of = ret};
	arena_end_push(run->arena, &ret->end);
	ret->stream = (struct stream){.idle_seconds = INCOMING_IDLE,
		.look = incoming_look,
		.of = run};
	code = folder_make(run, ret, err);
	if (!code)
		code = run->opt->stream ? streamer_find(run, ret, err)
					: pipe_receive(run, ret, err);
	fd_closep(&run->piped);
	run->piped = -1;
	if (code)
		return code;
	fd_closep(&run->images_dir);
	run->images_dir = fcntl(ret->folder, F_DUPFD_CLOEXEC, 3);
	return run->images_dir < 0 ? err_errno(err, "opening the images") : 0;
}

int incoming_close(
	struct run *run, struct incoming *incoming, int code, struct err *err)
{
	if (!incoming->on)
		return code;
	arena_end_pop(run->arena, &incoming->end);
	run->source = NULL;
	fd_closep(&incoming->streamer);
	if (code && incoming->whole)
		err_wrap(err, "of images that came in and are kept in '%s/%s'",
			run->opt->work_dir, incoming->name);
	else if (incoming->folder >= 0)
		folder_remove(run, incoming);
	fd_closep(&incoming->folder);
	incoming->on = false;
	return code;
}
