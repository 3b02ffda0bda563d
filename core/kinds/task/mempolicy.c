/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mempolicy: from which NUMA nodes a thread gets memory (set_mempolicy(2)), and
 * which areas have a policy of their own (mbind(2)).
 *
 * Nodes are numbers of the host. A policy that names none that this host has
 * is no reason to fail, as with CPUs. Areas get theirs while they are mapped
 * (plan/memory.c), before there are pages.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"
#include "model/facts.h"

enum {
	OF_ADDRESS = 2, /* MPOL_F_ADDR */
	MODE_DEFAULT = 0,
	/* The most that a kernel can be built for; it wants room for as many
	 * as it may have, and fills no more. */
	NODES = 1024,
	WORDS = NODES / 64,
};

struct policy {
	int32_t mode, spare;
	uint64_t nodes[WORDS];
};

/* Words up to the last that is not 0. */
static ProtobufCBinaryData nodes_keep(
	struct arena *arena, const uint64_t *nodes, size_t n)
{
	while (n && !nodes[n - 1])
		n--;
	return (ProtobufCBinaryData){n * 8, arena_copy(arena, nodes, n * 8)};
}

/* --- of a thread ---------------------------------------------------------- */

static int mempolicy_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(struct policy));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "NUMA policy");
	tape_try(tape, CALL_get_mempolicy, A_DATA(at),
		A_DATA(at + offsetof(struct policy, nodes)), A(NODES), A(0),
		A(0));
	return 0;
}

static int mempolicy_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	StasisThreadExtra *extra;
	struct policy policy = {.mode = MODE_DEFAULT};
	int64_t result;
	int code;

	(void)msg;
	code = answer_result(
		sight->thread, sight->answer, 0, 0, 0, &result, err);
	if (!code)
		code = answer_read(sight->thread, sight->answer, 0, &policy,
			sizeof(policy), err);
	/* A kernel without NUMA has no such call. */
	if (code || result < 0 || policy.mode == MODE_DEFAULT)
		return code;
	extra = extra_of_thread(dump->arena, sight->thread);
	extra->has_mempolicy = 1;
	extra->mempolicy = (uint32_t)policy.mode;
	extra->has_mempolicy_nodes = 1;
	extra->mempolicy_nodes = nodes_keep(dump->arena, policy.nodes, WORDS);
	return 0;
}

static int mempolicy_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const StasisThreadExtra *extra = holder->thread->extra;
	uint64_t at;

	(void)object;
	(void)err;
	tape_about(tape, "NUMA policy");
	if ((!extra || !extra->has_mempolicy) && holder->facts->mempolicy)
		tape_try(tape, CALL_set_mempolicy, A(MODE_DEFAULT), A(0), A(0));
	if (!extra || !extra->has_mempolicy)
		return 0;
	at = tape_data(
		tape, extra->mempolicy_nodes.data, extra->mempolicy_nodes.len);
	/* One bit more than there are: the kernel takes one off. */
	tape_try(tape, CALL_set_mempolicy, A(extra->mempolicy), A_DATA(at),
		A(extra->mempolicy_nodes.len * 8 + 1));
	return 0;
}

const struct kind kind_mempolicy = {
	.name = "mempolicy",
	.scope = SCOPE_THREAD,
	.ask = mempolicy_ask,
	.capture = mempolicy_capture,
	.emit = mempolicy_emit,
};

/* --- of areas ------------------------------------------------------------- */

static bool is_asked(const struct map *map)
{
	return map->path[0] != '[' || strcmp(map->path, "[heap]") == 0 ||
	       strcmp(map->path, "[stack]") == 0 ||
	       strncmp(map->path, "[anon", 5) == 0;
}

/* So many words as this host may have nodes. */
static size_t node_words(struct arena *arena)
{
	size_t size;
	char *text;
	long last;

	if (io_read_file(arena, AT_FDCWD, "/sys/devices/system/node/possible",
		    &text, &size))
		return 0;
	last = atol(text +
		    (strrchr(text, '-') ? strrchr(text, '-') + 1 - text : 0));
	return last >= 0 && last < NODES ? (size_t)last / 64 + 1 : 0;
}

/* One answer: the mode, and so many words of nodes. */
static size_t answer_size(size_t words)
{
	return 8 + words * 8;
}

static int areas_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	const struct maps *maps = &thread->victim->maps;
	size_t words = node_words(tape->arena);
	uint64_t at;

	(void)err;
	answer->n = words;
	if (!words)
		return 0;
	at = tape_data(tape, NULL, maps->n * answer_size(words));
	for (size_t i = 0; i < maps->n; i++) {
		if (!is_asked(&maps->at[i]))
			continue;
		tape_about_range(tape, "NUMA policy", maps->at[i].start,
			maps->at[i].end);
		tape_try(tape, CALL_get_mempolicy, A_DATA(at), A_DATA(at + 8),
			A(words * 64), A(maps->at[i].start), A(OF_ADDRESS));
		at += answer_size(words);
	}
	return 0;
}

static void area_add(struct arena *arena, StasisTaskExtra *extra,
	const struct map *map, const struct policy *policy, size_t words)
{
	StasisPolicy *entry, *last;
	ProtobufCBinaryData nodes = nodes_keep(arena, policy->nodes, words);

	last = extra->n_policy ? extra->policy[extra->n_policy - 1] : NULL;
	if (last && last->end == map->start &&
		last->mode == (uint32_t)policy->mode &&
		last->nodes.len == nodes.len &&
		!memcmp(last->nodes.data, nodes.data, nodes.len)) {
		last->end = map->end;
		return;
	}
	entry = arena_new1(arena, StasisPolicy);
	stasis_policy__init(entry);
	entry->start = map->start;
	entry->end = map->end;
	entry->mode = (uint32_t)policy->mode;
	entry->nodes = nodes;
	extra->policy[extra->n_policy++] = entry;
}

static int areas_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct answer *answer = sight->answer;
	const struct maps *maps = &sight->victim->maps;
	StasisTaskExtra *extra;
	struct policy policy = {.mode = MODE_DEFAULT};
	int64_t result;
	uint32_t op = 0;
	int code = 0;

	(void)msg;
	if (!answer->n)
		return 0;
	extra = extra_of_task(dump->arena, sight->victim);
	extra->policy = arena_newn(dump->arena, StasisPolicy *, maps->n);
	for (size_t i = 0; i < maps->n && !code; i++) {
		if (!is_asked(&maps->at[i]))
			continue;
		code = answer_result(
			sight->thread, answer, op, 0, 0, &result, err);
		if (!code)
			code = answer_read(sight->thread, answer,
				op * answer_size(answer->n), &policy,
				answer_size(answer->n), err);
		op++;
		if (!code && !result && policy.mode != MODE_DEFAULT)
			area_add(dump->arena, extra, &maps->at[i], &policy,
				answer->n);
	}
	return code;
}

const struct kind kind_area_policies = {
	.name = "area policies",
	.scope = SCOPE_TASK,
	.ask = areas_ask,
	.capture = areas_capture,
};
