# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_two_hosts: a process goes from host A to host B through RPC alone.

Host B is a network namespace of its own with its own service; A reaches it
through a socket that is forwarded over TCP, packet by packet.
"""
import ctypes
import os
import shutil
import struct
import subprocess
import sys
import time

import forward
import rounds_memory
import wire_tls
from client import Client, messages, start_worker
from harness import Skip, alive, check, read_text, state, test, wait_until
from wire_server import take_over

SLEEPER = [sys.executable, "-c", "import time\nwhile True: time.sleep(0.05)"]
ADDRESS, PORT = "10.99.{}.{}", 7707


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Skip(f"{' '.join(words)}: {done.stderr.strip()}")


class HostB:
    """A network namespace with a service and the far end of the forwarder."""

    def __init__(self, case):
        self.case = case
        self.path = os.path.join(case.dir, "b.socket")
        self.images = case.make_dir("b")
        net = os.getpid() % 250
        self.near, self.far = ADDRESS.format(net, 1), ADDRESS.format(net, 2)
        self.keeper = subprocess.Popen(["unshare", "-n", "sleep", "60"])
        mine = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(self.ns()) != mine, "B is there")
        self.wire(f"sv{os.getpid()}")
        self.inside([case.stasis, "service", "--address", self.path,
                     "-W", case.dir, "-o", "b.log", "-v4"])
        wait_until(lambda: os.path.exists(self.path), "B's service is ready")
        self.relays()

    def ns(self):
        return f"/proc/{self.keeper.pid}/ns/net"

    def inside(self, words):
        return subprocess.Popen(["nsenter", f"--net={self.ns()}", *words],
                                stdin=subprocess.DEVNULL)

    def wire(self, name):
        pid = str(self.keeper.pid)
        run("ip", "link", "add", f"{name}a", "type", "veth", "peer", "name",
            f"{name}b", "netns", pid)
        run("ip", "addr", "add", f"{self.near}/24", "dev", f"{name}a")
        run("ip", "link", "set", f"{name}a", "up")
        enter = ["nsenter", f"--net={self.ns()}", "ip"]
        run(*enter, "addr", "add", f"{self.far}/24", "dev", f"{name}b")
        run(*enter, "link", "set", f"{name}b", "up")

    def relays(self):
        self.local = os.path.join(self.case.dir, "a.socket")
        forward.near(self.local, (self.far, PORT))
        forward.in_child(self.far_relay)
        wait_until(self.answers, "the forwarder works")

    def far_relay(self):
        with open(self.ns()) as file:
            ctypes.CDLL(None).setns(file.fileno(), 0)
        forward.far((self.far, PORT), self.path)

    def connect(self):
        return Client(self.case, forward.packets_connect(self.local))

    def answers(self):
        try:
            answer = self.connect().call("VERSION")
        except OSError:
            return False
        if answer is None:
            time.sleep(0.1)
        return answer is not None and answer.success


def forge(case, path):
    """A CPU that can do everything: B's cannot."""
    pb = messages(case.build, "cpuinfo")
    with open(path, "rb") as file:
        magic, size = file.read(8), struct.unpack("I", file.read(4))[0]
        entry = pb.cpuinfo_entry.FromString(file.read(size))
    if not entry.x86_entry:
        raise Skip("only written for x86_64")
    for i in range(len(entry.x86_entry[0].capability)):
        entry.x86_entry[0].capability[i] = 0xffffffff
    packet = entry.SerializeToString()
    with open(path, "wb") as file:
        file.write(magic + struct.pack("I", len(packet)) + packet)


@test("a process goes to another host through RPC alone, if its CPU will do",
      limit=40)
