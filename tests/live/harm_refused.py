# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_refused: what cannot be dumped or restored is one clear error."""
import ctypes
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import harm
from harness import (Skip, add, alive, check, descendants, read_text, state,
                     test, wait_until)

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = sys.executable or "/usr/bin/python3"

TCP_AO_INFO = 40

# kind of real/holder.py: how the error must name it
REFUSED = {
    "dnotify": "dnotify",
    "tty": "tty|pty|terminal|pts",
    "inotify": "inotify",
    "connection": "connect|established",
    "signed": "signs|TCP_MD5SIG",
    "authentic": "signs.*TCP-AO",
    "netlink": "netlink",
    "packet": "packet",
    "pidfd": "pidfd",
    "device": "/dev/kmsg|device",
    "shared_proc": "/proc about one process, and held by process",
    "foreign_proc": "not everybody may open",
    "queue": "a POSIX message queue",
    "secret": "secret memory",
}


def has_tcp_ao():
    """A kernel that has it (6.7) has another word against it."""
    with socket.socket() as fresh:
        try:
            fresh.getsockopt(socket.IPPROTO_TCP, TCP_AO_INFO, 48)
        except OSError as error:
            return error.errno != errno.ENOPROTOOPT
    return True


def has_secret():
    fd = ctypes.CDLL(None).syscall(447, 0)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def refuse(kind):
    def refused(case):
        if kind == "authentic" and not has_tcp_ao():
            raise Skip("this kernel has no TCP-AO")
        if kind == "secret" and not has_secret():
            raise Skip("this kernel has no memfd_secret")
        victim = case.start(
            [PYTHON, "-B", os.path.join(HERE, "real", "holder.py"), kind])
        case.ready(victim)
        result = case.try_dump(victim)
        harm.check_one_error(result, rf"\b{victim}\b", REFUSED[kind],
                             r"\bfd \d+")
        check(alive(victim) and state(victim) != "T",
              "the victim does not run on")
        check("TracerPid:\t0\n" in read_text(f"/proc/{victim}/status"),
              "the victim is still traced")
        check(not harm.whole(case.img), "the image looks whole")
        check(not harm.images(case.img),
              f"files were written: {harm.images(case.img)}")
        case.go()
        case.await_verdict(victim)
    return refused


for name in REFUSED:
    add(f"harm_kind_{name}",
        f"an fd of the kind '{name}' is refused with pid, fd and kind, "
        "before anything is touched", refuse(name))


# state of real/odd.py: how the error must name it
ODD = {
    "semaphore": r"semaphore 0 of set \d+.*SEM_UNDO",
    "pid_to_come": "new pid namespace for its children",
    "time_to_come": "new time namespace for its children",
    "thread_uts": "thread .* UTS namespace of its own",
    "thread_files": "thread .* open files of its own",
    "thread_fs": "thread .* a working directory.* of its own",
    "segments": "segments.*modify_ldt",
}


def refuse_odd(kind):
    def refused(case):
        if kind == "segments" and os.uname().machine != "x86_64":
            raise Skip("this machine has no such table")
        victim = case.start(
            [PYTHON, "-B", os.path.join(HERE, "real", "odd.py"), kind])
        case.ready(victim)
        result = case.try_dump(victim)
        harm.check_one_error(result, rf"\b{victim}\b", ODD[kind])
        check(not harm.whole(case.img), "the image looks whole")
        case.go()
        case.await_verdict(victim)
    return refused


for name in ODD:
    add(f"harm_odd_{name}",
        f"what cannot come back ('{name}') is refused by name, "
        "and the victim goes on", refuse_odd(name))


def refuse_dump(case, pid, *words):
    result = case.try_dump(pid)
    said = harm.check_one_error(result, *words)
    check(not harm.whole(case.img), "the image looks whole")
    return said


