# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_kill: the engine is killed at any moment, and nobody is harmed.

LIVE_KILLS= says how often (a sweep: 1000), LIVE_SEED= makes other moments.
"""
import collections
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import time

import harm
from harness import (SLOW, alive, check, descendants, read_text, reap_all,
                     state, test, wait_until)

KILLS = int(os.environ.get("LIVE_KILLS", "25"))
SEED = int(os.environ.get("LIVE_SEED", "1"))
LEFT_BEHIND = 1 << 20
# Moments are open (docs/design.md): some hundredths of a dump on a busy CPU.
OPEN = 2 + KILLS // 8
LONG = 20 + 0.25 * KILLS
LONGER = 20 + 1.5 * KILLS
PLACES = 64
# A signal sent to a program that ends by it; those that tell of a fault of
# its own are none of these, and KILL has tests of its own.
ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE,
          signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
          signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGXFSZ,
          signal.SIGIO, signal.SIGPWR, signal.SIGTSTP, signal.SIGTTIN,
          signal.SIGTTOU, signal.SIGRTMIN + 2, signal.SIGRTMAX]
STATUS = ("State", "TracerPid", "SigBlk", "SigIgn", "SigCgt", "Seccomp")


def status(pid, tid):
    lines = (read_text(f"/proc/{pid}/task/{tid}/status") or "").splitlines()
    return dict(line.split(":\t", 1) for line in lines
                if line.startswith(STATUS))


def areas(lines):
    """(perms, path) to the ranges that have them, of a picture's maps."""
    seen = collections.defaultdict(list)
    for line in lines:
        start, end = (int(x, 16) for x in line[0].split("-"))
        place = seen[line[-1], line[1] if len(line) > 2 else ""]
        if place and place[-1][1] == start:
            place[-1][1] = end
        else:
            place.append([start, end])
    return seen


def left_behind(before, now):
    """Bytes of anonymous memory that are new; None: the rest is not as it
    was."""
    more, was, now = 0, areas(before), areas(now)
    for key, ranges in was.items():
        for start, end in ranges:
            if not any(a <= start and end <= b for a, b in now[key]):
                return None
    for key, ranges in now.items():
        more += sum(b - a for a, b in ranges) - \
            sum(b - a for a, b in was[key])
        if ranges != was[key] and key[1]:
            return None
    return more


def difference(was, now):
    if isinstance(was, list) and isinstance(now, list):
        was, now = ([one for one in was if one not in now],
                    [one for one in now if one not in was])
    return f"{was} is {now}"


