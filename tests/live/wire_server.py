# SPDX-License-Identifier: GPL-2.0-or-later
"""wire_server: pages that go over a connection instead of into files."""
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time

from client import start_worker
from harness import (Skip, alive, check, read_text, reap_all, state, test,
                     wait_until)

KILLS = int(os.environ.get("LIVE_KILLS", "25"))
SEED = int(os.environ.get("LIVE_SEED", "1"))
PAGE = os.sysconf("SC_PAGESIZE")
OPEN2, ADD_F, CLOSE, PRESENT, PARENT = 4, 6, 0x1023, 4, 1


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# A process with much memory that no two pages of are alike.
BIG = """
import os, time
kept = os.urandom(8 << 20)
open(os.environ["CHECKPOINT_DIR"] + "/ready", "w").close()
while True:
    time.sleep(100)
"""


def interrupted(child, move, ends=5, turns=10):
    """What it says when SIGTERM ends it; all the while move() moves a little
    at the other end."""
    for turn in range(turns + ends * 20):
        if turn == turns:
            child.terminate()
        if child.poll() is not None:
            break
        try:
            move()
        except OSError:
            pass
        time.sleep(0.05)
    late = child.poll() is None
    child.kill()
    said = child.communicate(timeout=15)[1]
    check(not late, f"it was not interrupted within {ends} s: {said}")
    check(child.returncode == 1, f"exit {child.returncode}: {said}")
    return said if isinstance(said, str) else said.decode()


