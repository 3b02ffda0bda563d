# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_locks: what --file-locks allows, and what a dump leaves alone."""
import fcntl
import os
import re
import struct

from client import start_worker
from harness import alive, check, read_text, test
import harm

# Holds COUNT locks of one byte each, and a flock, until it is told to go.
HOLDER = """
import fcntl, os, sys
locked = os.open("locked", os.O_RDWR | os.O_CREAT, 0o600)
other = os.open("other", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(other, fcntl.LOCK_EX)
for at in range(int(sys.argv[1])):
    fcntl.lockf(locked, fcntl.LOCK_EX, 1, at * 2)
open("ready", "w").close()
import time
while not os.path.exists("go"):
    time.sleep(0.02)
open("verdict", "w").write("ok")
"""


def holder(case, count):
    pid = case.start(["python3", "-c", HOLDER, str(count)])
    case.ready(pid, limit=60.0)
    return pid


def met(path, at):
    """Who holds the byte there; 0: nobody."""
    with open(path, "r+b") as file:
        form = "hhqqi4x"
        got = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(
            form, fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0))
        kind, _, _, _, pid = struct.unpack(form, got)
    return 0 if kind == fcntl.F_UNLCK else pid


def is_flocked(path):
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def check_held(case, pid, count):
    for at in sorted({0, count // 2, count - 1}):
        check(met(case.path("locked"), at * 2) == pid,
              f"byte {at * 2} is held by "
              f"{met(case.path('locked'), at * 2)}, not {pid}")
    check(met(case.path("locked"), 1) == 0, "too much is held")
    check(is_flocked(case.path("other")), "the flock is gone")


@test("a process with locked files is refused, with the option that allows "
      "it, and keeps its locks; so it does when a dump of them fails")
def locks_refused(case):
    pid = holder(case, 10)
    result = case.try_dump(pid)
    harm.check_one_error(result, rf"\b{pid}\b", r"fd \d+", "locked")
    check("--file-locks" in result.err, result.err)
    check(alive(pid), "the victim is gone")
    check_held(case, pid, 10)
    for step in ("dump.memory", "dump.commit"):
        result = case.try_dump(pid, "--file-locks", "--fail-at", step)
        check(result.code != 0, f"it did not fail at {step}")
        check_held(case, pid, 10)
    case.dump(pid, "-R", "--file-locks")
    check_held(case, pid, 10)
    case.go()
    case.await_verdict(pid)


@test("20,000 locks of one process come back, and those that others outside "
      "hold on the same file stay theirs")
def locks_many(case):
    count = 20000
    pid = holder(case, count)
    with open(case.path("locked"), "r+b") as mine:
        fcntl.lockf(mine, fcntl.LOCK_EX, 1, 3)
        case.dump(pid, "--file-locks")
        check(met(case.path("locked"), 0) == 0, "a dead process holds it")
        case.restore(pid)
        check_held(case, pid, count)
        case.go()
        case.await_verdict(pid)


@test("a lock that somebody has taken since is one clear error, and nobody "
      "is restored")
def locks_taken(case):
    pid = holder(case, 3)
    case.dump(pid, "--file-locks")
    with open(case.path("other"), "rb") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        result = case.try_restore("--file-locks")
        harm.check_one_error(result, rf"task {pid}\b", r"fd \d+", "locks")
    check(not alive(pid), "it was restored")
    case.restore(pid, "--file-locks")
    check_held(case, pid, 3)
    case.go()
    case.await_verdict(pid)


@test("RPC dumps locks with file_locks, and refuses them without")
def locks_rpc(case):
    pid = holder(case, 3)
    opts = {"images_dir": case.img, "pid": pid}
    answer = start_worker(case).no("locked", "DUMP", opts)
    check(re.search("file-locks", answer.cr_errmsg), answer.cr_errmsg)
    start_worker(case).ok("DUMP", {**opts, "file_locks": True})
    case.gone([pid])
    case.restore(pid)
    check_held(case, pid, 3)
    case.go()
    case.await_verdict(pid)
    check(read_text(case.path("verdict")) == "ok", "no verdict")
