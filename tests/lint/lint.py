# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks of the house rules share.

A check is a script with a function check(root, build) that returns a list of
findings ("path:line: what is wrong") and a list of samples: small source
trees with the number of findings that each must give. Every run first proves
on the samples that the check can fail and that it can pass.
"""

import argparse
import os
import re
import sys
import tempfile

SOURCE_DIRS = ("core", "backends", "service", "compel", "proto", "client",
               "examples", "tests", "cross", "scripts", ".ci", "main.c",
               "Makefile")

ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")

# Lines for the reader that are no findings; checks append to it.
notes = []


def source_files(root, suffixes=None, dirs=SOURCE_DIRS):
    """Paths relative to root, sorted."""
    found = []
    for top in dirs:
        path = os.path.join(root, top)
        if os.path.isfile(path):
            found.append(top)
        for folder, names, files in os.walk(path):
            names[:] = [n for n in names if n not in ("build", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, f), root)
                      for f in files]
    return sorted(f for f in found
                  if suffixes is None or f.endswith(tuple(suffixes)))


def file_text(root, path):
    with open(os.path.join(root, path), errors="replace") as file:
        return file.read()


def exceptions_read(name):
    """{what: reason} from tests/lint/NAME: lines of "what: reason"."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    table = {}
    with open(path) as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            what, _, reason = line.partition(": ")
            if not reason.strip():
                sys.exit(f"{path}: '{what}' has no reason")
            table[what] = reason.strip()
    return table


def without_comments(text):
    """C source with comments and strings blanked, line numbers kept."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith("/"):
            return re.sub(r"[^\n]", " ", piece)
        return piece[0] + " " * (len(piece) - 2) + piece[-1]
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\""
                  r"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def functions(text):
    """(name, first line, body lines) of each function that is defined.

    Relies on the format: a function's braces stand alone in column 0.
    """
    lines = without_comments(text).split("\n")
    found = []
    start = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{" and number:
            head = number - 1
            while head and not re.match(r"[A-Za-z_]", lines[head]):
                head -= 1
            signature = ATTRIBUTE.sub("", " ".join(lines[head:number]))
            match = re.search(r"([A-Za-z_]\w*)\s*\(", signature)
            start = (match.group(1), number) if match else None
        elif line.startswith("}") and start:
            found.append((start[0], start[1], number - start[1] - 1))
            start = None
    return found


def samples_prove(check, samples):
    """Findings about the check itself."""
    wrong = []
    for number, (files, wanted) in enumerate(samples):
        with tempfile.TemporaryDirectory(prefix="stasis-lint-") as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full) or root, exist_ok=True)
                with open(full, "w") as file:
                    file.write(text)
            found = check(root, os.path.join(root, "build"))
        if len(found) != wanted:
            wrong.append(f"sample {number}: {len(found)} findings, "
                         f"not {wanted}: {found}")
    if not any(wanted for _, wanted in samples):
        wrong.append("no sample shows that the check can fail")
    return wrong


def report(title, findings):
    for finding in findings:
        print(f"# {finding}")
    print(f"{'not ok' if findings else 'ok'} - lint: {title}", flush=True)
    return bool(findings)


def main(title, check, samples):
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--build", required=True)
    args = parser.parse_args()
    failed = report(f"{title} (it can fail)", samples_prove(check, samples))
    notes.clear()
    findings = check(args.root, args.build)
    for note in notes:
        print(f"# {note}")
    failed |= report(title, findings)
    sys.exit(1 if failed else 0)
