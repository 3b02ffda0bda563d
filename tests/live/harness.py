# SPDX-License-Identifier: GPL-2.0-or-later
"""harness: what live tests share: the engine, victims, and cleaning up.

A test is a function with one argument, a Case, registered by @test. It raises
Failure with a sentence when what it shows does not hold, and Skip when this
machine cannot show it. Every worker is a subreaper, so that whatever a test
leaves behind is its descendant and is killed after the test.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

# How much slower than usual this machine is (an emulated one): an integer.
SLOW = int(os.environ.get("LIVE_SLOW", "1"))
LIMIT = 20.0 * SLOW  # seconds for a whole test
PR_SET_CHILD_SUBREAPER = 36

tests = []  # (name, sentence, function), filled by @test and add()


class Failure(Exception):
    pass


class Skip(Exception):
    pass


class TimedOut(BaseException):
    pass


def add(name, sentence, function):
    tests.append((name, sentence, function))


def test(sentence, limit=LIMIT):
    """Register a function as the test that shows `sentence`, in at most
    `limit` seconds."""

    def register(function):
        function.limit = limit if limit is LIMIT else limit * SLOW
        add(function.__name__, sentence, function)
        return function

    return register


def check(cond, sentence):
    if not cond:
        raise Failure(sentence)


def become_subreaper():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def stat_fields(pid):
    """The fields of /proc/PID/stat after the command name, or None."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def state(pid):
    fields = stat_fields(pid)
    return fields[0] if fields else None


def alive(pid):
    return state(pid) not in (None, "Z", "X")


def descendants(pid):
    """All processes below pid, parents before children."""
    below = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields:
                below.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        for child in below.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def reap_all():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def wait_until(cond, what, limit=8.0):
    limit *= SLOW
    end = time.monotonic() + limit
    while not cond():
        if time.monotonic() > end:
            raise Failure(f"waited {limit:g} s in vain until {what}")
        time.sleep(0.003)


def read_text(path, default=None):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return default


def log_tail(path, lines=15):
    text = read_text(path)
    if not text:
        return f"({os.path.basename(path)} is missing or empty)"
    return "\n".join(text.splitlines()[-lines:])


class Result:
    """How a run of the engine ended."""

    def __init__(self, code, out, err, log):
        self.code, self.out, self.err, self.log = code, out, err, log

    def text(self):
        return self.out + self.err + (read_text(self.log, "") or "")

    def errors(self):
        """The lines that a person would read as the error."""
        wanted = [l for l in self.err.splitlines() if l.strip()]
        logged = [l for l in (read_text(self.log, "") or "").splitlines()
                  if "Error" in l]
        return wanted + logged

    def explain(self):
        return (f"exit {self.code}\n{self.out}{self.err}"
                f"{log_tail(self.log)}").rstrip()


class Case:
    """One running test: its directories, the engine, and its victims."""

    def __init__(self, name, stasis, build):
        self.name = name
        self.stasis = stasis
        self.build = build
        self.dir = tempfile.mkdtemp(prefix=f"stasis-live-{name}-")
        os.chmod(self.dir, 0o777)
        self.work = self.make_dir("work")
        self.img = self.make_dir("img")
        self.logs = []
        self.plain = False

    def make_dir(self, name):
        path = os.path.join(self.dir, name)
        os.mkdir(path)
        os.chmod(path, 0o777)
        return path

    def path(self, name):
        return os.path.join(self.work, name)

    def program(self, name):
        return os.path.join(self.build, "live", name)

    def start(self, argv, env=None, cwd=None, **options):
        """Start a victim: own session, no terminal, output to files."""
        environ = dict(os.environ, CHECKPOINT_DIR=self.work,
                       PYTHONDONTWRITEBYTECODE="1", **(env or {}))
        with open(os.path.join(self.dir, "victim.out"), "ab") as out:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=environ, cwd=cwd or self.work, start_new_session=True,
                **options)
        child.returncode = 0  # reaped by gone() or at the end, not by Popen
        return child.pid

    def ready(self, pid, name="ready", limit=8.0):
        def up():
            if self.verdict() is not None:
                return True
            check(alive(pid) or self.verdict(),
                  "the victim ended before it was ready: "
                  + log_tail(os.path.join(self.dir, "victim.out")))
            return os.path.exists(self.path(name))
        wait_until(up, "the victim is ready", limit)

    def engine(self, *args, limit=LIMIT, log=None, **options):
        """Run the engine and give back how it ended."""
        log = log or os.path.join(self.img, "none.log")
        self.logs.append(log)
        done = subprocess.run(
            [self.stasis, *args], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit,
            errors="replace", **options)
        return Result(done.returncode, done.stdout, done.stderr, log)

    def try_dump(self, pid, *args, img=None):
        img = img or self.img
        return self.engine("dump", "-t", str(pid), "-D", img, "-v4", "-o",
                           "dump.log", *args,
                           log=os.path.join(img, "dump.log"))

    def try_restore(self, *args, img=None):
        img = img or self.img
        return self.engine("restore", "-d", "-D", img, "-v4", "-o",
                           "restore.log", *args,
                           log=os.path.join(img, "restore.log"))

    def dump(self, pid, *args, img=None):
        tree = [pid] + descendants(pid)
        result = self.try_dump(pid, *args, img=img)
        check(result.code == 0, f"dump failed: {result.explain()}")
        if "-R" not in args and "-s" not in args:
            self.gone(tree)
        return result

    def restore(self, pid, *args, img=None):
        result = self.try_restore(*args, img=img)
        check(result.code == 0, f"restore failed: {result.explain()}")
        check(state(pid) is not None or self.verdict() is not None,
              f"there is no process {pid} after restore")
        return result

    def gone(self, pids):
        def none_left():
            reap_all()
            return not any(state(pid) for pid in pids)
        wait_until(none_left, f"the dumped tree {pids} is gone", 4.0)

    def verdict(self):
        """None as long as it is not written; a file just made is empty."""
        return read_text(self.path("verdict")) or None

    def go(self, name="go"):
        with open(self.path(name), "w"):
            pass

    def await_verdict(self, pid, limit=10.0):
        wait_until(lambda: self.verdict() is not None or not alive(pid),
                   "there is a verdict", limit)
        verdict = self.verdict()
        check(verdict is not None,
              f"{pid} ended without a verdict: {self.ending(pid)}")
        if verdict.startswith("skip"):
            raise Skip(verdict[5:])
        check(verdict == "ok", verdict)

    def ending(self, pid):
        try:
            status = os.waitpid(pid, os.WNOHANG)[1]
        except ChildProcessError:
            return "it is gone"
        if os.WIFSIGNALED(status):
            return signal.strsignal(os.WTERMSIG(status))
        return f"wait status 0x{status:x}"

    def cleanup(self):
        """Kill and reap all that the test left, and remove its files."""
        me = os.getpid()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            left = descendants(me)
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            reap_all()
            time.sleep(0.002)
        shutil.rmtree(self.dir, ignore_errors=True)
