# SPDX-License-Identifier: GPL-2.0-or-later
"""client: an RPC client on the raw socket, for tests of swrk and service."""
import ctypes
import importlib
import os
import signal
import socket
import subprocess
import sys

from harness import Failure, check, read_text, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "..", "proto")
NOBODY = 65534
PR_SET_DUMPABLE = 4


def messages(build, name="rpc"):
    """The module that protoc makes of rpc.proto, or of another one."""
    out = os.path.join(build, "live", "proto")
    made = os.path.join(out, f"{name}_pb2.py")
    source = os.path.join(PROTO, f"{name}.proto")
    if not os.path.exists(made) or \
            os.path.getmtime(made) < os.path.getmtime(source):
        draft = f"{out}.{name}.{os.getpid()}"
        os.makedirs(draft, exist_ok=True)
        os.makedirs(out, exist_ok=True)
        subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={draft}",
                        f"{name}.proto"], check=True)
        os.rename(os.path.join(draft, f"{name}_pb2.py"), made)
        os.rmdir(draft)
    if out not in sys.path:
        sys.path.insert(0, out)
    return importlib.import_module(f"{name}_pb2")


class Client:
    """One connection; requests are made with the fields as keywords."""

    def __init__(self, case, sock, worker=None):
        self.case, self.sock, self.worker = case, sock, worker
        self.pb = messages(case.build)
        self.heard = []  # (moment, pid) of the notifications
        self.no_at = None  # the moment to say no at
        self.hear = None  # called with each NOTIFY
        sock.settimeout(15)

    def request(self, name, opts=None, **fields):
        req = self.pb.criu_req(type=getattr(self.pb, name), **fields)
        if opts is not None:
            given = dict(images_dir_fd=-1)
            given.update(opts)
            req.opts.CopyFrom(self.pb.criu_opts(**given))
        return req

    def send(self, *args, **fields):
        self.sock.send(self.request(*args, **fields).SerializeToString())

    def receive(self):
        packet = self.sock.recv(8192)
        if not packet:
            return None
        answer = self.pb.criu_resp()
        answer.ParseFromString(packet)
        return answer

    def answer(self):
        """The next packet that is no NOTIFY; those are agreed to."""
        while True:
            answer = self.receive()
            if answer is None or answer.type != self.pb.NOTIFY:
                return answer
            script = answer.notify.script
            self.heard.append((script, answer.notify.pid))
            reply = self.request("NOTIFY")
            reply.notify_success = script != self.no_at
            if self.hear:
                self.hear(answer, reply)
            self.sock.send(reply.SerializeToString())

    def call(self, *args, **fields):
        self.send(*args, **fields)
        return self.answer()

    def ok(self, *args, **fields):
        answer = self.call(*args, **fields)
        check(answer is not None, f"{args[0]}: closed without an answer")
        check(answer.success, f"{args[0]}: {answer.cr_errmsg}")
        check(not answer.HasField("cr_errno")
              and not answer.HasField("cr_errmsg"),
              f"{args[0]} succeeds with cr_errno or cr_errmsg")
        return answer

    def no(self, words, *args, **fields):
        answer = self.call(*args, **fields)
        check(answer is not None, f"{args[0]}: closed without an answer")
        check(not answer.success, f"{args[0]} succeeds")
        check(answer.cr_errno > 0, f"{args[0]}: no cr_errno")
        check(words in answer.cr_errmsg,
              f"{args[0]} says '{answer.cr_errmsg}', without '{words}'")
        return answer

    def close(self):
        """Close, and give back the worker's exit status."""
        self.sock.close()
        if self.worker is None:
            return None
        try:
            return self.worker.wait(10)
        except subprocess.TimeoutExpired:
            raise Failure("the worker does not end")


def start_worker(case, fds=(), **options):
    """A client with a worker of its own: swrk on a socket pair. It inherits
    fds, too."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    worker = subprocess.Popen(
        [case.stasis, "swrk", str(theirs.fileno())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, pass_fds=[theirs.fileno(), *fds], **options)
    theirs.close()
    return Client(case, ours, worker)


def ask(case, *args, **fields):
    """One request in a worker of its own: answer and exit status."""
    client = start_worker(case)
    answer = client.call(*args, **fields)
    return answer, client.close()


class Service:
    """A service daemon in the test's folder."""

    def __init__(self, case, *args, **options):
        self.case = case
        self.path = os.path.join(case.dir, "service.socket")
        self.log = os.path.join(case.dir, "service.log")
        case.logs.append(self.log)
        self.process = subprocess.Popen(
            [case.stasis, "service", "--address", self.path, "-v4", "-W",
             case.dir, "-o", "service.log", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
        wait_until(lambda: "ready for clients" in read_text(self.log, "")
                   or self.process.poll() is not None, "it is ready")
        check(self.process.poll() is None, "the service has ended")

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(self.path)
        return Client(self.case, sock)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def as_user(function, uid=NOBODY, gid=NOBODY, groups=()):
    """Run the function in a child that is another user; what it raises is
    raised here."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read)
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            # As after a login: the kernel trusts none that changed its user.
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
            function()
            status = 0
        except BaseException as error:  # told to the parent
            os.write(write, f"{type(error).__name__}: {error}".encode()[:4000])
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, errors="replace") as pipe:
        told = pipe.read()
    status = os.waitpid(pid, 0)[1]
    check(status == 0, f"as user {uid}: {told or hex(status)}")
