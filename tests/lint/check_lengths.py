# SPDX-License-Identifier: GPL-2.0-or-later
"""Files about one noun, functions that fit on a screen."""

import statistics

import lint

FILE_WARN, FILE_FAIL, FUNCTION_FAIL = 600, 900, 60


def check(root, build):
    found, lengths = [], []
    for path in lint.source_files(root, (".c", ".h")):
        text = lint.file_text(root, path)
        lines = text.count("\n")
        if lines > FILE_FAIL:
            found.append(f"{path}: {lines} lines, over {FILE_FAIL}")
        elif lines > FILE_WARN:
            lint.notes.append(f"{path}: {lines} lines, think of cutting it")
        for name, line, body in lint.functions(text):
            if not path.startswith("tests/"):
                lengths.append(body)
            if body > FUNCTION_FAIL:
                found.append(f"{path}:{line}: {name} has {body} lines, "
                             f"over {FUNCTION_FAIL}")
    if len(lengths) > 10:
        lint.notes.append(
            f"{len(lengths)} functions, median "
            f"{statistics.median(lengths):.0f} lines, longest {max(lengths)}")
    return found


def function(lines):
    return "int f(int a,\n\tint b)\n{\n" + "\ta++;\n" * lines + "}\n"


lint.main("lengths", check, [
    ({"core/a.c": function(61)}, 1),
    ({"core/a.c": function(60)}, 0),
    ({"core/a.h": "\n" * 901}, 1),
    ({"core/a.h": "\n" * 900}, 0),
])
