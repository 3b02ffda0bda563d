# SPDX-License-Identifier: GPL-2.0-or-later
"""A struct err is never NULL, and its code is read where it is reported.

Who takes a struct err writes into it without asking; one that nobody reads is
ERR_UNREAD. "return -err->code" would pass on what somebody else left there:
what the failing call returned is what counts.
"""

import re

import lint

DIRS = ("core", "backends", "service", "compel", "client", "tests", "main.c")
# Those who own errors, and those who show them.
READERS = ("core/base/err.c", "core/base/log.c", "service/answer.c",
           "compel/compel.c", "main.c")
# A function or a pointer to one whose last parameter is a struct err.
TAKES = re.compile(r"(?:\b(\w+)|\(\*(?:const )?(\w+)(?:\[\w*\])?\))\s*"
                   r"\(((?:[^;{}()]|\([^()]*\))*?)\bstruct err \*(?:err)?\)\s*"
                   r"(?:__attribute__[^;{]*)?[;{=]")
CALL = re.compile(r"\b(\w+)\s*\(")
IS_NULL = re.compile(r"^\(*\s*NULL\s*\)*$|[?:]\s*\(*NULL\b")


def takers(texts):
    """Names that take a struct err: everybody's, and those of each file."""
    common, own = set(), {}
    for path, text in texts.items():
        names = {m.group(1) or m.group(2) for m in TAKES.finditer(text)}
        own[path] = names
        if path.endswith(".h"):
            common |= names
    return common, own


def last_argument(text, start):
    """(text, offset) of the last argument of the call whose ( is before."""
    depth, begin = 1, start
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if text[at] == "," and depth == 1:
            begin = at + 1
        if not depth:
            return text[begin:at].strip(), begin
    return "", start


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def file_check(path, text, known):
    found = []
    for match in CALL.finditer(text):
        if match.group(1) not in known:
            continue
        last, at = last_argument(text, match.end())
        if IS_NULL.search(last):
            found.append(f"{path}:{line_of(text, at)}: {match.group(1)} is "
                         "given no struct err (ERR_UNREAD is one)")
    for match in re.finditer(r"struct err \*(?:const )?\w+ = [^;]*\bNULL\b|"
                             r"\.err = NULL\b|->err = NULL\b", text):
        found.append(f"{path}:{line_of(text, match.start())}: "
                     "a struct err that is NULL")
    if path not in READERS and not path.startswith("tests/"):
        for match in re.finditer(r"\berr->code\b", text):
            found.append(f"{path}:{line_of(text, match.start())}: return "
                         "what the failing call returned, not err->code")
    return found


def check(root, build):
    texts = {path: lint.without_comments(lint.file_text(root, path))
             for path in lint.source_files(root, (".c", ".h"), DIRS)}
    common, own = takers(texts)
    return [finding for path, text in texts.items()
            for finding in file_check(path, text, common | own[path])]


def body(code):
    return {"core/a.c": "int g(int a, struct err *err);\n"
                        f"int f(struct err *err)\n{{\n\t{code}\n}}\n"}


lint.main("no struct err is NULL", check, [
    (body("return g(1, NULL);"), 1),
    (body("return g(1, rc ? NULL : err);"), 1),
    (body("return g(h(2, NULL),\n\t\tNULL);"), 1),
    (body("return g(h(2, NULL), err);"), 0),
    (body("return g(1, ERR_UNREAD);"), 0),
    (body("return h(1, NULL);"), 0),
    (body("return -err->code;"), 1),
    (body("struct err *none = NULL;"), 1),
    ({"core/a.c": "struct k {\n\tint (*make)(int, struct err *);\n};\n"
                  "int f(void)\n{\n\treturn k->make(1, NULL);\n}\n"}, 1),
])
