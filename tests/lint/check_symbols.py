# SPDX-License-Identifier: GPL-2.0-or-later
"""What a layer calls is defined in it or below: a look into the objects."""

import os
import subprocess

import lint

FOLDERS = ("core", "backends", "service", "gen/proto")


def layers_read(root):
    """{folder: (line, group)}: a smaller line is a lower layer."""
    table = {}
    for number, line in enumerate(
            lint.file_text(root, "core/LAYERS").splitlines()):
        for group in line.split("#")[0].split():
            for folder in group.split("+"):
                table[folder] = (number, group)
    return table


def folder_of(path, table):
    """The layer's folder that an object belongs to, or None."""
    folder = os.path.dirname(path).removeprefix("gen/")
    while folder and folder not in table:
        folder = os.path.dirname(folder)
    return folder or None


def symbols_read(path):
    """Names that an object defines for others, and that it needs."""
    done = subprocess.run(["nm", "-g", path], text=True, check=True,
                          stdout=subprocess.PIPE)
    defined, needed = set(), set()
    for line in done.stdout.splitlines():
        kind, name = line.split()[-2:]
        (needed if kind in "Uwv" else defined).add(name)
    return defined, needed


def check(root, build):
    table = layers_read(root)
    objects = os.path.join(build, "obj")
    home, wanted = {}, []
    for path in lint.source_files(objects, (".o",), FOLDERS):
        folder = folder_of(path, table)
        if not folder:
            continue
        defined, needed = symbols_read(os.path.join(objects, path))
        home.update(dict.fromkeys(defined, folder))
        wanted += [(path, folder, name) for name in sorted(needed)]
    found = []
    for path, folder, name in wanted:
        its = home.get(name)
        if its and table[its][1] != table[folder][1] and \
                table[its][0] >= table[folder][0]:
            found.append(f"{path}: '{name}' is defined in {its}, "
                         f"which is not below {folder}")
    return found


def sample_check(root, build):
    """A sample's sources are compiled here; the real tree already is."""
    for name in ("core/base/x", "core/plan/y"):
        source = os.path.join(root, name + ".c")
        if os.path.exists(source):
            target = os.path.join(build, "obj", name + ".o")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            subprocess.run(["gcc", "-c", "-o", target, source], check=True)
    return check(root, build)


LAYERS = "core/base\ncore/plan\n"
UP = "int above(void);\nint f(void) { return above(); }\n"
ABOVE = "int above(void) { return 1; }\n"

lint.main("symbols point down only", sample_check, [
    ({"core/LAYERS": LAYERS, "core/base/x.c": UP, "core/plan/y.c": ABOVE}, 1),
    ({"core/LAYERS": LAYERS, "core/base/x.c": ABOVE, "core/plan/y.c": UP}, 0),
])
