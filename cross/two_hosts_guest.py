# SPDX-License-Identifier: GPL-2.0-or-later
"""two_hosts_guest: one of the two hosts of cross/two_hosts.

    two_hosts_guest.py first|second NAME PEER

Each asks the other's service over a forwarded socket whether its processes
could go on there. The first one's cannot; the second one's process goes. What
the hosts see is printed as test lines, each by the host that sees it.
"""
import io
import os
import socket
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, "/stasis/tests/live")
import forward  # noqa: E402
import harness  # noqa: E402
from client import Client, start_worker  # noqa: E402

ADDRESS = {"first": "10.99.0.1", "second": "10.99.0.2"}
REQUESTS, FILES = 7707, 7708  # ports
SERVICE, FORWARDED = "/run/own.socket", "/run/peer.socket"
OWN, CAME = "/tmp/own", "/tmp/came"  # images, of here and of the other host
FIRST_PID = 5000  # free at the other host
# Counts on where it stood, and says so in whatever host it is.
COUNTER = """
import os, time
count = 1000000
while True:
    count += 1
    with open("/tmp/count.new", "w") as file:
        file.write(str(count))
    os.rename("/tmp/count.new", "/tmp/count")
    time.sleep(0.05)
"""


class Case:
    """What client.py wants to know of a test."""
    stasis, build = "/stasis/build/stasis", "/stasis/build"


def say(text):
    print(text, flush=True)


def tell(good, what, why=""):
    say(f"{'ok' if good else 'not ok'} - {what}")
    if not good:
        say("\n".join(f"#   {line}" for line in str(why).splitlines()))
        sys.exit(1)


def network_up(role):
    for words in (("addr", "add", ADDRESS[role] + "/24", "dev", "eth0"),
                  ("link", "set", "eth0", "up")):
        subprocess.run(["ip", *words], check=True)


def files_take():
    """What the other host sends replaces what came before."""
    accepting = socket.create_server(("", FILES))
    while True:
        stream = accepting.accept()[0]
        with stream, stream.makefile("rb") as file:
            subprocess.run(["rm", "-rf", CAME], check=True)
            with tarfile.open(fileobj=io.BytesIO(file.read())) as tar:
                tar.extractall(CAME)
            stream.sendall(b"taken")


def files_send(address, folder):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder, ".")
    with socket.create_connection((address, FILES), 60) as stream:
        stream.sendall(packed.getvalue())
        stream.shutdown(socket.SHUT_WR)
        tell(stream.recv(10) == b"taken", f"{len(packed.getvalue()) >> 10} "
             "KiB of images went to the other host")


def host_open(role, peer):
    """Our service, and the way to that of the other host."""
    network_up(role)
    service = subprocess.Popen(
        [Case.stasis, "service", "--address", SERVICE, "-W", "/tmp", "-v4",
         "-o", "service.log"], stdin=subprocess.DEVNULL)
    harness.wait_until(lambda: os.path.exists(SERVICE), "the service is up")
    forward.in_child(forward.far, ("", REQUESTS), SERVICE)
    forward.in_child(files_take)
    forward.near(FORWARDED, (peer, REQUESTS))
    return service


def ask(name, opts, seconds=60):
    """A request to the other host."""
    client = Client(Case, forward.packets_connect(FORWARDED))
    client.sock.settimeout(seconds)
    return client.call(name, opts)


def peer_answers():
    try:
        answer = ask("VERSION", None, 5)
    except OSError:
        answer = None
    if answer is None:
        time.sleep(0.5)
    return answer is not None and answer.success


def cpu_ask(peer):
    """May processes of this CPU go to the other host?"""
    os.makedirs(OWN, exist_ok=True)
    start_worker(Case).ok("CPUINFO_DUMP", {"images_dir": OWN})
    files_send(peer, OWN)
    return ask("CPUINFO_CHECK", {"images_dir": CAME})


def refused_there(name, peer):
    answer = cpu_ask(peer)
    tell(not answer.success and "lacks" in answer.cr_errmsg,
         f"the other host will not have processes of {name}: "
         f"{answer.cr_errmsg[:200]}", answer)


def go_there(name, peer):
    answer = cpu_ask(peer)
    tell(answer.success, f"the other host takes processes of {name}", answer)
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(FIRST_PID))
    victim = subprocess.Popen(
        [sys.executable, "-c", COUNTER], cwd="/", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    harness.wait_until(lambda: harness.read_text("/tmp/count"), "it counts")
    start_worker(Case).ok("DUMP", {"images_dir": OWN, "pid": victim.pid})
    victim.wait()
    tell(not harness.alive(victim.pid), "it was dumped, and is gone here")
    files_send(peer, OWN)
    answer = ask("RESTORE", {"images_dir": CAME, "log_level": 4})
    tell(answer.success and answer.restore.pid == victim.pid,
         f"it was restored at the other host as {victim.pid}", answer)


def counting_here():
    """The other host's process has come, and goes on."""
    harness.wait_until(lambda: harness.read_text("/tmp/count"),
                       "somebody counts here", 60)
    first = int(harness.read_text("/tmp/count"))
    harness.wait_until(lambda: int(harness.read_text("/tmp/count")) > first + 5,
                       "it counts on")
    tell(first > 1000000, f"it goes on here, from {first}")
    here = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if "count.new" in harness.read_text(f"/proc/{pid}/cmdline", "")]
    tell(here and min(here) > FIRST_PID, f"its pid is {here}")


def main():
    role, name, other = sys.argv[1:]
    peer = ADDRESS["second" if role == "first" else "first"]
    service = host_open(role, peer)
    harness.wait_until(peer_answers, f"{other} answers", 60)
    if role == "first":
        refused_there(name, peer)
        counting_here()
    else:
        go_there(name, peer)
        # The other host looks at it, and switches off.
        harness.wait_until(lambda: not peer_answers(), f"{other} is done", 60)
    service.terminate()
    tell(service.wait(20) == 0, "the service ends well")


main()
