# SPDX-License-Identifier: GPL-2.0-or-later
"""What cppcheck finds; a place that it misunderstands says so in a comment."""

import os
import subprocess

import lint

FLAGS = ["--quiet", "--enable=warning,portability", "--inline-suppr",
         "--std=c11", "--template={file}:{line}: {message} ({id})",
         "--suppress=missingInclude", "--suppress=missingIncludeSystem",
         "-Icore", "-Ibackends", "-I.", "-D_GNU_SOURCE="]
DIRS = ("core", "backends", "service", "compel", "main.c")


def check(root, build):
    """Unchanged files are not looked at twice: results stay in build."""
    cache = os.path.join(os.path.abspath(build), "cppcheck")
    os.makedirs(cache, exist_ok=True)
    sources = lint.source_files(root, (".c",), DIRS)
    done = subprocess.run(
        ["cppcheck"] + FLAGS + [f"-j{os.cpu_count() or 1}",
                                f"--cppcheck-build-dir={cache}"] + sources,
        cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = [line for line in done.stdout.splitlines() if ": " in line]
    if done.returncode:
        found.append(f"cppcheck ended with status {done.returncode}")
    return found


lint.main("cppcheck", check, [
    ({"core/a.c": "int f(void)\n{\n\tint n[3] = {0};\n\n\treturn n[3];\n}\n"}, 1),
    ({"core/a.c": "int f(int a)\n{\n\treturn a + 1;\n}\n"}, 0),
])