class Server:
    """stasis page-server, ready to be connected to."""

    def __init__(self, case, directory, *args, engine=None):
        self.case, self.dir, self.port = case, directory, port_free()
        self.log = os.path.join(directory, "page-server.log")
        ready, status = os.pipe()
        self.child = subprocess.Popen(
            [engine or case.stasis, "page-server", "-D", directory, "-v4",
             "-o", "page-server.log", "--address", "127.0.0.1", "--port",
             str(self.port), "--status-fd", str(status), *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, pass_fds=[status])
        os.close(status)
        check(os.read(ready, 1) == b"\0", "the page server did not come up")
        os.close(ready)

    def options(self):
        return ["--page-server", "--address", "127.0.0.1", "--port",
                str(self.port)]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def end(self):
        """Its exit status and what it said."""
        _, said = self.child.communicate(timeout=15)
        return self.child.returncode, said


def message(command, pages=0, at=0, what=0, flags=0):
    return struct.pack("<IIQQQ", command | flags << 16, 0, pages, at, what)


def take_over(case, there):
    """The other files of the set go to where the pages are."""
    for name in os.listdir(case.img):
        if not name.endswith(".log") and not name.startswith("stats"):
            shutil.copy(os.path.join(case.img, name), there)


def by_wire(case, program, server_of=None, client_of=None, server_args=(),
            client_args=()):
    """server_of, client_of: another engine at that end."""
    there = case.make_dir("there")
    server = Server(case, there, *server_args, engine=server_of)
    victim = case.start([case.program(program)])
    case.ready(victim)
    ours, case.stasis = case.stasis, client_of or case.stasis
    case.dump(victim, *server.options(), *client_args)
    case.stasis = ours
    code, said = server.end()
    check(code == 0 and (said == "" or server_of), f"server: {code} {said}")
    check(not [n for n in os.listdir(case.img) if n.startswith("page")],
          "pages are in the dump's directory, too")
    take_over(case, there)
    case.restore(victim, img=there)
    case.go()
    case.await_verdict(victim)


@test("memory that went over the wire is whole")
def wire_private(case):
    by_wire(case, "mem_private")


@test("memory objects go over the wire, too")
def wire_shared(case):
    by_wire(case, "mem_shared")


@test("a whole tree goes over the wire")
def wire_tree(case):
    by_wire(case, "tree")


def peer():
    """The engine that PEER= names."""
    if not os.environ.get("PEER"):
        raise Skip("PEER= names no other engine")
    return os.environ["PEER"]


@test("another engine's dump sends its pages to our server")
def wire_from_peer(case):
    by_wire(case, "mem_private", client_of=peer())


@test("our dump sends its pages to another engine's server")
def wire_to_peer(case):
    by_wire(case, "mem_shared", server_of=peer())


def refused(case, words, *packets, end=True):
    """What the server says to a peer that lies; nothing may be left."""
    there = case.make_dir("there")
    server = Server(case, there)
    sock = server.connect()
    try:
        for packet in packets:
            sock.sendall(packet)
        if end:
            sock.shutdown(socket.SHUT_WR)
        sock.settimeout(5)
        while sock.recv(100):
            pass
    except OSError:
        pass
    code, said = server.end()
    check(code == 1 and words in said, f"exit {code}: {said}")
    left = [n for n in os.listdir(there) if not n.endswith(".log")]
    check(not left, f"left: {left}")
    shutil.rmtree(there)


@test("a peer that lies gets one sentence, and nothing is kept")
def wire_lies(case):
    task = 7 << 8 | 1
    opened = message(OPEN2, what=task)
    refused(case, "gone away")
    refused(case, "gone away", opened)
    refused(case, "gone away", opened[:9])
    refused(case, "gone away", opened,
            message(ADD_F, 2, 0x10000, task, PRESENT), b"x" * (PAGE + 9))
    refused(case, "sort 9", message(OPEN2, what=9))
    refused(case, "process", message(OPEN2, what=1 << 62 | 1))
    refused(case, "there cannot be", opened,
            message(ADD_F, 1, 0x10001, task, PRESENT))
    refused(case, "there cannot be", opened,
            message(ADD_F, 1 << 60, 0x10000, task, PRESENT))
    refused(case, "there cannot be", opened,
            message(ADD_F, 0, 0x10000, task, PRESENT))
    refused(case, "not known", opened,
            message(ADD_F, 1, 0x10000, task, 0x100))
    refused(case, "out of order", opened,
            message(ADD_F, 1, 0x40000, task, PRESENT), b"x" * PAGE,
            message(ADD_F, 1, 0x10000, task, PRESENT), b"x" * PAGE)
    refused(case, "but it is not", opened,
            message(ADD_F, 1, 0x10000, task, PARENT))
    refused(case, "twice", opened, message(OPEN2, what=8 << 8 | 1), opened)
    refused(case, "does not do", message(99))


@test("a page server that goes away ends the dump, and nobody is harmed")
def wire_server_dies(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    result = case.try_dump(victim, "--page-server", "--address", "127.0.0.1",
                           "--port", str(port_free()))
    check(result.code == 1 and "onnection refused" in result.err
          and "start it first" in result.err, result.explain())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        dump = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D", case.img,
             "--page-server", "--address", "127.0.0.1", "--port",
             str(listener.getsockname()[1])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        sock = listener.accept()[0]
        sock.recv(32)
        sock.close()
        said = dump.communicate(timeout=15)[1]
    check(dump.returncode == 1 and "connection for pages" in said,
          f"exit {dump.returncode}: {said}")
    check(not [n for n in os.listdir(case.img) if n.endswith(".img")],
          "an image is left")
    check(alive(victim), "the victim is gone")
    case.go()
    case.await_verdict(victim)


@test("a dump that waits for its page server can be interrupted")
def wire_interrupted(case):
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        dump = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D", case.img,
             "--page-server", "--port",
             str(listener.getsockname()[1])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        sock = listener.accept()[0]
        sock.recv(32)
        dump.send_signal(signal.SIGINT)
        said = dump.communicate(timeout=15)[1]
        sock.close()
    check(dump.returncode == 1 and "interrupted by SIGINT" in said,
          f"exit {dump.returncode}: {said}")
    check(alive(victim), "the victim is gone")
    case.go()
    case.await_verdict(victim)


@test("a page server that takes pages a few bytes at a time keeps nobody from "
      "interrupting the dump, and nothing stays frozen")
def wire_slow(case):
    victim = case.start(["python3", "-c", BIG])
    case.ready(victim)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        dump = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D", case.img,
             "--page-server", "--port", str(listener.getsockname()[1])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        sock = listener.accept()[0]
        sock.recv(32)
        sock.sendall(b"\0")
        said = interrupted(dump, lambda: sock.recv(1024))
        sock.close()
    check("interrupted by SIGTERM while pages were sent" in said, said)
    wait_until(lambda: state(victim) == "S", "the victim goes on")


@test("a page server that does not answer keeps nobody from interrupting the "
      "dump, and nothing was frozen")
def wire_deaf(case):
    victim = case.start(["python3", "-c", BIG])
    case.ready(victim)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        dump = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D", case.img,
             "--page-server", "--address", "127.0.0.1", "--port",
             str(address[1])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = interrupted(
            dump, lambda: check(state(victim) == "S", "it is frozen"))
        check("interrupted by SIGTERM" in said, said)
        for sock in waiting:
            sock.close()


@test("a peer that sends without an end keeps nobody from stopping a page "
      "server")
def wire_endless(case):
    there = case.make_dir("there")
    server = Server(case, there)
    sock = server.connect()
    sock.sendall(message(OPEN2, what=7 << 8 | 1))
    sock.recv(1)
    sock.sendall(message(ADD_F, 1 << 20, 1 << 30, 7 << 8 | 1, PRESENT))
    said = interrupted(server.child, lambda: sock.sendall(bytes(1 << 14)))
    sock.close()
    check("interrupted by SIGTERM while pages were received" in said, said)
    check(os.listdir(there) == ["page-server.log"], str(os.listdir(there)))


@test("a page server that is stopped keeps nothing; without a port it says so")
def wire_server_stopped(case):
    there = case.make_dir("there")
    server = Server(case, there)
    sock = server.connect()
    sock.sendall(message(OPEN2, what=7 << 8 | 1))
    sock.recv(1)
    time.sleep(0.1)
    server.child.terminate()
    code, said = server.end()
    check(code == 1 and "interrupted by SIGTERM" in said, f"{code}: {said}")
    check(os.listdir(there) == ["page-server.log"], str(os.listdir(there)))
    done = case.engine("page-server", "-D", there)
    check(done.code == 1 and "--port" in done.err, done.explain())
    busy = Server(case, there)
    done = case.engine("page-server", "-D", there, "--address", "127.0.0.1",
                       "--port", str(busy.port))
    check(done.code == 1 and "already in use" in done.err, done.explain())
    busy.child.kill()
    busy.end()


@test("in the background: a pidfile, and one who waits until it is ready")
def wire_background(case):
    there, port = case.make_dir("there"), port_free()
    done = case.engine("page-server", "-D", there, "-d", "--address",
                       "127.0.0.1", "--port", str(port), "--pidfile", "pid",
                       "-o", "log")
    check(done.code == 0, done.explain())
    pid = int(read_text(os.path.join(there, "pid")))
    check(alive(pid), "it does not run")
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(message(CLOSE))
        check(sock.recv(4) == b"\0\0\0\0", "another answer to the end")
    wait_until(lambda: not alive(pid), "it is done")


@test("a full disk at the server is told there, and the victim lives on")
def wire_full_disk(case):
    there = case.make_dir("there")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", there],
                   check=True)
    try:
        server = Server(case, there)
        victim = case.start([case.program("mem_private")])
        case.ready(victim)
        result = case.try_dump(victim, *server.options())
        code, said = server.end()
        check(code == 1 and "No space left" in said, f"{code}: {said}")
        check(result.code == 1 and "its own log says why" in result.err
              or "sending to the other end" in result.err, result.explain())
        check(alive(victim), "the victim is gone")
    finally:
        subprocess.run(["umount", "-l", there], check=True)
    case.go()
    case.await_verdict(victim)


def killed_once(case, victim, dice, whom, longest):
    """Is the victim gone, and are its images whole then?"""
    there = case.make_dir("there")
    server = Server(case, there)
    dump = subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim), "-D", case.img,
         *server.options()], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(dice.random() * longest)
    (dump if whom == "dump" else server.child).kill()
    codes = dump.wait(timeout=15), server.end()[0]
    time.sleep(0.05)
    reap_all()
    for folder in (there, case.img):
        case.engine("recover", folder)
        left = [n for n in os.listdir(folder) if n.startswith(".stasis")]
        check(not left, f"{whom}, {codes}: recover leaves {left}")
    if alive(victim):
        whole = os.path.exists(os.path.join(case.img, "stasis.img"))
        check(codes[0] != 0, f"{whom}, {codes}: it lives and is dumped")
        check(not whole or whom == "dump", f"{codes}: images look whole")
    else:
        case.gone([victim])
        take_over(case, there)
        case.restore(victim, img=there)
    check(alive(victim), f"{whom}, {codes}: the process is lost")
    shutil.rmtree(there)
    for name in os.listdir(case.img):
        os.unlink(os.path.join(case.img, name))
    return alive(victim)


