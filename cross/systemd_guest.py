# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd_guest: what cross/systemd tries, inside its guest, as a unit."""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, "/stasis/tests/live")
import harness  # noqa: E402
from client import Client, as_user, messages  # noqa: E402

SOCKET, USER = "/run/stasis.socket", 65534
GROUP, GROUP_ID = "checkpoint", 4321
DROP_INS = {
    "stasis.socket": f"[Socket]\nSocketGroup={GROUP}\nSocketMode=0660\n",
    "stasis.service": "[Service]\nExecStart=\nExecStart=/usr/sbin/stasis "
                      f"service --allow-group {GROUP}\n",
}


class Case:
    """What client.py wants to know of a test."""
    build = "/stasis/build"


def systemctl(*words):
    done = subprocess.run(["systemctl", *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.strip()


def active(unit):
    return systemctl("is-active", unit)[1]


def tell(good, what, why=""):
    print(f"{'ok' if good else 'not ok'} - {what}", flush=True)
    if not good:
        log = subprocess.run(
            ["journalctl", "-n", "40", "--no-pager", "-o", "cat"], text=True,
            stdout=subprocess.PIPE).stdout
        print("".join(f"#   {line}\n" for line in
                      f"{why}\n{log}".splitlines()), flush=True)
        sys.exit(1)


def ask(name, opts=None):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(SOCKET)
    client = Client(Case, sock)
    client.sock.settimeout(60)
    return client.call(name, opts)


def sleeper_start():
    """A process of its own unit, as systemd would run any."""
    started = subprocess.run(
        ["systemd-run", "--unit=sleeper", "-p", "StandardOutput=null", "-p",
         "StandardError=null", "sleep", "1000000"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pid = int(systemctl("show", "-P", "MainPID", "sleeper.service")[1])
    tell(pid > 1, "a unit has a process to dump", started.stdout)
    return pid


def activation():
    code, said = systemctl("start", "stasis.socket")
    tell(code == 0 and active("stasis.socket") == "active",
         "systemd listens at the socket", said)
    mode = os.stat(SOCKET).st_mode & 0o777
    tell(mode == 0o600, f"the socket has mode {mode:o}")
    tell(active("stasis.service") == "inactive", "no service runs yet")
    answer = ask("VERSION")
    tell(answer is not None and answer.success
         and answer.version.name.startswith("Stasis"),
         "the first request starts the service", answer)
    tell(active("stasis.service") == "active", "the service runs")


def walks():
    pid = sleeper_start()
    os.makedirs("/tmp/images", exist_ok=True)
    opts = {"images_dir": "/tmp/images", "log_level": 4}
    answer = ask("DUMP", {**opts, "pid": pid})
    tell(answer is not None and answer.success,
         "the process of another unit is dumped", answer)
    harness.wait_until(lambda: active("sleeper.service") != "active",
                       "its unit has ended", 20)
    answer = ask("RESTORE", opts)
    tell(answer is not None and answer.success and answer.restore.pid == pid,
         "it is restored", answer)
    group = harness.read_text(f"/proc/{pid}/cgroup", "")
    tell("stasis.service" in group, "it lives in the service's group", group)
    code, said = systemctl("stop", "stasis.service", "stasis.socket")
    tell(code == 0 and active("stasis.service") == "inactive",
         "the service is stopped", said)
    time.sleep(0.5)
    tell(harness.alive(pid), "the restored process outlives it")
    os.kill(pid, 9)


def groups():
    """As stasis-service(8) says: a group is let in."""
    with open("/etc/group", "a") as file:
        file.write(f"{GROUP}:x:{GROUP_ID}:\n")
    for unit, text in DROP_INS.items():
        os.makedirs(f"/etc/systemd/system/{unit}.d")
        with open(f"/etc/systemd/system/{unit}.d/group.conf", "w") as file:
            file.write(text)
    systemctl("daemon-reload")
    code, said = systemctl("start", "stasis.socket")
    tell(code == 0, "the socket is given to a group", said)

    def version():
        answer = ask("VERSION")
        harness.check(answer is not None and answer.success, str(answer))

    def stranger():
        try:
            ask("VERSION")
        except PermissionError:
            return
        raise AssertionError("connected")
    messages(Case.build)
    as_user(version, USER, USER, [GROUP_ID])
    as_user(stranger, USER, USER)
    tell(True, "its members are served, others cannot connect")


def main():
    print(flush=True)  # behind what the console says of its own
    activation()
    walks()
    try:
        groups()
    except harness.Failure as failure:
        tell(False, "its members are served, others cannot connect", failure)


main()
