/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "compel/host/command.h"
#include "compel/host/emit.h"

enum { COMMAND_FAILED = 1, COMMAND_MISUSED = 2 };

struct command {
	struct arena *arena;
	FILE *out, *complaints;
	const char *verb;
	const char *input, *output;
	const char *symbol;
	struct weld_options options;
	bool raw, public;
};

static const char command_usage[] =
	"usage: compel build [OPTIONS] --symbol NAME IN.elf -o OUT.c\n"
	"       compel build [OPTIONS] --raw IN.elf -o OUT.bin\n"
	"       compel check [OPTIONS] IN.elf\n"
	"       compel symbols [OPTIONS] IN.elf\n"
	"\n"
	"Makes code that can be injected into any process of an ELF object or\n"
	"a linked ELF file, or says why that cannot be done.\n"
	"\n"
	"  --machine M   x86_64, aarch64, ppc64le, or auto: as the file says\n"
	"  --entry SYM   where it is entered (agent_entry, or else _start)\n"
	"  --symbol NAME name of the struct in the C file\n"
	"  --public      C file for users of libcompel, not for Stasis\n"
	"  --raw         write the bytes, not a C file\n"
	"  --allow-data  let writable data in; it needs a writable mapping\n"
	"  -o FILE       where to write to (- is standard output)\n";

static int command_complain(const struct command *command, int status,
	const char *what, const char *about)
{
	fprintf(command->complaints, "compel: %s%s\n", what, about);
	return status;
}

static bool command_is_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static int command_take_machine(struct command *command, const char *name)
{
	if (!strcmp(name, "auto"))
		return 0;
	command->options.machine = fixup_machine_by_name(name);
	if (command->options.machine)
		return 0;
	return command_complain(command, COMMAND_MISUSED,
		"--machine must be auto, x86_64, aarch64 or ppc64le, not ",
		name);
}

/* An option that takes a value. */
static int command_take_value(
	struct command *command, const char *option, const char *value)
{
	if (!value)
		return command_complain(command, COMMAND_MISUSED,
			"a value is missing after ", option);
	if (!strcmp(option, "--machine"))
		return command_take_machine(command, value);
	if (!strcmp(option, "--entry"))
		command->options.entry = value;
	else if (!strcmp(option, "--symbol"))
		command->symbol = value;
	else
		command->output = value;
	return 0;
}

static int command_take_words(
	struct command *command, int argc, char *const argv[])
{
	static const char *const valued[] = {
		"--machine", "--entry", "--symbol", "-o"};
	int rc = 0;

	for (int i = 2; !rc && i < argc; i++) {
		const char *word = argv[i];
		bool takes = false;

		for (size_t v = 0; v < sizeof(valued) / sizeof(*valued); v++)
			takes = takes || !strcmp(word, valued[v]);
		if (takes)
			rc = command_take_value(command, word, argv[++i]);
		else if (!strcmp(word, "--raw"))
			command->raw = true;
		else if (!strcmp(word, "--public"))
			command->public = true;
		else if (!strcmp(word, "--allow-data"))
			command->options.allow_data = true;
		else if (*word == '-')
			rc = command_complain(command, COMMAND_MISUSED,
				"no such option: ", word);
		else if (command->input)
			rc = command_complain(command, COMMAND_MISUSED,
				"one file at a time, not also ", word);
		else
			command->input = word;
	}
	return rc;
}

static int command_check_words(const struct command *command)
{
	if (!command->input)
		return command_complain(command, COMMAND_MISUSED,
			"no ELF file was named for ", command->verb);
	if (strcmp(command->verb, "build"))
		return 0;
	if (!command->output)
		return command_complain(command, COMMAND_MISUSED,
			"-o is missing: where should the result of build go?",
			"");
	if (!command->raw && !command->symbol)
		return command_complain(command, COMMAND_MISUSED,
			"--symbol is missing: how should the blob be called?",
			"");
	if (command->symbol && !command_is_name(command->symbol))
		return command_complain(command, COMMAND_MISUSED,
			"--symbol must be a C identifier, not ",
			command->symbol);
	return 0;
}

static void command_write(
	const struct command *command, const struct weld *weld, FILE *to)
{
	if (command->raw)
		emit_raw(to, weld);
	else
		emit_source(to, command->arena, weld, command->symbol,
			command->public);
}

/* No half file is left behind. */
static int command_build(
	const struct command *command, const struct weld *weld, struct err *err)
{
	bool failed;
	FILE *to;

	if (!strcmp(command->output, "-")) {
		command_write(command, weld, command->out);
		return 0;
	}
	to = fopen(command->output, "we");
	if (!to)
		return err_errno(err, "opening %s", command->output);
	command_write(command, weld, to);
	failed = ferror(to);
	if (fclose(to) || failed) {
		err_errno(err, "writing %s", command->output);
		unlink(command->output);
		return -EIO;
	}
	return 0;
}

static int command_perform(const struct command *command, struct err *err)
{
	struct input *input;
	struct weld weld;
	int rc;

	rc = input_read(command->arena, command->input, &input, err)
		     ?: weld_input(command->arena, input, &command->options,
				&weld, err);
	if (rc)
		return rc;
	if (!strcmp(command->verb, "build"))
		return command_build(command, &weld, err);
	if (!strcmp(command->verb, "symbols"))
		emit_symbols(command->out, command->arena, &weld, "");
	else
		fprintf(command->out,
			"%s can be injected: %s, %zu bytes, entry %s at "
			"0x%zx\n",
			command->input, weld.machine->name, weld.size,
			weld.entry_name, weld.entry);
	return 0;
}

static bool command_knows_verb(const char *verb)
{
	return !strcmp(verb, "build") || !strcmp(verb, "check") ||
	       !strcmp(verb, "symbols");
}

int command_run(int argc, char *const argv[], FILE *out, FILE *complaints)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct command command = {
		.arena = arena, .out = out, .complaints = complaints};
	struct err err = {0};
	int status;

	if (argc >= 2 && !strcmp(argv[1], "--help")) {
		fputs(command_usage, out);
		return 0;
	}
	if (argc < 2 || !command_knows_verb(argv[1])) {
		fputs(command_usage, complaints);
		return COMMAND_MISUSED;
	}
	command.verb = argv[1];
	status = command_take_words(&command, argc, argv)
			 ?: command_check_words(&command);
	if (status)
		return status;
	if (command_perform(&command, &err)) {
		command_complain(&command, COMMAND_FAILED, err.text, "");
		if (*err.hint)
			fprintf(complaints, "  (%s)\n", err.hint);
		return COMMAND_FAILED;
	}
	return 0;
}
