# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_walks: dump and restore through swrk, and who is told of what."""
import os
import signal
import stat
import sys

from client import ask, start_worker
from harness import (Failure, alive, check, read_text, reap_all, state,
                     stat_fields, test, wait_until)

SLEEPER = [sys.executable, "-c", "import time\nwhile True: time.sleep(0.05)"]
DUMPED = ["pre-dump", "query-ext-files", "post-dump"]
RESTORED = ["pre-restore", "post-restore", "pre-resume", "post-resume"]


def moments(client):
    return [moment for moment, _pid in client.heard]


def victim(case, argv=SLEEPER):
    pid = case.start(list(argv))
    wait_until(lambda: state(pid) == "S", "the victim sleeps")
    return pid


def dump(case, pid, **opts):
    """A dump that has to work; gives back the client."""
    client = start_worker(case)
    client.ok("DUMP", {"images_dir": case.img, "pid": pid, "log_level": 4,
                       "log_file": "dump.log", **opts})
    check(client.close() == 0, "another status")
    return client


def restore(case, pid, **opts):
    client = start_worker(case)
    answer = client.ok("RESTORE", {"images_dir": case.img, "log_level": 4,
                                   "log_file": "restore.log", **opts})
    check(answer.restore.pid == pid, f"pid {answer.restore.pid}")
    check(client.close() == 0, "another status")
    check(alive(pid), "nothing is restored")
    return client


@test("DUMP and RESTORE bring a process back, told of each moment in order")
def rpc_round_trip(case):
    pid = victim(case)
    fd = os.open(case.img, os.O_RDONLY)
    client = dump(case, pid, images_dir_fd=fd, notify_scripts=True)
    case.gone([pid])
    check(moments(client) == DUMPED, str(client.heard))
    check(os.path.exists(os.path.join(case.img, "stats-dump")), "no stats")
    client = restore(case, pid, images_dir_fd=fd, notify_scripts=True)
    os.close(fd)
    check(moments(client) == RESTORED, str(client.heard))
    check(client.heard[1][1] == pid, f"post-restore: {client.heard[1]}")


@test("without notify_scripts the client is told of nothing")
def rpc_quiet(case):
    pid = victim(case)
    check(dump(case, pid, leave_running=True).heard == [], "told")
    check(alive(pid), "leave_running does not")


@test("a no at any moment of a dump leaves the victim running")
def rpc_dump_no(case):
    pid = victim(case)
    for moment in DUMPED:
        client = start_worker(case)
        client.no_at = moment
        answer = client.no(moment, "DUMP", {
            "images_dir": case.img, "pid": pid, "notify_scripts": True})
        check(answer.cr_errno == 125, f"cr_errno {answer.cr_errno}")
        check(client.close() == 1, "another status")
        check(alive(pid) and state(pid) != "t", f"{moment}: harmed")
        check(not os.path.exists(os.path.join(case.img, "inventory.img")),
              f"{moment}: images look whole")


@test("a no before the tasks run undoes a restore; later it is only told")
def rpc_restore_no(case):
    pid = victim(case)
    dump(case, pid)
    case.gone([pid])
    for moment in ("pre-restore", "post-restore"):
        client = start_worker(case)
        client.no_at = moment
        answer = client.no(moment, "RESTORE", {"images_dir": case.img,
                                               "notify_scripts": True})
        check(answer.restore.pid == -1, str(answer))
        check(client.close() == 1, "another status")
        check(not alive(pid), f"{moment}: restored all the same")
    client = start_worker(case)
    client.no_at = "pre-resume"
    client.ok("RESTORE", {"images_dir": case.img, "notify_scripts": True})
    check(alive(pid), "not restored")


@test("a client that goes away or talks nonsense at a moment undoes the dump")
def rpc_notify_wrong(case):
    pid = victim(case)
    opts = {"images_dir": case.img, "pid": pid, "notify_scripts": True}
    client = start_worker(case)
    client.send("DUMP", opts)
    check(client.receive().notify.script == "pre-dump", "no pre-dump")
    check(client.close() == 1 and alive(pid), "gone: another status")
    for packet in (b"\xff\xff", b"\x08\x01", b"\x08\x06"):
        client = start_worker(case)
        client.send("DUMP", opts)
        client.receive()
        client.sock.send(packet)
        answer = client.receive()
        check(not answer.success and answer.cr_errmsg, str(answer))
        check(client.close() == 1 and alive(pid), f"{packet}: harmed")


@test("with rst_sibling the restored task is the client's own child")
def rpc_sibling(case):
    pid = victim(case)
    dump(case, pid)
    case.gone([pid])
    restore(case, pid, rst_sibling=True)
    check(int(stat_fields(pid)[1]) == os.getpid(), "another parent")


@test("leave_stopped leaves the tasks stopped, dumped or restored")
def rpc_leave_stopped(case):
    pid = victim(case)
    dump(case, pid, leave_stopped=True)
    wait_until(lambda: state(pid) == "T", "it is stopped")
    os.kill(pid, signal.SIGKILL)
    case.gone([pid])
    restore(case, pid, leave_stopped=True)
    wait_until(lambda: state(pid) == "T", "it is stopped")


@test("exec_cmd takes the worker's place, with the log as its output")
def rpc_exec_cmd(case):
    pid = victim(case)
    dump(case, pid)
    case.gone([pid])
    client = start_worker(case)
    client.ok("RESTORE", {"images_dir": case.img, "log_file": "r.log",
                          "exec_cmd": ["/bin/echo", "here", "I am"]})
    check(client.close() == 0, "another status")
    log = read_text(os.path.join(case.img, "r.log"), "")
    check("here I am\n" in log, log)


