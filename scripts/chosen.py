# SPDX-License-Identifier: GPL-2.0-or-later
"""chosen: the tests that a word names, whatever ring they are in.

A unit or kinds program is chosen by its file's name, and then runs whole, or
by the sentence of one of its tests, and then runs those.
"""

import glob
import os
import re
import subprocess

UNIT_FOLDERS = ("unit", "kinds")
SENTENCE = re.compile(r"^\s*(?:TEST|LAW)\((\w+)", re.M)


def unit_programs(root, word):
    """[(path below the root without .c, argument or "")], sorted."""
    found = []
    for ring in UNIT_FOLDERS:
        pattern = os.path.join(root, "tests", ring, "**", "*_test.c")
        for path in sorted(glob.glob(pattern, recursive=True)):
            name = os.path.relpath(path, root)[:-2]
            if word in os.path.basename(name):
                found.append((name, ""))
                continue
            with open(path, encoding="utf-8") as file:
                sentences = SENTENCE.findall(file.read())
            if any(word in sentence for sentence in sentences):
                found.append((name, word))
    return found


def live_tests(root, build, word):
    """Names of live tests."""
    done = subprocess.run(
        [os.path.join(root, "tests/live/run"), "--build", build, "--list",
         "--only", word], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    return [line.split(":")[0] for line in done.stdout.splitlines()]


def lint_checks(root, word):
    return [path for path in sorted(glob.glob(
        os.path.join(root, "tests/lint/check_*.py")))
        if word in os.path.basename(path)]
