# SPDX-License-Identifier: GPL-2.0-or-later
"""Lower layers return errors; only main and the service report them."""

import re

import lint

SPEAKS = re.compile(r"\b(log_error|perror|psignal|err(?:x)?|warnx?|"
                    r"v?printf|puts|putchar|exit)\s*\(|\b(stderr|stdout)\b")
TOP = ("core/main.c", "core/session/session.c", "core/base/log.c", "core/base/log.h")


def check(root, build):
    allowed = lint.exceptions_read("reports.allow")
    found = []
    for path in lint.source_files(root, (".c", ".h"), ("core", "backends")):
        if path in TOP or path in allowed:
            continue
        text = lint.without_comments(lint.file_text(root, path))
        for match in SPEAKS.finditer(text):
            before = text[max(0, match.start() - 40):match.start()]
            # format(printf, ...) is an attribute, not a call.
            if before.endswith("format("):
                continue
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: "
                         f"{match.group(1) or match.group(2)} is for the top")
    return found


def body(code):
    return {"core/a.c": f"int f(void)\n{{\n\t{code}\n}}\n"}


lint.main("errors are reported at the top", check, [
    (body("log_error(\"x\", &err);"), 1),
    (body("fprintf(stderr, \"x\");"), 1),
    (body("exit(1);"), 1),
    (body("_exit(1);"), 0),
    (body("fprintf(out, \"printf(\");"), 0),
    ({"core/main.c": "int main(void)\n{\n\tperror(\"x\");\n}\n"}, 0),
])
