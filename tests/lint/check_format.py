# SPDX-License-Identifier: GPL-2.0-or-later
"""C sources look as clang-format would write them (make format does)."""

import os
import re
import subprocess

import lint


def check(root, build):
    paths = lint.source_files(root, (".c", ".h"))
    style = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "../../.clang-format")
    if not paths:
        return []
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", f"--style=file:{style}"]
        + paths, cwd=root, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    wrong = {}
    for line in done.stdout.splitlines():
        match = re.match(r"(\S+?):(\d+):\d+: (?:error|warning)", line)
        if match:
            wrong.setdefault(match.group(1), match.group(2))
    found = [f"{path}:{line}: not formatted" for path, line in wrong.items()]
    if done.returncode and not found:
        found.append(done.stdout.strip() or "clang-format failed")
    return found


lint.main("format", check, [
    ({"core/a.c": "int a( void )\n{\n  return 1;\n}\n"}, 1),
    ({"core/a.c": "int a(void)\n{\n\treturn 1;\n}\n"}, 0),
])
