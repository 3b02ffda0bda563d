/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/kept.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "hooks/hooks.h"
#include "kernel/memory.h"
#include "pages/connect.h"
#include "pages/missing.h"
#include "pages/serve.h"
#include "pages/tls.h"

enum { LOOK_MS = 100 };

/* Of one victim. */
struct kept {
	const struct victim *victim;
	struct missing all, left; /* left: nobody has asked for yet */
};

struct kept_shop {
	struct dump *dump;
	int listener;
	struct wire wire;
	VEC(struct kept *) all;
	struct index by_pid; /* as images tell it */
	const struct victim *open;
	struct memory memory; /* of open */
};

static int shop_look(void *of, struct err *err)
{
	return run_check_interrupt(
		of, "while", "pages were kept for who asks for them", err);
}

int kept_open(struct dump *dump, struct err *err)
{
	const struct options *o = dump->run->opt;
	struct kept_shop *shop;
	int port, code = 0;

	if (!o->lazy_pages)
		return 0;
	shop = arena_new1(dump->arena, struct kept_shop);
	*shop = (struct kept_shop){.dump = dump,
		.listener = -1,
		.wire = {.fd = o->ps_fd, .look = shop_look, .of = dump->run},
		.memory = MEMORY_CLOSED};
	if (o->ps_fd < 0)
		code = connect_listen(
			o->address, o->port, &shop->listener, &port, err);
	if (!code)
		dump->shop = shop;
	return code;
}

/* A connection that was given stays the giver's. */
void kept_close(struct dump *dump)
{
	struct kept_shop *shop = dump->shop;

	if (!shop)
		return;
	fd_closep(&shop->listener);
	memory_close(&shop->memory);
	tls_close(shop->wire.tls);
	if (dump->run->opt->ps_fd < 0)
		fd_closep(&shop->wire.fd);
	dump->shop = NULL;
}

void kept_add(struct dump *dump, const struct victim *victim, uint64_t start,
	uint64_t end)
{
	struct kept_shop *shop = dump->shop;
	struct kept *kept = shop->all.n ? shop->all.at[shop->all.n - 1] : NULL;

	if (!kept || kept->victim != victim) {
		kept = arena_new1(dump->arena, struct kept);
		kept->victim = victim;
		kept->all.arena = kept->left.arena = dump->arena;
		*vec_push(dump->arena, &shop->all) = kept;
		*index_slot(dump->arena, &shop->by_pid,
			(uint64_t)victim->task->pid) = kept;
	}
	missing_add(&kept->all, start, end);
	missing_add(&kept->left, start, end);
	dump->run->stats.pages_lazy += (end - start) / dump->run->page_size;
}

static int page_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct kept_stacks kept_stacks_find(
	const struct dump *dump, const struct victim *victim)
{
	struct kept_stacks stacks = {.n = victim->threads.n};
	uint64_t mask = ~(dump->run->page_size - 1);

	stacks.pages = arena_newn(dump->arena, uint64_t, stacks.n + 1);
	for (size_t i = 0; i < stacks.n; i++)
		stacks.pages[i] =
			dump->run->be->reg_get(
				victim->threads.at[i]->regs.set[0].bytes,
				REG_SP) &
			mask;
	if (stacks.n)
		qsort(stacks.pages, stacks.n, sizeof(uint64_t), page_compare);
	return stacks;
}

/* --- the server -----------------------------------------------------------
 */

static int victim_open(
	struct kept_shop *shop, const struct victim *victim, struct err *err)
{
	int code;

	if (shop->open == victim)
		return 0;
	memory_close(&shop->memory);
	shop->memory = MEMORY_CLOSED;
	shop->open = NULL;
	code = memory_open(&victim->proc, &shop->memory, err);
	if (!code)
		shop->open = victim;
	return code;
}

static int shop_read(void *of, uint64_t pid, uint64_t vaddr, void *to,
	uint64_t n, uint64_t *ret_n, struct err *err)
{
	struct kept_shop *shop = of;
	struct kept *kept = index_get(&shop->by_pid, pid);
	uint64_t page = shop->dump->run->page_size, size;
	struct missing_range range;
	int code;

	*ret_n = 0;
	if (!kept || !missing_find(&kept->all, vaddr, &range))
		return 0;
	size = range.end - range.start;
	size = size < n * page ? size : n * page;
	code = victim_open(shop, kept->victim, err);
	if (!code)
		code = memory_read(&shop->memory, vaddr, to, size, err);
	if (code)
		return code;
	missing_drop(&kept->left, vaddr, vaddr + size);
	*ret_n = size / page;
	return 0;
}

/* As for daemons: scripts, then a byte. */
static int ready_tell(struct run *run, struct err *err)
{
	int fd = run->opt->status_fd;
	int code = hooks_run(run, "status-ready", 0, err);

	if (code || fd < 0)
		return code;
	code = io_write_all(fd, "", 1);
	close(fd);
	return code ? err_code(err, code, "writing to the status fd %d", fd)
		    : 0;
}

static int peer_await(struct kept_shop *shop, struct err *err)
{
	struct pollfd wait_for = {.fd = shop->listener, .events = POLLIN};
	int code = 0;

	while (!code && shop->wire.fd < 0) {
		if (poll(&wait_for, 1, LOOK_MS) > 0) {
			shop->wire.fd = accept4(
				shop->listener, NULL, NULL, SOCK_CLOEXEC);
			if (shop->wire.fd < 0)
				return err_errno(err, "accepting a connection");
		}
		code = shop_look(shop->dump->run, err);
	}
	/* One it was to be: others are told so at once. */
	fd_closep(&shop->listener);
	shop->listener = -1;
	if (!code)
		code = wire_begin(&shop->wire, err);
	return code || !shop->dump->run->opt->tls
		       ? code
		       : tls_accept(shop->dump->arena, &shop->wire,
				 shop->dump->run->opt, err);
}

static uint64_t left_bytes(const struct kept_shop *shop)
{
	uint64_t left = 0;

	for (size_t i = 0; i < shop->all.n; i++)
		left += shop->all.at[i]->left.bytes;
	return left;
}

static int end_check(const struct kept_shop *shop,
	const struct serve_result *result, struct err *err)
{
	uint64_t left = left_bytes(shop) / shop->dump->run->page_size;

	log_info("gave %" PRIu64 " pages in %" PRIu64 " answers; %" PRIu64
		 " were not asked for",
		result->pages, result->requests, left);
	if (result->closed || !left)
		return 0;
	err_set(err, EPIPE,
		"the lazy-pages daemon has gone away before it had the last "
		"%" PRIu64 " pages",
		left);
	return err_hint(err, "its own log says why; the processes run on here");
}

int kept_serve(struct dump *dump, struct err *err)
{
	struct kept_shop *shop = dump->shop;
	struct serve_from from = {.give = shop_read, .of = shop};
	struct serve_result result = {0};
	int code;

	if (!shop)
		return 0;
	code = ready_tell(dump->run, err);
	if (!code)
		code = peer_await(shop, err);
	if (!code)
		code = pages_serve(dump->arena, &shop->wire,
			(uint32_t)dump->run->page_size, &from,
			dump->run->opt->ps_fd >= 0, &result, err);
	if (!code)
		code = end_check(shop, &result, err);
	return code ? err_wrap(err, "lazy pages") : 0;
}
