# SPDX-License-Identifier: GPL-2.0-or-later
"""What people read is escaped at one place: shown_print and shown_copy.

Text of others that reaches a stream by another way may forge lines and rule
terminals. Literals may go by fputs; files for the kernel and for programs are
named with their reason in shown.allow.
"""

import re

import lint

DIRS = ("core", "backends", "service", "main.c")
PLACE = ("core/base/shown.c", "core/base/shown.h")
WRITES = re.compile(r"\b(v?fprintf|v?printf|puts|putchar|fwrite|dprintf|"
                    r"fwrite_unlocked|perror)\s*\(")
# fputs of anything that is not a literal, or a choice between literals.
FPUTS = re.compile(r"\bfputs\(((?:[^()]|\([^()]*\))*),[^,]*\)\s*;")
LITERALS = re.compile(r'^(?:[^"]*\?)?(?:\s*(?:"\s*"|[A-Z_]+)\s*)+'
                      r'(?::(?:\s*"\s*"\s*)+)?$')
LOG_OWN = re.compile(r"\bwrite\((?:sink\.fd|STDERR_FILENO|STDOUT_FILENO|[12]),")


def check(root, build):
    allowed = lint.exceptions_read("shown.allow")
    found = []
    for path in lint.source_files(root, (".c", ".h"), DIRS):
        if path in PLACE or path in allowed:
            continue
        text = lint.without_comments(lint.file_text(root, path))
        text = lint.ATTRIBUTE.sub(
            lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
        hits = [(m.start(), m.group(1)) for m in WRITES.finditer(text)]
        hits += [(m.start(), "fputs of no literal")
                 for m in FPUTS.finditer(text)
                 if not LITERALS.match(m.group(1).strip())]
        hits += [(m.start(), "write") for m in LOG_OWN.finditer(text)]
        found += [f"{path}:{text.count(chr(10), 0, at) + 1}: {what}: print by "
                  "shown_print, which escapes" for at, what in sorted(hits)]
    return found


def body(code, path="core/a.c"):
    return {path: f"int f(void)\n{{\n\t{code}\n}}\n"}


lint.main("what people read is escaped at one place", check, [
    (body('fprintf(out, "%s", name);'), 1),
    (body('printf("%d", 5);'), 1),
    (body('puts(name);', "service/a.c"), 1),
    (body('puts(name);', "main.c"), 1),
    (body("fputs(name, out);"), 1),
    (body('fputs(name ?: "none", out);'), 1),
    (body('fputs(dump ? "dumped " : name, out);'), 1),
    (body("write(STDERR_FILENO, text, n);"), 1),
    (body('fputs("plain", out);'), 0),
    (body('fputs(dump ? "dumped " : "restored ", out);'), 0),
    (body('shown_print(out, "%s", name);'), 0),
    (body('snprintf(to, 5, "%s", name);'), 0),
    (body('fprintf(out, "%s", name);', "core/base/shown.c"), 0),
])
