# SPDX-License-Identifier: GPL-2.0-or-later
"""Includes point down only, as core/LAYERS lists the folders."""

import os
import re

import lint

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
ROOTS = ("core", "backends", "", "proto")

# Beyond the order of folders: who may see what lies beside or above it.
ALLOWED = {
    # A backend's agent speaks the tape's layout; the tape is plain data.
    ("backends", "core/inject/tape.h"),
    ("backends", "core/inject/agent.h"),
}
# A folder of kinds has their helpers beside them, in lib/.
KINDS = {"core/kinds/file", "core/kinds/task"}
AGENT_SEES = {"inject/tape.h", "inject/home.h", "inject/agent.h",
              "agent_arch.h"}


def layers_read(root):
    """{folder: (line, group)}: a smaller line is a lower layer."""
    table = {}
    for number, line in enumerate(
            lint.file_text(root, "core/LAYERS").splitlines()):
        line = line.split("#")[0]
        for group in line.split():
            for folder in group.split("+"):
                table[folder] = (number, group)
    return table


def folder_of(path, table):
    """The layer's folder that a file lies in, or None."""
    folder = os.path.dirname(path)
    while folder and folder not in table:
        if folder.startswith("core/"):
            return None
        folder = os.path.dirname(folder)
    return folder or None


def include_find(root, path, name):
    """Where a quoted include leads, relative to root; None: generated."""
    places = [os.path.join(os.path.dirname(path), name)]
    places += [os.path.join(top, name) for top in ROOTS]
    for place in places:
        if os.path.exists(os.path.join(root, place)):
            return os.path.normpath(place)
    if name.startswith("proto/"):
        return name
    return None


def include_judge(path, target, table):
    """What is wrong with path including target, or None."""
    mine, its = folder_of(path, table), folder_of(target, table)
    if its is None:
        return f"{target} is in no layer of core/LAYERS"
    if (mine, target) in ALLOWED:
        return None
    if its in KINDS and os.path.splitext(path)[0] != \
            os.path.splitext(target)[0]:
        return "kinds do not include one another"
    if table[its][1] == table[mine][1]:
        return None
    if table[its][0] >= table[mine][0]:
        return f"{target} is not below {mine}"
    return None


def agent_check(path, text):
    return [f"{path}: the agent must not see {name}"
            for name in INCLUDE.findall(text) if name not in AGENT_SEES]


def check(root, build):
    table = layers_read(root)
    found = []
    for path in lint.source_files(root, (".c", ".h", ".S"),
                                  ("core", "backends", "service")):
        text = lint.file_text(root, path)
        if os.path.basename(path) in ("agent.c", "agent_head.S",
                                      "agent_arch.h"):
            found += agent_check(path, text)
            continue
        if path == "core/main.c":
            continue
        if folder_of(path, table) is None:
            found.append(f"{path}: its folder is not in core/LAYERS")
            continue
        for match in INCLUDE.finditer(text):
            target = include_find(root, path, match.group(1))
            wrong = target and include_judge(path, target, table)
            if wrong:
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {wrong}")
    return found


LAYERS = "core/a\ncore/b core/c\ncore+core/k\nbackends\ncore/inject\n" \
    "core/kinds/task+core/kinds/task/lib\n"


def sample(path, include, target):
    return {"core/LAYERS": LAYERS, path: f'#include "{include}"\n',
            target: ""}


lint.main("layers", check, [
    (sample("core/a/x.c", "b/y.h", "core/b/y.h"), 1),
    (sample("core/b/x.c", "a/y.h", "core/a/y.h"), 0),
    (sample("core/b/x.c", "c/y.h", "core/c/y.h"), 1),
    (sample("core/k/x.c", "y.h", "core/y.h"), 0),
    (sample("core/a/x.c", "y.h", "core/y.h"), 1),
    (sample("backends/m/x.c", "inject/tape.h", "core/inject/tape.h"), 0),
    (sample("backends/m/x.c", "inject/record.h", "core/inject/record.h"), 1),
    (sample("core/inject/agent.c", "a/y.h", "core/a/y.h"), 1),
    (sample("core/kinds/task/x.c", "kinds/task/y.h", "core/kinds/task/y.h"),
     1),
    (sample("core/kinds/task/x.c", "kinds/task/lib/y.h",
            "core/kinds/task/lib/y.h"), 0),
    (sample("core/new/x.c", "a/y.h", "core/a/y.h"), 1),
])
