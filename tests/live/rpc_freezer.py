# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_freezer: cgroups that are frozen, and trees that do not stop."""
import os
import signal
import sys
import time

from client import start_worker
from harness import Skip, alive, check, read_text, state, test, wait_until

SLEEPER = [sys.executable, "-c",
           "import time\nfor i in range(10**9):\n"
           "  open('count', 'w').write(str(i)); time.sleep(0.01)"]
VERSIONS = {
    1: (("/sys/fs/cgroup/freezer",), "freezer.state", ("THAWED", "FROZEN")),
    2: (("/sys/fs/cgroup/unified", "/sys/fs/cgroup"), "cgroup.freeze",
        ("0", "1")),
}


class Cgroup:
    """A cgroup of the test's own, gone afterwards."""

    def __init__(self, case, version):
        roots, self.file, self.words = VERSIONS[version]
        name = os.path.basename(case.dir)
        for root in roots:
            self.path = os.path.join(root, name)
            try:
                os.mkdir(self.path)
            except OSError:
                continue
            if os.path.exists(os.path.join(self.path, self.file)):
                return
            os.rmdir(self.path)
        raise Skip(f"no cgroups of version {version} to make here")

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.freeze(False)
        for pid in read_text(self.path + "/cgroup.procs", "").split():
            os.kill(int(pid), signal.SIGKILL)
        wait_until(self.remove, "the cgroup is gone")

    def remove(self):
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True

    def add(self, pid):
        with open(self.path + "/cgroup.procs", "w") as file:
            file.write(str(pid))

    def freeze(self, frozen=True):
        with open(os.path.join(self.path, self.file), "w") as file:
            file.write(self.words[frozen])
        if frozen:
            wait_until(self.stands, "it is frozen")

    def frozen(self):
        """What was asked for."""
        word = read_text(os.path.join(self.path, self.file), "").strip()
        return word == self.words[1]

    def stands(self):
        """All in it have stopped; version 2 says so in another file."""
        events = read_text(os.path.join(self.path, "cgroup.events"), "")
        return self.frozen() and "frozen 0" not in events


def counting(case, cgroup):
    pid = case.start(SLEEPER)
    wait_until(lambda: read_text(case.path("count")), "it counts")
    cgroup.add(pid)
    return pid


def counts(case, seconds=0.15):
    before = read_text(case.path("count"))
    time.sleep(seconds)
    return read_text(case.path("count")) != before


def dump_as_found(case, version):
    with Cgroup(case, version) as cgroup:
        pid = counting(case, cgroup)
        opts = {"images_dir": case.img, "pid": pid, "log_level": 4,
                "freeze_cgroup": cgroup.path}
        start_worker(case).ok("DUMP", {**opts, "leave_running": True})
        check(not cgroup.frozen(), "it was running")
        wait_until(lambda: counts(case), "it counts on")
        cgroup.freeze()
        check(not counts(case), "the test freezes nothing")
        start_worker(case).ok("DUMP", {**opts, "leave_running": True})
        wait_until(cgroup.stands, "it was frozen")
        check(not counts(case), "it was frozen, and runs")
        client = start_worker(case)
        client.no_at = "post-dump"
        client.no("post-dump", "DUMP", {**opts, "notify_scripts": True})
        wait_until(cgroup.stands, "it was frozen, before the no")
        check(not counts(case), "it was frozen, and runs after a no")
        cgroup.freeze(False)
        wait_until(lambda: counts(case), "it counts on, unharmed")
        cgroup.freeze()
        start_worker(case).ok("DUMP", opts)
        case.gone([pid])
        check(cgroup.frozen(), "it was frozen, and is empty now")
    client = start_worker(case)
    check(client.ok("RESTORE", {"images_dir": case.img}).restore.pid == pid,
          "another pid")
    wait_until(lambda: counts(case), "it counts on, restored")


@test("a cgroup of version 2 is left as it was found, frozen or not")
def freezer_2(case):
    dump_as_found(case, 2)


@test("a cgroup of version 1 is left as it was found, frozen or not")
def freezer_1(case):
    dump_as_found(case, 1)