class Restless:
    """A tree that works, and a picture of it as it was at first."""

    def __init__(self, case, kind):
        self.case, self.kind, self.left = case, kind, []
        self.start()

    def start(self):
        path = self.case.path("report")
        if os.path.exists(path):
            os.unlink(path)
        self.root = self.case.start(
            [self.case.program("restless"), self.kind, path])
        want = {"threads": 4, "tree": 17, "blocked": 7, "signals": 3,
                "crowd": 60}
        self.file = None

        def up():
            if self.file is None and os.path.exists(path):
                self.file = open(path, "rb", 0)
            return self.file and \
                sum(1 for beat in self.beats() if beat) == want[self.kind]
        wait_until(up, f"all of {self.kind} are at work")
        self.pids = [self.root] + sorted(descendants(self.root))
        self.before = None

        def settled():
            last, self.before = self.before, self.picture()
            time.sleep(0.01)
            return last == self.before
        wait_until(settled, f"all of {self.kind} have begun")

    def beats(self):
        self.file.seek(0)
        bytes_ = self.file.read(8 * PLACES)
        return struct.unpack("<64Q", bytes_) if len(bytes_) == 512 else ()

    def fault(self):
        self.file.seek(8 * PLACES)
        return self.file.read(512).split(b"\0")[0].decode()

    def picture(self):
        seen = {}
        for pid in self.pids:
            lines = (read_text(f"/proc/{pid}/maps") or "").splitlines()
            seen[pid, "maps"] = [line.split(None, 5)[::5] + [line.split()[1]]
                                 for line in lines]
            seen[pid, "limits"] = read_text(f"/proc/{pid}/limits")
            for tid in sorted(os.listdir(f"/proc/{pid}/task")):
                now = status(pid, tid)
                seen[pid, tid] = [now.get(key) for key in STATUS[2:]]
        return seen

    def held(self):
        """Who is still traced or stopped."""
        for pid in self.pids:
            for tid in os.listdir(f"/proc/{pid}/task"):
                now = status(pid, tid)
                if now.get("TracerPid") != "0" or now["State"][0] in "Tt":
                    return f"{tid}: {now}"
        return None

    def forgive(self, now):
        """What the agent leaves behind when it has to leave by itself."""
        for key in self.before:
            if key[1] != "maps" or now.get(key) == self.before[key]:
                continue
            more = left_behind(self.before[key], now[key])
            if more and more <= LEFT_BEHIND:
                self.left.append(more)
                self.before[key] = now[key]

    def harm(self, forgiving=False):
        """What is not as it was, in a sentence, or None."""
        reap_all()
        if not all(alive(pid) for pid in self.pids):
            return "dead: " + str([pid for pid in self.pids
                                   if not alive(pid)])
        try:
            end = time.monotonic() + 2 * SLOW
            while self.held() and time.monotonic() < end:
                time.sleep(0.001)
            if self.held():
                return f"stuck: {self.held()}"
            now = self.picture()
            # A handler that runs just now blocks its own signal.
            while now != self.before and time.monotonic() < end:
                if forgiving:
                    self.forgive(now)
                now = self.picture()
        except FileNotFoundError:
            return "dead: a thread"
        for key, value in self.before.items():
            if now.get(key) != value:
                return f"changed: {key}: " + difference(value, now.get(key))
        first = self.beats()
        while time.monotonic() < end + 2:
            if self.fault():
                return "fault: " + self.fault()
            if all(b > a for a, b in zip(first, self.beats()) if a):
                return None
            time.sleep(0.001)
        return "stuck: no progress"

    def check_goes_on(self, when):
        first, end = self.beats(), time.monotonic() + 5 * SLOW
        while True:
            still = [place for place, (a, b) in
                     enumerate(zip(first, self.beats())) if a and a == b]
            if not still or time.monotonic() > end:
                break
            time.sleep(0.001)
        check(not still, f"{when}: no progress at places {still}: " +
              "; ".join(whereabouts(pid) for pid in self.pids))

    def replace(self):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.case.gone(self.pids)
        self.file.close()
        self.start()


def whereabouts(pid):
    """Of each thread: state, wait channel, call, signals, mapping of its pc."""
    lines = []
    maps = (read_text(f"/proc/{pid}/maps") or "").splitlines()
    for tid in sorted(os.listdir(f"/proc/{pid}/task")):
        def one(name):
            text = read_text(f"/proc/{pid}/task/{tid}/{name}") or "?"
            return " ".join(text.split())
        call = one("syscall")
        masks = [line for line in
                 (read_text(f"/proc/{pid}/task/{tid}/status") or ""
                  ).splitlines() if line.startswith(("State", "Sig", "Shd"))]
        at = int(call.split()[-1], 16) if call.split()[-1:] != ["running"] \
            and call != "?" else 0
        where = [line for line in maps if at and int(line.split("-")[0], 16)
                 <= at < int(line.split("-")[1].split()[0], 16)]
        lines.append(f"{tid}: call {call}, waits in {one('wchan')}, {masks}, "
                     f"pc in {where}, stack {one('stack')}")
    return f"{pid}: {len(maps)} mappings, {lines}"


def clear(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def dump_begin(case, victim, *args, **options):
    clear(case.img)
    return subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim.root), "-D", case.img, "-R",
         "--no-default-config", *args], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **{"stderr": subprocess.DEVNULL, **options})


def dump_kill_begin(case, victim):
    clear(case.img)
    return subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim.root), "-D", case.img,
         "--no-default-config"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def dump_time(case, victim):
    times = []
    for _ in range(5):
        start = time.monotonic()
        check(dump_begin(case, victim).wait() == 0, "a plain dump fails")
        times.append(time.monotonic() - start)
    return sorted(times)[2]


