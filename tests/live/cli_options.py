# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_options: what the options of dump and restore promise."""
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

from harness import (Skip, alive, check, descendants, read_text, state, test,
                     wait_until)


def victim_of(case, name="threads"):
    victim = case.start([case.program(name)])
    case.ready(victim)
    return victim


def kill_tree(case, pid):
    tree = [pid] + descendants(pid)
    for one in reversed(tree):
        os.kill(one, signal.SIGKILL)
    case.gone(tree)


@test("dump -R leaves the tree running, and its image restores")
def cli_leave_running(case):
    victim = victim_of(case, "tree")
    case.dump(victim, "-R")
    check(alive(victim) and state(victim) != "T", "the victim does not run")
    kill_tree(case, victim)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("dump -s leaves the tree stopped, and it can be continued")
def cli_dump_stopped(case):
    victim = victim_of(case, "tree")
    case.dump(victim, "-s")
    tree = [victim] + descendants(victim)
    wait_until(lambda: all(state(pid) == "T" for pid in tree),
               "all tasks are stopped")
    for pid in tree:
        os.kill(pid, signal.SIGCONT)
    case.go()
    case.await_verdict(victim)


@test("restore -s leaves the restored tree stopped")
def cli_restore_stopped(case):
    victim = victim_of(case, "tree")
    case.dump(victim)
    case.restore(victim, "-s")
    tree = [victim] + descendants(victim)
    check(len(tree) == 13, f"the tree has {len(tree)} tasks, not 13")
    wait_until(lambda: all(state(pid) == "T" for pid in tree),
               "all tasks are stopped")
    for pid in tree:
        os.kill(pid, signal.SIGCONT)
    case.go()
    case.await_verdict(victim)


@test("a stopped root is dumped and restored stopped")
def cli_stopped_root(case):
    victim = victim_of(case)
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: state(victim) == "T", "the victim is stopped")
    case.dump(victim)
    case.restore(victim)
    wait_until(lambda: state(victim) == "T", "it is stopped again")
    os.kill(victim, signal.SIGCONT)
    case.go()
    case.await_verdict(victim)


@test("the engine works with a stack of 64 KiB")
def cli_small_stack(case):
    victim = victim_of(case)
    was = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, was[1]))
    try:
        case.dump(victim)
        case.restore(victim)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, was)
    case.go()
    case.await_verdict(victim)


@test("restore --pidfile writes the pid of the root")
def cli_pidfile(case):
    victim = victim_of(case)
    case.dump(victim)
    case.restore(victim, "--pidfile", "root.pid")
    text = read_text(os.path.join(case.img, "root.pid"), "")
    check(text.strip() == str(victim), f"the pidfile says {text!r}")
    case.go()
    case.await_verdict(victim)


