# SPDX-License-Identifier: GPL-2.0-or-later
"""stream_streamer: --stream: an image streamer takes the images and has them.

The streamer here is a small one of our own that speaks the same words as
criu-image-streamer: a name, and a pipe for what has that name.
"""
import array
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from client import NOBODY
from harness import (Skip, alive, check, descendants, state, test)
from wire_server import interrupted


def varint_skip(data):
    """The text of field 1 of a request."""
    check(data[0] == 0x0a and data[1] < 128, f"no request: {data!r}")
    return data[2:2 + data[1]].decode()


class Streamer(threading.Thread):
    """Listens in a directory; images: name -> bytes."""

    def __init__(self, directory, images=None, stop_after=None, reply=None):
        super().__init__(daemon=True)
        self.serves, self.images = images is not None, images or {}
        self.asked, self.stop_after, self.reply = [], stop_after, reply
        self.path = os.path.join(directory, "streamer-serve.sock"
                                 if self.serves else "streamer-capture.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.start()

    def run(self):
        self.listener.settimeout(15)
        try:
            sock, _ = self.listener.accept()
        except (OSError, TimeoutError):
            return
        readers = []
        with sock:
            while (name := self.request(sock)) is not None:
                self.asked.append(name)
                if self.stop_after is not None:
                    self.stop_after -= 1
                    if self.stop_after < 0:
                        break
                if self.serves:
                    self.serve(sock, name)
                else:
                    readers.append(threading.Thread(
                        target=self.take, args=(name, self.pipe(sock))))
                    readers[-1].start()
        for reader in readers:
            reader.join()

    def request(self, sock):
        size = sock.recv(4, socket.MSG_WAITALL)
        if len(size) < 4:
            return None
        return varint_skip(sock.recv(struct.unpack("=I", size)[0],
                                     socket.MSG_WAITALL))

    def pipe(self, sock):
        fds = array.array("i")
        _, extra, _, _ = sock.recvmsg(1, socket.CMSG_LEN(4))
        fds.frombytes(extra[0][2])
        return fds[0]

    def take(self, name, fd):
        with os.fdopen(fd, "rb") as pipe:
            check(name not in self.images, f"{name} comes twice")
            self.images[name] = pipe.read()

    def serve(self, sock, name):
        there = name in self.images
        sock.sendall(self.reply or struct.pack("=IBB", 2, 8, int(there)))
        if there and not self.reply:
            fd = self.pipe(sock)
            try:
                with os.fdopen(fd, "wb") as pipe:
                    pipe.write(self.images[name])
            except BrokenPipeError:
                pass

    def end(self):
        self.join(15)
        check(not self.is_alive(), "the streamer is not done")
        self.listener.close()
        os.unlink(self.path)


def victim_make(case, program):
    victim = case.start([case.program(program)])
    case.ready(victim)
    return victim


def captured(case, program, *args):
    """A victim that was dumped, and its images."""
    victim, streamer = victim_make(case, program), Streamer(case.img)
    case.dump(victim, "--stream", *args)
    streamer.end()
    return victim, streamer.images


def by_streamer(case, program, dumper=None, restorer=None):
    ours, case.stasis = case.stasis, dumper or case.stasis
    victim, images = captured(case, program)
    case.stasis = ours
    left = [n for n in os.listdir(case.img) if n.endswith(".img")]
    check(not left, f"images are in the directory, too: {left}")
    case.stasis = restorer or ours
    streamer = Streamer(case.img, images)
    case.restore(victim, "--stream")
    streamer.end()
    case.stasis = ours
    check(not [n for n in os.listdir(case.img) if n.startswith(".stasis")
               or n.startswith("stasis-")], "a folder is left")
    case.go()
    case.await_verdict(victim)
    return streamer.asked


@test("an image streamer takes a process and gives it back")
def streamer_private(case):
    asked = by_streamer(case, "mem_private")
    check(asked[0] == "stasis.img" and len(set(asked)) == len(asked),
          f"asked for: {asked}")


@test("an image streamer takes memory objects and a whole tree")
def streamer_shared(case):
    by_streamer(case, "mem_shared")


@test("a whole tree and a deleted file go through an image streamer")
def streamer_files(case):
    by_streamer(case, "file_deleted")


@test("without a manifest, files are asked for as they are needed, and once")
def streamer_plain(case):
    for program in ("pipes", "file_deleted", "mem_shared"):
        victim, images = captured(case, program)
        del images["stasis.img"]
        streamer = Streamer(case.img, images)
        case.restore(victim, "--stream")
        streamer.end()
        check(len(set(streamer.asked)) == len(streamer.asked),
              f"asked twice: {streamer.asked}")
        case.go()
        case.await_verdict(victim)
        for name in ("go", "verdict", "ready"):
            if os.path.exists(case.path(name)):
                os.unlink(case.path(name))


def peer():
    if not os.environ.get("PEER"):
        raise Skip("PEER= names no other engine")
    return os.environ["PEER"]


@test("what another engine gave a streamer, we restore")
def streamer_from_peer(case):
    by_streamer(case, "mem_private", dumper=peer())


@test("what we gave a streamer, another engine restores")
def streamer_to_peer(case):
    by_streamer(case, "mem_private", restorer=peer())


@test("a streamer that is not there, or goes away: the victim lives")
def streamer_gone(case):
    victim = victim_make(case, "mem_private")
    result = case.try_dump(victim, "--stream")
    check(result.code == 1 and "must be started first" in result.err,
          result.explain())
    done, stop = False, 0
    while not done:
        streamer = Streamer(case.img, stop_after=stop)
        result = case.try_dump(victim, "--stream", "-R")
        streamer.end()
        done, stop = result.code == 0, stop + 1
        check(done or (result.code == 1 and "gone away" in result.err),
              result.explain())
        check(alive(victim), f"after {stop}: the victim is gone")
    check(stop > 5, f"only {stop} files")
    case.go()
    case.await_verdict(victim)


@test("a streamer that goes away, lacks a file or lies: nothing is made")
def streamer_lies(case):
    victim, images = captured(case, "mem_private")

    def refused(words, given, **how):
        streamer = Streamer(case.img, given, **how)
        result = case.try_restore("--stream")
        streamer.end()
        check(result.code == 1 and words in result.err,
              f"{words}: {result.explain()}")
        check(state(victim) is None, f"{words}: there is a process")
        check(not [n for n in os.listdir(case.img)
                   if n.startswith((".stasis", "stasis-"))], "left")
    names = sorted(images)
    for stop in range(len(names)):
        refused("gone away", images, stop_after=stop)
    refused("words that are not known", images,
            reply=struct.pack("=I", 3) + b"xyz")
    refused("words that are not known", images,
            reply=struct.pack("=I", 1 << 31))
    for name in names:
        if name == "stasis.img":
            continue
        refused(name, {n: images[n] for n in names if n != name})
        bad = bytearray(images[name])
        bad[len(bad) // 2] ^= 4
        refused(name, dict(images, **{name: bytes(bad)}))
    refused("inventory.img is missing", {})
    streamer = Streamer(case.img, images)
    case.restore(victim, "--stream")
    streamer.end()
    case.go()
    case.await_verdict(victim)


class Stranger:
    """What listens in the place of a streamer and belongs to another user."""

    def __init__(self, path, backlog=16):
        ready, up = os.pipe()
        self.path, self.pid = path, os.fork()
        if not self.pid:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(backlog)
            os.write(up, b"1")
            time.sleep(60)
            os._exit(0)
        os.close(up)
        check(os.read(ready, 1) == b"1", "nobody listens")
        os.close(ready)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.unlink(self.path)


@test("a streamer of another user's gets no image and gives none")
def streamer_strange(case):
    victim = victim_make(case, "mem_private")
    os.chmod(case.dir, 0o755)
    os.chown(case.img, NOBODY, NOBODY)
    strange = Stranger(os.path.join(case.img, "streamer-capture.sock"))
    results = [case.try_dump(victim, "--stream"),
               case.engine("cpuinfo", "dump", "--stream", "-D", case.img)]
    strange.end()
    check(alive(victim), "the victim is gone")
    strange = Stranger(os.path.join(case.img, "streamer-serve.sock"))
    results.append(case.try_restore("--stream"))
    strange.end()
    for result in results:
        check(result.code == 1 and f"is user {NOBODY}'s" in result.err,
              result.explain())
    case.go()
    case.await_verdict(victim)


@test("a streamer that lets nobody in can be waited for no longer")
def streamer_full(case):
    victim = victim_make(case, "mem_private")
    os.chmod(case.dir, 0o755)
    os.chown(case.img, NOBODY, NOBODY)
    strange = Stranger(os.path.join(case.img, "streamer-capture.sock"), 0)
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(strange.path)
        dump = subprocess.Popen(
            [case.stasis, "dump", "-t", str(victim), "-D", case.img,
             "--stream"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = interrupted(dump, lambda: None)
    strange.end()
    check("interrupted by SIGTERM" in said, said)
    case.go()
    case.await_verdict(victim)


@test("a script is told before the streamer is connected to, and may object")
def streamer_script(case):
    victim = victim_make(case, "mem_private")
    streamer = Streamer(case.img)
    result = case.try_dump(victim, "--stream", "--action-script",
                           "test $CRTOOLS_SCRIPT_ACTION != pre-stream")
    check(result.code == 1 and "pre-stream" in result.err, result.explain())
    check(streamer.asked == [] and alive(victim), "it was asked all the same")
    case.dump(victim, "--stream")
    streamer.end()
    streamer = Streamer(case.img, streamer.images)
    case.restore(victim, "--stream")
    streamer.end()
    case.go()
    case.await_verdict(victim)


@test("the CPU alone goes to a streamer")
def streamer_cpuinfo(case):
    streamer = Streamer(case.img)
    done = case.engine("cpuinfo", "dump", "--stream", "-D", case.img)
    check(done.code == 0, done.explain())
    streamer.end()
    check(list(streamer.images) == ["cpuinfo.img"], str(streamer.images))
    there = case.make_dir("there")
    with open(os.path.join(there, "cpuinfo.img"), "wb") as file:
        file.write(streamer.images["cpuinfo.img"])
    done = case.engine("cpuinfo", "check", "-D", there)
    check(done.code == 0, done.explain())
