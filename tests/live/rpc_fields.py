# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_fields: what docs/rpc.md says of each field, tried."""
import os
import re
import shutil
import sys
import time

import harness
from client import HERE, NOBODY, messages, start_worker
from harness import Skip, alive, check, read_text, state, test, wait_until

SLEEPER = [sys.executable, "-c", "import time\nwhile True: time.sleep(0.05)"]


def table(heading):
    """The rows below a heading of docs/rpc.md, first cell without quotes."""
    text = read_text(os.path.join(HERE, "..", "..", "docs", "rpc.md"))
    part = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in
            part.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row for row in rows}


def victim(case, argv=SLEEPER, **options):
    pid = case.start(list(argv), **options)
    wait_until(lambda: state(pid) == "S", "the victim sleeps")
    time.sleep(0.05)
    return pid


def request(case, name, **opts):
    client = start_worker(case)
    answer = client.call(name, {"images_dir": case.img, "log_level": 4,
                                "log_file": name.lower() + ".log", **opts})
    said = client.worker.stdout.read().decode()
    client.close()
    return answer, said


def done(case, name, **opts):
    answer, said = request(case, name, **opts)
    check(answer.success, f"{name}: {answer.cr_errmsg}")
    return said


def refused(case, words, name, **opts):
    answer, _said = request(case, name, **opts)
    check(not answer.success and words in answer.cr_errmsg,
          f"{name}: {answer}")


@test("docs/rpc.md has a row for each request and field, with a test that "
      "there is")
def fields_table(case):
    pb = messages(case.build)
    requests, fields = table("Requests"), table("Fields of criu_opts")
    wanted = [value.name for value in
              pb.DESCRIPTOR.enum_types_by_name["criu_req_type"].values]
    check(sorted(requests) == sorted(wanted), f"{sorted(requests)}")
    wanted = {field.name: str(field.number) for field in
              pb.criu_opts.DESCRIPTOR.fields}
    check({name: row[1] for name, row in fields.items()} == wanted,
          "other fields or tags")
    known = {name for name, _sentence, _function in harness.tests}
    for row in [*requests.values(), *fields.values()]:
        for name in row[-1].split(", "):
            check(name.strip("` ") in known, f"{row[0]}: no test {name}")


def some_value(pb, field):
    """A value that asks for something."""
    name = field.name
    if field.message_type:
        made = {"ps": dict(port=1), "veths": dict(if_in="a", if_out="b"),
                "ext_mnt": dict(key="a", val="b"), "cg_root": dict(path="/"),
                "join_ns": dict(ns="net", ns_file="1")}[name]
        return made if name == "ps" else [made]
    if field.enum_type:
        return field.enum_type.values[-1].number
    if field.cpp_type == field.CPPTYPE_STRING:
        word = "apparmor:x" if name == "lsm_profile" else "x"
        return [word] if field.label == field.LABEL_REPEATED else word
    if field.cpp_type == field.CPPTYPE_BOOL:
        return True
    return 0x40000000 if name == "empty_ns" else 3


@test("each field that docs/rpc.md calls not built yet is refused by name")
def fields_later(case):
    pb = messages(case.build)
    pid = victim(case)
    for name, row in table("Fields of criu_opts").items():
        if row[-1].strip("` ") != "fields_later":
            continue
        value = some_value(pb, pb.criu_opts.DESCRIPTOR.fields_by_name[name])
        client = start_worker(case)
        answer = client.no("not built yet", "DUMP", {
            "images_dir": case.img, "pid": pid, name: value})
        check(name in answer.cr_errmsg, f"{name}: {answer.cr_errmsg}")
        check(answer.cr_errno == 38, f"{name}: errno {answer.cr_errno}")
        check(client.close() == 1, f"{name}: another status")
    check(alive(pid) and state(pid) != "t", "harmed")


@test("manage_cgroups_mode takes IGNORE and refuses what has no meaning")
def fields_cgroups(case):
    pid = victim(case)
    done(case, "DUMP", pid=pid, leave_running=True, manage_cgroups=True,
         manage_cgroups_mode=0)
    for mode in range(1, 7):
        refused(case, "not built yet", "DUMP", pid=pid,
                manage_cgroups_mode=mode)


@test("status_fd is told to have nobody to tell: no byte is written")
def fields_status_fd(case):
    read, write = os.pipe()
    done(case, "DUMP", pid=victim(case), status_fd=write)
    os.close(write)
    check(os.read(read, 1) == b"", "a byte all the same")
    os.close(read)
    log = read_text(os.path.join(case.img, "dump.log"), "")
    check("status fd" in log, log)


@test("evasive_devices changes nothing")
def fields_harmless(case):
    done(case, "DUMP", pid=victim(case), evasive_devices=True)