@test("a pid that does not exist is one clear error")
def harm_no_such_pid(case):
    child = subprocess.Popen(["true"])
    child.wait()
    refuse_dump(case, child.pid, str(child.pid), "no such|not exist|no process")
    for bad in ("0", "-1", "abc", "99999999999", ""):
        result = case.try_dump(bad)
        check(result.code == 1, f"dump -t '{bad}' exits with {result.code}")


@test("a thread that is not a process is one clear error")
def harm_thread_id(case):
    victim = case.start([case.program("threads")])
    case.ready(victim)
    tid = harm.tasks(victim)[3]
    refuse_dump(case, tid, str(tid))
    check(state(victim) in "SR", "the victim does not run on")
    case.go()
    case.await_verdict(victim)


@test("init is not dumped")
def harm_init(case):
    refuse_dump(case, 1, r"\b1\b|init")
    check("TracerPid:\t0\n" in read_text("/proc/1/status"), "init is traced")
    check(state(1) not in ("T", "t", "Z"), f"init is in state {state(1)}")


@test("a kernel thread is not dumped")
def harm_kernel_thread(case):
    if os.path.exists("/proc/2/exe") and read_text("/proc/2/cmdline"):
        raise Skip("there is no kernel thread in this pid namespace")
    if not os.path.exists("/proc/2"):
        raise Skip("there is no kernel thread in this pid namespace")
    refuse_dump(case, 2, "kernel")


@test("the engine does not dump itself or its own parents")
def harm_self(case):
    log = os.path.join(case.img, "dump.log")
    script = (f'exec "{case.stasis}" dump -t $$ -D "{case.img}" -v4 '
              '-o dump.log')
    done = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=10)
    from harness import Result
    harm.check_one_error(Result(done.returncode, done.stdout, done.stderr,
                                log))
    script = f'"{case.stasis}" dump -t $$ -D "{case.img}" -v4 -o dump.log; ' \
        'echo "exit $?"'
    done = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=10)
    check(done.stdout.endswith("exit 1\n"),
          f"dumping the parent: {done.stdout}{done.stderr}")
    check(not harm.whole(case.img), "the image looks whole")


@test("a traced process is one clear error and keeps its tracer")
def harm_traced(case):
    victim = case.start([case.program("threads")])
    case.ready(victim)
    tracer = harm.Tracer(victim)
    refuse_dump(case, victim, str(victim), "trac|debug")
    check(f"TracerPid:\t{os.getpid()}\n"
          in read_text(f"/proc/{victim}/status"), "the tracer was lost")
    tracer.detach()
    case.go()
    case.await_verdict(victim)


@test("a zombie is one clear error")
def harm_zombie(case):
    victim = case.start(["true"])
    wait_until(lambda: state(victim) == "Z", "it is a zombie")
    refuse_dump(case, victim, str(victim), "zombie|dead|ended")


@test("a traced child deep in the tree is one clear error, all run on")
def harm_traced_child(case):
    victim = harm.quiet_victim(case)
    child = descendants(victim)[0]
    tracer = harm.Tracer(child)
    before = harm.picture(victim)
    refuse_dump(case, victim, str(child), "trac|debug")
    harm.check_same(before, harm.settle(victim, before), "after refusal")
    tracer.detach()
    harm.quiet_verdict(case, victim)


def dumped(case, name="file_regular"):
    """A dumped victim whose program may be changed."""
    program = shutil.copy(case.program(name), os.path.join(case.dir, "exe"))
    victim = case.start([program])
    case.ready(victim)
    case.dump(victim)
    return victim, program


def refuse_restore(case, victim, *words):
    before = harm.host_picture(case)
    result = case.try_restore()
    harm.check_one_error(result, *words)
    harm.check_nothing_created(case, before, [victim], "after the error")
    return result


