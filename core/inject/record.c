/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/record.h"

#include <errno.h>
#include <string.h>

#include "base/shown.h"

/* ERROR_MAX: system calls return no errors beyond it. */
enum { DATA_ALIGNMENT = 16, ERROR_MAX = 4095 };

static size_t round_up(size_t size)
{
	return (size + DATA_ALIGNMENT - 1) & ~(size_t)(DATA_ALIGNMENT - 1);
}

struct tape *tape_new(struct arena *arena, const char *title)
{
	struct tape *tape = arena_new1(arena, struct tape);

	tape->arena = arena;
	tape->title = title;
	tape->now_about.text = "";
	return tape;
}

void tape_about(struct tape *tape, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tape->now_about =
		(struct tape_about){.text = arena_strdup(tape->arena, text)};
}

void tape_about_range(
	struct tape *tape, const char *what, uint64_t start, uint64_t end)
{
	tape->now_about = (struct tape_about){what, start, end};
}

enum { ABOUT_ROOM = 320 };

static const char *about_text(
	const struct tape *tape, size_t op, char room[ABOUT_ROOM])
{
	const struct tape_about *about = &tape->about.at[op];

	if (!about->end)
		return about->text;
	snprintf(room, ABOUT_ROOM, "%s %llx-%llx", about->text,
		(unsigned long long)about->start,
		(unsigned long long)about->end);
	return room;
}

uint64_t tape_data(struct tape *tape, const void *from, size_t size)
{
	size_t at = tape->data_size, end = at + round_up(size);

	if (end > tape->data_room) {
		tape->data_room = end * 2 + 256;
		tape->data = arena_grow(
			tape->arena, tape->data, at, tape->data_room);
	}
	if (from)
		memcpy(tape->data + at, from, size);
	tape->data_size = end;
	return at;
}

void *tape_data_at(struct tape *tape, uint64_t at)
{
	return tape->data + at;
}

uint32_t tape_op_add(struct tape *tape, uint8_t verb, uint32_t nr,
	uint8_t flags, const struct arg *args, size_t n_args)
{
	struct tape_op *op = vec_push(tape->arena, &tape->ops);

	op->verb = verb;
	op->flags = flags;
	op->nr = nr;
	for (size_t i = 0; i < n_args && i < 6; i++) {
		op->arg[i] = args[i].value;
		op->kinds |= TAPE_KIND(i, args[i].kind);
	}
	*vec_push(tape->arena, &tape->about) = tape->now_about;
	return (uint32_t)tape->ops.n - 1;
}

uint32_t tape_copy(
	struct tape *tape, struct arg to, struct arg from, uint64_t size)
{
	return tape_op_add(
		tape, TAPE_COPY, 0, 0, (struct arg[]){to, from, A(size)}, 3);
}

uint32_t tape_thread(struct tape *tape, struct arg clone_args, size_t size,
	struct arg child_tape)
{
	return tape_op_add(tape, TAPE_THREAD, CALL_clone3, 0,
		(struct arg[]){clone_args, A(size), child_tape}, 3);
}

uint32_t tape_meet(struct tape *tape, struct arg counter, uint32_t how_many)
{
	return tape_op_add(tape, TAPE_MEET, CALL_futex, 0,
		(struct arg[]){counter, A(how_many)}, 2);
}

uint32_t tape_stop(struct tape *tape)
{
	return tape_op_add(tape, TAPE_STOP, 0, 0, NULL, 0);
}

void tape_read(struct tape *tape, struct arg fd, const struct tape_iov *iov,
	size_t n_iov, uint64_t offset)
{
	size_t n;
	uint64_t data;

	for (; n_iov; iov += n, n_iov -= n) {
		n = n_iov < TAPE_IOV_MAX ? n_iov : TAPE_IOV_MAX;
		data = tape_data(tape, iov, n * sizeof(*iov));
		tape_op_add(tape, TAPE_READ, CALL_preadv, 0,
			(struct arg[]){fd, A_DATA(data), A(n), A(offset)}, 4);
		for (size_t i = 0; i < n; i++)
			offset += iov[i].size;
	}
}

static size_t data_at(const struct tape *tape)
{
	return round_up(sizeof(struct tape_head) +
			tape->ops.n * sizeof(struct tape_op));
}

size_t tape_size(const struct tape *tape)
{
	return data_at(tape) + tape->data_size;
}

static int op_press(const struct tape *tape, const struct backend *be, size_t i,
	struct tape_op *ret, struct err *err)
{
	char room[ABOUT_ROOM];

	*ret = tape->ops.at[i];
	for (int a = 0; a < 6; a++)
		if (((ret->kinds >> (2 * a)) & 3) == TAPE_DATA)
			ret->arg[a] += data_at(tape);
	if (ret->verb != TAPE_SYSCALL)
		return 0;
	if (be->calls[ret->nr] == CALL_ABSENT)
		return err_set(err, ENOSYS, "%s: %s: %s has no system call %s",
			tape->title, about_text(tape, i, room), be->name,
			call_name(ret->nr));
	ret->nr = be->calls[ret->nr];
	return 0;
}

int tape_press(const struct tape *tape, const struct backend *be, int64_t reel,
	void *block, struct err *err)
{
	struct tape_head *head = block;
	struct tape_op *ops = (struct tape_op *)(head + 1);
	int ret;

	*head = (struct tape_head){
		.count = (uint32_t)tape->ops.n, .failed = -1, .reel = reel};
	for (size_t i = 0; i < tape->ops.n; i++) {
		ret = op_press(tape, be, i, &ops[i], err);
		if (ret)
			return ret;
	}
	if (tape->data_size)
		memcpy((char *)block + data_at(tape), tape->data,
			tape->data_size);
	return 0;
}