@test("a tree that does not stop in time is told so, and goes on")
def freezer_timeout(case):
    with Cgroup(case, 1) as cgroup:
        pid = counting(case, cgroup)
        cgroup.freeze()
        client = start_worker(case)
        answer = client.no("did not stop", "DUMP", {
            "images_dir": case.img, "pid": pid, "timeout": 1})
        check(answer.cr_errno == 110 and "freeze-cgroup" in answer.cr_errmsg,
              str(answer))
        check(client.close() == 1, "another status")
        cgroup.freeze(False)
        wait_until(lambda: counts(case), "it goes on")
        check(alive(pid) and state(pid) != "t", "it is harmed")


@test("a tree in a frozen cgroup that was not named is refused, and stays so")
def freezer_unnamed(case):
    with Cgroup(case, 2) as cgroup:
        pid = counting(case, cgroup)
        cgroup.freeze()
        start_worker(case).no("in a frozen cgroup", "DUMP", {
            "images_dir": case.img, "pid": pid})
        check(cgroup.frozen() and not counts(case), "it is thawed")
        cgroup.freeze(False)
        wait_until(lambda: counts(case), "it counts on")


@test("an engine in the cgroup that it is to freeze says so, and freezes "
      "nothing")
def freezer_ourselves(case):
    with Cgroup(case, 2) as cgroup:
        pid = counting(case, cgroup)
        below = os.path.join(cgroup.path, "below")
        os.mkdir(below)
        for place in (cgroup.path, below):
            client = start_worker(case, preexec_fn=lambda: open(
                place + "/cgroup.procs", "w").write("0"))
            client.no("engine itself is in the freeze cgroup", "DUMP", {
                "images_dir": case.img, "pid": pid,
                "freeze_cgroup": cgroup.path})
            client.close()
        check(not cgroup.frozen() and counts(case), "it is frozen")
        wait_until(lambda: not os.rmdir(below), "nobody is below")


@test("what is no cgroup, or frozen from above, is refused")
def freezer_wrong(case):
    opts = {"images_dir": case.img, "pid": os.getpid()}
    start_worker(case).no("no cgroup that can be frozen", "DUMP",
                          {**opts, "freeze_cgroup": case.dir})
    start_worker(case).no("No such file", "DUMP",
                          {**opts, "freeze_cgroup": "/nowhere"})
    with Cgroup(case, 2) as cgroup:
        below = os.path.join(cgroup.path, "below")
        os.mkdir(below)
        cgroup.freeze()
        wait_until(lambda: "frozen 1" in read_text(below + "/cgroup.events"),
                   "it is frozen from above")
        start_worker(case).no("by one above", "DUMP",
                              {**opts, "freeze_cgroup": below})
        os.rmdir(below)


@test("a cgroup that a killed engine left thawed is frozen again by recover")
def freezer_recover(case):
    with Cgroup(case, 2) as cgroup:
        pid = counting(case, cgroup)
        cgroup.freeze()
        script = case.path("kill")
        with open(script, "w") as file:
            file.write("#!/bin/sh\n[ $CRTOOLS_SCRIPT_ACTION != post-dump ] || "
                       f"pkill -KILL -f -- 'dump -t {pid} '\n")
        os.chmod(script, 0o755)
        case.try_dump(pid, "-R", "--freeze-cgroup", cgroup.path,
                      "--action-script", script)
        check(not cgroup.frozen(), "nobody was killed in time")
        lists = [n for n in os.listdir(case.img) if "undo" in n]
        check(len(lists) == 1, f"lists: {lists}")
        done = case.engine("recover", "-D", case.img)
        check(done.code == 0 and "is written to" in done.out, done.explain())
        wait_until(cgroup.stands, "it is frozen as it was")
        check(not [n for n in os.listdir(case.img) if "undo" in n],
              "the list is still there")
        done = case.engine("recover", case.img)
        check("there is nothing to recover" in done.out, done.explain())
        cgroup.freeze(False)
        wait_until(lambda: counts(case), "it counts on, unharmed")