@test("log, statistics and pidfile lie in the work directory")
def rpc_work_dir(case):
    pid = victim(case)
    fd = os.open(case.work, os.O_RDONLY)
    dump(case, pid, work_dir_fd=fd)
    os.close(fd)
    check(os.path.exists(case.path("dump.log"))
          and os.path.exists(case.path("stats-dump")), "not in the work dir")
    check(not os.path.exists(os.path.join(case.img, "dump.log")), "two logs")


@test("log_to_stderr and log_level say where and how much")
def rpc_log(case):
    pid = victim(case)
    client = start_worker(case)
    client.ok("DUMP", {"images_dir": case.img, "pid": pid, "log_level": 4,
                       "leave_running": True, "log_to_stderr": True})
    said = client.worker.stdout.read().decode()
    check(client.close() == 0 and "step dump.freeze" in said, said)
    check(not os.path.exists(os.path.join(case.img, "criu.log")), "a log")
    dump(case, pid, leave_running=True, log_level=0)
    check(read_text(os.path.join(case.img, "dump.log")) == "", "it logs")


@test("a configuration file wins over the request, and may be missing")
def rpc_config_file(case):
    pid = victim(case)
    conf = os.path.join(case.dir, "conf")
    dump(case, pid, leave_running=True, config_file=conf)
    with open(conf, "w") as file:
        file.write(f"log-file conf.log\nwork-dir {case.work}\n"
                   "leave-running\n")
    client = start_worker(case)
    client.ok("DUMP", {"images_dir": case.img, "pid": pid,
                       "log_file": "dump2.log", "config_file": conf})
    check(alive(pid), "leave-running of the file is lost")
    check(os.path.exists(case.path("conf.log")), "no log of the file's")
    with open(conf, "a") as file:
        file.write("no such option\n")
    start_worker(case).no("line 4", "DUMP", {
        "images_dir": case.img, "pid": pid, "config_file": conf})


@test("of home's file, the environment's, the request and its own file the "
      "last one wins")
def rpc_config_order(case):
    pid = victim(case)
    os.mkdir(case.path(".criu"))
    files = {"home": case.path(".criu/default.conf"), "env": case.path("env"),
             "own": case.path("own")}
    env = dict(os.environ, HOME=case.work, CRIU_CONFIG_FILE=files["env"])
    opts = {"images_dir": case.img, "pid": pid}

    def logs_to(name, **more):
        start_worker(case, env=env).ok("DUMP", {**opts, **more})
        path = os.path.join(case.img, name)
        check(os.path.exists(path), f"no {name}: {os.listdir(case.img)}")
        os.unlink(path)
        check(alive(pid), "it does not run on")

    def write(name, more="leave-running\nimages-dir /nonexistent\n"):
        with open(files[name], "w") as file:
            file.write(f"log-file {name}.log\n{more}")
    write("home")
    logs_to("home.log")
    write("env")
    logs_to("env.log")
    logs_to("request.log", log_file="request.log")
    write("own", "")
    logs_to("own.log", log_file="request.log", config_file=files["own"])
    # What a file says yes to, the request takes back.
    start_worker(case, env=env).ok("DUMP", {**opts, "leave_running": False})
    case.gone([pid])


@test("scripts of a configuration file run after the client was told")
def rpc_config_script(case):
    pid = victim(case)
    script = os.path.join(case.dir, "script")
    with open(script, "w") as file:
        file.write("#!/bin/sh\necho $CRTOOLS_SCRIPT_ACTION >>"
                   f"{case.dir}/said\n")
    os.chmod(script, stat.S_IRWXU)
    conf = os.path.join(case.dir, "conf")
    with open(conf, "w") as file:
        file.write(f"action-script {script}\n")
    client = start_worker(case)
    seen = []
    client.hear = lambda told, _reply: seen.append(
        (told.notify.script, read_text(case.dir + "/said", "").split()))
    client.ok("DUMP", {"images_dir": case.img, "pid": pid,
                       "config_file": conf, "notify_scripts": True})
    check(seen[-1] == ("post-dump", ["pre-dump"]), str(seen))
    check(read_text(case.dir + "/said").split() == ["pre-dump", "post-dump"],
          "not all of the scripts")


@test("fields for another request are noted in the log and do no harm")
def rpc_unused(case):
    pid = victim(case)
    dump(case, pid, rst_sibling=True, leave_running=True)
    log = read_text(os.path.join(case.img, "dump.log"), "")
    check("rst_sibling is not for 'dump'" in log, log)


@test("a taken pid is told with EEXIST, a missing image with its name")
def rpc_restore_errors(case):
    pid = victim(case)
    dump(case, pid, leave_running=True)
    client = start_worker(case)
    answer = client.no("taken", "RESTORE", {"images_dir": case.img})
    check(answer.cr_errno == 17 and answer.restore.pid == -1, str(answer))
    check(client.close() == 1, "another status")
    client = start_worker(case)
    client.no("inventory.img", "RESTORE", {"images_dir": case.work})


@test("CPUINFO_DUMP and CPUINFO_CHECK agree about one machine")
def rpc_cpuinfo(case):
    opts = {"images_dir": case.img}
    client = start_worker(case)
    client.ok("CPUINFO_DUMP", opts, keep_open=True)
    check(os.path.exists(os.path.join(case.img, "cpuinfo.img")), "no image")
    client.ok("CPUINFO_CHECK", opts)
    check(client.close() == 0, "another status")
    os.unlink(os.path.join(case.img, "cpuinfo.img"))
    answer, status = ask(case, "CPUINFO_CHECK", opts)
    check(not answer.success and status == 255, str(answer))