def restore_well(case, victim):
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("restore says which pid is taken, and lets its owner live")
def harm_pid_taken(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    case.dump(victim, "-R")
    result = case.try_restore()
    harm.check_one_error(result, r"\b\d+\b", "exist|taken|in use|runs")
    harm.check_same(before, harm.settle(victim, before), "after refusal")
    check(len(descendants(os.getpid())) == 2, "a newborn is left")
    harm.quiet_verdict(case, victim)


@test("restore says which pid of a child is taken, and leaves nothing")
def harm_child_pid_taken(case):
    victim = harm.quiet_victim(case)
    child = descendants(victim)[0]
    case.dump(victim)
    taken = case.start(["unshare", "--fork", "--kill-child", "sleep", "100"])
    other = spawn_with_pid(child)
    if not other:
        raise Skip("clone3(set_tid) is not allowed here")
    result = case.try_restore()
    harm.check_one_error(result, rf"\b{child}\b", "exist|taken|in use|runs")
    check(alive(child), "the owner of the pid was killed")
    check(state(victim) is None, "the root is back")
    for pid in (child, taken):
        os.kill(pid, signal.SIGKILL)
    case.gone([child])
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("restore says which number of a thread is taken, and leaves nothing")
def harm_thread_taken(case):
    victim = case.start([case.program("threads")])
    case.ready(victim)
    tids = sorted(int(tid) for tid in os.listdir(f"/proc/{victim}/task"))
    case.dump(victim)
    other = spawn_with_pid(tids[1])
    if not other:
        raise Skip("clone3(set_tid) is not allowed here")
    result = case.try_restore()
    harm.check_one_error(result, rf"pid of thread {tids[1]} is in use")
    check("thread: " not in result.err, f"a step's name: {result.err}")
    check(alive(other), "the owner of the number was killed")
    check(state(victim) is None, "the root is back")
    os.kill(other, signal.SIGKILL)
    case.gone([other])
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


def spawn_with_pid(pid):
    """A sleeping child of ours with this pid, by clone3(set_tid)."""
    tids = (ctypes.c_int * 1)(pid)
    args = (ctypes.c_uint64 * 11)()
    args[4] = signal.SIGCHLD
    args[8], args[9] = ctypes.addressof(tids), 1
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(435, ctypes.byref(args), 88)
    if got == 0:
        os.execvp("sleep", ["sleep", "100"])
    return got if got > 0 else None


@test("restore refuses a changed executable")
def harm_exe_changed(case):
    victim, program = dumped(case)
    os.rename(program, program + ".old")
    shutil.copy(program + ".old", program)
    with open(program, "ab") as file:
        file.write(b"changed")
    refuse_restore(case, victim, "exe", "size|change|differ|build")
    os.rename(program + ".old", program)
    restore_well(case, victim)


@test("restore refuses a missing executable")
def harm_exe_missing(case):
    victim, program = dumped(case)
    os.rename(program, program + ".old")
    refuse_restore(case, victim, "exe", "no such file")
    os.rename(program + ".old", program)
    restore_well(case, victim)


@test("restore refuses a missing open file")
def harm_file_missing(case):
    victim, _ = dumped(case)
    os.rename(case.path("both"), case.path("elsewhere"))
    result = refuse_restore(case, victim, "both", "no such file",
                            rf"fd \d+ of task {victim} \(regular file\)")
    check(not re.search(r"file \d+ \(", result.err),
          f"it is named by a number of the images: {result.err}")
    os.rename(case.path("elsewhere"), case.path("both"))
    restore_well(case, victim)


@test("restore refuses an open file whose size has changed")
def harm_file_changed(case):
    victim, _ = dumped(case)
    with open(case.path("both"), "a") as file:
        file.write("more")
    refuse_restore(case, victim, "both", "size|change")
    os.truncate(case.path("both"), 10)
    restore_well(case, victim)


@test("restore refuses a FIFO in the place of an open file, and does not wait")
def harm_file_fifo(case):
    victim, _ = dumped(case)
    os.rename(case.path("both"), case.path("elsewhere"))
    os.mkfifo(case.path("both"), 0o600)
    refuse_restore(case, victim, "both", "was a regular file", "a FIFO now")
    os.rename(case.path("elsewhere"), case.path("both"))
    restore_well(case, victim)


@test("restore refuses a missing working directory")
def harm_cwd_missing(case):
    victim, _ = dumped(case, "umask_cwd")
    os.rename(case.path("a dir"), case.path("no dir"))
    refuse_restore(case, victim, "a dir", "no such file")
    os.rename(case.path("no dir"), case.path("a dir"))
    restore_well(case, victim)


@test("restore refuses a missing mapped file")
def harm_mapped_missing(case):
    victim, _ = dumped(case, "file_shared")
    os.rename(case.path("data"), case.path("elsewhere"))
    refuse_restore(case, victim, "data", "no such file")
    os.rename(case.path("elsewhere"), case.path("data"))
    restore_well(case, victim)


@test("restore refuses a taken TCP port")
def harm_port_taken(case):
    import socket
    victim, _ = dumped(case, "tcp_listen")
    inode = [line.split() for line in
             case.engine("inspect", case.img).out.splitlines()
             if "127.0.0.1:" in line]
    if not inode:
        raise Skip("inspect does not show the port")
    port = int([word for word in inode[0] if "127.0.0.1:" in word][0]
               .split("127.0.0.1:")[1].rstrip(",;)"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen(1)
        refuse_restore(case, victim, str(port), "in use")
    restore_well(case, victim)


@test("a missing or unwritable images directory is one clear error")
def harm_no_directory(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for verb in (["dump", "-t", str(victim)], ["restore", "-d"]):
        result = case.engine(*verb, "-D", case.dir + "/nowhere")
        harm.check_one_error(result, "nowhere", "no such file")
    result = case.engine("restore", "-d", "-D", case.img)
    harm.check_one_error(result, "inventory|image|empty")
    harm.check_same(before, harm.settle(victim, before), "after refusal")
    harm.quiet_verdict(case, victim)


@test("a full disk fails the dump, and the victim is as it was")
def harm_disk_full(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    small = case.make_dir("small")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none",
                           small], capture_output=True)
    if done.returncode:
        raise Skip("mount is not allowed here")
    try:
        result = case.try_dump(victim, img=small)
        harm.check_one_error(result, "space|ENOSPC")
        harm.check_same(before, harm.settle(victim, before), "disk full")
        check(not harm.whole(small), "the image looks whole")
    finally:
        subprocess.run(["umount", small], check=True)
    harm.quiet_verdict(case, victim)


@test("two dumps of one tree at once: at most one succeeds, none harms",
      limit=60)
def harm_two_dumps(case):
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for number in range(10):
        dirs = [case.make_dir(f"img{number}.{k}") for k in range(2)]
        children = [subprocess.Popen(
            [case.stasis, "dump", "-R", "-t", str(victim), "-D", img, "-o",
             "dump.log", "-v4"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for img in dirs]
        codes = [child.wait(10) for child in children]
        case.logs = [os.path.join(dirs[0], "dump.log")]
        for img, code in zip(dirs, codes):
            check(code in (0, 1), f"round {number}: exit {code}")
            check((code == 0) == harm.whole(img),
                  f"round {number}: exit {code}, files {os.listdir(img)}")
        harm.check_same(before, harm.settle(victim, before),
                        f"round {number}, exits {codes}")
    harm.quiet_verdict(case, victim)


@test("a program that may not be executed any more is refused by the dump")
def harm_program_without_x(case):
    program = case.path("program")
    shutil.copy("/bin/sleep", program)
    victim = case.start([program, "60"])
    wait_until(lambda: os.readlink(f"/proc/{victim}/exe") == program,
               "it runs")
    os.chmod(program, 0o644)
    harm.check_one_error(case.try_dump(victim), "executed any more")
    check(alive(victim), "harmed")
    os.chmod(program, 0o755)
    case.dump(victim)
    case.restore(victim)
    os.kill(victim, signal.SIGKILL)
