# SPDX-License-Identifier: GPL-2.0-or-later
"""No mutable data at file scope: a look into the objects' .data and .bss."""

import os
import re
import subprocess

import lint

# 0000000000000000 l     O .data	0000000000000020 sink
SYMBOL = re.compile(r"^[0-9a-f]+ .{7} (\S+)\s+([0-9a-f]+)\s+(?:\.\w+ )?(\S+)$")
MUTABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)")
FOLDERS = ("core", "backends", "service", "client", "main.o")


def object_symbols(path):
    """Names of mutable data in one object."""
    done = subprocess.run(["objdump", "-t", path], text=True, check=True,
                          stdout=subprocess.PIPE)
    names = []
    for line in done.stdout.splitlines():
        match = SYMBOL.match(line)
        if not match or not int(match.group(2), 16):
            continue
        section, _, name = match.groups()
        if MUTABLE.match(section) and \
                not section.startswith(".data.rel.ro"):
            names.append(re.sub(r"\.\d+$", "", name))
    return names


def check(root, build):
    allowed = lint.exceptions_read("globals.allow")
    objects = os.path.join(build, "obj")
    found = []
    for path in lint.source_files(objects, (".o",), FOLDERS):
        source = path[:-2] + ".c"
        if not os.path.exists(os.path.join(root, source)):
            continue
        for name in object_symbols(os.path.join(objects, path)):
            if f"{source} {name}" not in allowed:
                found.append(f"{source}: '{name}' can change at run time")
    if not os.path.isdir(objects):
        found.append(f"{objects}: nothing was built")
    return found


def sample_check(root, build):
    """A sample is one source, compiled here; the real tree already is."""
    source = os.path.join(root, "core/x.c")
    if os.path.exists(source):
        target = os.path.join(build, "obj/core")
        os.makedirs(target)
        subprocess.run(["gcc", "-c", "-o", target + "/x.o", source],
                       check=True)
    return check(root, build)


lint.main("no mutable data at file scope", sample_check, [
    ({"core/x.c": "static int n; int f(void) { return ++n; }\n"}, 1),
    ({"core/x.c": "int f(void) { static int n = 3; return ++n; }\n"}, 1),
    ({"core/x.c": "int shared = 5;\n"}, 1),
    ({"core/x.c": "_Thread_local int mine;\n"}, 1),
    ({"core/x.c": "const char *const t[] = {\"a\", \"b\"};\n"}, 0),
])
