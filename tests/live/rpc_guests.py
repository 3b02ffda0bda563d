# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_guests: what a guest's worker, and all that it starts for him, have of
the service, and how far they are held back as he is."""
import ctypes
import fcntl
import json
import os
import platform
import pty
import resource
import signal
import socket
import struct
import sys
import termios

from client import NOBODY, Client, as_user, messages
from harness import Skip, check, read_text, stat_fields, test, wait_until
from rpc_attacks import workers_of
from rpc_service import guest_service, own_dir, victim

CAPBSET_DROP, SET_NO_NEW_PRIVS, SET_SECCOMP = 24, 38, 22
CAP_SYS_TIME = 25
SCHED_CORE, CORE_GET, CORE_CREATE = 62, 0, 1
# ioprio_set(2) and ioprio_get(2): no library wraps them.
IOPRIO = {"x86_64": (251, 252), "aarch64": (30, 31), "ppc64le": (273, 274)}
BEST_EFFORT_6 = 2 << 13 | 6


def ioprio_set(priority):
    number = IOPRIO[platform.machine()][0]
    check(ctypes.CDLL(None).syscall(number, 1, 0, priority) == 0, "ioprio")


def ioprio_get(pid):
    return ctypes.CDLL(None).syscall(IOPRIO[platform.machine()][1], 1, pid)


def cookie(pid):
    """Of core scheduling; None: not on this machine."""
    value = ctypes.c_uint64(0)
    failed = ctypes.CDLL(None).prctl(
        ctypes.c_int(SCHED_CORE), ctypes.c_ulong(CORE_GET),
        ctypes.c_ulong(pid), ctypes.c_ulong(0), ctypes.byref(value))
    return None if failed else value.value


# Tells all that the process itself has, as one line of JSON.
TELL = """
import json, os, resource, sys
def status():
    with open("/proc/self/status") as file:
        return dict(line.rstrip("\\n").split(":", 1) for line in file)
def ctty():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
        return True
    except OSError:
        return False
fds = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        fds[fd] = os.readlink("/proc/self/fd/" + fd)
    except OSError:
        pass
out = {"who": sys.argv[2], "pid": os.getpid(), "sid": os.getsid(0),
       "ctty": ctty(), "fds": fds, "cwd": os.getcwd(),
       "env": dict(os.environ), "status": status(),
       "nice": os.nice(0), "cgroup": open("/proc/self/cgroup").read(),
       "oom": int(open("/proc/self/oom_score_adj").read()),
       "cpus": sorted(os.sched_getaffinity(0)),
       "policy": os.sched_getscheduler(0),
       "ioprio": None,
       "files": list(resource.getrlimit(resource.RLIMIT_NOFILE))}
with open(sys.argv[1], "a") as file:
    file.write(__import__("json").dumps(out) + "\\n")
