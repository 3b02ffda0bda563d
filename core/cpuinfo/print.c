/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The comparison for people and for programs. */
#include "cpuinfo/compare.h"

#include <inttypes.h>
#include <string.h>

#include "base/shown.h"
#include "inspect/json.h"
#include "options/options.h"

enum { WIDTH = 79, INDENT = 4 };

static const struct {
	const char *name;
	uint32_t bit;
} caps[] = {{"fpu", CPU_CAP_FPU}, {"ins", CPU_CAP_INS}, {"cpu", CPU_CAP_CPU}};
enum { CAPS = sizeof(caps) / sizeof(caps[0]) };

static void words_write(FILE *out, const char *text)
{
	int at = INDENT, length;

	shown_print(out, "%*s", INDENT, "");
	while (*text) {
		length = (int)strcspn(text, " ");
		if (at > INDENT && at + 1 + length > WIDTH) {
			shown_print(out, "\n%*s", INDENT, "");
			at = INDENT;
		} else if (at > INDENT) {
			fputc(' ', out);
			at++;
		}
		shown_print(out, "%.*s", length, text);
		at += length;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static int digits_of(size_t n)
{
	char text[24];

	return snprintf(text, sizeof(text), "%zu", n);
}

static void hosts_write(FILE *out, const struct cpu_comparison *c)
{
	int digits = digits_of(c->n), name = 0;

	for (size_t i = 0; i < c->n; i++)
		if ((int)strlen(c->hosts[i].name) > name)
			name = (int)strlen(c->hosts[i].name);
	fputs("hosts\n", out);
	for (size_t i = 0; i < c->n; i++)
		shown_print(out, "  %*zu  %-*s  %-7s  %s\n", digits, i + 1,
			name, c->hosts[i].name, c->hosts[i].be->name,
			c->hosts[i].be->cpu_model(c->hosts[i].entry));
}

static const char *answer(
	const struct cpu_comparison *c, size_t from, size_t to)
{
	if (from == to)
		return ".";
	if (c->hosts[from].be != c->hosts[to].be)
		return "-";
	return c->verdicts[from * c->n + to].can ? "yes" : "no";
}

static void matrix_write(FILE *out, const struct cpu_comparison *c)
{
	int width = digits_of(c->n) < 3 ? 3 : digits_of(c->n);

	shown_print(out,
		"\nprocesses of %*s  can run on (-: another machine)\n",
		digits_of(c->n), "");
	shown_print(out, "  %*s ", width, "");
	for (size_t to = 0; to < c->n; to++)
		shown_print(out, " %*zu", width, to + 1);
	fputc('\n', out);
	for (size_t from = 0; from < c->n; from++) {
		shown_print(out, "  %*zu ", width, from + 1);
		for (size_t to = 0; to < c->n; to++)
			shown_print(out, " %*s", width, answer(c, from, to));
		fputc('\n', out);
	}
}

static void reasons_write(FILE *out, const struct cpu_comparison *c)
{
	bool titled = false;

	for (size_t i = 0; i < c->n * c->n; i++) {
		if (c->verdicts[i].can ||
			c->hosts[i / c->n].be != c->hosts[i % c->n].be)
			continue;
		shown_print(out, "%s  %zu on %zu\n",
			titled ? "" : "\nreasons\n", i / c->n + 1,
			i % c->n + 1);
		words_write(out, c->verdicts[i].reason);
		titled = true;
	}
}

static size_t hosts_count(
	const struct cpu_comparison *c, const struct backend *be)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->hosts[i].be == be;
	return n;
}

static const char *names_join(struct arena *arena, const char *const *names)
{
	const char *text = "";

	for (; *names; names++)
		text = arena_printf(
			arena, "%s%s%s", text, *text ? " " : "", *names);
	return text;
}

void compare_print_text(
	struct arena *arena, const struct cpu_comparison *c, FILE *out)
{
	const char *const *names;
	size_t n;

	hosts_write(out, c);
	matrix_write(out, c);
	reasons_write(out, c);
	for (size_t i = 0; backends[i]; i++) {
		n = hosts_count(c, backends[i]);
		if (!n)
			continue;
		shown_print(out, "\nwhat %s %zu %s %s in common\n",
			n == 1 ? "the" : "all", n, backends[i]->name,
			n == 1 ? "host has" : "hosts have");
		names = compare_baseline(arena, c, backends[i]);
		words_write(out, *names ? names_join(arena, names) : "nothing");
	}
}

static void names_json(
	struct json *json, const char *name, const char *const *names)
{
	json_array_open(json, name);
	for (; *names; names++)
		json_text(json, NULL, *names);
	json_array_close(json);
}

static void hosts_json(struct json *json, const struct cpu_comparison *c)
{
	json_array_open(json, "hosts");
	for (size_t i = 0; i < c->n; i++) {
		const struct cpu_host *host = &c->hosts[i];

		json_object_open(json, NULL);
		json_text(json, "name", host->name);
		json_text(json, "machine", host->be->name);
		json_text(json, "model", host->be->cpu_model(host->entry));
		names_json(json, "features", host->features);
		json_object_close(json);
	}
	json_array_close(json);
}

static void verdicts_json(struct json *json, const struct cpu_comparison *c)
{
	json_array_open(json, "verdicts");
	for (size_t i = 0; i < c->n * c->n; i++) {
		if (i / c->n == i % c->n)
			continue;
		json_object_open(json, NULL);
		json_number(json, "from", i / c->n);
		json_number(json, "to", i % c->n);
		json_bool(json, "can", c->verdicts[i].can);
		json_text(json, "reason", c->verdicts[i].reason);
		names_json(json, "lacks", c->verdicts[i].lacks);
		json_object_close(json);
	}
	json_array_close(json);
}

static void baselines_json(
	struct arena *arena, struct json *json, const struct cpu_comparison *c)
{
	json_array_open(json, "baselines");
	for (size_t i = 0; backends[i]; i++) {
		if (!hosts_count(c, backends[i]))
			continue;
		json_object_open(json, NULL);
		json_text(json, "machine", backends[i]->name);
		json_number(json, "hosts", hosts_count(c, backends[i]));
		names_json(json, "features",
			compare_baseline(arena, c, backends[i]));
		json_object_close(json);
	}
	json_array_close(json);
}

void compare_print_json(
	struct arena *arena, const struct cpu_comparison *c, FILE *out)
{
	struct json json = {.out = out};

	json_object_open(&json, NULL);
	json_array_open(&json, "cpu_cap");
	for (size_t i = 0; i < CAPS; i++)
		if (c->cap & caps[i].bit)
			json_text(&json, NULL, caps[i].name);
	json_array_close(&json);
	json_bool(&json, "all_can", c->all_can);
	hosts_json(&json, c);
	verdicts_json(&json, c);
	baselines_json(arena, &json, c);
	json_object_close(&json);
}
