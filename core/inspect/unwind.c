/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/unwind.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "inspect/module.h"
#include "inspect/unwind_library.h"

enum { FRAMES_MAX = 256 };

struct unwinder {
	struct arena *arena;
	struct unwind_library lib;
	unw_addr_space_t space;
	struct modules *modules;
};

/* What libunwind's callbacks get: a thread, or a frame further up that was
 * found without libunwind. */
struct walk {
	struct unwinder *unwinder;
	const struct unwind_source *source;
	bool chained;
	uint64_t pc, sp, link;
};

static const struct unwind_map *map_find(
	const struct unwind_source *source, uint64_t at)
{
	size_t low = 0, high = source->n_maps, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (source->maps[mid].end <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < source->n_maps && source->maps[low].start <= at
		       ? &source->maps[low]
		       : NULL;
}

static bool word_read(
	const struct unwind_source *source, uint64_t at, uint64_t *ret_word)
{
	return source->read_mem(source->arg, at, ret_word, sizeof(*ret_word)) ==
	       sizeof(*ret_word);
}

static int space_access_mem(unw_addr_space_t as, unw_word_t at,
	unw_word_t *value, int write, void *arg)
{
	const struct walk *walk = arg;
	uint64_t word;

	(void)as;
	if (write || !word_read(walk->source, at, &word))
		return -UNW_EINVAL;
	*value = word;
	return 0;
}

static int space_access_reg(unw_addr_space_t as, unw_regnum_t number,
	unw_word_t *value, int write, void *arg)
{
	const struct walk *walk = arg;
	const struct unwind_source *source = walk->source;
	uint64_t found = 0;

	(void)as;
	if (write || number < 0)
		return -UNW_EREADONLYREG;
	if (source->chain && (unsigned)number == source->chain->pc)
		found = walk->pc;
	else if (number == UNW_REG_SP)
		found = walk->sp;
	else if (walk->chained)
		/* Further up only the chain's register is known. */
		found = (unsigned)number == source->chain->reg ? walk->link : 0;
	else if (!source->read_reg(source->arg, (unsigned)number, &found))
		return -UNW_EBADREG;
	*value = found;
	return 0;
}

static int space_access_fpreg(unw_addr_space_t as, unw_regnum_t number,
	unw_fpreg_t *value, int write, void *arg)
{
	(void)as, (void)number, (void)value, (void)write, (void)arg;
	return -UNW_EBADREG;
}

static int space_find_proc_info(unw_addr_space_t as, unw_word_t ip,
	unw_proc_info_t *pi, int need_info, void *arg)
{
	struct walk *walk = arg;
	const struct unwind_map *map = map_find(walk->source, ip);
	const struct module *module;
	unw_dyn_info_t info = {0};

	if (!map)
		return -UNW_ENOINFO;
	module = module_find(walk->unwinder->modules, walk->source, map);
	if (!module || !module->table_entries)
		return -UNW_ENOINFO;
	info.start_ip = map->start;
	info.end_ip = map->end;
	info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	info.u.rti.segbase = module->table_base;
	info.u.rti.table_data = module->table;
	/* An entry is two 32-bit words; the length counts machine words. */
	info.u.rti.table_len = module->table_entries * 8 / sizeof(unw_word_t);
	return walk->unwinder->lib.search_table(
		as, ip, &info, pi, need_info, arg);
}

static void space_put_info(unw_addr_space_t as, unw_proc_info_t *pi, void *arg)
{
	(void)as, (void)pi, (void)arg;
}

static int space_dyn_list(unw_addr_space_t as, unw_word_t *list, void *arg)
{
	(void)as, (void)list, (void)arg;
	return -UNW_ENOINFO;
}

static int space_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as, (void)cursor, (void)arg;
	return -UNW_EINVAL;
}

int unwinder_new(
	struct arena *arena, struct unwinder **ret_unwinder, struct err *err)
{
	unw_accessors_t accessors = {
		.find_proc_info = space_find_proc_info,
		.put_unwind_info = space_put_info,
		.get_dyn_info_list_addr = space_dyn_list,
		.access_mem = space_access_mem,
		.access_reg = space_access_reg,
		.access_fpreg = space_access_fpreg,
		.resume = space_resume,
	};
	struct unwinder *unwinder = arena_new1(arena, struct unwinder);
	int rc = unwind_library_load(&unwinder->lib, err);

	if (rc)
		return rc;
	unwinder->arena = arena;
	unwinder->space = unwinder->lib.create_addr_space(&accessors, 0);
	if (!unwinder->space)
		return err_set(err, ENOMEM,
			"preparing to unwind stacks: "
			"libunwind has no memory");
	unwinder->modules = modules_new(arena);
	*ret_unwinder = unwinder;
	return 0;
}

void unwinder_move(struct unwinder *unwinder, struct arena *arena)
{
	unwinder->arena = arena;
	unwinder->modules = modules_new(arena);
}

void unwinder_free(struct unwinder *unwinder)
{
	unwinder->lib.destroy_addr_space(unwinder->space);
}

