/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/object.h"

#include <stdio.h>

#include "model/book.h"
#include "model/kind.h"
#include "model/tree.h"

struct object *objects_find(const struct objects *objects, uint32_t id)
{
	return id <= objects->max_id && objects->by_id ? objects->by_id[id]
						       : NULL;
}

void object_need(struct arena *arena, struct object *a, struct object *b)
{
	*vec_push(arena, &a->needs) = b;
}

void object_link(struct arena *arena, struct object *a, struct object *b)
{
	*vec_push(arena, &a->links) = b;
}

void *object_share(const struct plan_view *view, struct object *object,
	uint64_t with, size_t size)
{
	void **slot;

	object->alone = true;
	object->with = with;
	if (!with || !size)
		return NULL;
	slot = book_slot(view->arena, &view->objects->commons,
		object->kind->name, with, 0);
	if (!*slot)
		*slot = arena_alloc(view->arena, size);
	return object->common = *slot;
}

const char *object_name(const struct object *object, char ret[OBJECT_NAME])
{
	const struct holder *holder = NULL;

	for (size_t i = 0; i < object->holders.n; i++)
		if (!holder ||
			(holder->fd < 0 && object->holders.at[i].fd >= 0))
			holder = &object->holders.at[i];
	if (holder && holder->fd >= 0)
		snprintf(ret, OBJECT_NAME, "fd %d of task %d (%s)", holder->fd,
			holder->task->pid, object->kind->name);
	else if (holder)
		snprintf(ret, OBJECT_NAME, "%s of task %d",
			holder->what ?: "a file", holder->task->pid);
	else
		snprintf(ret, OBJECT_NAME, "file %u of the images (%s)",
			object->id, object->kind->name);
	return ret;
}
