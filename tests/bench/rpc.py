# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc: how long requests take, to a worker of their own and to the service.

The packet waits in the socket before the worker begins, and nothing is built
or parsed while the clock runs: a number is the engine's own time from its
exec, or from the connection, to its answer.
"""
import os
import signal
import socket
import subprocess
import time

import harness
import victim
from client import messages

SEQPACKET = socket.AF_UNIX, socket.SOCK_SEQPACKET
NOWHERE = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0),
           (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
WORKERS = 10  # that answer VERSION, a round
REQUESTS = 1000  # to the service, a round


def success(pb, packet, log=None):
    answer = pb.criu_resp()
    answer.ParseFromString(packet)
    if not packet or not answer.success:
        raise SystemExit(f"bench: {answer.cr_errmsg or 'no answer'}\n"
                         + (harness.log_tail(log) if log else ""))


def asked(engine, pb, request, log=None):
    """Milliseconds from the start of a worker to its answer."""
    ours, theirs = socket.socketpair(*SEQPACKET)
    with ours, theirs:
        ours.send(request.SerializeToString())
        ours.settimeout(60)
        os.set_inheritable(theirs.fileno(), True)
        argv = [engine, "swrk", str(theirs.fileno())]
        # No fork: a copy of this interpreter would take longer than the rest.
        start = time.perf_counter()
        pid = os.posix_spawn(engine, argv, os.environ, file_actions=NOWHERE)
        theirs.close()
        packet = ours.recv(8192)
        took = time.perf_counter() - start
    os.waitpid(pid, 0)
    success(pb, packet, log)
    return took * 1000


def workers(bench, engine, folder):
    """VERSION, and DUMP and RESTORE of a small process, through swrk."""
    pb = messages(bench.build)
    version = pb.criu_req(type=pb.VERSION)
    result = {"VERSION": sum(asked(engine, pb, version)
                             for _ in range(WORKERS)) / WORKERS}
    with victim.started(bench.programs["bench_victim"], ["small"], folder) as (tree, img):
        images = os.open(img, os.O_RDONLY | os.O_DIRECTORY)
        try:
            dump = pb.criu_req(type=pb.DUMP, opts=pb.criu_opts(
                images_dir_fd=images, pid=tree[0], log_file="dump.log"))
            result["DUMP"] = asked(engine, pb, dump,
                                   os.path.join(img, "dump.log"))
            victim.gone(tree)
            restore = pb.criu_req(type=pb.RESTORE, opts=pb.criu_opts(
                images_dir_fd=images, log_file="restore.log"))
            result["RESTORE"] = asked(engine, pb, restore,
                                      os.path.join(img, "restore.log"))
        finally:
            os.close(images)
        if not all(harness.alive(pid) for pid in tree):
            raise SystemExit(f"bench: {engine} did not restore the process")
    return result


def connected(path):
    sock = socket.socket(*SEQPACKET)
    sock.settimeout(60)
    try:
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def one_by_one(path, packet):
    """As many connections as requests; the last answer."""
    for _ in range(REQUESTS):
        with connected(path) as sock:
            sock.send(packet)
            answer = sock.recv(8192)
    return answer


def kept_open(path, packet):
    """All requests through one connection; the last answer."""
    with connected(path) as sock:
        for _ in range(REQUESTS):
            sock.send(packet)
            answer = sock.recv(8192)
    return answer


def clocked(pb, ask, path, **fields):
    packet = pb.criu_req(type=pb.VERSION, **fields).SerializeToString()
    start = time.perf_counter()
    answer = ask(path, packet)
    took = time.perf_counter() - start
    success(pb, answer)
    return took * 1000


def listens(path):
    try:
        connected(path).close()
    except OSError:
        return False
    return True


def service(bench, engine, folder):
    """Many VERSION requests to a service."""
    pb = messages(bench.build)
    path = os.path.join(folder, "socket")
    daemon = subprocess.Popen(
        [engine, "service", "--address", path, "-W", folder, "-o",
         "service.log"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        harness.wait_until(lambda: listens(path), "the service listens", 10)
        return {"apart": clocked(pb, one_by_one, path),
                "as one": clocked(pb, kept_open, path, keep_open=True)}
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(10)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