void unwinder_freep(struct unwinder **unwinder)
{
	if (*unwinder)
		unwinder_free(*unwinder);
}

/* A return address may be behind the last instruction of its function. */
static void frame_add(
	struct walk *walk, struct unwind_stack *stack, bool returned)
{
	const struct unwind_source *source = walk->source;
	uint64_t inside = walk->pc - (returned ? 1 : 0);
	const struct unwind_map *map = map_find(source, inside);
	struct unwind_frame *frame =
		vec_push(walk->unwinder->arena, &stack->frames);
	const struct module *module;

	frame->pc = walk->pc;
	frame->sp = walk->sp;
	if (!map)
		return;
	frame->map = map;
	frame->file = map->name;
	frame->offset = walk->pc - map->start + map->pgoff;
	module = module_find(walk->unwinder->modules, source, map);
	if (!module)
		return;
	frame->symbol = module_symbol(module, inside, &frame->offset);
	if (frame->symbol)
		frame->offset += walk->pc - inside;
}

/* One frame up by the chain alone; the link is where the chain is now. */
static bool chain_step(struct walk *walk, uint64_t link)
{
	const struct unwind_chain *chain = walk->source->chain;
	const struct unwind_map *map;
	uint64_t next, pc;

	if (!chain || link < walk->sp || link % 8 ||
		!word_read(walk->source, link, &next))
		return false;
	if (!word_read(walk->source,
		    (chain->in_caller ? next : link) + chain->return_at, &pc))
		return false;
	map = map_find(walk->source, pc);
	if (!map || !map->exec)
		return false;
	walk->sp = chain->in_caller ? next : link + 16;
	walk->link = next;
	walk->pc = pc;
	walk->chained = true;
	return true;
}

/* Does the cursor stand somewhere new, in code? Without tables libunwind
 * guesses, and may guess wrong. */
static bool cursor_take(unw_cursor_t *cursor, struct walk *walk)
{
	const struct unwind_library *lib = &walk->unwinder->lib;
	const struct unwind_map *map;
	unw_word_t pc, sp;

	if (lib->get_reg(cursor, UNW_REG_IP, &pc) < 0 ||
		lib->get_reg(cursor, UNW_REG_SP, &sp) < 0)
		return false;
	map = map_find(walk->source, pc);
	if (!map || !map->exec || (pc == walk->pc && sp == walk->sp))
		return false;
	walk->pc = pc;
	walk->sp = sp;
	return true;
}

/* Outermost functions return to 0. */
static bool cursor_at_end(
	const struct unwind_library *lib, unw_cursor_t *cursor)
{
	unw_word_t pc = 0;

	return lib->get_reg(cursor, UNW_REG_IP, &pc) == 0 && pc == 0;
}

/* Frames by libunwind from where the walk is. Returns the code that it ended
 * with; *ret_link is the chain's register there. */
static int walk_tables(
	struct walk *walk, struct unwind_stack *stack, uint64_t *ret_link)
{
	const struct unwind_library *lib = &walk->unwinder->lib;
	/* libunwind's callbacks must see the registers where it began. */
	struct walk start = *walk;
	unw_cursor_t cursor;
	unw_word_t link = 0;
	int ret = lib->init_remote(&cursor, walk->unwinder->space, &start);

	while (ret >= 0 && stack->frames.n < FRAMES_MAX) {
		ret = lib->step(&cursor);
		if (ret <= 0)
			break;
		if (!cursor_take(&cursor, walk)) {
			ret = cursor_at_end(lib, &cursor) ? 0 : -UNW_EBADFRAME;
			break;
		}
		frame_add(walk, stack, lib->is_signal_frame(&cursor) <= 0);
	}
	if (walk->source->chain &&
		lib->get_reg(&cursor, (int)walk->source->chain->reg, &link) < 0)
		link = 0;
	*ret_link = link;
	return ret;
}

/* Why there are no more frames; NULL if these are all. */
static const char *stack_note(
	const struct walk *walk, const struct unwind_stack *stack, int ret)
{
	const struct unwind_map *map = map_find(walk->source, walk->pc);

	if (stack->frames.n >= FRAMES_MAX)
		return "there are more frames";
	if (map && map->object && map->fd < 0)
		return "the file of the last frame is not here, or it is "
		       "another one now";
	if (ret < 0 || !map)
		return "no unwind tables or frame pointers from here on";
	return NULL;
}

void unwind_thread(struct unwinder *unwinder,
	const struct unwind_source *source, struct unwind_stack *ret_stack)
{
	struct walk walk = {.unwinder = unwinder,
		.source = source,
		.pc = source->pc,
		.sp = source->sp};
	struct unwind_stack stack = {0};
	uint64_t link = 0;
	int ret;

	frame_add(&walk, &stack, false);
	do {
		ret = walk_tables(&walk, &stack, &link);
		if (ret >= 0 || !chain_step(&walk, link))
			break;
		frame_add(&walk, &stack, true);
	} while (stack.frames.n < FRAMES_MAX);
	stack.note = stack_note(&walk, &stack, ret);
	*ret_stack = stack;
}
