# SPDX-License-Identifier: GPL-2.0-or-later
"""victim: the processes that the bench has dumped and restored."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import harness

HERE = os.path.dirname(os.path.abspath(__file__))


def build_victim(build, name):
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    program = os.path.abspath(os.path.join(build, "bench", name))
    source = os.path.join(HERE, "victims", name + ".c")
    subprocess.run(
        [*os.environ.get("CC", "gcc").split(), "-std=gnu11", "-O2", "-Wall",
         "-Wextra", "-Werror", "-pthread", "-D_GNU_SOURCE", "-o", program,
         source], check=True)
    return program


def kill_tree(pids):
    for pid in reversed(pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    gone(pids)


def gone(pids):
    def none_left():
        harness.reap_all()
        return not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    harness.wait_until(none_left, "the victim is gone", 30)


@contextlib.contextmanager
def started(program, args, folder):
    """A victim that is ready: the pids of its tree, root first, and an empty
    folder for its image. Both are gone afterwards."""
    img, ready = os.path.join(folder, "img"), os.path.join(folder, "ready")
    os.mkdir(img)
    victim = subprocess.Popen(
        [program, *args], env=dict(os.environ, BENCH_READY=ready), cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True)
    victim.returncode = 0
    harness.wait_until(lambda: os.path.exists(ready), "the victim is ready",
                       60)
    time.sleep(0.05)
    tree = [victim.pid] + harness.descendants(victim.pid)
    try:
        yield tree, img
    finally:
        kill_tree(tree)
        for name in os.listdir(folder):
            if name.startswith("bench-"):
                os.unlink(os.path.join(folder, name))
        shutil.rmtree(img)
        os.unlink(ready)