def rpc_two_hosts(case):
    host = HostB(case)
    pid = case.start(SLEEPER)
    wait_until(lambda: state(pid) == "S", "the victim sleeps")
    mine, its = os.readlink(f"/proc/{pid}/ns/net"), os.readlink(host.ns())
    start_worker(case).ok("CPUINFO_DUMP", {"images_dir": case.img})
    image = os.path.join(host.images, "cpuinfo.img")
    shutil.copy(os.path.join(case.img, "cpuinfo.img"), image)
    forge(case, image)
    answer = host.connect().no("", "CPUINFO_CHECK",
                               {"images_dir": host.images})
    check(len(answer.cr_errmsg) > 20, str(answer))
    shutil.copy(os.path.join(case.img, "cpuinfo.img"), image)
    host.connect().ok("CPUINFO_CHECK", {"images_dir": host.images})
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid})
    case.gone([pid])
    shutil.copytree(case.img, host.images, dirs_exist_ok=True)
    answer = host.connect().ok("RESTORE", {"images_dir": host.images,
                                           "log_level": 4})
    check(answer.restore.pid == pid and alive(pid), str(answer))
    now = os.readlink(f"/proc/{pid}/ns/net")
    check(now == its != mine, f"it is at {now}, not at {its}: "
          + read_text(os.path.join(host.images, "criu.log"), ""))


@test("its memory goes to the other host's page server, encrypted, by RPC alone",
      limit=40)
def rpc_two_hosts_wire(case):
    host, pki = HostB(case), wire_tls.authority(case)
    pki.sign("server", names=f"IP:{host.far}")
    fields = {who: pki.fields(who) for who in ("client", "server")}
    victim = case.start([case.program("mem_private")])
    case.ready(victim)
    far = host.connect()
    place = far.pb.criu_page_server_info(address=host.far, port=0)
    answer = far.ok("PAGE_SERVER", {"images_dir": host.images, "ps": place,
                                    **fields["server"]})
    dumper = start_worker(case)
    place = dumper.pb.criu_page_server_info(address=host.far,
                                            port=answer.ps.port)
    dumper.ok("DUMP", {"images_dir": case.img, "pid": victim, "ps": place,
                       **fields["client"]})
    case.gone([victim])
    wait_until(lambda: not alive(answer.ps.pid), "the page server is done")
    take_over(case, host.images)
    host.connect().ok("RESTORE", {"images_dir": host.images, "log_level": 4})
    check(os.readlink(f"/proc/{victim}/ns/net") == os.readlink(host.ns()),
          "it is not at the other host")
    case.go()
    case.await_verdict(victim)


@test("all of it: CPUs compared, two rounds and a dump into the other host's "
      "page server, encrypted, and the restore there", limit=90)
def rpc_two_hosts_rounds(case):
    rounds_memory.tracks(case)
    host, pki = HostB(case), wire_tls.authority(case)
    pki.sign("server", names=f"IP:{host.far}")
    ours, its = (pki.fields(who) for who in ("client", "server"))
    start_worker(case).ok("CPUINFO_DUMP", {"images_dir": case.img})
    shutil.copy(os.path.join(case.img, "cpuinfo.img"), host.images)
    host.connect().ok("CPUINFO_CHECK", {"images_dir": host.images})
    victim, worker = rounds_memory.Mutable(case), start_worker(case)
    for n in range(3):
        here, there = case.make_dir(f"here{n}"), case.make_dir(f"there{n}")
        far = host.connect()
        place = far.pb.criu_page_server_info(address=host.far, port=0)
        after = {"parent_img": f"../there{n - 1}"} if n else {}
        answer = far.ok("PAGE_SERVER", {"images_dir": there, "ps": place,
                                        **its, **after})
        place.port = answer.ps.port
        after = {"parent_img": f"../here{n - 1}"} if n else {}
        worker.ok("PRE_DUMP" if n < 2 else "DUMP",
                  {"images_dir": here, "pid": victim.pid, "track_mem": True,
                   "ps": place, **ours, **after})
        wait_until(lambda: not alive(answer.ps.pid), "the server is done")
        if n < 2:
            victim.step()
    case.gone([victim.pid])
    check(rounds_memory.stored(there) < rounds_memory.stored(
        os.path.join(case.dir, "there0")) * 4 // 5, "all was sent again")
    for name in os.listdir(here):
        if name.endswith(".img"):
            shutil.copy(os.path.join(here, name), there)
    host.connect().ok("RESTORE", {"images_dir": there, "log_level": 4})
    check(os.readlink(f"/proc/{victim.pid}/ns/net") == os.readlink(host.ns()),
          "it is not at the other host")
    victim.look()