const struct tape_head *tape_head(const void *block)
{
	return block;
}

static const char *op_name(const struct tape_op *op)
{
	switch (op->verb) {
	case TAPE_COPY:
		return "copy";
	case TAPE_READ:
		return "read";
	case TAPE_THREAD:
		return "thread";
	case TAPE_MEET:
		return "meet";
	case TAPE_STOP:
		return "stop";
	default:
		return call_name(op->nr);
	}
}

static bool is_error(int64_t value)
{
	return value < 0 && value >= -ERROR_MAX;
}

static int foreign_hint(struct err *err)
{
	return err_hint(err, "another process of its user wrote into its "
			     "memory meanwhile; end that one, and retry");
}

int tape_result(const struct tape *tape, const void *block, uint32_t op,
	int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	const struct tape_op *ops = (const void *)(tape_head(block) + 1);
	char room[ABOUT_ROOM];
	int64_t value;

	if (op >= tape->ops.n)
		return err_set(
			err, EPROTO, "%s has no step %u", tape->title, op);
	value = ops[op].result;
	if ((value >= min && value <= max) ||
		(is_error(value) && tape->ops.at[op].flags & TAPE_MAY_FAIL)) {
		*ret = value;
		return 0;
	}
	err_set(err, EPROTO, "%s: %s: %s cannot have answered %lld",
		tape->title, about_text(tape, op, room),
		op_name(&tape->ops.at[op]), (long long)value);
	return foreign_hint(err);
}

int tape_block_read(const struct tape *tape, const void *block, uint64_t at,
	void *to, size_t size, struct err *err)
{
	if (at > tape->data_size || size > tape->data_size - at)
		return err_set(err, EPROTO,
			"%s has no %zu bytes of data at %llu", tape->title,
			size, (unsigned long long)at);
	memcpy(to, (const char *)block + data_at(tape) + at, size);
	return 0;
}

/* In the words of those who know no tapes. */
static const char *op_doing(const struct tape_op *op)
{
	switch (op->verb) {
	case TAPE_COPY:
		return "copying bytes";
	case TAPE_READ:
		return "reading its pages";
	case TAPE_THREAD:
		return "making it (clone3)";
	case TAPE_MEET:
		return "meeting its threads";
	case TAPE_STOP:
		return "stopping";
	default:
		return call_name(op->nr);
	}
}

/* clone3 was told which number to give. */
static int thread_taken(
	const struct tape *tape, const char *about, struct err *err)
{
	err_set(err, EEXIST,
		"%s: the pid of %s is in use by another process or thread",
		tape->title, about);
	return err_hint(err, "end that one (ps -eL shows it), or restore in a "
			     "new pid namespace");
}

int tape_check(const struct tape *tape, const void *block, struct err *err)
{
	const struct tape_head *head = block;
	uint32_t op = (uint32_t)head->failed;
	char room[ABOUT_ROOM];

	if (head->failed != -1 &&
		(op >= tape->ops.n || !is_error(head->error))) {
		err_set(err, EPROTO, "%s: the agent's notes make no sense",
			tape->title);
		return foreign_hint(err);
	}
	if (head->failed != -1 && head->error == -EEXIST &&
		tape->ops.at[op].verb == TAPE_THREAD)
		return thread_taken(tape, about_text(tape, op, room), err);
	if (head->failed != -1)
		return err_code(err, (int)head->error, "%s: %s: %s",
			tape->title, about_text(tape, op, room),
			op_doing(&tape->ops.at[op]));
	if (head->played != tape->ops.n)
		return err_set(err, EPROTO,
			"%s: the agent stopped after %llu of %zu steps",
			tape->title, (unsigned long long)head->played,
			tape->ops.n);
	return 0;
}

static void arg_print(const struct tape_op *op, int i, FILE *out)
{
	unsigned long long value = op->arg[i];

	switch ((op->kinds >> (2 * i)) & 3) {
	case TAPE_DATA:
		shown_print(out, "data+%#llx", value);
		break;
	case TAPE_REEL:
		shown_print(out, "reel+%#llx", value);
		break;
	case TAPE_RESULT:
		shown_print(out, "op%llu", value);
		break;
	default:
		shown_print(out, value < 4096 ? "%llu" : "%#llx", value);
	}
}

static int args_used(const struct tape_op *op)
{
	int n = 6;

	while (n && !op->arg[n - 1] &&
		((op->kinds >> (2 * (n - 1))) & 3) == TAPE_VALUE)
		n--;
	return n;
}

void tape_print(const struct tape *tape, FILE *out)
{
	const struct tape_op *op;
	char room[ABOUT_ROOM];

	shown_print(out, "tape of %s: %zu steps, %zu bytes\n", tape->title,
		tape->ops.n, tape_size(tape));
	for (size_t i = 0; i < tape->ops.n; i++) {
		op = &tape->ops.at[i];
		shown_print(out, "%6zu %s%s(", i, op_name(op),
			op->flags & TAPE_MAY_FAIL ? "?" : "");
		for (int a = 0, n = args_used(op); a < n; a++) {
			if (a)
				fputs(", ", out);
			arg_print(op, a, out);
		}
		shown_print(out, ")  # %s\n", about_text(tape, i, room));
	}
}
