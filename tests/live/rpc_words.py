# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_words: what swrk answers, and with which status it ends."""
import os
import socket
import subprocess
import sys

from client import Client, ask, messages, start_worker
from harness import check, read_text, test, wait_until

@test("VERSION is that of the interfaces, with our own name and no gitid")
def rpc_version(case):
    answer, status = ask(case, "VERSION")
    version = answer.version
    check(answer.success and status == 0, f"status {status}")
    check((version.major_number, version.minor_number) == (4, 2),
          str(version))
    check(version.name.startswith("Stasis "), str(version))
    check(not version.HasField("gitid") and not version.HasField("sublevel"),
          str(version))


@test("a worker that is asked nothing ends with 255")
def rpc_nothing(case):
    check(start_worker(case).close() == 255, "another status")


@test("EMPTY, NOTIFY and unknown types are answered with EMPTY, then 255")
def rpc_unknown(case):
    pb = messages(case.build)
    for name in ("EMPTY", "NOTIFY"):
        client = start_worker(case)
        answer = client.no("", name)
        check(answer.type == pb.EMPTY, f"{name}: type {answer.type}")
        check(client.close() == 255, f"{name}: another status")
    client = start_worker(case)
    client.sock.send(b"\x08\x63")  # type 99
    answer = client.answer()
    check(answer.type == pb.EMPTY and "99" in answer.cr_errmsg, str(answer))
    check(client.close() == 255, "99: another status")


@test("packets that are no request get a clear answer")
def rpc_malformed(case):
    whole = messages(case.build).criu_req(
        type=1, opts={"images_dir_fd": 5, "log_file": "a.log"})
    packets = [b"\xff" * 40, b"\x08", b"\x12\x00", b"\x0a\x01x",
               b"\x08\x01\x12\x7f", b"\x08\x01\x12\x02\x08",
               whole.SerializeToString()[:-3],
               b"\x08\x01\x12\x05\x0a\x03abc", bytes(200000)]
    for packet in packets:
        client = start_worker(case)
        client.sock.send(packet)
        answer = client.answer()
        check(answer is not None and not answer.success
              and "packet" in answer.cr_errmsg,
              f"{packet[:12]!r}: {answer}")
        check(client.close() == 255, f"{packet[:12]!r}: another status")


@test("a wrong option beside a directory that cannot be opened is told")
def rpc_two_faults(case):
    for opts in ({"images_dir": "/etc/passwd"}, {"images_dir_fd": 99}):
        for name in ("DUMP", "RESTORE"):
            client = start_worker(case)
            client.no("external", name, dict(opts, external=["what"]))
            check(client.close() >= 0, f"{opts}: it crashed")


@test("one connection can ask many times with keep_open")
def rpc_keep_open(case):
    client = start_worker(case)
    for _ in range(3):
        client.ok("VERSION", keep_open=True)
    client.ok("FEATURE_CHECK", keep_open=True, features={"mem_track": True})
    client.ok("VERSION")
    check(client.close() == 0, "another status")


@test("closing after keep_open ends the worker with 255")
def rpc_keep_open_closed(case):
    client = start_worker(case)
    client.ok("VERSION", keep_open=True)
    check(client.close() == 255, "another status")


@test("keep_open with a request that is always the last is refused")
def rpc_keep_open_refused(case):
    for name in ("DUMP", "RESTORE", "CHECK", "PRE_DUMP", "WAIT_PID"):
        client = start_worker(case)
        client.no("keep_open", name, {}, keep_open=True)
        check(client.close() == 255, f"{name}: another status")


@test("FEATURE_CHECK says what holds of what was asked, and needs a question")
def rpc_features(case):
    answer, status = ask(case, "FEATURE_CHECK", features={
        "mem_track": True, "lazy_pages": True, "pidfd_store": True})
    check(answer.success and status == 0, str(answer))
    tracks = case.engine("check", "--feature", "mem_dirty_track").code == 0
    lazy = case.engine("check", "--feature", "uffd-noncoop").code == 0
    for name, holds in (("mem_track", tracks), ("lazy_pages", lazy),
                        ("pidfd_store", True)):
        check(answer.features.HasField(name)
              and getattr(answer.features, name) == holds, name)
    answer, status = ask(case, "FEATURE_CHECK", features={"lazy_pages": True})
    check(not answer.features.mem_track, "it was not asked")
    client = start_worker(case)
    client.no("which features", "FEATURE_CHECK")
    check(client.close() == 255, "another status")


