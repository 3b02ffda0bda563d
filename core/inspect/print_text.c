/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/print.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/shown.h"

static void size_write(FILE *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double size = (double)bytes / 1024;
	size_t unit = 0;

	while (size >= 1024 && unit < sizeof(units) - 2) {
		size /= 1024;
		unit++;
	}
	if (size == (double)(uint64_t)size)
		shown_print(out, "%" PRIu64 "%c", (uint64_t)size, units[unit]);
	else
		shown_print(out, "%.1f%c", size, units[unit]);
}

static void line_write(FILE *out, const char *what, const char *text)
{
	if (!text)
		return;
	shown_print(out, "%-9s ", what);
	shown_print(out, "%s", text);
	putc('\n', out);
}

static void manifest_write(FILE *out, const StasisManifest *manifest)
{
	time_t created = (time_t)manifest->created;
	char when[64] = "";
	struct tm tm;

	if (manifest->has_created && gmtime_r(&created, &tm))
		strftime(when, sizeof(when), " on %F at %T UTC", &tm);
	shown_print(out, "written   by Stasis %s%s, %zu files, all intact\n",
		manifest->stasis_version ?: "", when, manifest->n_file);
	line_write(out, "host", manifest->hostname);
	line_write(out, "kernel", manifest->kernel);
}

static void head_write(const struct inspection *in, FILE *out)
{
	if (in->manifest)
		manifest_write(out, in->manifest);
	else
		fputs("written   by another engine (no manifest, nothing was "
		      "checked)\n",
			out);
	if (in->machine)
		shown_print(out, "machine   %s, pages of %u bytes\n",
			in->machine, in->page_size);
	line_write(out, "cpu", in->cpu);
	fputs("stored    ", out);
	size_write(out, in->private_stored);
	fputs(" private, ", out);
	size_write(out, in->shared_stored);
	shown_print(out, " in %zu shared objects%s\n", in->shared_objects,
		in->has_parent ? ", more in the parent images" : "");
	if (in->pre_dump)
		fputs("kind      pre-dump: memory only, cannot be restored "
		      "alone\n",
			out);
	else
		shown_print(out, "tasks     %zu with %zu threads\n",
			in->tasks.n, in->n_threads);
}

static void tree_write(const struct inspection *in, FILE *out)
{
	const struct inspect_task *task;

	for (size_t i = 0; i < in->tasks.n; i++) {
		task = &in->tasks.at[i];
		shown_print(
			out, "%*s%u ", task->depth * 4, "", task->entry->pid);
		if (task->command)
			shown_print(out, "%s", task->command);
		else {
			putc('[', out);
			shown_print(out, "%s", task->comm);
			putc(']', out);
		}
		if (strcmp(task->state, "alive") != 0)
			shown_print(out, " (%s)", task->state);
		if (task->n_threads > 1)
			shown_print(out, " (%zu threads)", task->n_threads);
		putc('\n', out);
	}
}

/* All, none, or the number of capabilities in effect. */
static void creds_write(const CredsEntry *creds, FILE *out)
{
	int n = 0;

	shown_print(out, "  ids     uid %u", creds->uid);
	if (creds->euid != creds->uid)
		shown_print(out, " (effective %u)", creds->euid);
	shown_print(out, ", gid %u", creds->gid);
	if (creds->egid != creds->gid)
		shown_print(out, " (effective %u)", creds->egid);
	for (size_t i = 0; i < creds->n_cap_eff; i++)
		n += __builtin_popcount(creds->cap_eff[i]);
	if (n)
		shown_print(out, ", %d capabilities", n);
	if (creds->has_no_new_privs && creds->no_new_privs)
		fputs(", no new privileges", out);
	putc('\n', out);
}

static void memory_write(const struct inspect_task *task, FILE *out)
{
	const struct inspect_memory *memory;

	for (int i = 0; i < MEMORY_KINDS; i++) {
		memory = &task->memory[i];
		if (!memory->size)
			continue;
		shown_print(out, "  memory  %-7s", inspect_kind_names[i]);
		size_write(out, memory->size);
		if (memory->stored) {
			fputs(", stored ", out);
			size_write(out, memory->stored);
		}
		if (memory->in_parent) {
			fputs(", in the parent ", out);
			size_write(out, memory->in_parent);
		}
		putc('\n', out);
	}
}

static void frames_write(const struct inspect_thread *thread, FILE *out)
{
	const struct unwind_frame *frame;

	for (size_t i = 0; i < thread->n_frames; i++) {
		frame = &thread->frames[i];
		shown_print(out, "    #%-2zu 0x%012" PRIx64, i, frame->pc);
		if (frame->symbol) {
			putc(' ', out);
			shown_print(out, "%s", frame->symbol);
			shown_print(out, "+0x%" PRIx64, frame->offset);
		}
		if (frame->file) {
			fputs(" in ", out);
			shown_print(out, "%s", frame->file);
			if (!frame->symbol)
				shown_print(out, "+0x%" PRIx64, frame->offset);
		}
		putc('\n', out);
	}
	if (thread->stack_note)
		shown_print(out, "        (%s)\n", thread->stack_note);
}

static void threads_write(const struct inspect_task *task, FILE *out)
{
	const struct inspect_thread *thread;

	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		if (!thread->has_pc && !thread->stack_note)
			continue;
		shown_print(out, "  thread  %u ", thread->tid);
		shown_print(out, "%s", thread->comm ?: "?");
		if (thread->has_pc)
			shown_print(out, ", pc 0x%" PRIx64 ", sp 0x%" PRIx64,
				thread->pc, thread->sp);
		putc('\n', out);
		frames_write(thread, out);
	}
}

static void files_write(const struct inspect_task *task, FILE *out)
{
	const struct inspect_fd *fd;

	for (size_t i = 0; i < task->fds.n; i++) {
		fd = &task->fds.at[i];
		shown_print(out, "  fd %-4u %-9s ", fd->fd, fd->file.kind);
		shown_print(out, "%s", fd->file.text);
		if (fd->cloexec)
			fputs(", close on exec", out);
		putc('\n', out);
	}
}

static void task_write(const struct inspect_task *task, FILE *out)
{
	shown_print(out, "\n%u ", task->entry->pid);
	shown_print(out, "%s", task->comm);
	shown_print(out, ": %s, group %u, session %u\n", task->state,
		task->entry->pgid, task->entry->sid);
	if (task->exe)
		line_write(out, "  exe    ", task->exe);
	if (task->cwd)
		line_write(out, "  cwd    ", task->cwd);
	if (task->root && strcmp(task->root, "/") != 0)
		line_write(out, "  root   ", task->root);
	if (task->creds)
		creds_write(task->creds, out);
	threads_write(task, out);
	memory_write(task, out);
	files_write(task, out);
}

void inspection_print_text(const struct inspection *in, FILE *out)
{
	head_write(in, out);
	if (!in->tasks.n)
		return;
	putc('\n', out);
	tree_write(in, out);
	for (size_t i = 0; i < in->tasks.n; i++)
		task_write(&in->tasks.at[i], out);
}
