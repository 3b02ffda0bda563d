# SPDX-License-Identifier: GPL-2.0-or-later
"""wire_lazy: memory that comes when it is touched, and the rest behind it."""
import os
import signal
import socket
import struct
import subprocess
import time

from client import start_worker
from harness import SLOW, Skip, alive, check, descendants, read_text, state, test, \
    wait_until
from wire_server import Server, message, peer, port_free

SOCKET = "lazy-pages.socket"
GET, CLOSE, PAGE = 7, 0x1023, os.sysconf("SC_PAGESIZE")


class Elsewhere:
    """A pid namespace, in which pids of frozen victims are free."""

    def __init__(self):
        self.keeper = subprocess.Popen(
            ["unshare", "-p", "-f", "--mount-proc", "--kill-child", "sleep",
             "60"], stdin=subprocess.DEVNULL)
        wait_until(self.init, "the namespace is there")

    def init(self):
        below = descendants(self.keeper.pid)
        return below and read_text(f"/proc/{below[0]}/comm") == "sleep\n" \
            and below[0]

    def enter(self, words):
        return ["nsenter", "-t", str(self.init()), "-p", "-m", *words]

    def end(self):
        self.keeper.kill()
        self.keeper.wait()


class Daemon:
    """stasis lazy-pages, ready for a restore."""

    def __init__(self, case, *args, engine=None, img=None, where=None):
        self.case, self.dir = case, img or case.img
        self.where = where
        self.log = os.path.join(self.dir, "lazy-pages.log")
        ready, status = os.pipe()
        words = [engine or case.stasis, "lazy-pages", "-D", self.dir, "-v4",
                 "-o", "lazy-pages.log", "--status-fd", str(status), *args]
        self.child = subprocess.Popen(
            where.enter(words) if where else words,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, pass_fds=[status])
        os.close(status)
        if os.read(ready, 1) != b"\0":
            code, said = self.end()
            check(False, f"the daemon did not come up: {code} {said}")
        os.close(ready)

    def end(self, limit=15):
        """Its exit status and what it said."""
        _, said = self.child.communicate(timeout=limit)
        return self.child.returncode, said

    def done(self):
        code, said = self.end()
        check(code == 0 and not said,
              f"daemon: {code} {said} {read_text(self.log, '')[-1500:]}")
        check(SOCKET not in os.listdir(self.dir), "its socket is left")


def lazily(case, program, *args):
    victim = case.start([case.program(program), *args])
    case.ready(victim)
    case.dump(victim)
    daemon = Daemon(case)
    case.restore(victim, "--lazy-pages")
    case.go()
    case.await_verdict(victim)
    daemon.done()
    return read_text(daemon.log, "")


@test("memory comes when it is touched, and every byte is right")
def lazy_private(case):
    log = lazily(case, "mem_private")
    check("because they were touched" in log, log[-500:])


@test("forks, moves, holes and the kernel's own look find the right pages")
def lazy_changes(case):
    lazily(case, "lazy_events")


