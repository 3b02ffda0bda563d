# SPDX-License-Identifier: GPL-2.0-or-later
"""wire_tls: pages over a connection that nobody else can read or change."""
import os
import shutil
import socket
import subprocess
import threading

import wire_lazy
from client import start_worker
from harness import Skip, alive, check, test
from wire_lazy import Daemon
from wire_server import (Server, by_wire, interrupted, peer, serve_by_rpc,
                         take_over)

CONFIG = """[ca]
default_ca = own
[own]
database = index
default_md = sha256
default_crl_days = 2
"""


def ssl(where, *words):
    subprocess.run(["openssl", *words], cwd=where, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Authority:
    """Signs certificates in a folder of its own."""

    def __init__(self, case, name="pki"):
        if not shutil.which("openssl"):
            raise Skip("there is no openssl to make certificates with")
        self.dir = case.make_dir(name)
        self.key("ca")
        ssl(self.dir, "req", "-x509", "-key", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=authority", "-days", "2")

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name):
        ssl(self.dir, "genpkey", "-algorithm", "EC", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-out", f"{name}.key")

    def sign(self, name, days="2", names="IP:127.0.0.1,DNS:localhost"):
        self.key(name)
        with open(self.path("names"), "w") as file:
            file.write(f"subjectAltName={names}\n")
        ssl(self.dir, "req", "-new", "-key", f"{name}.key", "-out", "csr",
            "-subj", f"/CN={name}")
        ssl(self.dir, "x509", "-req", "-in", "csr", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile",
            "names", "-out", f"{name}.pem")

    def revoke(self, name):
        with open(self.path("config"), "w") as file:
            file.write(CONFIG)
        with open(self.path("index"), "a"):
            pass
        ours = ["-config", "config", "-keyfile", "ca.key", "-cert", "ca.pem"]
        ssl(self.dir, "ca", *ours, "-revoke", f"{name}.pem")
        ssl(self.dir, "ca", *ours, "-gencrl", "-out", "crl.pem")

    def options(self, name, *more, trust=None):
        return ["--tls", "--tls-cacert", (trust or self).path("ca.pem"),
                "--tls-cert", self.path(f"{name}.pem"), "--tls-key",
                self.path(f"{name}.key"), *more]

    def fields(self, name):
        """The same for a request."""
        return {"tls": True, "tls_cacert": self.path("ca.pem"),
                "tls_cert": self.path(f"{name}.pem"),
                "tls_key": self.path(f"{name}.key")}


def authority(case):
    pki = Authority(case)
    pki.sign("server")
    pki.sign("client")
    probe = case.engine("page-server", "-D", case.img, "--port", "1",
                        "--address", "127.0.0.1", "--ps-socket", "0",
                        *pki.options("server"))
    if "linked statically" in probe.err:
        raise Skip("a program that is linked statically has no TLS")
    return pki


def by_tls(case, program, **engines):
    pki = authority(case)
    by_wire(case, program, client_args=pki.options("client"),
            server_args=pki.options("server"), **engines)


@test("memory that went over an encrypted connection is whole")
def tls_private(case):
    by_tls(case, "mem_private")


@test("a whole tree goes over an encrypted connection")
def tls_tree(case):
    by_tls(case, "tree")


@test("another engine's dump sends encrypted pages to our server")
def tls_from_peer(case):
    by_tls(case, "mem_private", client_of=peer())


@test("our dump sends encrypted pages to another engine's server")
def tls_to_peer(case):
    by_tls(case, "mem_shared", server_of=peer())


@test("pages stay with the frozen process, and go encrypted to who may ask")
def tls_lazy_kept(case):
    pki = authority(case)
    wire_lazy.from_kept(case, "mem_private", kept_args=pki.options("server"),
                        daemon_args=pki.options("client"))


class Relay(threading.Thread):
    """Between both: keeps what it sees, cuts or changes it at some byte."""

    def __init__(self, port, cut=None, flip=None):
        super().__init__(daemon=True)
        self.port, self.cut, self.flip = port, cut, flip
        self.seen = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = self.listener.getsockname()[1]
        self.start()

    def run(self):
        self.listener.settimeout(15)
        here, _ = self.listener.accept()
        there = socket.create_connection(("127.0.0.1", self.port))
        back = threading.Thread(target=self.back, args=(there, here),
                                daemon=True)
        back.start()
        try:
            while data := here.recv(65536):
                data, before = bytearray(data), len(self.seen)
                if self.flip is not None and \
                        before <= self.flip < before + len(data):
                    data[self.flip - before] ^= 1
                self.seen += data
                if self.cut is not None and len(self.seen) >= self.cut:
                    there.sendall(data[:self.cut - before])
                    break
                there.sendall(data)
            if self.cut is not None:
                here.shutdown(socket.SHUT_RDWR)
            there.shutdown(socket.SHUT_RDWR if self.cut else socket.SHUT_WR)
        except OSError:
            pass
        back.join(15)
        here.close()
        there.close()

    @staticmethod
    def back(there, here):
        try:
            while data := there.recv(4096):
                here.sendall(data)
            here.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def at_port(port):
    return ["--page-server", "--address", "127.0.0.1", "--port", str(port)]


def dump_refused(case, victim, server_args, client_args, words, said_there,
                 relay=None):
    """One clear sentence at each end, nothing is kept, the victim lives."""
    there = case.make_dir("there")
    server = Server(case, there, *server_args)
    between = Relay(server.port, **relay) if relay else None
    result = case.try_dump(
        victim, *at_port(between.at if between else server.port),
        *client_args)
    if server.child.poll() is None and not relay:
        try:
            server.connect().close()
        except OSError:
            pass
    code, said = server.end()
    check(result.code == 1 and any(w in result.err for w in words),
          f"{words}: {result.explain()}\nserver: {said}")
    check(code == 1 and any(w in said for w in said_there),
          f"{said_there}: server: {code} {said}\nclient: {result.err}")
    for text in (result.err, said):
        check(len([l for l in text.splitlines()
                   if l.startswith("stasis: ")]) == 1, f"sentences: {text}")
    left = [n for n in os.listdir(there) + os.listdir(case.img)
            if n.endswith(".img") or n.startswith(".stasis")]
    check(not left, f"left: {left}")
    check(alive(victim), "the victim is gone")
    shutil.rmtree(there)


@test("certificates that are expired, revoked, foreign or others' are refused",
      limit=60)
def tls_refused(case):
    pki, other = authority(case), Authority(case, "other")
    for name in ("old", "revoked"):
        pki.sign(name, "-1" if name == "old" else "2")
    pki.revoke("revoked")
    pki.sign("elsewhere", names="DNS:elsewhere.example,IP:192.0.2.1")
    other.sign("client")
    other.sign("server")
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    server, client = pki.options("server"), pki.options("client")
    crl = ["--tls-cacrl", pki.path("crl.pem")]
    ends = ["ends the encrypted", "has cut the encrypted"]
    dump_refused(case, victim, pki.options("old"), client,
                 ["page server is refused", "expired"], ends)
    dump_refused(case, victim, server, pki.options("old"), ends,
                 ["client is refused"])
    dump_refused(case, victim, other.options("server"), client,
                 ["page server is refused"], ends + ["client is refused"])
    dump_refused(case, victim, server, other.options("client", trust=pki),
                 ends, ["client is refused"])
    dump_refused(case, victim, pki.options("revoked"), client + crl,
                 ["revoked"], ends)
    dump_refused(case, victim, server + crl, pki.options("revoked"), ends,
                 ["revoked"])
    dump_refused(case, victim, pki.options("elsewhere"), client,
                 ["does not name '127.0.0.1'"], ends)
    there = case.make_dir("there")
    page_server = Server(case, there, *pki.options("elsewhere"))
    case.dump(victim, *page_server.options(), *client, "--tls-no-cn-verify")
    check(page_server.end()[0] == 0, "with --tls-no-cn-verify it is refused")
    take_over(case, there)
    case.restore(victim, img=there)
    case.go()
    case.await_verdict(victim)


@test("one end with TLS and one without: both say so, the victim lives",
      limit=60)
def tls_one_side(case):
    pki = authority(case)
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    dump_refused(case, victim, pki.options("server"), [],
                 ["gone away", "reset", "Broken pipe"],
                 ["does not speak TLS"])
    dump_refused(case, victim, [], pki.options("client"),
                 ["does not speak TLS", "has cut the encrypted",
                  "ends the encrypted"],
                 ["does not do", "there cannot be", "sort"])
    case.go()
    case.await_verdict(victim)


@test("a connection that is cut or changed on the way keeps nothing",
      limit=120)
def tls_cut(case):
    pki = authority(case)
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    server, client = pki.options("server"), pki.options("client")
    cut = ["has cut the", "ends the encrypted"]
    for at in (1, 100, 700, 1500, 20000, 100000):
        dump_refused(case, victim, server, client, cut, cut, {"cut": at})
    bad = ["ends the encrypted", "encrypted connection to", "has cut the"]
    for at in (3000, 20000, 100001):
        dump_refused(case, victim, server, client, bad, bad, {"flip": at})
    case.go()
    case.await_verdict(victim)


@test("who shakes hands a byte at a time keeps nobody from stopping a page "
      "server")
def tls_slow(case):
    pki, there = authority(case), case.make_dir("there")
    server = Server(case, there, *pki.options("server"))
    sock = server.connect()
    sock.sendall(b"\x16\x03\x01\x40\0\1\0\x3f\xfc")
    said = interrupted(server.child, lambda: sock.sendall(b"\0"))
    sock.close()
    check("interrupted by SIGTERM while pages were received" in said, said)


@test("nothing that is sent can be read on the way")
def tls_secret(case):
    pki = authority(case)
    victim = case.start(["python3", "-c", "import os, time\n"
                         "open(os.environ['CHECKPOINT_DIR'] + '/ready', 'w')\n"
                         "kept = [b'sec' + b'ret of the victim'] * 1\n"
                         "while True: time.sleep(1)"])
    case.ready(victim)
    secret = b"".join((b"sec", b"ret of the victim"))
    for args in ([], ["--tls"]):
        there = case.make_dir("there")
        server = Server(case, there, *(pki.options("server") if args else []))
        relay = Relay(server.port)
        case.dump(victim, "-R", *at_port(relay.at),
                  *(pki.options("client") if args else []))
        check(server.end()[0] == 0, "the server has failed")
        relay.join(15)
        check((secret in relay.seen) != bool(args),
              f"with {args}: is the secret seen?")
        shutil.rmtree(there)


@test("files of certificates that are missing, no files, or no certificates")
def tls_files(case):
    pki = authority(case)
    os.mkfifo(pki.path("fifo"))
    with open(pki.path("junk"), "w") as file:
        file.write("junk")
    base = pki.options("server")
    for option, words in (("--tls-cacert", "authority's certificate"),
                          ("--tls-cacrl", "list of revoked"),
                          ("--tls-cert", "our certificate"),
                          ("--tls-key", "our ")):
        for name in ("none", "fifo", "junk"):
            here, there = socket.socketpair()
            with here, there:
                done = case.engine(
                    "page-server", "-D", case.img, "--ps-socket",
                    str(here.fileno()), *base, option, pki.path(name),
                    pass_fds=[here.fileno()])
            check(done.code == 1 and words in done.err,
                  f"{option} {name}: {done.explain()}")
    here, there = socket.socketpair()
    with here, there:
        done = case.engine("page-server", "-D", case.img, "--ps-socket",
                           str(here.fileno()), "--tls",
                           pass_fds=[here.fileno()])
    check(done.code == 1 and ("--tls-cert" in done.err
                              or "our certificate" in done.err),
          done.explain())


@test("the fields of a request that are about TLS do as the options do")
def tls_rpc(case):
    pki, there = authority(case), case.make_dir("there")
    fields = {who: pki.fields(who) for who in ("client", "server")}
    client, port, pid = serve_by_rpc(case, "PAGE_SERVER_CHLD", there,
                                     **fields["server"])
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    dumper = start_worker(case)
    dumper.ok("DUMP", {
        "images_dir": case.img, "pid": victim, "log_level": 4,
        "ps": dumper.pb.criu_page_server_info(address="127.0.0.1", port=port),
        **fields["client"]})
    case.gone([victim])
    answer = client.ok("WAIT_PID", pid=pid)
    check(answer.status == 0, f"it ended with {answer.status}")
    take_over(case, there)
    case.restore(victim, img=there)
    case.go()
    case.await_verdict(victim)


@test("lazy pages come over a connection that nobody else can read")
def tls_lazy(case):
    pki = authority(case)
    victim = case.start([case.program("lazy_events")])
    case.ready(victim)
    case.dump(victim)
    page_server = Server(case, case.img, "--lazy-pages",
                         *pki.options("server"))
    daemon = Daemon(case, *page_server.options(), *pki.options("client"))
    case.restore(victim, "--lazy-pages")
    case.go()
    case.await_verdict(victim)
    daemon.done()
    code, said = page_server.end()
    check(code == 0 and not said, f"server: {code} {said}")
