/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/print.h"

#include "inspect/json.h"

static void frames_write(struct json *json, const struct inspect_thread *thread)
{
	const struct unwind_frame *frame;

	json_array_open(json, "stack");
	for (size_t i = 0; i < thread->n_frames; i++) {
		frame = &thread->frames[i];
		json_object_open(json, NULL);
		json_hex(json, "pc", frame->pc);
		json_hex(json, "sp", frame->sp);
		if (frame->symbol)
			json_text(json, "symbol", frame->symbol);
		if (frame->symbol || frame->file)
			json_hex(json, "offset", frame->offset);
		if (frame->file)
			json_text(json, "file", frame->file);
		json_object_close(json);
	}
	json_array_close(json);
	if (thread->stack_note)
		json_text(json, "stack_note", thread->stack_note);
}

static void threads_write(struct json *json, const struct inspect_task *task)
{
	const struct inspect_thread *thread;

	json_array_open(json, "threads");
	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		json_object_open(json, NULL);
		json_number(json, "tid", thread->tid);
		json_text(json, "comm", thread->comm);
		if (thread->has_pc) {
			json_hex(json, "pc", thread->pc);
			json_hex(json, "sp", thread->sp);
		}
		if (thread->n_frames || thread->stack_note)
			frames_write(json, thread);
		json_object_close(json);
	}
	json_array_close(json);
}

static void memory_write(struct json *json, const struct inspect_task *task)
{
	json_array_open(json, "memory");
	for (int i = 0; i < MEMORY_KINDS; i++) {
		if (!task->memory[i].size)
			continue;
		json_object_open(json, NULL);
		json_text(json, "kind", inspect_kind_names[i]);
		json_number(json, "size", task->memory[i].size);
		json_number(json, "stored", task->memory[i].stored);
		if (task->memory[i].in_parent)
			json_number(
				json, "in_parent", task->memory[i].in_parent);
		json_object_close(json);
	}
	json_array_close(json);
}

static void files_write(struct json *json, const struct inspect_task *task)
{
	const struct inspect_fd *fd;

	json_array_open(json, "files");
	for (size_t i = 0; i < task->fds.n; i++) {
		fd = &task->fds.at[i];
		json_object_open(json, NULL);
		json_number(json, "fd", fd->fd);
		json_number(json, "id", fd->id);
		json_bool(json, "close_on_exec", fd->cloexec);
		json_text(json, "kind", fd->file.kind);
		json_text(json, "what", fd->file.text);
		json_object_close(json);
	}
	json_array_close(json);
}

static uint64_t cap_word(const uint32_t *words, size_t n)
{
	return (n > 0 ? words[0] : 0) | (n > 1 ? (uint64_t)words[1] << 32 : 0);
}

static void creds_write(struct json *json, const CredsEntry *creds)
{
	json_object_open(json, "creds");
	json_number(json, "uid", creds->uid);
	json_number(json, "euid", creds->euid);
	json_number(json, "gid", creds->gid);
	json_number(json, "egid", creds->egid);
	json_array_open(json, "groups");
	for (size_t i = 0; i < creds->n_groups; i++)
		json_number(json, NULL, creds->groups[i]);
	json_array_close(json);
	json_hex(json, "cap_effective",
		cap_word(creds->cap_eff, creds->n_cap_eff));
	json_hex(json, "cap_permitted",
		cap_word(creds->cap_prm, creds->n_cap_prm));
	json_hex(json, "cap_bounding",
		cap_word(creds->cap_bnd, creds->n_cap_bnd));
	json_object_close(json);
}

static void task_write(struct json *json, const struct inspect_task *task)
{
	json_object_open(json, NULL);
	json_number(json, "pid", task->entry->pid);
	json_number(json, "ppid", task->entry->ppid);
	json_number(json, "pgid", task->entry->pgid);
	json_number(json, "sid", task->entry->sid);
	json_text(json, "state", task->state);
	json_text(json, "comm", task->comm);
	json_text(json, "command", task->command);
	json_text(json, "exe", task->exe);
	json_text(json, "cwd", task->cwd);
	json_text(json, "root", task->root);
	if (task->creds)
		creds_write(json, task->creds);
	threads_write(json, task);
	memory_write(json, task);
	files_write(json, task);
	json_object_close(json);
}

static void manifest_write(struct json *json, const StasisManifest *manifest)
{
	json_object_open(json, "manifest");
	json_text(json, "kernel", manifest->kernel);
	json_text(json, "hostname", manifest->hostname);
	json_text(json, "stasis_version", manifest->stasis_version);
	if (manifest->has_created)
		json_number(json, "created", manifest->created);
	json_number(json, "files", manifest->n_file);
	json_object_close(json);
}

void inspection_print_json(const struct inspection *in, FILE *out)
{
	struct json json = {.out = out};

	json_object_open(&json, NULL);
	json_text(&json, "machine", in->machine);
	json_text(&json, "cpu", in->cpu);
	json_number(&json, "page_size", in->page_size);
	json_number(&json, "img_version", in->inventory->img_version);
	json_bool(&json, "pre_dump", in->pre_dump);
	json_bool(&json, "has_parent", in->has_parent);
	if (in->manifest)
		manifest_write(&json, in->manifest);
	json_number(&json, "private_stored", in->private_stored);
	json_number(&json, "shared_stored", in->shared_stored);
	json_number(&json, "shared_objects", in->shared_objects);
	json_array_open(&json, "tasks");
	for (size_t i = 0; i < in->tasks.n; i++)
		task_write(&json, &in->tasks.at[i]);
	json_array_close(&json);
	json_object_close(&json);
}