"""


def look(pid):
    """The same of another process, as root sees it."""
    fds = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            fds[fd] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    status = dict(line.split(":", 1) for line in
                  read_text(f"/proc/{pid}/status").splitlines())
    environ = read_text(f"/proc/{pid}/environ")
    fields = stat_fields(pid)
    return {"pid": pid, "sid": int(fields[3]), "ctty": fields[4] != "0",
            "fds": fds, "cwd": os.readlink(f"/proc/{pid}/cwd"),
            "env": dict(word.split("=", 1) for word in environ.split("\0")
                        if "=" in word),
            "status": status, "nice": int(fields[16]),
            "cgroup": read_text(f"/proc/{pid}/cgroup"),
            "oom": int(read_text(f"/proc/{pid}/oom_score_adj")),
            "cpus": sorted(os.sched_getaffinity(pid)),
            "policy": os.sched_getscheduler(pid),
            "ioprio": ioprio_get(pid),
            "files": [int(word) for line in
                      read_text(f"/proc/{pid}/limits").splitlines()
                      if line.startswith("Max open files")
                      for word in line.split()[3:5]]}


class Guest:
    """A guest with a victim and a folder whose scripts and commands tell what
    they have."""

    def __init__(self, case):
        messages(case.build)
        self.case = case
        self.images = own_dir(case, "own")
        self.victim = victim(case, NOBODY)
        self.told = os.path.join(self.images, "told")
        tell = os.path.join(case.dir, "tell.py")
        with open(tell, "w") as file:
            file.write(TELL)
        os.chmod(tell, 0o644)
        self.command = [sys.executable, "-IB", tell, self.told]
        with open(os.path.join(self.images, "conf"), "w") as file:
            file.write('action-script "' + " ".join(self.command)
                       + ' script"\n')

    def visit(self, service):
        """As the guest: a dump and a restore, with a worker held meanwhile
        until somebody has looked at it."""
        opts = {"images_dir": self.images,
                "config_file": self.images + "/conf"}
        client = service.connect()
        client.ok("VERSION", keep_open=True)
        self.case.go("up")
        wait_until(lambda: os.path.exists(self.case.path("go")), "looked at")
        client.ok("DUMP", dict(opts, pid=self.victim))
        self.case.go("dumped")
        wait_until(lambda: os.path.exists(self.case.path("gone")), "reaped")
        service.connect().ok("RESTORE", dict(
            opts, exec_cmd=self.command + ["command"]))

    def round_trip(self, service, before=lambda: None):
        """What the worker, the scripts, the command and the newborn have by
        the name of each. before: done as root by who becomes the client."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                before()
                as_user(lambda: self.visit(service))
                status = 0
            except BaseException as error:
                sys.stderr.write(f"{error}\n")
            finally:
                os._exit(status)
        self.case.ready(child, "up")
        seen = {"worker": look(workers_of(service)[0])}
        self.case.go()
        self.case.ready(child, "dumped")
        wait_until(lambda: stat_fields(self.victim)[0] == "Z", "it is dead")
        os.waitpid(self.victim, 0)
        self.case.go("gone")
        check(os.waitpid(child, 0)[1] == 0, "the guest was refused")
        wait_until(lambda: '"command"' in read_text(self.told, ""),
                   "the command has told")
        for line in read_text(self.told).splitlines():
            told = json.loads(line)
            seen[told["who"] + "s" * (told["who"] in seen)] = told
        seen["newborn"] = look(self.victim)
        check("script" in seen and "scripts" in seen, str(seen.keys()))
        return seen


def terminal_service(case, closed, *args):
    """As root starts it by hand: on his terminal, with files of his open, and
    with signals, umask and environment of his own."""
    master, slave = pty.openpty()

    def prepare():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        os.umask(0)
    service = guest_service(case, *args, preexec_fn=prepare,
                            pass_fds=[closed],
                            env={"PATH": os.environ["PATH"],
                                 "SECRET": "12345"})
    os.close(slave)
    return service, master


def check_stdio(who, has, images):
    """Nothing but the three and his own images, and none of them the
    service's."""
    extra = {"worker": ("socket:", "anon_inode:[pidfd]", "pidfd:")}
    for fd, what in has["fds"].items():
        if int(fd) < 3:
            check(what == "/dev/null" or what.endswith("/criu.log"),
                  f"{who}: fd {fd} is {what}")
        else:
            check(what == images or (what.startswith(extra.get(
                who, ("/proc/",))) and not what.endswith("mem")),
                  f"{who}: fd {fd} is {what}")


@test("a guest's worker, scripts and commands have nothing of the service's: "
      "terminal, files, signals, environment, umask, directory")
