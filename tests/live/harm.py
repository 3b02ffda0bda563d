# SPDX-License-Identifier: GPL-2.0-or-later
"""harm: what the harm_* tests share: pictures of a victim, and of the host."""
import ctypes
import glob
import hashlib
import os
import re
import time

from harness import check, descendants, read_text, state, wait_until

# The kernel changes these by itself.
RESTLESS = ("[vvar]", "[vvar_vclock]", "[vsyscall]", "[vdso]")


def tasks(pid):
    try:
        return sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task"))
    except FileNotFoundError:
        return []


def memory_hashes(pid, maps):
    """All memory that can be read, also what the victim itself may not:
    a line per mapping."""
    lines = []
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps.splitlines():
            if line.endswith(RESTLESS):
                continue
            span = line.split()[0]
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except OSError:
                data = b"unreadable"
            digest = hashlib.blake2b(data, digest_size=12).hexdigest()
            lines.append(f"{span} {digest} {line.split(maxsplit=5)[5:]}")
    return "\n".join(lines) + "\n"


def registers(pid, tid):
    """Of a blocked task: call number, arguments, stack and program counter."""
    text = read_text(f"/proc/{pid}/task/{tid}/syscall", "")
    return text.strip()


STATUS = re.compile("State|TracerPid|Uid|Gid|Groups|Sig|Shd|Cap|NoNewPrivs|"
                    "Seccomp|Threads|PPid|NSpid")


def status(pid, tid):
    lines = read_text(f"/proc/{pid}/task/{tid}/status", "").splitlines()
    return [line for line in lines if STATUS.match(line)
            and not line.startswith("SigQ")]


def picture(pid):
    """All of a quiet tree that can be seen from outside."""
    seen = {}
    for one in [pid] + sorted(descendants(pid)):
        maps = read_text(f"/proc/{one}/maps", "")
        seen[f"{one} maps"] = maps
        seen[f"{one} memory"] = memory_hashes(one, maps)
        seen[f"{one} fds"] = sorted(
            (int(fd), os.readlink(f"/proc/{one}/fd/{fd}"))
            for fd in os.listdir(f"/proc/{one}/fd"))
        seen[f"{one} tasks"] = tasks(one)
        for tid in tasks(one):
            seen[f"{tid} registers"] = registers(one, tid)
            seen[f"{tid} status"] = status(one, tid)
    return seen


def check_same(before, after, when):
    check(before.keys() == after.keys(),
          f"{when}: other tasks: {sorted(before)} and now {sorted(after)}")
    for key, value in before.items():
        if value == after[key]:
            continue
        if isinstance(value, str) and "\n" in value:
            old, new = set(value.splitlines()), set(after[key].splitlines())
            value = "\n".join(sorted(old - new))
            after[key] = "\n".join(sorted(new - old))
        check(False, f"{when}: {key} changed:\n{value}\nis now:\n{after[key]}")


def blocked(pid):
    """All tasks sleep in a system call or spin: nobody is on the way."""
    calls = [registers(one, tid) for one in [pid] + descendants(pid)
             for tid in tasks(one)]
    return calls and calls.count("running") == 1 and len(calls) == 5


def quiet_victim(case):
    # The kernel writes the current CPU into an rseq area: no rseq here.
    victim = case.start([case.program("quiet")],
                        env={"GLIBC_TUNABLES": "glibc.pthread.rseq=0"})
    case.ready(victim)
    wait_until(lambda: blocked(victim), "the victim is quiet")
    return victim


def settle(pid, before):
    """A freed task needs a moment to be back in its system call."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        after = picture(pid)
        if after == before:
            return after
        time.sleep(0.005)
    return after


def quiet_verdict(case, victim):
    gate = os.open(case.path("gate"), os.O_WRONLY | os.O_NONBLOCK)
    os.write(gate, b"q")
    os.close(gate)
    case.await_verdict(victim)


def whole(img):
    """Does the directory look like a complete image?"""
    return (os.path.exists(os.path.join(img, "inventory.img"))
            or os.path.exists(os.path.join(img, "stasis.img")))


def check_one_error(result, *words):
    """Exit 1, one sentence for people, one Error line in the log."""
    check(result.code == 1, f"it should exit 1: {result.explain()}")
    said = [line for line in result.err.splitlines()
            if line.strip() and not line.startswith("hint: ")]
    check(len(said) == 1, f"one error is wanted: {result.explain()}")
    for word in words:
        check(re.search(word, said[0], re.I),
              f"the error does not say '{word}': {said[0]}")
    logged = [line for line in (read_text(result.log, "") or "").splitlines()
              if "Error" in line]
    if os.path.exists(result.log):
        check(len(logged) == 1, f"one Error line is wanted in the log, not "
              f"{len(logged)}: {logged}")
    return said[0]


def host_picture(case):
    """What a failed restore must leave as it was."""
    files = {}
    for folder in (case.work, case.img):
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                if not name.endswith(".log") and not name.startswith("stats-"):
                    files[path] = os.lstat(path).st_size
    return {"files": files,
            "shm": sorted(os.listdir("/dev/shm")),
            "children": sorted(descendants(os.getpid()))}


def check_nothing_created(case, before, tree, when):
    def none_left():
        from harness import reap_all
        reap_all()
        return not descendants(os.getpid())
    try:
        wait_until(none_left, "no newborn is left", 1.0)
    except Exception:
        left = [(pid, read_text(f"/proc/{pid}/comm", "?").strip(), state(pid))
                for pid in descendants(os.getpid())]
        check(False, f"{when}: newborns are left: {left}")
    check(not any(state(pid) for pid in tree), f"{when}: a task is back")
    after = host_picture(case)
    check(after["files"] == before["files"],
          f"{when}: files changed: "
          f"{set(after['files'].items()) ^ set(before['files'].items())}")


class Tracer:
    """Traces a task from here, as a debugger would."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long] * 4
        self.call, self.pid = libc.ptrace, pid
        check(self.call(self.SEIZE, pid, 0, 0) == 0, f"cannot seize {pid}")

    def detach(self):
        self.call(self.INTERRUPT, self.pid, 0, 0)
        os.waitpid(self.pid, self.WALL)
        check(self.call(self.DETACH, self.pid, 0, 0) == 0,
              f"cannot let go of {self.pid}")


def images(img):
    return sorted(glob.glob(os.path.join(img, "*.img")))