def kept(case, victim, *args, engine=None):
    """A dump that keeps the pages of the frozen victim: (process, options of
    who asks for them)."""
    port = str(port_free())
    ready, status = os.pipe()
    dump = subprocess.Popen(
        [engine or case.stasis, "dump", "-t", str(victim), "-D", case.img,
         "-v4", "-o", "dump.log", "--lazy-pages", "--address", "127.0.0.1",
         "--port", port, "--status-fd", str(status), *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, pass_fds=[status])
    os.close(status)
    told = os.read(ready, 1)
    os.close(ready)
    if told != b"\0":
        said = dump.communicate(timeout=15)[1]
        check(False, f"the dump is not ready: {dump.returncode} {said}")
    return dump, ["--page-server", "--address", "127.0.0.1", "--port", port]


def restore_elsewhere(case, where, *args):
    done = subprocess.run(
        where.enter([case.stasis, "restore", "-d", "-D", case.img, "-v4",
                     "-o", "restore.log", "--lazy-pages", *args]),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15)
    check(done.returncode == 0, f"restore: {done.stderr} "
          + read_text(os.path.join(case.img, "restore.log"), "")[-1500:])


def from_kept(case, program, engine=None, dumper=None, kept_args=(),
              daemon_args=()):
    victim = case.start([case.program(program)])
    case.ready(victim)
    dump, source = kept(case, victim, *kept_args, engine=dumper)
    check(state(victim) == "t", "the victim is not frozen")
    where = Elsewhere()
    daemon = Daemon(case, *source, *daemon_args, where=where, engine=engine)
    restore_elsewhere(case, where)
    case.go()
    wait_until(lambda: case.verdict() is not None, "there is a verdict")
    check(case.verdict() == "ok", case.verdict())
    code, _ = daemon.end()
    check(code == 0, read_text(daemon.log, "")[-1500:])
    said = dump.communicate(timeout=15)[1]
    check(dump.returncode == 0 and (dumper or not said),
          f"{dump.returncode} {said}")
    case.gone([victim])
    where.end()
    log = read_text(os.path.join(case.img, "dump.log"), "")
    check(dumper or " answers; " in log, log[-500:])


@test("pages stay with the frozen process until they are asked for")
def lazy_kept(case):
    from_kept(case, "mem_private")


@test("pages that are asked for go where they belong by then")
def lazy_kept_changes(case):
    from_kept(case, "lazy_events")


@test("a page server gives what the images hold to who asks for it")
def lazy_server(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    case.dump(victim)
    server = Server(case, case.img, "--lazy-pages")
    daemon = Daemon(case, *server.options())
    case.restore(victim, "--lazy-pages")
    case.go()
    case.await_verdict(victim)
    daemon.done()
    code, said = server.end()
    check(code == 0 and not said, f"server: {code} {said}")
    check("answers" in read_text(server.log, ""), "it was asked for nothing")


@test("by RPC: DUMP keeps the pages and tells when they can be asked for")
def lazy_rpc(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    port, (ready, status) = port_free(), os.pipe()
    dumper = start_worker(case, [status])
    dumper.send("DUMP", {
        "images_dir": case.img, "pid": victim, "lazy_pages": True,
        "status_fd": status, "log_level": 4, "log_file": "dump.log",
        "ps": dumper.pb.criu_page_server_info(address="192.0.2.1",
                                              port=port)})
    check(os.read(ready, 1) == b"\0", "another byte")
    where = Elsewhere()
    daemon = Daemon(case, "--page-server", "--port", str(port), where=where)
    ours, case.stasis = case.stasis, os.path.join(case.dir, "engine")
    with open(case.stasis, "w") as script:
        script.write("#!/bin/sh\nexec " + " ".join(
            where.enter([ours, '"$@"'])) + "\n")
    os.chmod(case.stasis, 0o755)
    restorer = start_worker(case)
    answer = restorer.ok("RESTORE", {
        "images_dir": case.img, "lazy_pages": True, "log_level": 4,
        "log_file": "restore.log"})
    check(answer.restore.pid == victim, f"answer {answer}")
    check(restorer.close() == 0, "another status")
    case.stasis = ours
    case.go()
    wait_until(lambda: case.verdict() is not None, "there is a verdict")
    check(case.verdict() == "ok", case.verdict())
    daemon.done()
    answer = dumper.answer()
    check(answer.success, f"DUMP: {answer}")
    check(dumper.close() == 0, "another status")
    where.end()


# --- ends ---------------------------------------------------------------------


def big(case):
    """A victim with so much memory that it is not brought in a moment."""
    mib = 300 if SLOW == 1 else 40
    code = (f"import os, time\nm = bytearray(os.urandom(1 << 20) * {mib})\n"
            "open('ready', 'w').close()\n"
            "while not os.path.exists('go'): time.sleep(0.01)\n"
            "s = sum(m[i] for i in range(0, len(m), 4096))\n"
            "n = sum(m[i] for i in range(0, 1 << 20, 4096))\n"
            f"open('verdict', 'w').write('ok' if s == n * {mib} else 'no')\n")
    victim = case.start(["python3", "-c", code])
    case.ready(victim)
    return victim


def held(case):
    """A big victim, restored, whose pages are not all there: (pid, daemon,
    the server, which does not answer any more)."""
    victim = big(case)
    case.dump(victim)
    server = Server(case, case.img, "--lazy-pages")
    daemon = Daemon(case, *server.options())
    case.restore(victim, "--lazy-pages")
    server.child.send_signal(signal.SIGSTOP)
    return victim, daemon, server


@test("a daemon that is killed takes its tasks along: none sees zeros")
def lazy_daemon_killed(case):
    victim, daemon, server = held(case)
    case.go()
    daemon.child.kill()
    daemon.child.wait(10)
    wait_until(lambda: not alive(victim), "the task is killed")
    check(case.verdict() is None, f"it went on: {case.verdict()}")
    wait_until(lambda: "were killed" in read_text(daemon.log, ""),
               "it is told")
    server.child.kill()


@test("a daemon that is killed while the restore goes on leaves no task that "
      "misses pages", limit=90)
def lazy_daemon_killed_early(case):
    victim = big(case)
    case.dump(victim)
    for moment in range(0, 64, 4):
        daemon = Daemon(case)
        restore = subprocess.Popen(
            [case.stasis, "restore", "-d", "-D", case.img, "--lazy-pages"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        time.sleep(moment / 1000)
        daemon.child.kill()
        daemon.child.wait()
        said = restore.communicate(timeout=15)[1]
        check(restore.returncode in (0, 1) and bool(said)
              == bool(restore.returncode), f"{restore.returncode}: {said}")
        wait_until(lambda: not alive(victim), f"{moment} ms: it is killed")
        case.gone([victim])
    check(case.verdict() is None, f"it went on: {case.verdict()}")


@test("a server that goes away ends the tasks, with a message")
def lazy_server_dies(case):
    victim, daemon, server = held(case)
    server.child.kill()
    code, said = daemon.end()
    check(code == 1 and any(how in said for how in
                            ("gone away", "reset", "Broken pipe"))
          and "1 tasks that would miss pages were killed" in said,
          f"{code}: {said}")
    wait_until(lambda: not alive(victim), "the task is killed")


@test("a daemon that is told to end before the restore is finished does so")
def lazy_interrupted(case):
    victim = big(case)
    case.dump(victim)
    daemon = Daemon(case)
    daemon.child.terminate()
    code, said = daemon.end()
    check(code == 1 and "interrupted by SIGTERM" in said, f"{code}: {said}")
    check(SOCKET not in os.listdir(case.img), "its socket is left")
    result = case.try_restore("--lazy-pages")
    check(result.code == 1 and "start it first" in result.err,
          result.explain())
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("SIGTERM brings what is missing first, a second one ends the tasks")
def lazy_terminated(case):
    victim = big(case)
    case.dump(victim)
    daemon = Daemon(case)
    case.restore(victim, "--lazy-pages")
    daemon.child.terminate()
    case.go()
    case.await_verdict(victim)
    daemon.done()
    for name in ("go", "ready", "verdict"):
        os.unlink(case.path(name))
    victim, daemon, server = held(case)
    daemon.child.terminate()
    wait_until(lambda: "brought first" in read_text(daemon.log, ""),
               "it is told")
    daemon.child.terminate()
    code, said = daemon.end()
    check(code == 1 and "interrupted by SIGTERM" in said, f"{code}: {said}")
    wait_until(lambda: not alive(victim), "the task is killed")
    server.child.kill()


@test("a restore that fails, at whatever step, ends the daemon, too")
def lazy_restore_fails(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    case.dump(victim)
    steps = case.engine("dump", "--fail-at", "list").out.split()
    for step in [s for s in steps if s.startswith("restore.")]:
        daemon = Daemon(case)
        result = case.try_restore("--lazy-pages", "--fail-at", step)
        check(result.code == 1 and step in result.err, result.explain())
        if step in ("restore.read",):
            daemon.child.terminate()
        code, said = daemon.end()
        check(code == 1 and said, f"{step}: {code} {said}")
        check(not alive(victim), f"{step}: a task is left")
    daemon = Daemon(case)
    case.restore(victim, "--lazy-pages")
    case.go()
    case.await_verdict(victim)
    daemon.done()


@test("a restore that is killed at any moment leaves tasks that are whole, "
      "or none", limit=60)
def lazy_restore_killed(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    case.dump(victim)
    for moment in range(0, 60, 3):
        daemon = Daemon(case)
        restore = subprocess.Popen(
            [case.stasis, "restore", "-d", "-D", case.img, "--lazy-pages"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(moment / 1000)
        restore.kill()
        restore.wait()
        try:
            code, _ = daemon.end(0.3)
        except subprocess.TimeoutExpired:
            daemon.child.terminate()
            code, _ = daemon.end()
        if code == 0:
            check(alive(victim), f"{moment} ms: it is gone")
            os.kill(victim, signal.SIGKILL)
        case.gone([victim])


@test("a daemon that goes away ends a frozen dump: the process runs on")
def lazy_kept_daemon_dies(case):
    victim = big(case)
    dump, source = kept(case, victim)
    with socket.create_connection(("127.0.0.1", int(source[-1]))):
        pass
    said = dump.communicate(timeout=15)[1]
    check(dump.returncode == 1 and "gone away before it had" in said,
          f"{dump.returncode}: {said}")
    check("inventory.img" not in os.listdir(case.img), "images are left")
    case.go()
    case.await_verdict(victim)


@test("a frozen dump that is interrupted or killed harms nobody")
def lazy_kept_stopped(case):
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        victim = case.start(["sleep", "30"])
        dump, _source = kept(case, victim)
        dump.send_signal(how)
        dump.communicate(timeout=15)
        check(dump.returncode != 0, "it has succeeded")
        wait_until(lambda: state(victim) == "S", "the process runs on")
        os.kill(victim, signal.SIGKILL)


@test("one who asks a frozen dump for nonsense gets nothing")
def lazy_kept_lies(case):
    victim = big(case)
    for packet in (message(GET, 1, 0, victim), message(GET, 1, 7, victim),
                   message(GET, 1 << 60, PAGE, victim),
                   message(GET, 0, PAGE, victim),
                   message(GET, 1, PAGE, 1), message(6, 1, PAGE, victim),
                   message(99), b"x" * 32, b"x" * 5):
        dump, source = kept(case, victim)
        with socket.create_connection(
                ("127.0.0.1", int(source[-1]))) as sock:
            sock.sendall(packet)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(5)
            while sock.recv(100):
                pass
        said = dump.communicate(timeout=15)[1]
        check(dump.returncode == 1 and said, f"{dump.returncode}: {said}")
        check(alive(victim), "the victim is gone")
    case.go()
    case.await_verdict(victim)


@test("one who announces what is not so is told, and nobody is killed")
def lazy_lies(case):
    victim = big(case)
    case.dump(victim)
    innocent = case.start(["sleep", "30"])
    for packet in (struct.pack("<i", innocent), struct.pack("<i", 0),
                   struct.pack("<i", -(1 << 31)), struct.pack("<i", -innocent),
                   struct.pack("<i", victim) + b"x", b"x",
                   struct.pack("<iI", -victim, 7)):
        daemon = Daemon(case)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(os.path.join(case.img, SOCKET))
            sock.sendall(packet)
        code, said = daemon.end()
        check(code == 1 and said, f"{packet}: {code} {said}")
        check(alive(innocent), "an innocent process is dead")


# --- another engine -----------------------------------------------------------


@test("another engine's daemon serves our restore")
def lazy_to_peer(case):
    victim = case.start([case.program("lazy_events")])
    case.ready(victim)
    case.dump(victim)
    daemon = Daemon(case, engine=peer())
    case.restore(victim, "--lazy-pages")
    case.go()
    case.await_verdict(victim)
    check(daemon.end()[0] == 0, read_text(daemon.log, "")[-1500:])


@test("our daemon serves another engine's restore")
def lazy_from_peer(case):
    victim = case.start([case.program("lazy_events")])
    case.ready(victim)
    case.dump(victim)
    daemon = Daemon(case)
    ours, case.stasis = case.stasis, peer()
    case.restore(victim, "--lazy-pages")
    case.stasis = ours
    case.go()
    case.await_verdict(victim)
    daemon.done()


@test("another engine's daemon asks our frozen dump")
def lazy_kept_to_peer(case):
    from_kept(case, "lazy_events", engine=peer())


@test("our daemon asks another engine's frozen dump")
def lazy_kept_from_peer(case):
    pipe_max = int(read_text("/proc/sys/fs/pipe-max-size", "0"))
    if pipe_max < 4 << 20:
        raise Skip("the other engine wants pipes of more than "
                   "fs.pipe-max-size")
    from_kept(case, "lazy_events", dumper=peer())
