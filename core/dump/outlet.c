/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/outlet.h"

#include <unistd.h>

#include "base/fd.h"
#include "hooks/hooks.h"
#include "image/streamer.h"

/* Seconds for which a reader may stand still while the tree does. */
enum { OUTLET_IDLE = 60 };

static int outlet_look(void *of, struct err *err)
{
	return run_check_interrupt(of, "while", "the images went out", err);
}

static int streamer_begin(struct outlet *outlet, struct err *err)
{
	struct run *run = outlet->dump->run;
	int code = hooks_run(run, "pre-stream", run->opt->tree, err);

	if (!code)
		code = streamer_connect(&outlet->stream, run->images_dir,
			STREAMER_CAPTURE, &outlet->streamer, err);
	if (code)
		return code;
	outlet->stream.fd = outlet->streamer;
	streamer_open(&outlet->stream);
	return 0;
}

static int stream_begin(struct outlet *outlet, struct err *err)
{
	struct run *run = outlet->dump->run;

	outlet->stream = (struct stream){.fd = run->piped,
		.out = -1,
		.idle_seconds = OUTLET_IDLE,
		.look = outlet_look,
		.of = run};
	if (run->opt->stream)
		return streamer_begin(outlet, err);
	return stream_open(&outlet->stream, err);
}

int outlet_open(struct dump *dump, struct outlet *outlet, struct err *err)
{
	struct run *run = dump->run;
	int code;

	outlet->dump = dump;
	if (!run->opt->piped && !run->opt->stream)
		return image_set_create(
			dump->arena, run->images_dir, &dump->images, err);
	code = stream_begin(outlet, err);
	if (code)
		return code;
	dump->stream = &outlet->stream;
	return image_set_create_stream(
		dump->arena, run->images_dir, dump->stream, &dump->images, err);
}

int outlet_end(struct outlet *outlet, struct err *err)
{
	struct dump *dump = outlet->dump;

	return dump->stream ? image_set_stream_end(dump->images, err) : 0;
}

int outlet_done(struct outlet *outlet, struct err *err)
{
	struct dump *dump = outlet->dump;
	int code = dump->stream ? stream_done(dump->stream, err) : 0;

	if (!code)
		return 0;
	err_hint(err, "it keeps the images that it has read, and says where");
	return err_wrap(err,
		"all images were read, and what was wanted has become of the "
		"processes, but not told");
}

void outlet_spoil(struct outlet *outlet)
{
	int dir = outlet->dump->run->images_dir;

	if (outlet->dump->stream) {
		image_set_abort(outlet->dump->images);
		return;
	}
	unlinkat(dir, "stasis.img", 0);
	unlinkat(dir, "inventory.img", 0);
}

void outlet_close(struct outlet *outlet)
{
	if (outlet->streamer >= 0)
		streamer_close(&outlet->stream);
	fd_closep(&outlet->streamer);
	outlet->streamer = -1;
}