def guests_inherit(case):
    secret = os.open(case.path("secret"), os.O_RDWR | os.O_CREAT, 0o600)
    service, master = terminal_service(case, secret)
    fields = stat_fields(service.process.pid)
    check(fields[4] != "0", "the service has no terminal")
    guest = Guest(case)
    seen = guest.round_trip(service, lambda: os.umask(0o27))
    for who in ("worker", "script", "scripts", "command"):
        has = seen[who]
        check(not has["ctty"], f"{who}: a terminal")
        check(has["sid"] != int(fields[3]), f"{who}: the service's session")
        check_stdio(who, has, guest.images)
        status = {name: text.strip() for name, text in has["status"].items()}
        check(int(status["Umask"], 8) == 0o27, f"{who}: {status['Umask']}")
        # Python's own two, and the two that the C library takes for itself.
        check(int(status["SigIgn"], 16) & ~0x181001000 == 0,
              f"{who}: ignores {status['SigIgn']}")
        if who != "worker":  # it keeps SIGTERM for between its steps
            check(int(status["SigBlk"], 16) == 0, f"{who} blocks")
            check("SECRET" not in has["env"], f"{who}: {has['env']}")
            check(set(has["env"]) <= {
                "PATH", "PWD", "LC_CTYPE", "CRTOOLS_SCRIPT_ACTION",
                "CRTOOLS_IMAGE_DIR", "CRTOOLS_INIT_PID"}, str(has["env"]))
        check(has["cwd"] in ("/", guest.images), f"{who}: {has['cwd']}")
    newborn = seen["newborn"]
    check(not newborn["ctty"], "the newborn has a terminal")
    check(set(newborn["fds"]) == {"0", "1", "2"}, str(newborn["fds"]))
    check(newborn["sid"] == guest.victim, "the newborn's session")
    os.set_blocking(master, False)
    try:
        said = os.read(master, 1000)
    except BlockingIOError:
        said = b""
    check(said == b"", f"{said} on the terminal")
    service.stop()
    os.close(master)


TIOCSTI = r"""
import fcntl, os, termios
for name in ("/dev/tty", "/proc/self/fd/0", "/proc/self/fd/2", "{pts}"):
    try:
        fd = os.open(name, os.O_RDWR)
        for letter in b"\3id\n":
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([letter]))
        print("pushed into", name, file=open("{out}", "a"))
    except OSError as error:
        print(name, error, file=open("{out}", "a"))
"""


@test("a guest's script cannot type on the terminal of a service of root's")
def guests_terminal(case):
    fd = os.open("/dev/null", os.O_RDWR)
    service, master = terminal_service(case, fd)
    guest = Guest(case)
    pts = os.readlink(f"/proc/{service.process.pid}/fd/0")
    program = os.path.join(guest.images, "push.py")
    out = os.path.join(guest.images, "out")
    with open(program, "w") as file:
        file.write(TIOCSTI.format(pts=pts, out=out))
    with open(os.path.join(guest.images, "conf"), "w") as file:
        file.write(f'action-script "{sys.executable} {program}"\n')
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": guest.images, "pid": guest.victim,
        "config_file": guest.images + "/conf"}))
    said = read_text(out, "")
    check("pushed" not in said and "/dev/tty" in said, said)
    service.stop()
    os.close(master)


class Cgroup:
    """A cgroup below ours, in the first hierarchy that lets us have one."""

    def __init__(self, case):
        name = f"stasis-{os.getpid()}"
        for line in read_text("/proc/self/cgroup", "").splitlines():
            _number, controllers, own = line.split(":", 2)
            for top in (f"/sys/fs/cgroup/{controllers or 'unified'}",
                        "/sys/fs/cgroup"):
                path = f"{top}{own.rstrip('/')}/{name}"
                if controllers not in ("pids", "") or not os.path.exists(
                        f"{top}/cgroup.procs"):
                    continue
                try:
                    os.mkdir(path)
                except OSError:
                    continue
                self.path, self.line = path, line.rstrip("/") + "/" + name
                return
        raise Skip("no cgroup can be made")

    def enter(self):
        with open(self.path + "/cgroup.procs", "w") as file:
            file.write("0")

    def close(self):
        def gone():
            try:
                os.rmdir(self.path)
            except OSError:
                return False
            return True
        for pid in read_text(self.path + "/cgroup.procs").split():
            os.kill(int(pid), signal.SIGKILL)
        wait_until(gone, "the cgroup is empty")


