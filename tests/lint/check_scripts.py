# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts parse, start with the right interpreter and may be executed."""

import os
import subprocess

import lint


def script_judge(root, path, text):
    full = os.path.join(root, path)
    first = text.split("\n")[0]
    if path.endswith(".py") or first.startswith("#!/usr/bin/python3"):
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            return f"line {error.lineno}: {error.msg}"
    elif first in ("#!/bin/sh", "#!/bin/bash"):
        done = subprocess.run([first[2:], "-n", full], text=True,
                              stderr=subprocess.PIPE)
        if done.returncode:
            return done.stderr.strip()
    elif first.startswith("#!"):
        return f"{first}: interpreters are /bin/sh, /bin/bash and " \
            "/usr/bin/python3"
    if first.startswith("#!") and not os.access(full, os.X_OK) and \
            os.path.exists(os.path.join(root, ".git")):
        return "is not executable"
    return None


def check(root, build):
    found = []
    for path in lint.source_files(root):
        text = lint.file_text(root, path)
        if not text.startswith("#!") and not path.endswith(".py"):
            continue
        wrong = script_judge(root, path, text)
        if wrong:
            found.append(f"{path}: {wrong}")
    return found


lint.main("scripts", check, [
    ({"scripts/a": "#!/bin/sh\nif then\n"}, 1),
    ({"scripts/a": "#!/usr/bin/python3\ndef f(:\n"}, 1),
    ({"scripts/a": "#!/usr/bin/env python3\n"}, 1),
    ({"scripts/a": "#!/bin/sh\necho\n", "tests/b.py": "x = 1\n"}, 0),
])
