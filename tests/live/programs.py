# SPDX-License-Identifier: GPL-2.0-or-later
"""programs: every C program in programs/ is built and becomes a test."""
import glob
import os
import re
import subprocess

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
MACHINE = os.uname().machine
FLAGS = ("-std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wstrict-prototypes "
         "-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wundef "
         "-Werror -pthread").split()


def sentence(source):
    """The first comment after the SPDX line says what the program shows."""
    text = harness.read_text(source, "").split("\n", 1)[1]
    match = re.match(r"/\*\s*(.*?)\s*\*/", text, re.S)
    if not match:
        raise SystemExit(f"{source}: the second line must say what it shows")
    return re.sub(r"\s*\n\s*\*\s*", " ", match.group(1)).rstrip(".")


def options(name):
    """What a comment in its source says that dump and restore need."""
    for folder in (os.path.join(HERE, "programs"), own(MACHINE)):
        source = os.path.join(folder, name + ".c")
        match = re.search(r"^/\* options: (.*) \*/$",
                          harness.read_text(source, ""), re.M)
        if match:
            return match.group(1).split()
    return []


def show(case):
    """Dump the program at its checkpoint, restore it, ask for its verdict."""
    victim = case.start([case.program(case.name)])
    case.ready(victim)
    if case.verdict() is None:
        if not case.plain:
            needs = options(case.name)
            case.dump(victim, *needs)
            case.restore(victim, *needs)
        case.go()
    case.await_verdict(victim)


def own(machine):
    """Where the programs are that only one machine can run."""
    return os.path.join(HERE, "programs", machine)


def shown(machine):
    """The sources of the programs that are tests."""
    return sorted(glob.glob(os.path.join(HERE, "programs", "*.c"))
                  + glob.glob(os.path.join(own(machine), "*.c")),
                  key=os.path.basename)


def compile_all(build, jobs, machine=MACHINE):
    """Build what is older than its source; returns the number of failures."""
    out = os.path.join(build, "live")
    os.makedirs(out, exist_ok=True)
    header = max(os.path.getmtime(path) for path in
                 glob.glob(os.path.join(HERE, "*.h"))
                 + glob.glob(os.path.join(own(machine), "*.h")))
    cc = os.environ.get("CC", "gcc").split()
    running, failed = [], 0

    def wait_one():
        name, child = running.pop(0)
        if child.wait():
            print(f"not ok - {name}: its program is built", flush=True)
        return child.returncode != 0

    victims = sorted(glob.glob(os.path.join(HERE, "victims", "*.c")))
    for source in shown(machine) + victims:
        target = os.path.join(out, os.path.basename(source)[:-2])
        newest = max(header, os.path.getmtime(source))
        if os.path.exists(target) and os.path.getmtime(target) > newest:
            continue
        while len(running) >= jobs:
            failed += wait_one()
        running.append((os.path.basename(target), subprocess.Popen(
            [*cc, *FLAGS, "-I", HERE, "-I", own(machine), "-o", target,
             source])))
    while running:
        failed += wait_one()
    return failed


for path in shown(MACHINE):
    harness.add(os.path.basename(path)[:-2], sentence(path), show)