def prctl(*args):
    full = [ctypes.c_ulong(arg) for arg in args] + [ctypes.c_ulong(0)] * 4
    check(ctypes.CDLL(None).prctl(*full[:5]) == 0, f"prctl{args}")


@test("what a guest runs is held back as he is: cgroup, bounding set, nice, "
      "policy, CPUs, oom_score_adj")
def guests_restrained(case):
    service = guest_service(case)
    guest = Guest(case)
    cgroup = Cgroup(case)
    cpu = min(os.sched_getaffinity(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def restrain():
        cgroup.enter()
        prctl(CAPBSET_DROP, CAP_SYS_TIME)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, 7)
        os.sched_setaffinity(0, {cpu})
        ioprio_set(BEST_EFFORT_6)
        resource.setrlimit(resource.RLIMIT_NOFILE, (700, hard))
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("321")
        # The tasks come back as they were, and they were not worse off.
        with open(f"/proc/{guest.victim}/oom_score_adj", "w") as file:
            file.write("400")
        os.setpriority(os.PRIO_PROCESS, guest.victim, 9)
    try:
        seen = guest.round_trip(service, restrain)
        for who, has in seen.items():
            check(cgroup.line in has["cgroup"].splitlines(),
                  f"{who}: {cgroup.line} is not in {has['cgroup']}")
            bounding = int(has["status"]["CapBnd"], 16)
            check(not bounding >> CAP_SYS_TIME & 1, f"{who}: {bounding:x}")
            if who == "newborn":
                check((has["oom"], has["nice"]) == (400, 9), str(has))
                continue
            check((has["oom"], has["nice"], has["cpus"], has["policy"])
                  == (321, 7, [cpu], os.SCHED_BATCH), f"{who}: {has}")
            check(has["files"] == [700, hard], f"{who}: {has['files']}")
            check(has["ioprio"] in (None, BEST_EFFORT_6),
                  f"{who}: {has['ioprio']}")
        check(seen["worker"]["ioprio"] is not None, "not looked at")
    finally:
        service.stop()
        cgroup.close()


@test("a guest's worker shares cores with whom he shares them")
def guests_cookie(case):
    service = guest_service(case)
    messages(case.build)
    if cookie(0) is None:
        raise Skip("no core scheduling here")

    def attempt():
        prctl(SCHED_CORE, CORE_CREATE, 0, 0)
        client = service.connect()
        client.ok("VERSION", keep_open=True)
        with open(case.path("up"), "w") as file:
            file.write(str(cookie(0)))
        wait_until(lambda: os.path.exists(case.path("go")), "looked at")
    os.chmod(case.work, 0o777)
    child = os.fork()
    if child == 0:
        try:
            as_user(attempt)
            os._exit(0)
        finally:
            os._exit(1)
    case.ready(child, "up")
    wait_until(lambda: read_text(case.path("up")), "told")
    his, has = int(read_text(case.path("up"))), cookie(workers_of(service)[0])
    case.go()
    check(os.waitpid(child, 0)[1] == 0, "the guest was refused")
    check(his and his == has, f"{his} and {has}")
    service.stop()


def refused_when(case, words, restrain):
    """The guest who is held back so is refused, without it he is served."""
    service = guest_service(case)
    messages(case.build)

    def attempt():
        service.connect().no(words, "VERSION")

    child = os.fork()
    if child == 0:
        status = 1
        try:
            restrain(attempt)
            status = 0
        except BaseException as error:
            sys.stderr.write(f"{error}\n")
        finally:
            os._exit(status)
    check(os.waitpid(child, 0)[1] == 0, "not refused, or by other words")
    as_user(lambda: service.connect().ok("VERSION"))
    service.stop()
    told = [line for line in read_text(service.log).splitlines()
            if f"of user {NOBODY} is not served: " in line]
    check(len(told) == 1 and words in told[0], f"the log tells of it: {told}")
    os.unlink(service.log)  # the next one's tells when it is ready


# A program that allows everything: BPF_RET, SECCOMP_RET_ALLOW.
ALLOW_ALL = struct.pack("=HBBI", 6, 0, 0, 0x7fff0000)


def seccomp_filter():
    code = ctypes.create_string_buffer(ALLOW_ALL)
    program = ctypes.create_string_buffer(
        struct.pack("@HP", 1, ctypes.addressof(code)))
    prctl(SET_SECCOMP, 2, ctypes.addressof(program))


@test("a guest with seccomp filters is refused: his worker cannot have them")
def guests_seccomp(case):
    def restrain(attempt):
        def with_filter():
            prctl(SET_NO_NEW_PRIVS, 1)
            seccomp_filter()
            attempt()
        as_user(with_filter)
    refused_when(case, "seccomp", restrain)


@test("a guest without new privileges is served without them, or refused "
      "where Landlock may be behind it")
def guests_no_new_privs(case):
    landlock = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
    service = guest_service(case)
    guest = Guest(case)

    def refused():
        prctl(SET_NO_NEW_PRIVS, 1)
        as_user(lambda: service.connect().no("no_new_privs", "VERSION"))
    if landlock:
        child = os.fork()
        if child == 0:
            try:
                refused()
                os._exit(0)
            finally:
                os._exit(1)
        check(os.waitpid(child, 0)[1] == 0, "not refused by name")
    else:
        seen = guest.round_trip(service, lambda: prctl(SET_NO_NEW_PRIVS, 1))
        for who, has in seen.items():
            check(has["status"]["NoNewPrivs"].strip() == "1", who)
    service.stop()


NAMESPACES = {"net": 0x40000000, "mnt": 0x20000, "ipc": 0x8000000,
              "uts": 0x4000000, "cgroup": 0x2000000}


@test("a guest in namespaces of his own is refused, and told which")
def guests_namespaces(case):
    for name, flag in NAMESPACES.items():
        def restrain(attempt):
            check(ctypes.CDLL(None).unshare(flag) == 0, f"unshare {name}")
            as_user(attempt)
        refused_when(case, f"a {name} namespace", restrain)


@test("a guest in a user namespace of his own is refused")
def guests_user_namespace(case):
    def restrain(attempt):
        def inside():
            check(ctypes.CDLL(None).unshare(0x10000000) == 0, "unshare")
            attempt()
        as_user(inside)
    refused_when(case, "a user namespace", restrain)


@test("a guest whose pid the service cannot see is refused, and gets none of "
      "the service's limits")
def guests_unseen(case):
    """The service in a pid namespace of its own sees none outside of it."""
    def inside():
        check(ctypes.CDLL(None).unshare(0x20000000) == 0, "unshare")
        child = os.fork()
        if child:
            os.closerange(3, 1000)
            signal.signal(signal.SIGTERM,
                          lambda *_: os.kill(child, signal.SIGKILL))
            os._exit(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    service = guest_service(case, preexec_fn=inside)
    messages(case.build)
    as_user(lambda: service.connect().no("pid namespace", "VERSION"))
    service.connect().ok("VERSION")
    service.stop()


@test("a guest in another root directory is refused")
def guests_root(case):
    def restrain(_attempt):
        client = Client(case, socket.socket(
            socket.AF_UNIX, socket.SOCK_SEQPACKET))

        def attempt():
            client.sock.connect("/service.socket")
            client.no("root directory", "VERSION")
        os.chroot(case.dir)
        os.chdir("/")
        as_user(attempt)
    refused_when(case, "root directory", restrain)


@test("a guest whose process ended is refused: nobody knows what held it back")
def guests_gone(case):
    service = guest_service(case)
    messages(case.build)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def lend():
        """Connects, gives the connection away, and ends."""
        client = service.connect()
        socket.send_fds(theirs, [b"x"], [client.sock.fileno()])
    os.kill(service.process.pid, signal.SIGSTOP)
    as_user(lend)
    fds = socket.recv_fds(ours, 1, 1)[1]
    os.kill(service.process.pid, signal.SIGCONT)
    client = Client(case, socket.socket(fileno=fds[0]))
    answer = client.call("VERSION")
    check(not answer.success, str(answer))
    service.stop()
