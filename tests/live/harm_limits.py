# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_limits: surroundings of the engine that do not become the victim's,
limits that leave no room, and memory that cannot be dumped."""
import os
import platform
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

import harm
from harness import (LIMIT, SLOW, Result, Skip, check, read_text, state, test,
                     wait_until)


CAP_SYS_RESOURCE = 24


def capabilities():
    """Our own effective ones, as the engines that we start have them."""
    for line in read_text("/proc/self/status").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def surroundings(pid):
    """What a newborn would inherit, were it not restored."""
    keep = re.compile("Umask|Sig(Ign|Blk|Cgt)|Cap|Cpus_allowed:")
    stat = read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return {
        "limits": read_text(f"/proc/{pid}/limits"),
        "status": [line for line in
                   read_text(f"/proc/{pid}/status").splitlines()
                   if keep.match(line)],
        "nice": stat[16],
        "cwd": os.readlink(f"/proc/{pid}/cwd"),
        "oom_score_adj": read_text(f"/proc/{pid}/oom_score_adj"),
        "environ": read_text(f"/proc/{pid}/environ"),
    }


def soft_limit(which, value):
    """The hard one stays: not everywhere it can be raised again."""
    resource.setrlimit(which, (value, resource.getrlimit(which)[1]))


def oddly():
    """Run in the engine before it begins."""
    soft_limit(resource.RLIMIT_NOFILE, 280)
    soft_limit(resource.RLIMIT_CORE, 0)
    soft_limit(resource.RLIMIT_STACK, 1 << 20)
    soft_limit(resource.RLIMIT_NPROC, 1000)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE,
                   signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGALRM])
    os.umask(0o077)
    os.nice(3)
    os.chdir("/")


def few_fds():
    soft_limit(resource.RLIMIT_NOFILE, 280)


@test("limits, signals, umask, nice and folder of the engine stay the "
      "engine's")
def harm_surroundings(case):
    victim = case.start([case.program("epoll_many")], preexec_fn=few_fds)
    case.ready(victim)
    before = surroundings(victim)
    result = case.engine("dump", "-t", str(victim), "-D", case.img, "-o",
                         "dump.log", preexec_fn=oddly)
    check(result.code == 0, f"dump failed: {result.explain()}")
    case.gone([victim])
    result = case.engine("restore", "-d", "-D", case.img, "-o", "restore.log",
                         preexec_fn=oddly)
    check(result.code == 0, f"restore failed: {result.explain()}")
    after = surroundings(victim)
    for key, value in before.items():
        check(after[key] == value, f"{key} was\n{value}\nand is\n{after[key]}")
    case.go()
    case.await_verdict(victim)


def crowded():
    """250 files that nobody asked for, as some who start engines leave."""
    for _ in range(250):
        os.set_inheritable(os.open("/", os.O_RDONLY), True)


@test("an engine that is started with 250 open files gives each task its own "
      "numbers, and nothing else")
def harm_many_open(case):
    for program in ("fds_apart", "memfds_many"):
        victim = case.start([case.program(program)])
        case.ready(victim)
        result = case.engine("dump", "-t", str(victim), "-D", case.img, "-o",
                             "dump.log", preexec_fn=crowded, close_fds=False)
        check(result.code == 0, f"dump failed: {result.explain()}")
        case.gone([victim])
        result = case.engine("restore", "-d", "-D", case.img, "-o",
                             "restore.log", preexec_fn=crowded,
                             close_fds=False)
        check(result.code == 0, f"restore failed: {result.explain()}")
        case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))
        shutil.rmtree(case.img)
        os.mkdir(case.img)


def hardly_any_fds():
    soft_limit(resource.RLIMIT_NOFILE, 64)


def small_files(size):
    return lambda: soft_limit(resource.RLIMIT_FSIZE, size)


@test("a restore that may make no file of the size that it needs is one clear "
      "error, and a log that may not grow stops nothing")
def harm_file_size(case):
    victim, full = case.start([case.program("fd_gaps")]), case.path("full.log")
    case.ready(victim)
    with open(full, "wb") as file:
        file.truncate(1 << 20)

    def engine(*args, size=1 << 20):
        return case.engine(
            *args, "-D", case.img, "-v4",
            preexec_fn=lambda: soft_limit(resource.RLIMIT_FSIZE, size))

    result = engine("dump", "-t", str(victim), "-W", case.work, "-o", full)
    check(result.code == 0, f"dump failed: {result.explain()}")
    case.gone([victim])
    for size in (0, 1, 100):
        result = engine("restore", "-d", "-W", case.work, "-o", full, size=size)
        harm.check_one_error(result, "File too large")
        check("ulimit -f" in result.err, f"no hint: {result.err}")
        check(state(victim) is None, "something lives")
    result = engine("restore", "-d", "-W", case.work, "-o", full)
    check(result.code == 0, f"restore failed: {result.explain()}")
    case.go()
    case.await_verdict(victim)


@test("more memory objects are dumped than the engine may open files")
def harm_few_files(case):
    victim = case.start([case.program("memfds_many")])
    case.ready(victim)
    result = case.engine("dump", "-t", str(victim), "-D", case.img, "-o",
                         "dump.log", preexec_fn=hardly_any_fds)
    check(result.code == 0, f"dump failed: {result.explain()}")
    case.gone([victim])
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


def few_numbers():
    resource.setrlimit(resource.RLIMIT_NOFILE, (320, 320))


@test("what a restore has not enough fd numbers for is refused by the dump")
def harm_no_numbers(case):
    if capabilities() >> CAP_SYS_RESOURCE & 1:
        raise Skip("with CAP_SYS_RESOURCE the limit can be raised")
    victim = case.start([case.program("memfds_many")])
    case.ready(victim)
    result = case.engine("dump", "-t", str(victim), "-D", case.img, "-o",
                         "dump.log", preexec_fn=few_numbers)
    harm.check_one_error(result, f"process {victim}", "open files")
    check("ulimit" in result.err, f"no hint how to go on: {result.err}")
    check(not harm.whole(case.img), "the image looks whole")
    case.go()
    case.await_verdict(victim)


@test("a victim whose hard limits leave no room for the agent is one clear "
      "error")
def harm_no_room(case):
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        victim = case.start([case.program("fd_gaps")])
        case.ready(victim)
        resource.prlimit(victim, limit, (1 << 12, 1 << 12))
        result = case.try_dump(victim)
        harm.check_one_error(result, rf"process {victim}", "memory")
        check("hint: " in result.err and "RLIMIT" in result.err,
              f"no hint says which limit: {result.err}")
        check(not harm.whole(case.img), "the image looks whole")
        check(resource.prlimit(victim, limit) == (1 << 12, 1 << 12),
              "the limit is another one now")
        case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))


@test("limits below use, of another user and with locks, hold after a dump "
      "that leaves the process running, and after one that fails")
def harm_room_lifted(case):
    if not shutil.which("setpriv"):
        raise Skip("there is no setpriv")
    for program in ("rlimit_below_use", "lock_below_use"):
        victim = case.start(["setpriv", *NOBODY, case.program(program)])
        case.ready(victim)
        before = read_text(f"/proc/{victim}/limits")
        memory = open(f"/proc/{victim}/maps").read()
        for more, code in ((["-R"], 0), (["--fail-at", "dump.inject"], 1),
                           (["--fail-at", "dump.capture"], 1)):
            result = case.try_dump(victim, *more)
            check(result.code == code, f"{more}: {result.explain()}")
            check(read_text(f"/proc/{victim}/limits") == before,
                  f"{program}: a limit is another one after {more}")
            check(open(f"/proc/{victim}/maps").read() == memory,
                  f"{program}: its memory is another one after {more}")
            shutil.rmtree(case.img)
            os.mkdir(case.img)
        case.dump(victim)
        case.restore(victim)
        case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))


@test("a victim whose address space or number of mappings is used up is one "
      "clear error")
def harm_many_open(case):
    for kind in ("space", "maps"):
        victim = case.start([case.program("crowded"), kind])
        case.ready(victim)
        if case.verdict() is None:
            before = [read_text(f"/proc/{victim}/{name}")
                      for name in ("maps", "limits")]
            result = case.try_dump(victim)
            harm.check_one_error(result, rf"process {victim}", "memory")
            check("hint: " in result.err and "max_map_count" in result.err,
                  f"no hint says what to do: {result.err}")
            check(not harm.whole(case.img), "the image looks whole")
            after = [read_text(f"/proc/{victim}/{name}")
                     for name in ("maps", "limits")]
            check(after == before, f"{kind}: it is changed")
            case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))


@test("System V shared memory is one clear error, whatever its number")
def harm_sysv(case):
    victim = case.start([case.program("sysv")])
    case.ready(victim)
    result = case.try_dump(victim)
    harm.check_one_error(result, rf"process {victim}", "System V")
    check(not harm.whole(case.img), "the image looks whole")
    case.go()
    case.await_verdict(victim)


@test("keys that only a thread or a process has are one clear error")
def harm_keyrings(case):
    for whose, words in (("process", "its process"), ("thread", "its own")):
        victim = case.start([case.program("keyring"), whose])
        case.ready(victim)
        if case.verdict() is None:
            result = case.try_dump(victim)
            harm.check_one_error(result, r"thread \d+", f"keyring of {words}")
            check(not harm.whole(case.img), "the image looks whole")
            case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))


@test("shared tagged memory (MTE) is one clear error")
def harm_tagged(case):
    victim = case.start([case.program("tagged")])
    case.ready(victim)
    if case.verdict() is None:
        result = case.try_dump(victim)
        harm.check_one_error(result, rf"process {victim}", "MTE")
        check(not harm.whole(case.img), "the image looks whole")
        case.go()
    case.await_verdict(victim)


@test("a parent that waits in vfork is one clear error, and in time")
def harm_vfork(case):
    victim = case.start([case.program("vforked")])
    case.ready(victim)
    result = case.try_dump(victim, "--timeout", "1")
    harm.check_one_error(result, "stop|freez|share")
    check(not harm.whole(case.img), "the image looks whole")
    case.go()
    case.await_verdict(victim)


def dump_interrupted(case, sig):
    """A dump that waits for a thread gets a signal: its result, seconds."""
    victim = case.start([case.program("vforked")])
    case.ready(victim)
    log = os.path.join(case.img, "dump.log")
    dump = subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim), "-D", case.img, "-v4", "-o",
         "dump.log", "--timeout", "0"], stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: "dump.freeze" in (read_text(log) or ""), "it freezes")
    time.sleep(0.2)
    check(dump.poll() is None, "the test's victim stops at once")
    started = time.monotonic()
    dump.send_signal(sig)
    out, err = dump.communicate(timeout=LIMIT)
    took = time.monotonic() - started
    case.go()
    case.await_verdict(victim)
    return Result(dump.returncode, out, err, log), took


@test("SIGINT and SIGTERM end the wait for a thread that does not stop")
def harm_vfork_interrupted(case):
    for sig, name in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
        result, took = dump_interrupted(case, sig)
        harm.check_one_error(result, name, "did not stop")
        check(took < 2.0 * SLOW, f"{name} acted after {took:.1f} s")
        check(not harm.whole(case.img), "the image looks whole")
        for file in os.listdir(case.work):
            os.unlink(case.path(file))


NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"]
RIGHTS = ["--inh-caps=+checkpoint_restore,+sys_ptrace",
          "--ambient-caps=+checkpoint_restore,+sys_ptrace"]


def dump_as_nobody(case, victim):
    """With the two capabilities that an engine needs, and no other."""
    engine = os.path.join(case.dir, "engine")
    shutil.copy(case.stasis, engine)
    done = subprocess.run(
        ["setpriv", *NOBODY, *RIGHTS, engine, "dump", "--unprivileged", "-t",
         str(victim), "-D", case.img, "-v4", "-o", "dump.log"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
        errors="replace", env={"HOME": "/nonexistent"})
    return Result(done.returncode, done.stdout, done.stderr,
                  os.path.join(case.img, "dump.log"))


@test("without the right to suspend seccomp a confined victim is refused")
def harm_seccomp_rights(case):
    if not shutil.which("setpriv"):
        raise Skip("there is no setpriv")
    for program in ("seccomp_filter", "seccomp_strict"):
        victim = case.start(
            ["setpriv", *NOBODY, case.program(program)])
        case.ready(victim)
        result = dump_as_nobody(case, victim)
        harm.check_one_error(result, r"thread \d+", "seccomp")
        check(state(victim) in ("R", "S"), f"{program} does not run on")
        case.go()
        case.await_verdict(victim)
        for name in os.listdir(case.work):
            os.unlink(case.path(name))


def program_32(case):
    """A program for 32-bit x86 that calls pause() for ever."""
    code = bytes.fromhex("b81d000000cd80ebf7")
    size, at = 52 + 32, 0x10000
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1,
                       at + size, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0, at, at, size + len(code),
                          size + len(code), 5, 4096)
    path = case.path("program")
    with open(path, "wb") as file:
        file.write(head + segment + code)
    os.chmod(path, 0o755)
    return path


@test("a 32-bit program is one clear error, and runs on")
def harm_32_bit(case):
    if platform.machine() != "x86_64":
        raise Skip("only x86_64 kernels are known to run 32-bit programs")
    try:
        victim = case.start([program_32(case)])
    except OSError as error:
        raise Skip(f"no 32-bit programs here: {error}")
    wait_until(lambda: state(victim) == "S", "the program is up")
    result = case.try_dump(victim)
    harm.check_one_error(result, rf"\b{victim}\b", "32-bit")
    check(not harm.whole(case.img), "the image looks whole")
    wait_until(lambda: state(victim) == "S", "the program runs on")
    check(harm.registers(victim, victim).startswith("29 "),
          f"it waits in {harm.registers(victim, victim)}")
