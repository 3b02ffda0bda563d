# SPDX-License-Identifier: GPL-2.0-or-later
"""Names say what is done: no do_, __, handle, process, misc, util.

A name is module_verb_noun: in front, "process" is the noun of its module, and
at the end the noun that it works on; in between it would be a verb. A signal's
"handler" is the name of the thing.
"""

import os
import re

import lint

EMPTY_WORDS = {"handle", "misc", "util", "utils", "helper"}


def name_judge(name):
    """What is wrong with a function's name, or None."""
    if name.startswith("__"):
        return "starts with __"
    words = name.strip("_").split("_")
    if words[0] == "do":
        return "starts with do_"
    if "process" in words[1:-1]:
        return "uses 'process' as a verb"
    empty = EMPTY_WORDS.intersection(words)
    return f"says '{empty.pop()}'" if empty else None


def check(root, build):
    allowed = lint.exceptions_read("names.allow")
    found = []
    for path in lint.source_files(root, (".c", ".h")):
        stem = re.split(r"[._]", os.path.basename(path))
        if EMPTY_WORDS.intersection(stem):
            found.append(f"{path}: a file is about a noun")
        for name, line, _ in lint.functions(lint.file_text(root, path)):
            wrong = name_judge(name)
            if wrong and name not in allowed:
                found.append(f"{path}:{line}: {name} {wrong}")
    return found


def named(name):
    return {"core/a.c": f"static int {name}(void)\n{{\n\treturn 0;\n}}\n"}


lint.main("names", check, [
    (named("do_dump"), 1),
    (named("__dump_task"), 1),
    (named("dump_handle_task"), 1),
    (named("dump_process_image"), 1),
    (named("process_stop"), 0),
    (named("image_find_process"), 0),
    (named("dump_task"), 0),
    ({"core/utils.c": ""}, 1),
])
