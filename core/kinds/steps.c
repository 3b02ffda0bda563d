/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "kinds/kinds.h"
#include "model/restore.h"

/* --- dump ---------------------------------------------------------------- */

static bool is_for(const struct kind *kind, bool leader)
{
	return kind->scope == SCOPE_THREAD ||
	       (kind->scope == SCOPE_TASK && leader);
}

int kinds_ask(struct victim_thread *thread, bool leader, struct err *err)
{
	struct tape *tape = thread->tape;
	struct answer *answer;
	int code;

	for (size_t i = 0; kinds[i]; i++) {
		if (!kinds[i]->ask || !is_for(kinds[i], leader))
			continue;
		answer = &thread->answers[i];
		answer->op = (uint32_t)tape->ops.n;
		answer->data = tape->data_size;
		tape_about(tape, "%s", kinds[i]->name);
		code = kinds[i]->ask(tape, thread, answer, err);
		if (code)
			return err_wrap(err, "thread %d: %s", thread->tid,
				kinds[i]->name);
	}
	return 0;
}

int kinds_capture(struct dump *dump, struct victim_thread *thread, bool leader,
	CoreEntry *core, struct err *err)
{
	struct sighting sighting = {.victim = thread->victim,
		.thread = thread,
		.fd_number = -1,
		.fd = -1};
	int code;

	for (size_t i = 0; kinds[i]; i++) {
		if (!kinds[i]->capture || !is_for(kinds[i], leader))
			continue;
		sighting.answer = &thread->answers[i];
		code = kinds[i]->capture(dump, &sighting, core, err);
		if (code)
			return code;
	}
	return 0;
}

const struct kind *kinds_claim(const struct sighting *sighting)
{
	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i]->scope == SCOPE_FILE && kinds[i]->claims(sighting))
			return kinds[i];
	return NULL;
}

static const struct kind *kind_of_type(FdTypes type)
{
	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i]->scope == SCOPE_FILE && kinds[i]->tag == type)
			return kinds[i];
	return NULL;
}

int kinds_again(struct dump *dump, const struct victim *victim, FdTypes type,
	uint32_t id, struct err *err)
{
	const struct kind *kind = kind_of_type(type);

	return kind && kind->again ? kind->again(dump, victim, id, err) : 0;
}

int kinds_seen(struct dump *dump, const struct sighting *sighting, uint32_t id,
	bool first, struct err *err)
{
	int code = 0;

	for (size_t i = 0; kinds[i] && !code; i++)
		if (kinds[i]->seen)
			code = kinds[i]->seen(dump, sighting, id, first, err);
	return code;
}

int kinds_mapped(const struct sighting *sighting, FdTypes type, struct err *err)
{
	const struct kind *kind = kind_of_type(type);

	return kind && kind->mapped ? kind->mapped(sighting, err) : 0;
}

int kinds_finish(struct dump *dump, struct err *err)
{
	int code = 0;

	for (size_t i = 0; kinds[i] && !code; i++)
		if (kinds[i]->finish)
			code = kinds[i]->finish(dump, err);
	return code;
}

/* --- restore ------------------------------------------------------------- */

/* Every kind's message is a field of its own. */
static bool entry_has(
	const FileEntry *entry, const ProtobufCMessageDescriptor *schema)
{
	const ProtobufCMessageDescriptor *all = &file_entry__descriptor;
	const ProtobufCFieldDescriptor *field;

	for (unsigned i = 0; i < all->n_fields; i++) {
		field = &all->fields[i];
		if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
			field->descriptor == schema)
			return *(void *const *)((const char *)entry +
						field->offset);
	}
	return false;
}

static int type_refuse(const FileEntry *entry, struct err *err)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
		&fd_types__descriptor, (int)entry->type);

	err_set(err, EOPNOTSUPP,
		"files.img: file %u is of type %s, which cannot be restored "
		"yet",
		entry->id, value ? value->name : "?");
	return err_hint(err, "restore it with the engine that made the image");
}

int kinds_of_entry(
	const FileEntry *entry, const struct kind **ret, struct err *err)
{
	const struct kind *kind = kind_of_type(entry->type);

	if (!kind)
		return type_refuse(entry, err);
	if (!entry_has(entry, kind->schema)) {
		err_set(err, EBADMSG,
			"files.img is damaged: file %u is said to be a %s, and "
			"has no %s",
			entry->id, kind->name, kind->schema->name);
		return err_hint(
			err, "copy the image directory again, or dump again");
	}
	*ret = kind;
	return 0;
}

int kinds_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	return object->kind->plan ? object->kind->plan(view, object, err) : 0;
}

static bool kind_is_there(
	const struct restore *restore, const struct kind *kind)
{
	if (kind->scope != SCOPE_FILE)
		return true;
	for (size_t i = 0; i < restore->objects.list.n; i++)
		if (restore->objects.list.at[i]->kind == kind)
			return true;
	return false;
}

int kinds_load(struct restore *restore, struct err *err)
{
	int code = 0;

	for (size_t i = 0; kinds[i] && !code; i++)
		if (kinds[i]->load && kind_is_there(restore, kinds[i]))
			code = kinds[i]->load(restore, err);
	return code;
}

int kinds_link(
	struct restore *restore, struct object *object, int fd, struct err *err)
{
	return object->kind->link ? object->kind->link(restore, object, fd, err)
				  : 0;
}

void kinds_release(struct restore *restore, bool failed)
{
	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i]->release)
			kinds[i]->release(restore, failed);
}

int kinds_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	return object->kind->key ? object->kind->key(restore, object, ret, err)
				 : 0;
}

int kinds_open_mapping(struct restore *restore, const struct object *object,
	int opened, int *ret_fd, struct err *err)
{
	char path[32], name[OBJECT_NAME];
	int fd;

	if (object->kind->open_mapping && !object->given)
		return object->kind->open_mapping(restore, object, ret_fd, err);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", opened);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err,
			"opening %s for writing, to map it shared",
			object_name(object, name));
	*ret_fd = fd;
	return 0;
}

int kinds_emit_file(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	int code;

	if (!object->kind->emit)
		return 0;
	tape_about(tape, "fd %d: %s", holder->fd, object->kind->name);
	code = object->kind->emit(tape, object, holder, err);
	return code ? err_wrap(err, "task %d: fd %d", holder->task->pid,
			      holder->fd)
		    : 0;
}

int kinds_emit(struct tape *tape, const struct holder *holder, enum scope scope,
	enum stage stage, void (*meet)(const struct holder *, struct tape *),
	struct err *err)
{
	int code;

	for (size_t i = 0; kinds[i]; i++) {
		if (kinds[i]->scope != scope || !kinds[i]->emit ||
			(scope == SCOPE_TASK && kinds[i]->stage != stage))
			continue;
		if (kinds[i]->meets && meet)
			meet(holder, tape);
		tape_about(tape, "%s", kinds[i]->name);
		code = kinds[i]->emit(tape, NULL, holder, err);
		if (code)
			return err_wrap(err, "task %d: %s", holder->task->pid,
				kinds[i]->name);
	}
	return 0;
}
