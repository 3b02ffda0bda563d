# SPDX-License-Identifier: GPL-2.0-or-later
"""What people read of errors is in plain words.

Of every text of an error, a hint, a log line or a step of a tape: no words
that only this source knows, no numbers of the kernel's where it has names
(base/ending.h and others tell them), nothing said twice. words.allow names
exceptions, "FILE text: reason".
"""

import re

import lint

DIRS = ("core", "backends", "service", "compel", "client", "main.c")
CALL = re.compile(r"\b(err_set|err_errno|err_code|err_wrap|err_hint|log_\w+|"
                  r"tape_about(?:_range)?)\s*\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
BANNED = (
    (re.compile(r"\b(not|is|are) told (as|to be)\b|\btells? by\b"),
     "say it plainly"),
    (re.compile(r"\b(wards?|boards?|newborns?|reels?|shel(f|ves)|sightings?|"
                r"settl(e|es|ed|ing)|zones?|skeletons?|crowds?)\b"),
     "a word that only this source knows"),
    (re.compile(r"%#?0?\d*x\b"),
     "a number in hexadecimal: what is it called?"),
    (re.compile(r"\b(signal|wait status|policy|clock|resource limit|"
                r"resource|register set) %(d|u|i)\b"),
     "it has a name: say that"),
    (re.compile(r"\b(\w[\w ]*): \1\b"), "said twice"),
    (re.compile(r"\berrno\b|\brc\b|\bNULL\b"), "a word of the source's"),
)


def texts(code):
    """(offset, text) of the literals in each call, joined as C does."""
    for call in CALL.finditer(code):
        depth, at = 1, call.end()
        start, text = at, ""
        while depth and at < len(code):
            literal = LITERAL.match(code, at)
            if literal:
                text += literal.group(1)
                at = literal.end()
                continue
            if code[at] in "()":
                depth += 1 if code[at] == "(" else -1
            # PRIu64 stands between literals that are one.
            if code[at] in ",?:" and text:
                yield start, text
                text = ""
            at += 1
        if text:
            yield start, text


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check(root, build):
    allowed = lint.exceptions_read("words.allow")
    found = []
    for path in lint.source_files(root, (".c", ".h"), DIRS):
        code = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                           lint.file_text(root, path))
        for at, text in texts(code):
            for pattern, why in BANNED:
                match = pattern.search(text)
                if match and f"{path} {match.group(0)}" not in allowed:
                    found.append(f"{path}:{line_of(code, at)}: "
                                 f"'{match.group(0)}' in \"{text}\": {why}")
    return found


def body(code):
    return {"core/a.c": f"int f(void)\n{{\n\t{code}\n}}\n"}


lint.main("words of errors", check, [
    (body('return err_set(err, 5, "file %u is not told as a pipe", id);'), 1),
    (body('err_hint(err, "a FIFO that "\n\t\t"tells by signal");'), 1),
    (body('return err_errno(err, "mapping the reel");'), 1),
    (body('tape_about(tape, "closing the shelf");'), 1),
    (body('err_set(err, 5, "limit is %#x", 7);'), 1),
    (body('err_set(err, 5, "killed by signal %d", 7);'), 1),
    (body('log_info("worker ended with wait status %d", 7);'), 1),
    (body('err_wrap(err, "thread %d: thread", 7);'), 0),
    (body('err_set(err, 5, "thread: thread %d", 7);'), 1),
    (body('err_set(err, 5, many ? "a zone" : "a board");'), 2),
    (body('err_set(err, 5, "area %llx-%llx, killed by %s", a, b, c);'), 0),
    (body('int settle = g("reel"); /* err_set(e, 1, "zone") */'), 0),
])