@test("ghost_limit is the size of the biggest unlinked file")
def fields_ghost_limit(case):
    code = ("import os,time; f = open('ghost', 'wb'); f.write(b'x' * 300000); "
            "f.flush(); os.unlink('ghost'); open('up', 'w').close()\n"
            "while True: time.sleep(0.05)")
    pid = case.start([sys.executable, "-c", code])
    case.ready(pid, "up")
    refused(case, "ghost", "DUMP", pid=pid, ghost_limit=299999)
    check(alive(pid), "harmed")
    done(case, "DUMP", pid=pid, ghost_limit=300000)
    case.gone([pid])
    done(case, "RESTORE")


@test("skip_file_rwx_check restores a file whose permissions have changed")
def fields_rwx_check(case):
    code = ("import time; f = open('file', 'w'); open('up', 'w').close()\n"
            "while True: time.sleep(0.05)")
    pid = case.start([sys.executable, "-c", code])
    case.ready(pid, "up")
    done(case, "DUMP", pid=pid)
    case.gone([pid])
    os.chmod(case.path("file"), 0o600)
    refused(case, "file", "RESTORE")
    done(case, "RESTORE", skip_file_rwx_check=True)


@test("shell_job allows a tree whose session leader is outside")
def fields_shell_job(case):
    code = ("import os,signal,time; signal.signal(17, signal.SIG_IGN)\n"
            "if os.fork() == 0: open('pid', 'w').write(str(os.getpid()))\n"
            "while True: time.sleep(0.05)")
    case.start([sys.executable, "-c", code])
    wait_until(lambda: read_text(case.path("pid")), "the child is there")
    pid = int(read_text(case.path("pid")))
    done(case, "DUMP", pid=pid, shell_job=True)
    wait_until(lambda: state(pid) is None, "it is gone")
    refused(case, "shell-job", "RESTORE")
    done(case, "RESTORE", shell_job=True, rst_sibling=True)
    check(alive(pid), "not restored")


@test("root is where the paths of the images begin")
def fields_root(case):
    pid = victim(case)
    done(case, "DUMP", pid=pid)
    case.gone([pid])
    refused(case, "/nowhere", "RESTORE", root="/nowhere")
    refused(case, "", "RESTORE", root=case.work)
    done(case, "RESTORE", root="/")


@test("cpu_cap stores the CPU with a dump")
def fields_cpu_cap(case):
    pid = victim(case)
    image = os.path.join(case.img, "cpuinfo.img")
    done(case, "DUMP", pid=pid, leave_running=True)
    check(not os.path.exists(image), "stored without being asked for")
    done(case, "DUMP", pid=pid, cpu_cap=5)
    check(os.path.exists(image), "not stored")
    case.gone([pid])
    done(case, "RESTORE", cpu_cap=5)


@test("display_stats prints to the worker's stdout")
def fields_display_stats(case):
    pid = victim(case)
    check(done(case, "DUMP", pid=pid, leave_running=True) == "", "it prints")
    check("reez" in done(case, "DUMP", pid=pid, display_stats=True),
          "it prints nothing")
    case.gone([pid])


@test("unprivileged lets a user with CAP_CHECKPOINT_RESTORE work")
def fields_unprivileged(case):
    if not shutil.which("setpriv"):
        raise Skip("there is no setpriv")
    out = os.path.join(case.dir, "victim.out")
    with open(out, "w"):
        os.chmod(out, 0o666)
    os.chown(case.img, NOBODY, NOBODY)
    pid = victim(case, user=NOBODY, group=NOBODY, extra_groups=[])
    stasis = case.stasis
    wrapper = os.path.join(case.dir, "wrapper")
    with open(wrapper, "w") as file:
        file.write("#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 "
                   "--clear-groups --inh-caps=-all,+checkpoint_restore "
                   "--ambient-caps=-all,+checkpoint_restore "
                   f"env HOME=/ {stasis} \"$@\"\n")
    os.chmod(wrapper, 0o755)
    case.stasis = wrapper
    refused(case, "--unprivileged", "DUMP", pid=pid)
    done(case, "DUMP", pid=pid, unprivileged=True)
    case.gone([pid])
    done(case, "RESTORE", unprivileged=True)
    check(alive(pid), "not restored")


@test("each test that docs/security.md names is there")
def fields_security(case):
    text = read_text(os.path.join(HERE, "..", "..", "docs", "security.md"))
    named = set(re.findall(r"`((?:service|security|rpc|freezer)_\w+)`", text))
    known = {name for name, _sentence, _function in harness.tests}
    check(len(named) > 20, f"only {len(named)}")
    check(named <= known, f"there is no {named - known}")
