# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_cgroups: a tree of the host goes back to its own control groups, and
what does not is told."""
import os
import shutil
import signal
import subprocess

from harness import (Skip, add, check, descendants, read_text, state, test,
                     wait_until)
from image_edit import change_image, fields, pack, write

ROOTS = {
    "pids": ["/sys/fs/cgroup/pids"],
    "freezer": ["/sys/fs/cgroup/freezer"],
    "": ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"],
}


def led_to(message, group, way):
    """The image with another name and path for the group."""
    out = []
    for number, wire, value in fields(message):
        if number == 1:
            members = []
            for kind, sort, inner in fields(value):
                if kind == 2 and [2, 2, group.line[2:].encode()] \
                        in fields(inner):
                    inner = pack([[1, 2, way[0].encode()],
                                  [2, 2, way[1].encode()]])
                members.append([kind, sort, inner])
            value = pack(members)
        out.append([number, wire, value])
    return pack(out)


class Group:
    """A control group of the test's own, gone afterwards."""

    def __init__(self, case, controller, suffix=""):
        name = os.path.basename(case.dir) + suffix
        self.line = f":{controller}:/{name}"
        for root in ROOTS[controller]:
            self.path = os.path.join(root, name)
            try:
                os.mkdir(self.path)
            except OSError:
                continue
            if os.path.exists(self.path + "/cgroup.procs"):
                return
            os.rmdir(self.path)
        raise Skip(f"no control group '{controller}' can be made here")

    def add(self, pid, file="cgroup.procs"):
        with open(os.path.join(self.path, file), "w") as out:
            out.write(str(pid))

    def has(self, pid, tid=None):
        text = read_text(f"/proc/{pid}/task/{tid or pid}/cgroup", "")
        return any(line.endswith(self.line) for line in text.splitlines())

    def remove(self):
        def gone():
            try:
                os.rmdir(self.path)
            except FileNotFoundError:
                pass
            except OSError:
                return False
            return True
        for word, file in (("THAWED", "freezer.state"), ("0", "cgroup.freeze")):
            if os.path.exists(os.path.join(self.path, file)):
                with open(os.path.join(self.path, file), "w") as out:
                    out.write(word)
        for pid in (read_text(self.path + "/cgroup.procs") or "").split():
            os.kill(int(pid), signal.SIGKILL)
        wait_until(gone, "the control group is gone")


def with_groups(case, body, *controllers):
    groups = []
    try:
        for controller in controllers:
            groups.append(Group(case, controller, f"-{len(groups)}"))
        body(*groups)
    finally:
        for group in groups:
            group.remove()


def started(case, name="threads"):
    victim = case.start([case.program(name)])
    case.ready(victim)
    return victim


@test("a tree goes back to its control groups, of both versions, each process "
      "to its own")
def cli_cgroups(case):
    def body(one, two, other):
        victim = started(case, "tree")
        tree = [victim] + descendants(victim)
        alone, engines = tree[1], tree[-1]
        check(len(tree) > 3, "a tree of few")
        for pid in tree:
            if pid != engines:
                one.add(pid)
                two.add(pid)
        other.add(alone)
        before = {pid: read_text(f"/proc/{pid}/cgroup") for pid in tree}
        for _ in range(2):
            result = case.dump(victim)
            check("control group" not in result.err, result.err)
            result = case.restore(victim)
            check("control group" not in result.err, result.err)
            for pid in tree:
                check(read_text(f"/proc/{pid}/cgroup") == before[pid],
                      f"{pid} was in {before[pid]}, is in "
                      + read_text(f"/proc/{pid}/cgroup", ""))
        case.go()
        case.await_verdict(victim)
    with_groups(case, body, "pids", "", "pids")


