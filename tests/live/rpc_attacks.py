# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_attacks: guests of a service of root's who mean harm, with their own
rights only; docs/security.md says what stands against each."""
import fcntl
import os
import re
import resource
import signal
import socket
import threading
import time

import harm_rights
import harness
import image_edit
from client import HERE, NOBODY, as_user, messages
from harness import (SLOW, alive, check, read_text, state, stat_fields, test,
                     wait_until)
from rpc_service import guest_service, own_dir, victim

F_SETPIPE_SZ = 1031


def workers_of(service):
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit()
            and (stat_fields(pid) or [0, 0])[1] == str(service.process.pid)]


def version_in_time(service, seconds=2.0):
    """Root is served, whatever others do."""
    started = time.monotonic()
    service.connect().ok("VERSION")
    took = time.monotonic() - started
    check(took < seconds * SLOW, f"root waited {took:.1f} s")


def check_unharmed(pid):
    """It runs or sleeps (on a busy disk too), and nobody traces it."""
    now = state(pid)
    check(now in ("R", "S", "D")
          and "TracerPid:\t0\n" in read_text(f"/proc/{pid}/status"),
          f"harmed: state {now}")


def ended(service):
    wait_until(lambda: not workers_of(service), "all workers have ended")


def sockets_open(service, n):
    """So many connections; as many as there is room for count."""
    held = []
    for _ in range(n):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(service.path)
        sock.settimeout(5)
        held.append(sock)
    return held


@test("a thousand connections of a guest leave room for others", limit=40)
def attack_flood(case):
    service = guest_service(case, "--max-workers", "8")
    messages(case.build)

    def attempt():
        resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
        held = sockets_open(service, 1000)
        with open(case.path("up"), "w"):
            pass
        while not os.path.exists(case.path("go")):
            time.sleep(0.02)
        for sock in held:
            sock.close()
    flood = threading.Thread(target=as_user, args=(attempt,))
    flood.start()
    case.ready(os.getpid(), "up", 20)
    try:
        check(len(workers_of(service)) <= 2, f"{len(workers_of(service))}")
        version_in_time(service)
        as_user(lambda: check("busy" in service.connect().answer().cr_errmsg,
                              "there is room"))
    finally:
        case.go()
        flood.join()
    ended(service)
    version_in_time(service)
    check(service.stop() == 0, "another status")


@test("the log tells of ten uninvited clients a minute, and how many more "
      "there were")
def attack_log(case):
    service = guest_service(case)
    messages(case.build)

    def attempt():
        for _ in range(300):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.connect(service.path)
            sock.close()
    as_user(attempt, uid=12345, gid=12345)
    as_user(lambda: service.connect().ok("VERSION"))
    ended(service)
    check(service.stop() == 0, "another status")
    lines = read_text(service.log).splitlines()
    strange = [line for line in lines if "12345" in line]
    check(1 <= len(strange) <= 10, f"{len(strange)}: {strange[:3]}")
    check(len(lines) <= 50, f"{len(lines)} lines: {lines[:60]}")
    check([line for line in lines if "290 more clients" in line], f"{lines}")


@test("a horde of users who were not invited leaves room for those who were")
def attack_horde(case):
    service = guest_service(case, "--max-workers", "8")
    messages(case.build)
    hold = []

    def one(uid):
        def attempt():
            sock = sockets_open(service, 1)[0]
            answer = sock.recv(8192)
            check(b"may not use" in answer or b"busy" in answer, "served")
        as_user(attempt, uid=uid, gid=uid)

    for uid in range(20000, 20020):
        hold.append(threading.Thread(target=one, args=(uid,)))
        hold[-1].start()
    try:
        time.sleep(0.3)
        as_user(lambda: service.connect().ok("VERSION"))
        version_in_time(service)
    finally:
        for thread in hold:
            thread.join()
    service.stop()


@test("a guest cannot keep a connection longer than its time by asking again")
def attack_again(case):
    service = guest_service(case, "--request-timeout", str(SLOW))
    messages(case.build)

    def attempt():
        client = service.connect()
        started = time.monotonic()
        while time.monotonic() - started < 6 * SLOW:
            answer = client.call("VERSION", keep_open=True)
            if not answer.success:
                check("is over" in answer.cr_errmsg, str(answer))
                return
            time.sleep(0.1)
        raise AssertionError("it is served for ever")
    as_user(attempt)
    ended(service)
    service.stop()


@test("a guest's worker that waits for a FIFO, or is stopped, is ended")
def attack_stuck(case):
    service = guest_service(case, "--request-timeout", str(SLOW))
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)

    def fifo():
        path = os.path.join(images, "log")
        os.mkfifo(path)
        service.connect().no("log file", "DUMP", {
            "images_dir": images, "pid": pid, "log_file": "log"})
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # reads nothing
        full = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        fcntl.fcntl(reader, F_SETPIPE_SZ, 4096)
        os.write(full, bytes(4096))
        client = service.connect()
        client.send("DUMP", {"images_dir": images, "pid": pid,
                             "log_file": "log", "log_level": 4})
        if client.receive() is not None:
            raise AssertionError("an answer")

    def stop():
        client = service.connect()
        client.ok("VERSION", keep_open=True)
        os.kill(workers_of(service)[0], signal.SIGSTOP)
        if client.receive() is not None:
            raise AssertionError("an answer")
    for attempt in (fifo, stop):
        as_user(attempt)
        ended(service)
        version_in_time(service)
    check_unharmed(pid)
    log = read_text(service.log, "")
    check(log.count("takes too long: killed") >= 2, log[-2000:])
    service.stop()


@test("a guest's script that never ends is ended, and the dump undone")
def attack_script(case):
    service = guest_service(case, "--request-timeout", str(SLOW))
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    with open(os.path.join(images, "conf"), "w") as file:
        file.write('action-script "sleep 100"\n')

    def attempt():
        service.connect().no("SIGTERM", "DUMP", {
            "images_dir": images, "pid": pid,
            "config_file": images + "/conf"})
    as_user(attempt)
    check_unharmed(pid)
    service.stop()


@test("what root's memory was is not in a core file of a guest's worker")
def attack_core(case):
    service = guest_service(case)
    messages(case.build)

    def attempt():
        client = service.connect()
        client.ok("VERSION", keep_open=True)
        with open(case.path("worker"), "w") as file:
            file.write(str(workers_of(service)[0]))
        case.go("up")
        while not os.path.exists(case.path("go")):
            time.sleep(0.02)
    os.chmod(case.work, 0o777)
    guest = threading.Thread(target=as_user, args=(attempt,))
    guest.start()
    try:
        case.ready(os.getpid(), "up")
        smaps = read_text(f"/proc/{read_text(case.path('worker'))}/smaps")
    finally:
        case.go()
        guest.join()
    areas = re.findall(r"^[0-9a-f]+-[0-9a-f]+ (.w..) .*?(\S*)\n(?:.*:.*\n)*?"
                       r"VmFlags: (.*)$", smaps, re.M)
    check(len(areas) > 3, smaps[:1000])
    open_ones = [name for _mode, name, flags in areas
                 if "dd" not in flags.split()]
    # What was made since then holds only what the guest has said.
    check(all(name in ("", "[stack]", "[heap]") for name in open_ones)
          and len(open_ones) < len(areas) / 3, str(areas))
    service.stop()


@test("links, FIFOs and folders in a guest's image directory harm nobody")
def attack_images(case):
    service = guest_service(case, "--request-timeout", str(SLOW))
    messages(case.build)
    secret = os.path.join(case.dir, "secret")
    with open(secret, "w") as file:
        file.write("token 12345\n")
    os.chmod(secret, 0o600)
    pid = victim(case, NOBODY)
    for number, name in enumerate((
            "inventory.img", "pstree.img", "stasis.img", "files.img",
            f"core-{pid}.img", "stats-dump", "criu.log")):
        images = own_dir(case, f"own{number}")
        os.symlink(secret, os.path.join(images, name))

        def attempt():
            client = service.connect()
            answer = client.call("DUMP", {
                "images_dir": images, "pid": pid, "leave_running": True})
            check("token" not in str(answer), str(answer))
            service.connect().call("RESTORE", {"images_dir": images})
        as_user(attempt)
        check(read_text(secret) == "token 12345\n", f"{name}: changed")
        check(os.stat(secret).st_uid == 0, f"{name}: given away")
    check_unharmed(pid)
    service.stop()


@test("images that name files of whoever opens them get nothing of a worker")
def attack_opener(case):
    service = guest_service(case)
    messages(case.build)
    held = os.path.join(own_dir(case, "place"), "held")
    for number, name in enumerate(("self/mem", "self/environ", "self/maps",
                                   "thread-self/mem", "self/fd/4",
                                   "1/environ")):
        images = own_dir(case, f"own{number}")
        pid = victim(case, NOBODY, ("sh", "-c", f"exec sleep 600 3<>{held}"))
        as_user(lambda: service.connect().ok("DUMP", {
            "images_dir": images, "pid": pid}))
        case.gone([pid])

        def attempt():
            image_edit.rename_file(images, held, f"/proc/{name}")
            answer = service.connect().no("opening '" if "fd" in name
                                          else "about one process",
                                          "RESTORE", {"images_dir": images})
            check(name in answer.cr_errmsg, str(answer))
        as_user(attempt)
        check(not alive(pid), "it is restored")
    service.stop()


@test("fds of wrong kinds, and other processes' fds, get a clear answer")
def attack_fds(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    closed = case.make_dir("closed")
    os.chmod(closed, 0o700)

    def attempt():
        read, write = os.pipe()
        file = os.open("/etc/passwd", os.O_RDONLY)
        path = os.open(images, os.O_PATH)
        sock = socket.socket()
        for fd in (read, write, file, sock.fileno(), 999, 2**30):
            answer = service.connect().no("", "DUMP", {
                "images_dir_fd": fd, "pid": pid})
            check(answer.cr_errno in (2, 20, 13, 6), f"fd {fd}: {answer}")
            service.connect().no("", "DUMP", {
                "images_dir": images, "work_dir_fd": fd, "pid": pid})
        service.connect().ok("DUMP", {
            "images_dir_fd": path, "pid": pid, "leave_running": True})
    as_user(attempt)
    check_unharmed(pid)
    service.stop()


@test("fds that a client sends along are not kept")
def attack_rights(case):
    service = guest_service(case)
    messages(case.build)
    read, write = os.pipe()

    def attempt():
        client = service.connect()
        packet = client.request("VERSION", keep_open=True)
        for _ in range(20):
            socket.send_fds(client.sock, [packet.SerializeToString()],
                            [write] * 100)
            check(client.answer().success, "no answer")
        os.close(write)
        client.ok("VERSION", keep_open=True)
        os.set_blocking(read, False)
        check(os.read(read, 1) == b"", "somebody keeps it open")
    os.set_inheritable(write, False)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            attempt()
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    os.close(read)
    check(os.waitpid(pid, 0)[1] == 0, "the attempt failed")
    service.stop()


@test("a guest who becomes another user while the tree freezes gains nothing",
      limit=40)
def attack_race(case):
    """The victim runs setuid programs all the time: whatever moment the dump
    meets, no process with more rights is dumped."""
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    program = os.path.join(case.dir, "up")
    with open("/bin/sleep", "rb") as source, open(program, "wb") as target:
        target.write(source.read())
    os.chmod(program, 0o4755)
    pid = victim(case, NOBODY, [
        "/bin/sh", "-c", f"while :; do {program} 0.002; done"])
    got = {"ok": 0, "no": 0}

    def attempt():
        for _ in range(60):
            answer = service.connect().call("DUMP", {
                "images_dir": images, "pid": pid, "leave_running": True})
            got["ok" if answer.success else "no"] += 1
            if answer.success:
                for name in os.listdir(images):
                    if name.startswith("core-"):
                        with open(os.path.join(images, name), "rb") as file:
                            check(program.encode() not in file.read(), name)
        with open(os.path.join(images, "tally"), "w") as file:
            file.write(f"{got['ok']} {got['no']}")
    as_user(attempt)
    check(alive(pid), "harmed")
    dumped, refused = map(int, read_text(images + "/tally").split())
    check(dumped + refused == 60 and refused, f"{dumped} and {refused}")
    service.stop()


@test("a client that dies at any moment of its dump leaves its tree unharmed",
      limit=60)
def attack_dies(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    for delay in range(0, 40, 2):
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
                service.connect().send("DUMP", {
                    "images_dir": images, "pid": pid, "leave_running": True,
                    "notify_scripts": delay % 4 == 0})
                time.sleep(delay / 1000)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    ended(service)
    check_unharmed(pid)
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": images, "pid": pid, "leave_running": True}))
    service.stop()


def whole_or_gone(pid):
    """A newborn has a capability until it is made, and must not keep it."""
    status = read_text(f"/proc/{pid}/status", "")
    return not alive(pid) or (
        state(pid) == "S" and "CapPrm:\t0000000000000000" in status)


@test("a worker that its own client kills takes no part of a restore with it")
def attack_kill(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": images, "pid": pid}))
    case.gone([pid])

    def attempt():
        for delay in range(20):
            client = service.connect()
            client.ok("VERSION", keep_open=True)
            worker = workers_of(service)[0]
            client.send("RESTORE", {"images_dir": images})
            time.sleep(delay / 1500)
            try:
                os.kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                pass
            wait_until(lambda: whole_or_gone(pid), "it is whole, or gone")
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
            while state(pid) not in (None, "Z"):
                time.sleep(0.01)
            time.sleep(0.05)
    as_user(attempt)
    service.stop()


@test("a guest gets hold of no newborn of his that is not his wholly", limit=60)
def attack_newborn(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    os.chmod(case.work, 0o777)
    pid = victim(case, NOBODY, [case.program("threads")])
    case.ready(pid)
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": images, "pid": pid}))
    case.gone([pid])
    harm_rights.reach_begin(case, pid)

    for _ in range(20):
        as_user(lambda: service.connect().ok("RESTORE", {
            "images_dir": images}))
        time.sleep(0.02 * SLOW)
        os.kill(pid, signal.SIGKILL)
        case.gone([pid])
    harm_rights.reach_end(case)
    service.stop()


@test("docs/security.md names a test that there is for each threat")
def attack_table(case):
    docs = os.path.join(HERE, "..", "..", "docs", "security.md")
    text = read_text(docs).split("\n| threat |")[1].split("\n\n")[0]
    rows = [line.split("|") for line in text.splitlines()[2:]
            if line.startswith("| ")]
    known = {name for name, _sentence, _function in harness.tests}
    for row in rows:
        names = re.findall(r"`(\w+)`", row[3])
        check(names, f"no test: {row[1]}")
        for name in names:
            check(name in known or name.endswith("_test"), f"no {name}")
    check(len(rows) > 30, f"only {len(rows)} rows were read")
