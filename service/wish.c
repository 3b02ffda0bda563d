/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/wish.h"

#include <errno.h>
#include <inttypes.h>

#include "service/wish_field.h"

void wish_init(struct wish *ret, enum verb verb)
{
	*ret = (struct wish){.images_fd = -1, .work_fd = -1, .self = true};
	options_init(&ret->options);
	ret->options.verb = verb;
	ret->options.work_dir = NULL;
}

static const struct option_row *row_find(uint32_t tag)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (tag && row->rpc == tag)
			return row;
	return NULL;
}

static const struct wish_reader *reader_find(uint32_t tag)
{
	for (const struct wish_reader *r = wish_readers; r->read; r++)
		if (r->tag == tag)
			return r;
	return NULL;
}

static const void *member_of(
	const CriuOpts *opts, const ProtobufCFieldDescriptor *field)
{
	return (const char *)opts + field->offset;
}

/* How many values the client gave. */
static size_t member_count(
	const CriuOpts *opts, const ProtobufCFieldDescriptor *field)
{
	const void *quantifier = (const char *)opts + field->quantifier_offset;

	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return 1;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier;
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *text = *(char *const *)member_of(opts, field);

		return text && *text;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)member_of(opts, field) != NULL;
	return *(const protobuf_c_boolean *)quantifier;
}

/* By its number: that of RPC is that of the options. */
static int choice_set(
	const struct wish_field *field, int value, struct err *err)
{
	const struct option_choice *choice = field->row->choices;

	while (choice && choice->name && choice->value != value)
		choice++;
	if (!choice || !choice->name)
		return err_set(err, EINVAL, "%s is %d, which has no meaning",
			field->name, value);
	return option_set(field->arena, field->row, false, choice->name,
		field->name, &field->wish->options, err);
}

static int value_set(
	const struct wish_field *field, const char *text, struct err *err)
{
	return option_set(field->arena, field->row, false, text, field->name,
		&field->wish->options, err);
}

static int bool_set(const struct wish_field *field, bool value, struct err *err)
{
	return option_set(field->arena, field->row, !value, NULL, field->name,
		&field->wish->options, err);
}

/* As the command line would be told it. */
static int member_set(const struct wish_field *field,
	const ProtobufCFieldDescriptor *d, size_t n, struct err *err)
{
	const void *member = member_of(field->opts, d);
	int rc = 0;

	if (d->label == PROTOBUF_C_LABEL_REPEATED) {
		for (size_t i = 0; !rc && i < n; i++)
			rc = value_set(
				field, (*(char *const *const *)member)[i], err);
		return rc;
	}
	switch (d->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return bool_set(
			field, *(const protobuf_c_boolean *)member, err);
	case PROTOBUF_C_TYPE_ENUM:
		return choice_set(field, *(const int *)member, err);
	case PROTOBUF_C_TYPE_STRING:
		return value_set(field, *(char *const *)member, err);
	case PROTOBUF_C_TYPE_INT32:
		return value_set(field,
			arena_printf(field->arena, "%" PRId32,
				*(const int32_t *)member),
			err);
	default:
		return value_set(field,
			arena_printf(field->arena, "%" PRIu32,
				*(const uint32_t *)member),
			err);
	}
}

static bool row_serves(const struct option_row *row, enum verb verb)
{
	return !row || row->verbs & 1u << verb;
}

static int field_read(struct wish_field *field,
	const ProtobufCFieldDescriptor *d, size_t n, struct err *err)
{
	const struct wish_reader *reader = reader_find(d->id);
	struct wish *wish = field->wish;

	field->name = d->name;
	field->row =
		row_find(reader && reader->row_of ? reader->row_of : d->id);
	if (!reader && !field->row)
		return err_set(err, EINVAL, "%s is not known here", d->name);
	if (!row_serves(field->row, wish->options.verb)) {
		*vec_push(field->arena, &wish->unused) = d->name;
		return 0;
	}
	return reader ? reader->read(field, err) : member_set(field, d, n, err);
}

static int unknown_check(const CriuOpts *opts, struct err *err)
{
	if (!opts->base.n_unknown_fields)
		return 0;
	err_set(err, EINVAL,
		"criu_opts has a field with number %u, which this "
		"version does not know",
		opts->base.unknown_fields[0].tag);
	return err_hint(err, "leave it out, or use a newer stasis");
}

int wish_read(struct arena *arena, const CriuOpts *opts, bool inherited,
	struct wish *wish, struct err *err)
{
	const ProtobufCMessageDescriptor *all = &criu_opts__descriptor;
	struct wish_field field = {.arena = arena,
		.opts = opts,
		.wish = wish,
		.inherited = inherited};
	int first, rc;

	if (!opts)
		return 0;
	first = unknown_check(opts, err);
	for (unsigned i = 0; i < all->n_fields; i++) {
		size_t n = member_count(opts, &all->fields[i]);

		if (!n)
			continue;
		rc = field_read(
			&field, &all->fields[i], n, first ? ERR_UNREAD : err);
		first = first ?: rc;
	}
	return first;
}