@test("dump or page server is killed at any moment: the process is not lost",
      limit=40 + 2 * KILLS)
def wire_killed(case):
    dice = random.Random(SEED)
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    there, start = case.make_dir("there"), time.monotonic()
    server = Server(case, there)
    case.dump(victim, "-R", *server.options())
    server.end()
    longest = 1.5 * (time.monotonic() - start)
    shutil.rmtree(there)
    for number in range(KILLS):
        killed_once(case, victim, dice, ("dump", "server")[number % 2],
                    longest)
    case.go()
    case.await_verdict(victim)


def serve_by_rpc(case, name, there, **fields):
    """A page server that a request started: (client, port, pid)."""
    client = start_worker(case)
    fd = os.open(there, os.O_RDONLY)
    answer = client.ok(name, {
        "images_dir": there, "log_level": 4, "log_file": "ps.log",
        "ps": client.pb.criu_page_server_info(address="127.0.0.1", port=0),
        **fields}, keep_open=name == "PAGE_SERVER_CHLD")
    os.close(fd)
    check(answer.type == client.pb.PAGE_SERVER, f"answer {answer}")
    check(answer.ps.port > 0 and alive(answer.ps.pid), f"answer {answer}")
    return client, answer.ps.port, answer.ps.pid


@test("PAGE_SERVER_CHLD: a port is chosen, DUMP sends to it, WAIT_PID tells")
def wire_rpc(case):
    there = case.make_dir("there")
    client, port, pid = serve_by_rpc(case, "PAGE_SERVER_CHLD", there)
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    dumper = start_worker(case)
    dumper.ok("DUMP", {
        "images_dir": case.img, "pid": victim, "log_level": 4,
        "ps": client.pb.criu_page_server_info(address="127.0.0.1",
                                              port=port)})
    case.gone([victim])
    answer = client.ok("WAIT_PID", pid=pid)
    check(answer.status == 0, f"it ended with {answer.status}")
    take_over(case, there)
    case.restore(victim, img=there)
    case.go()
    case.await_verdict(victim)


@test("PAGE_SERVER outlives its request; an fd that is connected will do")
def wire_rpc_fd(case):
    there = case.make_dir("there")
    client, port, pid = serve_by_rpc(case, "PAGE_SERVER", there)
    client.close()
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        os.set_inheritable(sock.fileno(), True)
        dumper = start_worker(case, [sock.fileno()])
        dumper.ok("DUMP", {
            "images_dir": case.img, "pid": victim,
            "ps": client.pb.criu_page_server_info(fd=sock.fileno())})
        dumper.close()
    case.gone([victim])
    wait_until(lambda: not alive(pid), "the page server is done")
    take_over(case, there)
    case.restore(victim, img=there)
    case.go()
    case.await_verdict(victim)
