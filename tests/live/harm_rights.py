# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_rights: users who write into processes of theirs while they are dumped
and restored, and who start an engine that has more rights than they have."""
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

import harm
import harness
import image_edit
from harness import (SLOW, Skip, alive, check, read_text, test, wait_until)
from rpc_service import KEY_CALLS, KEY_SEARCH

THREAD_CORE, SCHED_POLICY = 5, 4  # numbers in proto/core.proto
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def need_setpriv():
    if not shutil.which("setpriv"):
        raise Skip("there is no setpriv")


def of_nobody(case, *argv):
    """A process of a user who is not root."""
    with open(os.path.join(case.dir, "victim.out"), "a"):
        os.chmod(os.path.join(case.dir, "victim.out"), 0o666)
    return case.start([*NOBODY, *argv])


@test("whatever a sibling writes over the agent's answers, a dump gives images "
      "or one sentence, and its victim runs on", limit=60)
def security_answers(case):
    need_setpriv()
    victim = of_nobody(case, case.program("threads"))
    case.ready(victim)
    of_nobody(case, case.program("scribbler"), str(victim))
    wait_until(lambda: os.path.exists(case.path("scribbles")), "it scribbles")
    refused = 0
    for number in range(30):
        img = case.make_dir(f"img{number}")
        result = case.try_dump(victim, "-R", img=img)
        check(result.code in (0, 1), f"it died: {result.explain()}")
        if result.code:
            harm.check_one_error(result, r"thread \d+|process \d+")
            check(not harm.whole(img), "the image looks whole")
            refused += 1
        check(alive(victim), f"dump {number} killed it: {result.explain()}")
    case.go("enough")
    wait_until(lambda: read_text(case.path("scribbled")), "it has counted")
    case.go()
    case.await_verdict(victim)
    if not int(read_text(case.path("scribbled"))):
        raise Skip("the sibling was never in time")
    if not refused:
        raise Skip("nothing that was written mattered")


def reach_begin(case, pid, *more):
    need_setpriv()
    of_nobody(case, case.program("reacher"), str(pid), *more)
    wait_until(lambda: os.path.exists(case.path("reaches")), "it reaches")


def reach_end(case):
    """What it found must be nothing; it must have had its chances."""
    case.go("enough")
    wait_until(lambda: read_text(case.path("reached")), "it has counted")
    refused, entered, found = read_text(
        case.path("reached")).rstrip("\n").split(" ", 2)
    check(not found, f"its user has got hold of {found}")
    check(int(entered), "it was never let in")
    if not int(refused):
        raise Skip("it never came too early")


def restored_often(case, pid, times):
    for _ in range(times):
        case.restore(pid)
        # As long as the other process may need to be let in.
        time.sleep(0.02 * SLOW)
        tree = [pid, *harness.descendants(pid)]
        for one in tree:
            os.kill(one, signal.SIGKILL)
        case.gone(tree)


@test("nothing of a newborn is reachable by its user until none of its threads "
      "has more rights than he", limit=60)
def security_newborn(case):
    need_setpriv()
    pid = of_nobody(case, case.program("threads"))
    case.ready(pid)
    case.dump(pid)
    reach_begin(case, pid)
    restored_often(case, pid, 20)
    reach_end(case)


@test("... nor until files of the restore are closed in all who share them",
      limit=60)
def security_newborn_files(case):
    need_setpriv()
    pid = of_nobody(case, case.program("clone_files"))
    case.ready(pid)
    case.dump(pid)
    reach_begin(case, pid, "100")
    restored_often(case, pid, 20)
    reach_end(case)


def thread_spoil(path):
    """A policy that no kernel has: its thread's tape fails on the way."""
    data = image_edit.read(path)
    size = struct.unpack_from("<I", data, 8)[0]
    message = image_edit.fields(data[12:12 + size])
    for field in message:
        if field[0] == THREAD_CORE:
            core = [one for one in image_edit.fields(field[2])
                    if one[0] != SCHED_POLICY]
            field[2] = image_edit.pack(core + [[SCHED_POLICY, 0, 99]])
    packed = image_edit.pack(message)
    image_edit.write(path, data[:8] + struct.pack("<I", len(packed)) + packed
                     + data[12 + size:])


@test("a thread that fails while all others wait for it is one sentence")
def harm_thread_fails(case):
    pid = case.start([case.program("threads")])
    case.ready(pid)
    tid = max(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    case.dump(pid)
    os.unlink(os.path.join(case.img, "stasis.img"))
    thread_spoil(os.path.join(case.img, f"core-{tid}.img"))
    started = time.monotonic()
    result = case.try_restore()
    took = time.monotonic() - started
    harm.check_one_error(result, rf"\b{tid}\b", "sched_setattr")
    check(took < 4.0 * SLOW, f"it took {took:.1f} s to see it")
    check(not alive(pid), "something is left")


@test("what root restores for another user has none of root's keys")
def security_newborn_keys(case):
    need_setpriv()
    add, request, keyctl = KEY_CALLS[os.uname().machine]
    call = ctypes.CDLL(None).syscall
    search = KEY_SEARCH.format(request)
    pid = of_nobody(case, sys.executable, "-c", f"""
import os, subprocess, sys, time
open("ready", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
with open("said", "w") as file:
    file.write(str(subprocess.run([sys.executable, "-c", {search!r}]).returncode))
""")
    case.ready(pid)
    case.dump(pid)
    if call(keyctl, 1, None) < 0 or call(
            add, b"user", b"stasis-test", b"secret", 6, -3) < 0:
        raise Skip("no keyrings here")
    check(subprocess.run([sys.executable, "-c", search]).returncode == 0,
          "the test's key is hidden")
    case.restore(pid)
    case.go()
    wait_until(lambda: read_text(case.path("said")), "it has searched")
    check(read_text(case.path("said")) == "1", "it has found the key")


@test("an engine with few rights restores where the kernel hides processes")
def security_newborn_hidden(case):
    need_setpriv()
    os.chown(case.img, 65534, 65534)
    pid = of_nobody(case, case.program("threads"))
    case.ready(pid)
    case.dump(pid)
    for name in os.listdir(case.img):
        os.chown(os.path.join(case.img, name), 65534, 65534)
    engine = os.path.join(case.dir, "engine")
    shutil.copy(case.stasis, engine)
    case.stasis = os.path.join(case.dir, "wrapper")
    with open(case.stasis, "w") as file:
        file.write("#!/bin/sh\nmount -t proc -o hidepid=2 proc /proc && exec "
                   f"{' '.join(NOBODY)} --inh-caps=-all,+checkpoint_restore "
                   "--ambient-caps=-all,+checkpoint_restore env HOME=/ "
                   f"{engine} \"$@\" --unprivileged\n")
    os.chmod(case.stasis, 0o755)
    os.unlink(os.path.join(case.img, "dump.log"))
    result = subprocess.run(
        ["unshare", "-m", "--propagation", "private", case.stasis, "restore",
         "-d", "-D", case.img, "-v4", "-o", "restore.log"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check(result.returncode == 0, result.stderr
          + harness.log_tail(os.path.join(case.img, "restore.log")))
    case.go()
    case.await_verdict(pid)