def send(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def tracer_of(program):
    """The child that traces, as soon as there is one."""
    while program.poll() is None:
        child = read_text(f"/proc/{program.pid}/task/{program.pid}/children")
        if child:
            return int(child.split()[0])
    return None


def tracer_now(program):
    """The child that traces; engines that had none trace by themselves."""
    child = read_text(f"/proc/{program.pid}/task/{program.pid}/children")
    return int(child.split()[0]) if child else program.pid


def sweep(case, kind, signals, to_tracer=False, harmless=0):
    """At random moments of a dump; returns how often of how many."""
    victim = Restless(case, kind)
    took = dump_time(case, victim)
    pick, harms = random.Random(SEED), collections.Counter()
    for n in range(KILLS):
        dump = dump_begin(case, victim)
        target = tracer_of(dump) if to_tracer else dump.pid
        time.sleep(pick.uniform(0, took * 1.1))
        send(target or dump.pid, signals[n % len(signals)])
        send(target or dump.pid, signal.SIGCONT)
        dump.wait()
        harm = victim.harm(forgiving=to_tracer)
        if harm:
            harms[harm] += 1
            victim.replace()
    said = f"{sum(harms.values())} of {KILLS} harmed"
    print(f"# {case.name}: {said}, {len(victim.left)} with code left behind, "
          f"a dump takes {took * 1000:.1f} ms", *harms, sep="\n#   ",
          flush=True)
    check(sum(harms.values()) <= harmless, f"{said}: {dict(harms)}"[:2000])


@test("SIGKILL of a dump harms no threads", LONG)
def harm_kill_threads(case):
    sweep(case, "threads", [signal.SIGKILL])


@test("SIGKILL of a dump harms no tree", LONG)
def harm_kill_tree(case):
    sweep(case, "tree", [signal.SIGKILL])


@test("SIGKILL of a dump harms no threads in system calls", LONG)
def harm_kill_blocked(case):
    sweep(case, "blocked", [signal.SIGKILL])


@test("SIGKILL of a dump harms nobody in a storm of signals", LONG)
def harm_kill_signals(case):
    sweep(case, "signals", [signal.SIGKILL])


@test("signals that end the engine harm nobody", LONG)
def harm_kill_ending(case):
    sweep(case, "threads", ENDING)


@test("no signal but SIGKILL ends what traces in the middle", LONG)
def harm_kill_blocked_signals(case):
    sweep(case, "blocked", ENDING, to_tracer=True)


@test("SIGKILL of what traces harms no threads", LONG)
def harm_kill_tracer_threads(case):
    sweep(case, "threads", [signal.SIGKILL], True, OPEN)


@test("SIGKILL of what traces harms no tree", LONG)
def harm_kill_tracer_tree(case):
    sweep(case, "tree", [signal.SIGKILL], True, OPEN)


@test("SIGKILL of what traces harms no threads in system calls", LONG)
def harm_kill_tracer_blocked(case):
    sweep(case, "blocked", [signal.SIGKILL], True, OPEN)


@test("SIGKILL of what traces harms nobody in a storm of signals", LONG)
def harm_kill_tracer_signals(case):
    sweep(case, "signals", [signal.SIGKILL], True, OPEN)


INTERVIEW = b"step dump.interview"


PLAYING = b"step dump.inject"


def dump_asked(case, victim, act, when=INTERVIEW):
    """Acts as soon as a dump comes to that step; returns how it ended."""
    dump = dump_begin(case, victim, "-v4", stderr=subprocess.PIPE)
    told = b""
    while when not in told:
        more = os.read(dump.stderr.fileno(), 65536)
        check(more, f"the dump does not come to its interview: {told}")
        told += more
    act(dump)
    if not dump.stderr.closed:
        dump.stderr.read()
        dump.stderr.close()
    return dump.wait()


def send_ending(pid, n):
    send(pid, ENDING[n % len(ENDING)])
    send(pid, signal.SIGCONT)


def asked(case, act, when=INTERVIEW, within=0.0):
    """Dumps of many threads, all of them disturbed within so many seconds."""
    victim, harms = Restless(case, "crowd"), collections.Counter()
    pick = random.Random(SEED)

    def act_soon(dump):
        time.sleep(pick.uniform(0, within))
        act(dump, n)
    for n in range(KILLS):
        dump_asked(case, victim, act_soon, when)
        harm = victim.harm()
        if harm:
            harms[harm] += 1
            victim.replace()
    said = f"{sum(harms.values())} of {KILLS} harmed"
    print(f"# {case.name}: {said}", flush=True)
    check(not harms, f"{said}: {dict(harms)}"[:2000])


@test("signals that end the engine while it asks harm nobody", LONGER)
def harm_kill_asking(case):
    asked(case, lambda dump, n: send_ending(dump.pid, n),
          PLAYING, 0.001)


@test("no signal but SIGKILL ends what traces while it asks", LONGER)
def harm_kill_asking_tracer(case):
    asked(case, lambda dump, n: send_ending(tracer_now(dump), n),
          PLAYING, 0.001)


@test("SIGKILL of an engine while it asks harms nobody", LONGER)
def harm_kill_asking_killed(case):
    asked(case, lambda dump, n: send(dump.pid, signal.SIGKILL),
          PLAYING, 0.001)


@test("a log's reader that goes away while the engine asks harms nobody",
      LONGER)
def harm_kill_log(case):
    asked(case, lambda dump, n: dump.stderr.close())


@test("a log that may not grow while the engine asks harms nobody", LONGER)
def harm_kill_log_size(case):
    victim, log = Restless(case, "crowd"), case.path("log")
    dump_begin(case, victim, "-v4", "-W", case.dir, "-o", log).wait()
    with open(log, "rb") as file:
        size = file.read().index(INTERVIEW) + len(INTERVIEW) + 1
    for _ in range(min(KILLS, 25)):
        dump_begin(case, victim, "-v4", "-W", case.dir, "-o", log,
                   preexec_fn=lambda: resource.setrlimit(
                       resource.RLIMIT_FSIZE, (size, size))).wait()
        harm = victim.harm()
        check(not harm, f"a log of {size} bytes: {harm}")


def restored(pids):
    reap_all()
    return [pid for pid in pids if alive(pid)]


def engines(case):
    """Processes of ours that are an engine: what traces outlives one that is
    killed, and only when it is gone too is it decided who lives."""
    found = []
    for pid in descendants(os.getpid()):
        try:
            if os.readlink(f"/proc/{pid}/exe") == case.stasis:
                found.append(pid)
        except OSError:
            pass
    return found


@test("SIGKILL of a restore leaves all tasks or none", LONG)
def harm_kill_restore(case):
    victim = Restless(case, "tree")
    took = []
    case.dump(victim.root)
    clean = sorted(os.listdir(case.img))
    pick = random.Random(SEED)
    for n in range(KILLS):
        start = time.monotonic()
        engine = subprocess.Popen(
            [case.stasis, "restore", "-d", "-D", case.img,
             "--no-default-config"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if n >= 3:
            time.sleep(pick.uniform(0, sorted(took)[1] * 1.1))
            send(engine.pid, signal.SIGKILL)
        engine.wait()
        took.append(time.monotonic() - start)
        wait_until(lambda: not engines(case), "no engine is left")
        time.sleep(0.02)  # to die takes a moment
        wait_until(lambda: len(restored(victim.pids)) in (0, len(victim.pids)),
                   "all tasks are there, or none", 3.0)
        there = restored(victim.pids)
        check(len(there) in (0, len(victim.pids)), f"only {there} are there")
        if there:
            wait_until(lambda: not victim.held(), "none is held")
            victim.check_goes_on(f"restore {n}, killed={n >= 3}")
        for pid in there:
            send(pid, signal.SIGKILL)
        case.gone(victim.pids)
    check(clean, "there were no images")
    check(not any(state(pid) for pid in victim.pids), "one is left")


@test("SIGKILL of what traces, as soon as one of a dumped tree is killed, "
      "leaves none", LONGER)
def harm_kill_departing(case):
    victim, ends = Restless(case, "tree"), collections.Counter()
    for _ in range(KILLS):
        root = os.open(f"/proc/{victim.root}/stat", os.O_RDONLY)
        dump = dump_kill_begin(case, victim)
        tracer = tracer_of(dump)
        while os.pread(root, 40, 0).split(b") ")[1][:1] not in b"ZX":
            pass
        send(tracer, signal.SIGKILL)
        os.close(root)
        dump.wait()
        wait_until(lambda: not engines(case), "no engine is left")
        time.sleep(0.02)  # to die takes a moment
        ends[len(restored(victim.pids))] += 1
        check(harm.whole(case.img), "the images are not whole")
        victim.replace()
    print(f"# {case.name}: so many lived: {dict(ends)}", flush=True)
    check(set(ends) == {0}, f"so many lived on: {dict(ends)}")


@test("SIGKILL of check leaves no process of its probes", LONG)
def harm_kill_check(case):
    took, pick = [], random.Random(SEED)
    for n in range(KILLS):
        start = time.monotonic()
        engine = subprocess.Popen(
            [case.stasis, "check", "--all"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if n >= 3:
            time.sleep(pick.uniform(0, sorted(took)[1]))
            send(engine.pid, signal.SIGKILL)
        engine.wait()
        took.append(time.monotonic() - start)
        wait_until(lambda: not engines(case), "no probe is left", 1.0)
