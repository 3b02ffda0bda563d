# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_self: a process that asks to be dumped itself."""
import os
import socket
import sys
import time

from client import Service, messages, start_worker
from harness import alive, check, read_text, state, test, wait_until

# Asks, and writes down what is answered: at first, and when it was restored.
ASKER = """
import os, socket, sys, time
sys.path.insert(0, {proto!r})
import rpc_pb2 as pb
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect({path!r})
fd = os.open({images!r}, os.O_RDONLY)
opts = dict(images_dir_fd=fd, log_level=4, log_file="dump.log", {more})
sock.send(pb.criu_req(type=pb.DUMP, opts=opts).SerializeToString())
answer = pb.criu_resp.FromString(sock.recv(8192))
with open("said.new", "w") as file:
    file.write(f"{{answer.success}} {{answer.dump.restored}} "
               f"{{answer.cr_errmsg}}")
os.rename("said.new", "said")
time.sleep(0.2)
assert sock.recv(1) == b""
with open("end", "w"):
    pass
while True:
    time.sleep(0.05)
"""


def ask(case, service, more=""):
    messages(case.build)
    code = ASKER.format(proto=os.path.join(case.build, "live", "proto"),
                        path=service.path, images=case.img, more=more)
    return case.start([sys.executable, "-c", code])


def said(case, pid):
    wait_until(lambda: read_text(case.path("said")) or not alive(pid),
               "it has its answer")
    return read_text(case.path("said"), "nothing")


@test("a process that asks to be dumped finds the answer when it is restored")
def self_dump(case):
    service = Service(case)
    pid = ask(case, service)
    case.gone([pid])
    check(not os.path.exists(case.path("said")), "it was answered at once")
    service.stop()
    client = start_worker(case)
    answer = client.ok("RESTORE", {"images_dir": case.img, "log_level": 4})
    check(answer.restore.pid == pid, str(answer))
    check(said(case, pid) == "True True ", said(case, pid))
    wait_until(lambda: os.path.exists(case.path("end")), "the socket ends")


@test("with leave_running it is answered at once, and again if restored")
def self_dump_running(case):
    service = Service(case)
    pid = ask(case, service, "leave_running=True")
    check(said(case, pid) == "True False ", said(case, pid))
    wait_until(lambda: os.path.exists(case.path("end")), "the socket ends")
    os.kill(pid, 9)
    case.gone([pid])
    os.unlink(case.path("said"))
    start_worker(case).ok("RESTORE", {"images_dir": case.img})
    check(said(case, pid) == "True True ", said(case, pid))


@test("a self-dump that fails is answered, and the process goes on")
def self_dump_failed(case):
    service = Service(case)
    pid = ask(case, service, "freeze_cgroup='/nowhere'")
    check("nowhere" in said(case, pid), said(case, pid))
    check(alive(pid), "it is dead")


@test("a client that is dumped itself cannot be told of anything")
def self_dump_notify(case):
    service = Service(case)
    pid = ask(case, service, "notify_scripts=True")
    check("frozen" in said(case, pid), said(case, pid))
    check(alive(pid), "it is dead")


@test("a worker cannot dump the client that is its own parent")
def self_dump_parent(case):
    client = start_worker(case)
    client.no("ancestor", "DUMP", {"images_dir": case.img})
    check(client.close() == 1 and alive(os.getpid()), "another status")


@test("a unix socket whose other end is outside is refused by its number")
def self_dump_other(case):
    code = ("import time; open('up', 'w').close()\n"
            "while True: time.sleep(0.05)")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.set_inheritable(theirs.fileno(), True)
    pid = case.start([sys.executable, "-c", code],
                     pass_fds=[theirs.fileno()])
    theirs.close()
    case.ready(pid, "up")
    start_worker(case).no("unix socket", "DUMP", {"images_dir": case.img,
                                                  "pid": pid})
    ours.close()
    time.sleep(0.02)
    check(alive(pid) and state(pid) != "t", "harmed")
