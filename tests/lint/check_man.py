# SPDX-License-Identifier: GPL-2.0-or-later
"""Manual pages are well-formed, as mandoc sees it."""

import subprocess

import lint


def check(root, build):
    pages = [path for path in lint.source_files(root, None, ("man",))
             if path[-2:-1] == "." and path[-1].isdigit()]
    if not pages:
        return []
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"] + pages,
                          cwd=root, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return [line.replace("mandoc: ", "", 1)
            for line in done.stdout.splitlines()]


PAGE = (".Dd January 1, 2024\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd a page\n")

lint.main("manual pages", check, [
    ({"man/x.1": PAGE + ".Sh DESCRIPTION\n.Xz unknown\nText.\n"}, 1),
    ({"man/x.1": PAGE + ".Sh DESCRIPTION\nText.\n"}, 0),
])
