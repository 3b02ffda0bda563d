/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/print.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* Control characters in names must not reach a terminal. */
static void clean_write(FILE *out, const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			putc(*text, out);
}

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
		fprintf(out, "%" PRIu64 "%c", (uint64_t)size, units[unit]);
	else
		fprintf(out, "%.1f%c", size, units[unit]);
}

static void line_write(FILE *out, const char *what, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%-9s ", what);
	clean_write(out, text);
	putc('\n', out);
}

static void manifest_write(FILE *out, const StasisManifest *manifest)
{
	time_t created = (time_t)manifest->created;
	char when[64] = "";
	struct tm tm;

	if (manifest->has_created && gmtime_r(&created, &tm))
		strftime(when, sizeof(when), " on %F at %T UTC", &tm);
	fprintf(out, "written   by Stasis %s%s, %zu files, all intact\n",
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
		fprintf(out, "machine   %s, pages of %u bytes\n", in->machine,
			in->page_size);
	line_write(out, "cpu", in->cpu);
	fputs("stored    ", out);
	size_write(out, in->private_stored);
	fputs(" private, ", out);
	size_write(out, in->shared_stored);
	fprintf(out, " in %zu shared objects%s\n", in->shared_objects,
		in->has_parent ? ", more in the parent images" : "");
	if (in->pre_dump)
		fputs("kind      pre-dump: memory only, cannot be restored "
		      "alone\n",
			out);
	else
		fprintf(out, "tasks     %zu with %zu threads\n", in->tasks.n,
			in->n_threads);
}

static void tree_write(const struct inspection *in, FILE *out)
{
	const struct inspect_task *task;

	for (size_t i = 0; i < in->tasks.n; i++) {
		task = &in->tasks.at[i];
		fprintf(out, "%*s%u ", task->depth * 4, "", task->entry->pid);
		if (task->command)
			clean_write(out, task->command);
		else {
			putc('[', out);
			clean_write(out, task->comm);
			putc(']', out);
		}
		if (strcmp(task->state, "alive") != 0)
			fprintf(out, " (%s)", task->state);
		if (task->n_threads > 1)
			fprintf(out, " (%zu threads)", task->n_threads);
		putc('\n', out);
	}
}

/* All, none, or the number of capabilities in effect. */
static void creds_write(const CredsEntry *creds, FILE *out)
{
	int n = 0;

	fprintf(out, "  ids     uid %u", creds->uid);
	if (creds->euid != creds->uid)
		fprintf(out, " (effective %u)", creds->euid);
	fprintf(out, ", gid %u", creds->gid);
	if (creds->egid != creds->gid)
		fprintf(out, " (effective %u)", creds->egid);
	for (size_t i = 0; i < creds->n_cap_eff; i++)
		n += __builtin_popcount(creds->cap_eff[i]);
	if (n)
		fprintf(out, ", %d capabilities", n);
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
		fprintf(out, "  memory  %-7s", inspect_kind_names[i]);
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
		fprintf(out, "    #%-2zu 0x%012" PRIx64, i, frame->pc);
		if (frame->symbol) {
			putc(' ', out);
			clean_write(out, frame->symbol);
			fprintf(out, "+0x%" PRIx64, frame->offset);
		}
		if (frame->file) {
			fputs(" in ", out);
			clean_write(out, frame->file);
			if (!frame->symbol)
				fprintf(out, "+0x%" PRIx64, frame->offset);
		}
		putc('\n', out);
	}
	if (thread->stack_note)
		fprintf(out, "        (%s)\n", thread->stack_note);
}

static void threads_write(const struct inspect_task *task, FILE *out)
{
	const struct inspect_thread *thread;

	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		if (!thread->has_pc && !thread->stack_note)
			continue;
		fprintf(out, "  thread  %u ", thread->tid);
		clean_write(out, thread->comm ?: "?");
		if (thread->has_pc)
			fprintf(out, ", pc 0x%" PRIx64 ", sp 0x%" PRIx64,
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
		fprintf(out, "  fd %-4u %-9s ", fd->fd, fd->file.kind);
		clean_write(out, fd->file.text);
		if (fd->cloexec)
			fputs(", close on exec", out);
		putc('\n', out);
	}
}

static void task_write(const struct inspect_task *task, FILE *out)
{
	fprintf(out, "\n%u ", task->entry->pid);
	clean_write(out, task->comm);
	fprintf(out, ": %s, group %u, session %u\n", task->state,
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
