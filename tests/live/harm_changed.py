# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_changed: what was opened or mapped before its mount, attributes or use
changed cannot be had so again: the dump says it, while all live."""
import ctypes
import os
import shutil
import sys

import harm
from harness import add, alive, check, read_text, state, test, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = sys.executable or "/usr/bin/python3"
BIND, REMOUNT, NOEXEC, DETACH = 4096, 32, 8, 2

# state of real/changed.py: how the error must name it
CHANGED = {
    "executed": "the mapping .*/file.*mapped again.*executed.*not permitted",
    "executed_shared": "the mapping .*mapped again.*executed.*not permitted",
    "executed_deleted": "the mapping .*was deleted.*executed.*noexec",
    "immutable": "the mapping .*mapped again.*shared.*not permitted",
    "device": r"fd \d+ .*opened again.*permission denied",
    "bound": r"fd \d+ .*opened again.*read-only",
    "bound_map": "the mapping .*mapped again.*read-only",
    "append_folder": r"fd \d+ .*was deleted.*/sub'.*chattr \+a",
    "detached": r"fd \d+ .*was deleted.*another file system",
    "covered": "working directory.*leads to something else",
    "swap": "the mapping .*/swapped.*mapped again.*busy",
}


def clean(case, place):
    """Also where the victim did not get that far."""
    libc = ctypes.CDLL(None)
    libc.swapoff(case.path("swapped").encode())
    while libc.umount2(place.encode(), DETACH) == 0:
        pass


def refuse(kind):
    def refused(case):
        place = case.make_dir("mounted")
        try:
            victim = case.start([PYTHON, "-B",
                                 os.path.join(HERE, "real", "changed.py"),
                                 kind, place])
            case.ready(victim)
            if case.verdict() is None:
                result = case.try_dump(victim)
                harm.check_one_error(result, rf"\b{victim}\b", CHANGED[kind])
                check("hint: " in result.err, f"no hint: {result.err}")
                check(alive(victim) and state(victim) != "T",
                      "the victim does not run on")
                check("TracerPid:\t0\n" in read_text(f"/proc/{victim}/status"),
                      "the victim is still traced")
                check(not harm.whole(case.img), "the image looks whole")
                case.go()
            case.await_verdict(victim)
        finally:
            clean(case, place)
    return refused


for name in CHANGED:
    add(f"harm_changed_{name}",
        f"what could not be opened or mapped again ('{name}') is refused by "
        "the dump, and the victim goes on", refuse(name))


@test("a program whose name leads below a mount with noexec is refused by the "
      "dump")
def harm_changed_program(case):
    place = case.make_dir("mounted").encode()
    program = os.path.join(place.decode(), "program")
    shutil.copy("/bin/sleep", program)
    victim = case.start([program, "60"])
    wait_until(lambda: os.readlink(f"/proc/{victim}/exe") == program,
               "it runs")
    libc = ctypes.CDLL(None)
    try:
        check(libc.mount(place, place, None, BIND, None) == 0, "no mount")
        libc.mount(None, place, None, BIND | REMOUNT | NOEXEC, None)
        harm.check_one_error(case.try_dump(victim), "executable|mapping",
                             "executed.*not permitted")
        check(alive(victim), "harmed")
    finally:
        clean(case, place.decode())
    case.dump(victim)
    case.restore(victim)
