/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no single option can know. */
#include "options/options.h"

#include <errno.h>

static int options_check_wire(const struct options *o, struct err *err)
{
	if (o->port || o->any_port || o->ps_fd >= 0)
		return 0;
	err_set(err, EINVAL, "it is not said where the page server is");
	return err_hint(err, "give --port PORT (and --address ADDR), or an "
			     "open connection with --ps-socket FD");
}

/* Images as a stream: what needs a directory cannot be. */
static int options_check_streamed(const struct options *o, struct err *err)
{
	const char *how = o->stream ? "--stream" : "-D -";

	if (o->piped && o->verb != VERB_DUMP && o->verb != VERB_RESTORE) {
		err_set(err, EINVAL,
			"-D - (images as a stream) is for dump and restore "
			"only");
		return err_hint(err, "a directory of this name is './-'");
	}
	if (o->stream && o->verb == VERB_PRE_DUMP)
		return err_set(err, EINVAL,
			"pre-dump goes without --stream: what is dumped later "
			"could not find what a streamer has");
	if (o->piped && o->stream)
		return err_set(err, EINVAL,
			"--stream and -D - contradict one another");
	if ((o->piped || o->stream) && o->page_server)
		return err_set(err, EINVAL,
			"%s and --page-server contradict one another: the "
			"pages can go one way only",
			how);
	if ((o->piped || o->stream) && (o->prev_images_dir || o->lazy_pages))
		return err_set(err, EINVAL, "%s goes without %s", how,
			o->lazy_pages ? "--lazy-pages" : "--prev-images-dir");
	return 0;
}

static int options_check_lazy(const struct options *o, struct err *err)
{
	if (o->verb == VERB_PRE_DUMP) {
		err_set(err, EINVAL,
			"pre-dump and --lazy-pages contradict one another: its "
			"tasks run on and change their pages");
		return err_hint(err, "leave out --lazy-pages");
	}
	if (o->page_server) {
		err_set(err, EINVAL,
			"--lazy-pages and --page-server contradict one "
			"another: pages are kept until somebody asks for them, "
			"or are sent away");
		return err_hint(err, "leave out --page-server: --port is where "
				     "who wants pages connects");
	}
	return options_check_wire(o, err);
}

static int options_check_dump(const struct options *o, struct err *err)
{
	if (!o->tree) {
		err_set(err, EINVAL, "it is not said which process to dump");
		return err_hint(err, "give the pid of the root of the tree "
				     "with -t PID");
	}
	if (o->leave_running && o->leave_stopped) {
		err_set(err, EINVAL,
			"--leave-running and --leave-stopped contradict one "
			"another");
		return err_hint(err, "leave one of them out");
	}
	if (o->lazy_pages)
		return options_check_lazy(o, err);
	return o->page_server ? options_check_wire(o, err) : 0;
}

static int options_check_restore(const struct options *o, struct err *err)
{
	if (o->restore_sibling && !o->restore_detached) {
		err_set(err, EINVAL,
			"--restore-sibling needs "
			"--restore-detached: there is no child "
			"to wait for");
		return err_hint(err, "add -d");
	}
	if (o->exec_cmd && o->restore_detached) {
		err_set(err, EINVAL,
			"--exec-cmd and --restore-detached contradict one "
			"another: the command becomes the parent of the "
			"restored tasks");
		return err_hint(err, "leave one of them out");
	}
	return 0;
}

int options_check(const struct options *options, struct err *err)
{
	int code = options_check_streamed(options, err);

	if (code)
		return code;
	switch (options->verb) {
	case VERB_DUMP:
	case VERB_PRE_DUMP:
		return options_check_dump(options, err);
	case VERB_PAGE_SERVER:
		return options_check_wire(options, err);
	case VERB_LAZY_PAGES:
		return options->page_server ? options_check_wire(options, err)
					    : 0;
	case VERB_RESTORE:
		return options_check_restore(options, err);
	case VERB_CPUINFO_CHECK:
		if (options->json && !options->against.n) {
			err_set(err, EINVAL, "--json needs --against");
			return err_hint(err, "to compare a stored CPU with "
					     "this one, name only its file "
					     "behind --against");
		}
		return 0;
	case VERB_SWRK:
		if (options->swrk_fd < 0)
			return err_set(err, EINVAL,
				"swrk needs the number of its socket's fd");
		return 0;
	default:
		return 0;
	}
}