@test("restore without -d waits for the tree and exits 0")
def cli_foreground(case):
    victim = victim_of(case)
    case.dump(victim)
    child = subprocess.Popen(
        [case.stasis, "restore", "-D", case.img, "-o", "restore.log", "-v4"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    case.logs.append(os.path.join(case.img, "restore.log"))
    wait_until(lambda: alive(victim) or child.poll() is not None,
               "the victim is back")
    time.sleep(0.1)
    check(child.poll() is None, "restore did not wait")
    case.go()
    case.await_verdict(victim)
    check(child.wait(5) == 0, f"restore ended with {child.returncode}")


@test("restore -d -S makes the tree a child of restore's own parent")
def cli_sibling(case):
    victim = victim_of(case)
    case.dump(victim)
    case.restore(victim, "-S")
    with open(f"/proc/{victim}/status") as file:
        check(f"PPid:\t{os.getpid()}\n" in file.read(), "a wrong parent")
    case.go()
    case.await_verdict(victim)


@test("restore --exec-cmd runs the command once the tree is restored")
def cli_exec_cmd(case):
    victim = victim_of(case)
    case.dump(victim)
    result = case.engine(
        "restore", "-D", case.img, "-o", "restore.log", "-v4", "--exec-cmd",
        "--", "sh", "-c", f"kill -0 {victim} && : >{case.path('go')}; wait",
        log=os.path.join(case.img, "restore.log"))
    check(result.code == 0, f"exec-cmd: {result.explain()}")
    case.await_verdict(victim)


@test("action scripts are called in the known order with their environment")
def cli_action_script(case):
    script = os.path.join(case.dir, "script")
    with open(script, "w") as file:
        file.write('#!/bin/sh\necho "$CRTOOLS_SCRIPT_ACTION '
                   f'$CRTOOLS_INIT_PID" >>{case.dir}/actions\n'
                   'test -d "$CRTOOLS_IMAGE_DIR"\n')
    os.chmod(script, 0o755)
    victim = victim_of(case)
    case.dump(victim, "--action-script", script)
    case.restore(victim, "--action-script", script)
    lines = [line.split() for line in
             read_text(os.path.join(case.dir, "actions"), "").splitlines()]
    names = [line[0] for line in lines if line[0] != "network-unlock"]
    check(names == ["pre-dump", "post-dump", "pre-restore", "post-restore",
                    "pre-resume", "post-resume"], f"called: {names}")
    pids = {line[0]: line[1:] for line in lines}
    check(pids["post-restore"] == [str(victim)],
          f"CRTOOLS_INIT_PID is {pids['post-restore']} at post-restore")
    case.go()
    case.await_verdict(victim)


@test("a failing post-dump script fails the dump and the victim runs on")
def cli_script_fails(case):
    script = os.path.join(case.dir, "script")
    with open(script, "w") as file:
        file.write('#!/bin/sh\ntest "$CRTOOLS_SCRIPT_ACTION" != post-dump '
                   '|| exit 7\n')
    os.chmod(script, 0o755)
    victim = victim_of(case)
    result = case.try_dump(victim, "--action-script", script)
    check(result.code == 7, f"not the script's exit status: {result.code}")
    check(alive(victim), "the victim is gone")
    case.go()
    case.await_verdict(victim)


@test("a failing pre-dump script fails the dump with exit status 1")
def cli_script_refuses(case):
    victim = victim_of(case)
    result = case.try_dump(victim, "--action-script", "exit 7")
    check(result.code == 1, f"exit {result.code}")
    check(alive(victim), "the victim is gone")
    case.go()
    case.await_verdict(victim)


def job_of(case):
    """A program in the session of a shell that is not dumped with it."""
    case.start(["sh", "-c", f"{case.program('threads')} & "
                f"echo $! >{case.path('pid.new')}; "
                f"mv {case.path('pid.new')} {case.path('pid')}; wait"])
    wait_until(lambda: os.path.exists(case.path("pid")), "the job runs")
    pid = int(read_text(case.path("pid")))
    case.ready(pid)
    return pid


@test("a job of a shell is dumped and restored only with --shell-job")
def cli_shell_job(case):
    job = job_of(case)
    result = case.try_dump(job)
    check(result.code == 1, "dump succeeded without --shell-job")
    check("--shell-job" in result.err, f"no hint: {result.err}")
    check("whose leader is not in the tree" in result.err, result.err)
    check(alive(job) and not os.path.exists(
        os.path.join(case.img, "inventory.img")), "it did harm")
    case.dump(job, "-j")
    result = case.try_restore()
    check(result.code == 1, "restore succeeded without --shell-job")
    check("--shell-job" in result.err, f"no hint: {result.err}")
    case.restore(job, "-j")
    check(os.getsid(job) == os.getsid(0), "it is in another session")
    case.go()
    case.await_verdict(job)


def root_make(case, pid):
    """A folder with copies of all files that a process uses."""
    root = case.make_dir("root")
    files = {line.split()[-1] for line in
             read_text(f"/proc/{pid}/maps").splitlines()
             if line.split()[-1].startswith("/")}
    files.add(os.path.join(case.dir, "victim.out"))
    for name in files:
        os.makedirs(root + os.path.dirname(name), exist_ok=True)
        shutil.copy2(name, root + name)
    os.makedirs(root + case.work)
    for path in ["/", case.work]:
        shutil.copymode(path, root + path)
    os.mkdir(root + "/dev")
    os.mknod(root + "/dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(root + "/dev/null", 0o666)
    return root


@test("restore --root finds files below it, and tasks have it as their root")
def cli_root(case):
    victim = case.start(["sleep", "1000"])
    wait_until(lambda: "sleep" in read_text(f"/proc/{victim}/comm", "") and
               "libc" in read_text(f"/proc/{victim}/maps", "") and
               state(victim) == "S", "sleep sleeps, with all its files")
    root = root_make(case, victim)
    case.dump(victim)
    case.restore(victim, "--root", root)
    for name, path in {"root": "", "cwd": case.work, "fd/0": "/dev/null",
                       "fd/1": os.path.join(case.dir, "victim.out")}.items():
        found = os.readlink(f"/proc/{victim}/{name}")
        check(found == root + path, f"{name} is {found}")
    check(os.readlink(f"/proc/{victim}/exe").startswith(root), "exe")
    check(read_text(f"/proc/{victim}/maps").count(root) > 3,
          "its mappings are of other files")
    kill_tree(case, victim)


@test("restore --root names what is missing below it")
def cli_root_empty(case):
    victim = case.start(["sleep", "1000"])
    wait_until(lambda: "sleep" in read_text(f"/proc/{victim}/comm", ""),
               "sleep runs")
    case.dump(victim)
    result = case.try_restore("--root", case.make_dir("root"))
    check(result.code == 1, f"exit {result.code}")
    check("No such file" in result.err, result.err)
    check(not alive(victim), "something was restored")
    result = case.try_restore("--root", case.path("nowhere"))
    check(result.code == 1, f"exit {result.code}")
    check("opening the root directory" in result.err, result.err)


STUCK = """
import os, sys, time
fifo = sys.argv[1]
os.mkfifo(fifo)
if os.fork() == 0:
    while True:
        time.sleep(0.01)
        open(fifo + ".tick", "w").write(str(time.monotonic()))
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[
    (os.POSIX_SPAWN_OPEN, 0, fifo, os.O_RDONLY, 0)])
open(fifo + ".over", "w").close()
time.sleep(1000)
"""


@test("dump --timeout gives up on a thread that does not stop, and names it")
def cli_timeout(case):
    fifo = case.path("fifo")
    victim = case.start([sys.executable, "-c", STUCK, fifo])
    wait_until(lambda: len(descendants(victim)) == 2, "it waits in vfork")
    wait_until(lambda: state(victim) == "D", "it cannot be interrupted")
    begin = time.monotonic()
    result = case.try_dump(victim, "--timeout", "1")
    took = time.monotonic() - begin
    check(result.code == 1, f"exit {result.code}")
    check(f"thread {victim} did not stop" in result.err, result.err)
    check("--timeout" in result.err, f"no hint: {result.err}")
    check(0.9 < took < 4, f"it took {took:.1f} s")
    last = read_text(fifo + ".tick")
    wait_until(lambda: read_text(fifo + ".tick") not in ("", last),
               "its child runs on")
    with open(fifo, "w"):
        wait_until(lambda: os.path.exists(fifo + ".over"), "it goes on")
    kill_tree(case, victim)


@test("stats-dump and stats-restore are written, --display-stats shows them")
def cli_stats(case):
    victim = victim_of(case)
    result = case.dump(victim, "--display-stats")
    check("Freezing time" in result.text() or "rozen" in result.text(),
          f"no statistics shown: {result.out}")
    check(os.path.getsize(os.path.join(case.img, "stats-dump")) > 8,
          "stats-dump is empty")
    case.restore(victim)
    check(os.path.getsize(os.path.join(case.img, "stats-restore")) > 8,
          "stats-restore is empty")
    case.go()
    case.await_verdict(victim)


@test("-W keeps logs and statistics out of the image directory")
def cli_work_dir(case):
    victim = victim_of(case)
    other = case.make_dir("other")
    result = case.engine("dump", "-t", str(victim), "-D", case.img, "-W",
                         other, "-o", "dump.log", "-v4",
                         log=os.path.join(other, "dump.log"))
    check(result.code == 0, f"dump failed: {result.explain()}")
    check(os.path.exists(os.path.join(other, "dump.log")), "no log in -W")
    check(not os.path.exists(os.path.join(case.img, "dump.log")),
          "a log in the image directory")
    case.gone([victim])
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("--version names the version and check looks good")
def cli_version(case):
    result = case.engine("--version")
    check(result.code == 0 and result.out.startswith("Version: "),
          f"--version: {result.explain()}")
    result = case.engine("check")
    check(result.code == 0 and "Looks good" in result.text(),
          f"check: {result.explain()}")


@test("no verb, an unknown verb and an unknown option exit with 1")
def cli_usage(case):
    for args in ([], ["freeze-it"], ["dump", "--no-such-option"],
                 ["dump", "-D", case.img]):
        result = case.engine(*args)
        check(result.code == 1, f"{args} exits with {result.code}")


@test("restore --plan prints the plan and touches nothing")
def cli_plan(case):
    victim = victim_of(case, "tree")
    case.dump(victim)
    before = sorted(os.listdir(case.img))
    result = case.engine("restore", "-D", case.img, "--plan")
    check(result.code == 0, f"--plan: {result.explain()}")
    check(str(victim) in result.out, "the plan does not name the root")
    check(state(victim) is None, "the plan made a process")
    check(sorted(os.listdir(case.img)) == before, "the plan wrote files")


@test("inspect shows the tree as text and as JSON")
def cli_inspect(case):
    victim = victim_of(case, "tree")
    case.dump(victim)
    result = case.engine("inspect", case.img)
    check(result.code == 0 and str(victim) in result.out
          and "tree" in result.out, f"inspect: {result.explain()}")
    result = case.engine("inspect", case.img, "--json")
    check(result.code == 0, f"inspect --json: {result.explain()}")
    check(str(victim) in json.dumps(json.loads(result.out)),
          "the JSON does not name the root")


@test("inspect --stacks names the function that every thread was in")
def cli_stacks(case):
    victim = victim_of(case)
    case.dump(victim)
    result = case.engine("inspect", case.img, "--stacks")
    check(result.code == 0, f"inspect --stacks: {result.explain()}")
    check(result.out.count("nanosleep") >= 64,
          f"not all threads are shown asleep:\n{result.out[-600:]}")


@test("a log that grew is restored, another file with --allow-grown-files")
def cli_grown_files(case):
    code = ("import time; log = open('log', 'a', 1); log.write('one\\n')\n"
            "file = open('file', 'w', 1); file.write('one\\n')\n"
            "open('ready', 'w').close()\n"
            "while True:\n"
            "    time.sleep(0.05); log.write('more\\n')\n")
    victim = case.start([sys.executable, "-c", code])
    wait_until(lambda: os.path.exists(case.path("ready")), "it is ready")
    case.dump(victim)
    for name in ("log", "file"):
        with open(case.path(name), "a", encoding="utf-8") as out:
            out.write("others\n")
    result = case.try_restore()
    check(result.code == 1 and "--allow-grown-files" in result.err
          and f"'{case.path('file')}' had 4 bytes" in result.err,
          result.explain())
    case.restore(victim, "--allow-grown-files")
    wait_until(lambda: "others\nmore\n" in read_text(case.path("log")),
               "it goes on at the end of the log")
    kill_tree(case, victim)