@test("CHECK works without options, and logs only where it is told to")
def rpc_check(case):
    answer, status = ask(case, "CHECK")
    check(answer.success and status == 0, str(answer))
    check(os.listdir(case.img) == [], "there are files")
    answer, status = ask(case, "CHECK", {"images_dir": case.img,
                                         "log_file": "check.log",
                                         "log_level": 4})
    check(answer.success and status == 0, str(answer))
    text = read_text(os.path.join(case.img, "check.log"), "")
    check("ooks good" in text, text)


@test("WAIT_PID of a process that is no child is an error")
def rpc_wait_pid(case):
    client = start_worker(case)
    answer = client.no("No child", "WAIT_PID", pid=os.getpid())
    check(answer.cr_errno == 10, str(answer))
    check(client.close() == 255, "another status")
    start_worker(case).no("which process", "WAIT_PID")


@test("WAIT_PID tells how a child of the worker has ended")
def rpc_wait_child(case):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # The worker is a process that had a child before it became one.
    code = ("import os, sys, time\nif os.fork() == 0:\n"
            "  open('child', 'w').write(str(os.getpid()))\n"
            "  time.sleep(0.3); os._exit(7)\n"
            "os.execv(sys.argv[1], sys.argv[1:])")
    worker = subprocess.Popen(
        [sys.executable, "-c", code, case.stasis, "swrk",
         str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=case.work,
        stdin=subprocess.DEVNULL)
    theirs.close()
    client = Client(case, ours, worker)
    wait_until(lambda: read_text(case.path("child")), "there is a child")
    answer = client.ok("WAIT_PID", pid=int(read_text(case.path("child"))))
    check(os.WIFEXITED(answer.status)
          and os.WEXITSTATUS(answer.status) == 7, str(answer))
    check(client.close() == 0, "another status")


@test("swrk on what is no packet socket ends with 255 and a sentence")
def rpc_no_socket(case):
    for fd in ("77", "0"):
        done = subprocess.run([case.stasis, "swrk", fd], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        check(done.returncode == 255 and "fd" in done.stderr,
              f"{fd}: {done.returncode}, {done.stderr}")


@test("a dump that says no by RPC says the same as on the command line")
def rpc_same_words(case):
    told = case.try_dump(4194303).err.splitlines()[0][len("stasis: "):]
    client = start_worker(case)
    answer = client.no(told, "DUMP", {"images_dir": case.img,
                                      "pid": 4194303, "log_file": "r.log"})
    check(answer.cr_errno == 3, f"cr_errno {answer.cr_errno}")
    check(client.close() == 1, "another status")
    log = read_text(os.path.join(case.img, "r.log"), "")
    lines = [line for line in log.splitlines() if "Error" in line]
    check(len(lines) == 1 and told in lines[0], log)


@test("a restore that says no by RPC says the same as on the command line")
def rpc_same_words_restore(case):
    told = case.try_restore().err.splitlines()
    answer = start_worker(case).no("", "RESTORE", {"images_dir": case.img})
    check(answer.cr_errmsg == f"{told[0][len('stasis: '):]} "
          f"(hint: {told[1][len('hint: '):]})", f"{told}, {answer}")


@test("a field that is not built is told in the answer and in the log")
def rpc_log_error(case):
    client = start_worker(case)
    fd = os.open(case.img, os.O_RDONLY)
    client.no("not built yet", "DUMP", {"images_dir_fd": fd, "pid": 1,
                                        "tcp_established": True})
    os.close(fd)
    check(client.close() == 1, "another status")
    log = read_text(os.path.join(case.img, "criu.log"), "")
    check("Error" in log and "tcp_established" in log, log)


@test("without a directory, or with a wrong one, nothing is made")
def rpc_no_directory(case):
    start_worker(case).no("where the images are", "DUMP", {"pid": 1})
    start_worker(case).no("No such file", "DUMP",
                          {"images_dir_fd": 99, "pid": 1})
    start_worker(case).no("Not a directory", "RESTORE",
                          {"images_dir": "/dev/null"})
    start_worker(case).no("mere name", "RESTORE", {
        "images_dir": case.img, "log_file": "../x.log"})
    check(not os.path.exists(os.path.join(case.dir, "x.log")), "a log")


@test("names that are not UTF-8 do not spoil the answer")
def rpc_not_utf8(case):
    name = os.fsencode(case.img) + b"/\xff\xfe"
    packet = messages(case.build).criu_req(
        type=2, opts={"images_dir_fd": -1, "images_dir": "@@"})
    raw = packet.SerializeToString()
    at = raw.index(b"@@") - 1
    opts = raw[:raw.index(b"\x12")]  # the type alone
    body = raw[raw.index(b"\x12") + 2:at] + bytes([len(name)]) + name
    client = start_worker(case)
    client.sock.send(opts + b"\x12" + bytes([len(body)]) + body)
    answer = client.answer()
    check(r"\xff\xfe" in answer.cr_errmsg, str(answer))
