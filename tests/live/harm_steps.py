# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_steps: each step of both walks fails once, and nobody is harmed."""
import contextlib
import os
import random
import signal
import subprocess
import time

import harm
import harness
from harness import Failure, Skip, check, descendants, reap_all, state, test, wait_until


def steps(case, walk):
    result = case.engine("--fail-at", "list")
    check(result.code == 0, f"--fail-at list: {result.explain()}")
    names = [name for name in result.out.split() if name.startswith(walk)]
    check(len(names) >= 5, f"--fail-at list names {names}")
    return names


@test("after a failure in any step of dump the victim is as it was", limit=60)
def harm_dump_steps(case):
    names = steps(case, "dump.")
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for name in names:
        img = case.make_dir(name)
        result = case.try_dump(victim, "--fail-at", name, img=img)
        harm.check_one_error(result, name)
        harm.check_same(before, harm.settle(victim, before), name)
        check(not harm.whole(img), f"{name}: the image looks whole: "
              f"{os.listdir(img)}")
    case.dump(victim)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("a failed dump with -R or -s leaves the victim running as well",
      limit=60)
def harm_dump_steps_running(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for option in ("-R", "-s"):
        for name in ("dump.interview", "dump.pages", "dump.depart"):
            img = case.make_dir(option + name)
            result = case.try_dump(victim, option, "--fail-at", name, img=img)
            harm.check_one_error(result, name)
            harm.check_same(before, harm.settle(victim, before), name)
            check(not harm.whole(img), f"{name}: the image looks whole")
    harm.quiet_verdict(case, victim)


def pss_kb(pids):
    """What they hold, each page counted once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file
                         if line.startswith("Pss:"))
    return total


@test("a dump makes no copy of what a tree shares copy-on-write", limit=60)
def harm_dump_shares(case):
    victim = case.start([case.program("cow")])
    case.ready(victim)
    tree = [victim] + descendants(victim)
    before = pss_kb(tree)
    result = case.try_dump(victim, "--fail-at", "dump.depart")
    harm.check_one_error(result, "dump.depart")
    after = pss_kb(tree)
    check(after < before + before // 8,
          f"they held {before} kB before and {after} kB after")
    case.dump(victim)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("dump -R changes nothing in the victim, ten times in a row", limit=60)
def harm_dump_running(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for number in range(10):
        img = case.make_dir(f"img{number}")
        case.dump(victim, "-R", img=img)
        harm.check_same(before, harm.settle(victim, before), f"dump {number}")
    harm.quiet_verdict(case, victim)


@test("what is restored is what was dumped: memory, maps, fds, registers",
      limit=60)
def harm_restored_same(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    case.dump(victim)
    case.restore(victim)
    wait_until(lambda: harm.blocked(victim), "the victim is quiet again")
    after = harm.picture(victim)
    for seen in (before, after):
        for key, value in seen.items():
            if key.endswith("status"):
                seen[key] = [line for line in value if "PPid" not in line]
            if key.endswith("fds"):
                seen[key] = [(fd, name.split(":")[0]) for fd, name in value]
            if key.endswith("maps"):
                seen[key] = maps_plain(value)
            if key.endswith("memory"):
                seen[key] = {" ".join(line.split()[:2])
                             for line in value.splitlines()
                             if "/" not in line}
    harm.check_same(before, after, "after restore")
    harm.quiet_verdict(case, victim)


def maps_plain(maps):
    """Without inodes of shared anonymous memory, which is made anew, and with
    neighbours joined that the kernel may join as well."""
    plain = []
    for line in maps.splitlines():
        span, prot, offset, device, inode, *name = line.split()
        start, end = (int(x, 16) for x in span.split("-"))
        offset = int(offset, 16)
        if name and "/dev/zero" in name[0]:
            device, inode, name = "", "", ["shared"]
        about = (prot, device, inode, *name)
        if plain and plain[-1][1] == start and plain[-1][3] == about and (
                not name or name[0][0] == "/"
                and offset == plain[-1][2] + start - plain[-1][0]):
            plain[-1][1] = end
        else:
            plain.append([start, end, offset, about])
    return "".join(f"{start:x}-{end:x} {offset:x} {' '.join(about)}\n"
                   for start, end, offset, about in plain)


@test("after a failure in any step of restore nothing is left", limit=60)
def harm_restore_steps(case):
    names = steps(case, "restore.")
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    before = harm.host_picture(case)
    for name in names:
        result = case.try_restore("--fail-at", name)
        harm.check_one_error(result, name)
        harm.check_nothing_created(case, before, tree, name)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("a failed dump over an older image does not leave the older one",
      limit=60)
def harm_dump_over_image(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim, "-R")
    result = case.try_dump(victim, "--fail-at", "dump.pages")
    harm.check_one_error(result, "dump.pages")
    harm.quiet_verdict(case, victim)
    case.gone(tree)
    if harm.whole(case.img):
        # Then it must be the older image, untouched.
        case.restore(victim)


def interrupted(case, args, tree, number):
    """Run the engine, signal it after a random time; its exit code."""
    child = subprocess.Popen(
        [case.stasis, *args], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, 0.012))
    child.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)
    return child.wait(10)


@test("SIGINT and SIGTERM at any time of dump leave the victim as it was",
      limit=60)
def harm_dump_signals(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    ends = set()
    for number in range(60):
        img = case.make_dir(f"img{number}")
        code = interrupted(case, ["dump", "-R", "-t", str(victim), "-D", img,
                                  "-o", "dump.log", "-v4"], None, number)
        case.logs = [os.path.join(img, "dump.log")]
        harm.check_same(before, harm.settle(victim, before),
                        f"try {number}, exit {code}")
        if code != 0:
            check(not harm.whole(img), f"try {number}: exit {code}, but the "
                  f"image looks whole: {os.listdir(img)}")
        ends.add(code)
    check(ends != {0}, "no signal came in time")
    harm.quiet_verdict(case, victim)


@test("SIGINT and SIGTERM at any time of restore leave nothing or all",
      limit=60)
def harm_restore_signals(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    before = harm.host_picture(case)
    for number in range(60):
        code = interrupted(case, ["restore", "-d", "-D", case.img, "-o",
                                  "restore.log", "-v4"], tree, number)
        case.logs = [os.path.join(case.img, "restore.log")]
        if code == 0:
            check(all(state(pid) for pid in tree),
                  f"try {number}: exit 0, but not all tasks are there")
            for pid in reversed(tree):
                os.kill(pid, signal.SIGKILL)
            case.gone(tree)
        harm.check_nothing_created(case, before, tree,
                                   f"try {number}, exit {code}")
    case.restore(victim)
    harm.quiet_verdict(case, victim)


def kill_all(tree):
    for pid in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@test("SIGKILL of the engine at any time of restore leaves no newborn behind",
      limit=90)
def harm_restore_killed(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    early = 0
    for number in range(40):
        child = subprocess.Popen(
            [case.stasis, "restore", "-d", "-D", case.img, "-o",
             "restore.log", "-v4"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.025))
        child.kill()
        child.wait(10)
        log = os.path.join(case.img, "restore.log")
        case.logs = [log]
        if "restore.depart" in (harness.read_text(log) or ""):
            kill_all(tree)
        else:
            early += 1
        case.gone(tree)
        if os.path.exists(log):
            os.unlink(log)
    check(early > 0, "no signal came in time")
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("SIGKILL of a restore leaves none behind that it had stopped")
def harm_restore_killed_stopped(case):
    victim = case.start([case.program("stopped")])
    case.ready(victim)
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: state(victim) == "T", "it is stopped")
    tree = [victim] + descendants(victim)
    case.dump(victim)
    log, stopped = os.path.join(case.img, "restore.log"), 0
    for _ in range(10):
        engine = subprocess.Popen(
            [case.stasis, "restore", "-d", "-D", case.img, "-o",
             "restore.log", "-v4"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while engine.poll() is None and not state(victim):
            pass
        engine.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        seen = state(victim) == "T"
        engine.kill()
        engine.wait()
        case.logs = [log]
        if "restore.depart" in (harness.read_text(log) or ""):
            kill_all(tree)
        else:
            stopped += seen
        case.gone(tree)
    check(stopped > 0, "none was stopped in time")


DEAF = """trap '' TERM INT
test "$CRTOOLS_SCRIPT_ACTION" = post-dump || exit 0
: >"$AT_WORK"
while :; do sleep 0.1; done"""


@test("a script that is deaf to the end of a dump is ended, and all go on",
      limit=30)
def harm_script_deaf(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    at_work = case.path("at work")
    engine = subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim), "-D", case.img, "-R",
         "--action-script", DEAF], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, AT_WORK=at_work))
    wait_until(lambda: os.path.exists(at_work), "the script is at work")
    engine.send_signal(signal.SIGINT)
    try:
        said = engine.communicate(timeout=6 * harness.SLOW)[1]
    except subprocess.TimeoutExpired:
        for pid in descendants(engine.pid)[::-1]:
            os.kill(pid, signal.SIGKILL)
        engine.wait()
        raise Failure("the engine waits for ever") from None
    check(engine.returncode == 1 and "interrupted by SIGINT" in said,
          f"exit {engine.returncode}: {said}")
    harm.check_same(before, harm.settle(victim, before), "after the dump")
    harm.quiet_verdict(case, victim)


@test("dump -R keeps the time that interrupted sleeps have left")
def harm_sleepers(case):
    victim = case.start([case.program("sleepers")])
    case.ready(victim)
    for number in range(2):
        img = case.make_dir(f"img{number}")
        case.dump(victim, "-R", img=img)
        time.sleep(0.05)
        check(case.verdict() in (None, "ok"), case.verdict())
        if case.verdict():
            break
    case.await_verdict(victim)


@test("a dump that fails keeps the time that interrupted sleeps have left")
def harm_sleepers_failed(case):
    victim = case.start([case.program("sleepers")])
    case.ready(victim)
    for name in ("dump.interview", "dump.capture", "dump.depart"):
        img = case.make_dir(name)
        harm.check_one_error(case.try_dump(victim, "--fail-at", name, img=img))
    case.await_verdict(victim)


def churn(case, name, rounds):
    """Dump a restless victim many times; it must never be disturbed."""
    victim = case.start([case.program(name)])
    case.ready(victim)
    good = 0
    for number in range(rounds):
        img = case.make_dir(f"img{number}")
        result = case.try_dump(victim, "-R", img=img)
        check(state(victim) in ("R", "S", "D"),
              f"round {number}: the victim is in state {state(victim)}: "
              f"{result.explain()}")
        check(case.verdict() is None,
              f"round {number}: {case.verdict()}\n{result.explain()}")
        if result.code != 0:
            harm.check_one_error(result)
            check(not harm.whole(img), f"round {number}: looks whole")
        good += result.code == 0
        time.sleep(random.uniform(0, 0.01))
    check(good >= rounds * 3 // 4, f"only {good} of {rounds} dumps succeeded: "
          f"{result.explain()}")
    for _ in range(5):
        img = case.make_dir(f"last{_}")
        result = case.try_dump(victim, img=img)
        if result.code == 0:
            break
    check(result.code == 0, f"dump failed: {result.explain()}")
    wait_until(lambda: reap_all() or not descendants(os.getpid()),
               "the tree is gone")
    case.restore(victim, img=img)
    case.go()
    case.await_verdict(victim)


@test("a victim that forks and reaps without end is frozen unharmed", limit=60)
def harm_churn_forks(case):
    churn(case, "churn_forks", 25)


@test("a victim that starts and joins threads without end is frozen unharmed",
      limit=60)
def harm_churn_threads(case):
    churn(case, "churn_threads", 25)


@test("a victim that execs itself without end is frozen unharmed", limit=60)
def harm_churn_execs(case):
    churn(case, "churn_execs", 25)


@test("a victim that maps and unmaps without end is frozen unharmed", limit=60)
def harm_churn_memory(case):
    churn(case, "churn_memory", 25)


@test("a victim that exits while it is frozen is one clear error or an image",
      limit=60)
def harm_churn_exit(case):
    for number in range(30):
        img = case.make_dir(f"img{number}")
        delay = random.uniform(0.005, 0.03)
        victim = case.start(["sleep", f"{delay:.4f}"])
        time.sleep(0.008)
        result = case.try_dump(victim, img=img)
        if result.code != 0:
            harm.check_one_error(result)
            check(not harm.whole(img), f"round {number}: looks whole")
        wait_until(lambda: reap_all() or not state(victim), "it has ended")


@test("when an injection fails, the log tells where the victim's threads stand")
def harm_stacks(case):
    victim = case.start([case.program("threads")])
    case.ready(victim)
    result = case.try_dump(victim, "--fail-at", "dump.inject")
    check(result.code == 1, f"exit {result.code}")
    log = harness.read_text(result.log)
    for tid in sorted(int(tid) for tid in
                      os.listdir(f"/proc/{victim}/task"))[:4]:
        check(f"thread {tid} of process {victim} stands at:" in log,
              f"nothing about thread {tid}: {log}")
    check("main+0x" in log and case.program("threads") in log,
          f"no function of the program: {log}")
    check("Error" in log.splitlines()[-1], f"the error is not last: {log}")
    case.go()
    case.await_verdict(victim)


@test("a victim whose unwind tables never end is cured in time, and the log "
      "tells of it")
def harm_garbled(case):
    victim = case.start([case.program("garbled")])
    case.ready(victim)
    began = time.monotonic()
    result = case.try_dump(victim, "--fail-at", "dump.inject")
    took = time.monotonic() - began
    check(result.code == 1, f"exit {result.code}")
    check(took < 8, f"it took {took:.0f} s")
    log = harness.read_text(result.log)
    check("it took too long" in log, log[-2000:])
    check(f"thread {victim} of process {victim} stands at:" in log
          and "main+0x" in log, log[-2000:])
    case.go()
    case.await_verdict(victim)


def scribbled(case, *options):
    """Dump a victim whose agent is overwritten with an endless loop; the
    engine while it waits, and the victim."""
    victim = case.start([case.program("scribbled")])
    case.ready(victim)
    other = subprocess.Popen([case.program("scribbled"), "at", str(victim)],
                             env=dict(os.environ, CHECKPOINT_DIR=case.work))
    # An agent is there for a moment only: until it is hit.
    for number in range(100):
        engine = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D",
             case.make_dir(f"try{number}"), "-R", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        while engine.poll() is None and other.poll() is None:
            time.sleep(0.002)
        # One that was hit when its agent had said all ends soon, and well.
        with contextlib.suppress(subprocess.TimeoutExpired):
            engine.wait(1.5 if other.poll() is not None else 0)
        if engine.poll() != 0:
            check(other.poll() == 0, "no agent was found")
            return engine, victim
        if other.poll() is not None:
            other = subprocess.Popen(other.args, env=dict(
                os.environ, CHECKPOINT_DIR=case.work))
    other.kill()
    raise harness.Failure("no agent was hit in a hundred dumps")


def unless_torn(attempt):
    """Code that is written while it runs may be read half old, half new: a
    CPU then meets an instruction that nobody wrote, and the scribbler has
    killed his own victim. That shows nothing of the engine."""
    try:
        attempt()
    except Failure as why:
        if "Illegal instruction" in str(why) or \
                f"died of signal {signal.SIGILL.value}" in str(why):
            raise Skip("the scribbler tore an instruction apart") from why
        raise


def scribbled_end(case, engine, victim, word, limit):
    try:
        said = engine.communicate(timeout=limit * harness.SLOW)[1]
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()
        raise harness.Failure("the engine waits for ever") from None
    # It may have been hit on its way out, when all was said: then it is given
    # up, too, and the dump is whole.
    check(engine.returncode == 0 or engine.returncode == 1 and word in said,
          f"exit {engine.returncode}: {said}")
    maps = harness.read_text(f"/proc/{victim}/maps")
    check(not any(line.split()[1] == "r-xp" and len(line.split()) == 5
                  for line in maps.splitlines()), f"an agent is left: {maps}")
    case.go()
    case.await_verdict(victim)


@test("an agent that its victim makes loop for ever is given up after a time",
      limit=40)
def harm_scribbled(case):
    def attempt():
        engine, victim = scribbled(case, "--timeout", "2")
        scribbled_end(case, engine, victim, "did not come back", 20)
    unless_torn(attempt)


@test("an agent that its victim makes loop for ever is given up at SIGINT",
      limit=40)
def harm_scribbled_signal(case):
    def attempt():
        engine, victim = scribbled(case, "--timeout", "0")
        time.sleep(0.5)
        engine.send_signal(signal.SIGINT)
        scribbled_end(case, engine, victim, "interrupted by SIGINT", 12)
    unless_torn(attempt)