@test("a thread goes back to the control group that it is in alone")
def cli_cgroups_thread(case):
    def body(group, alone):
        victim = started(case)
        tids = sorted(map(int, os.listdir(f"/proc/{victim}/task")))
        group.add(victim)
        alone.add(tids[1], "tasks")
        case.dump(victim)
        case.restore(victim)
        check(group.has(victim) and group.has(victim, tids[2]),
              "the process is elsewhere")
        check(alone.has(victim, tids[1]), "the thread is elsewhere")
        case.go()
        case.await_verdict(victim)
    with_groups(case, body, "pids", "pids")


def frozen(controller, file, word, back):
    def body(case, group):
        victim = started(case)
        group.add(victim)
        case.dump(victim)
        with open(os.path.join(group.path, file), "w") as out:
            out.write(word)
        case.restore(victim)
        check(group.has(victim), "it is elsewhere")
        case.go()
        wait_until(lambda: state(victim) in "DSR", "it waits")
        check(case.verdict() is None, "it runs in a frozen control group")
        with open(os.path.join(group.path, file), "w") as out:
            out.write(back)
        case.await_verdict(victim)

    def test_of(case):
        with_groups(case, lambda group: body(case, group), controller)
    return test_of


add("cli_cgroups_frozen", "a tree comes back into a control group that is "
    "frozen, and waits there", frozen("", "cgroup.freeze", "1", "0"))
add("cli_cgroups_frozen_1", "a tree comes back into a frozen control group of "
    "version 1", frozen("freezer", "freezer.state", "FROZEN", "THAWED"))


@test("a control group that is gone, or is not to be looked at, is told, and "
      "the tree lives on in the engine's")
def cli_cgroups_gone(case):
    def body(group):
        victim = started(case)
        group.add(victim)
        case.dump(victim)
        group.remove()
        result = case.restore(victim)
        log = read_text(case.logs[-1], "")
        name = group.line[1:]
        check(f"control group '{name}' cannot be entered" in log, log)
        check(read_text(f"/proc/{victim}/cgroup")
              == read_text("/proc/self/cgroup"), "it is elsewhere")
        case.go()
        case.await_verdict(victim)
    with_groups(case, body, "pids")


@test("images whose control groups lead elsewhere write nothing there")
def cli_cgroups_astray(case):
    def body(group):
        victim = started(case)
        group.add(victim)
        trap = os.path.join(case.dir, "trap")
        root, name = group.path.rsplit("/", 1)
        up = "/.." * (root.count("/") + 1)
        for way in ((f":/{name}{up}{trap}", "/"), ("", f"/{name}{up}{trap}")):
            os.makedirs(trap + ":")
            os.makedirs(trap)
            for file in (trap + ":/cgroup.procs", trap + "/cgroup.procs"):
                write(file, b"untouched")
            case.dump(victim)
            change_image(os.path.join(case.img, "cgroup.img"),
                         lambda message: led_to(message, group, way))
            os.unlink(os.path.join(case.img, "stasis.img"))
            result = case.restore(victim)
            log = read_text(case.logs[-1], "")
            check("cannot be entered" in log, f"{way}: {result.explain()}\n{log}")
            for file in (trap + ":/cgroup.procs", trap + "/cgroup.procs"):
                check(read_text(file) == "untouched", f"{way}: {file}")
            shutil.rmtree(trap)
            shutil.rmtree(trap + ":")
            group.add(victim)
        case.go()
        case.await_verdict(victim)
    with_groups(case, body, "")


@test("with --manage-cgroups=ignore a dump says that a control group is not "
      "kept, on the terminal, too, and a restore leaves it")
def cli_cgroups_ignored(case):
    def body(group):
        victim = started(case)
        group.add(victim)
        done = subprocess.run(
            [case.stasis, "dump", "-R", "-t", str(victim), "-D", case.img,
             "--manage-cgroups=ignore"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=20)
        check(done.returncode == 0, done.stderr)
        check(f"{group.line}', which is not kept (control groups are to be "
              "ignored)" in done.stderr, done.stderr)
        case.dump(victim)
        case.restore(victim, "--manage-cgroups=ignore")
        check(not group.has(victim), "it was moved")
        case.go()
        case.await_verdict(victim)
    with_groups(case, body, "pids")
