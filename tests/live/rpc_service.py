# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_service: the daemon, and what it lets whom do."""
import ctypes
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

from client import NOBODY, Service, as_user, messages
from harness import (Skip, alive, check, read_text, state, stat_fields, test,
                     wait_until)

SLEEPER = [sys.executable, "-c", "import time\nwhile True: time.sleep(0.05)"]
OTHER = 12345


def victim(case, uid=0, argv=SLEEPER):
    out = os.path.join(case.dir, "victim.out")
    with open(out, "a"):
        os.chmod(out, 0o666)
    pid = case.start(list(argv), user=uid, group=uid, extra_groups=[])
    wait_until(lambda: state(pid) == "S", "the victim sleeps")
    time.sleep(0.05)  # past its exec and imports
    return pid


def own_dir(case, name, uid=NOBODY):
    path = case.make_dir(name)
    os.chown(path, uid, uid)
    os.chmod(path, 0o700)
    return path


def guest_service(case, *args, **options):
    os.chmod(case.dir, 0o755)
    return Service(case, "--allow-users", str(NOBODY), *args,
                   **options)


@test("the socket is its maker's alone, goes away at the end, and a dead one "
      "is replaced")
def service_socket(case):
    service = Service(case)
    mode = os.stat(service.path).st_mode
    check(stat.S_IMODE(mode) == 0o600, f"mode {mode:o}")
    client = service.connect()
    client.ok("VERSION", keep_open=True)
    client.ok("CHECK")
    check(service.stop() == 0, "another status")
    check(not os.path.exists(service.path), "the socket stays")
    os.unlink(service.log)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(service.path)
    service = Service(case)
    service.connect().ok("VERSION")
    service.stop()


@test("a living service and a file that is no socket are not replaced")
def service_taken(case):
    service = Service(case)
    result = case.engine("service", "--address", service.path)
    check(result.code == 1 and "listens" in result.err, result.explain())
    service.connect().ok("VERSION")
    service.stop()
    with open(service.path, "w"):
        pass
    result = case.engine("service", "--address", service.path)
    check(result.code == 1 and "no socket" in result.err, result.explain())


def socket_put(path, kind=socket.SOCK_SEQPACKET, uid=0):
    """Returned open: close it, and it is dead."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    os.chown(path, uid, uid)
    return sock


@test("where others can put files only a dead socket of our own is replaced, "
      "and nowhere a living one of any type")
def service_foreign(case):
    os.chmod(case.dir, 0o755)
    def start(path, word):
        done = case.engine("service", "--address", path)
        check(done.code == 1 and word in done.err, done.explain())
        check(stat.S_ISSOCK(os.lstat(path).st_mode), "it is gone")
    for name, uid, mode in (("his", NOBODY, 0o700), ("sticky", 0, 0o1777),
                            ("ours", 0, 0o755)):
        folder = case.make_dir(name)
        os.chown(folder, uid, uid)
        os.chmod(folder, mode)
        path = os.path.join(folder, "s")
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            living = socket_put(path, kind)
            start(path, "listens")
            living.close()
            os.unlink(path)
        full = socket_put(path)
        full.listen(0)
        queued = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        queued.connect(path)
        start(path, "listens")
        full.close()
        queued.close()
        os.chown(path, NOBODY, NOBODY)
        if name != "ours":
            start(path, "another user's")
            os.chown(path, 0, 0)
        service = Service(case, "--address", path)
        service.path = path
        service.connect().ok("VERSION")
        check(os.listdir(folder) == ["s"], f"{os.listdir(folder)}")
        service.stop()
        check(os.listdir(folder) == [], f"{os.listdir(folder)}")
        os.unlink(service.log)


@test("in the background it tells pidfile and status fd when it is ready")
def service_daemon(case):
    read, write = os.pipe()
    path = os.path.join(case.dir, "s")
    result = case.engine(
        "service", "-d", "--address", path, "--pidfile", "pid", "-W",
        case.dir, "-o", "s.log", "--status-fd", str(write),
        "--action-script", f"echo $CRTOOLS_SCRIPT_ACTION >>{case.dir}/said",
        pass_fds=[write])
    os.close(write)
    check(read_text(case.dir + "/said") == "status-ready\n", "its script")
    check(result.code == 0, result.explain())
    check(os.read(read, 9) == b"\0" and os.read(read, 9) == b"", "status fd")
    os.close(read)
    pid = int(read_text(os.path.join(case.dir, "pid")))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(path), "it has ended")


@test("a socket of systemd is taken over")
def service_activated(case):
    path = os.path.join(case.dir, "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind(path)
        sock.listen()
        starter = ("import os,sys; os.dup2(int(sys.argv[1]), 3); "
                   "os.environ.update(LISTEN_PID=str(os.getpid()), "
                   "LISTEN_FDS='1'); os.execv(sys.argv[2], sys.argv[2:])")
        daemon = subprocess.Popen(
            [sys.executable, "-c", starter, str(sock.fileno()), case.stasis,
             "service"], pass_fds=[sock.fileno()], cwd=case.dir)
    service = Service.__new__(Service)
    service.case, service.path, service.process = case, path, daemon
    service.connect().ok("VERSION")
    service.stop()
    check(os.path.exists(path), "a socket that is not its own is removed")


@test("a service that has no place for one more connection waits, says so "
      "once, and goes on when it has")
def service_full(case):
    service = Service(case)
    messages(case.build)
    pid = service.process.pid
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    first = min(set(range(len(used) + 1)) - used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first, hard))
    clients = [service.connect() for _ in range(3)]
    spent = sum(int(word) for word in stat_fields(pid)[11:13])
    time.sleep(2)
    spent = sum(int(word) for word in stat_fields(pid)[11:13]) - spent
    check(spent < os.sysconf("SC_CLK_TCK") / 10, f"{spent} ticks for nothing")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    for client in clients:
        client.ok("VERSION")
    service.connect().ok("VERSION")
    check(service.stop() == 0, "another status")
    told = [line for line in read_text(service.log).splitlines()
            if "have to wait" in line]
    check(len(told) == 1 and "Too many open files" in told[0], f"{told}")


@test("root dumps and restores through the service, by fd and by name")
def service_round_trip(case):
    service = Service(case)
    pid = victim(case)
    fd = os.open(case.img, os.O_RDONLY)
    client = service.connect()
    client.ok("DUMP", {"images_dir_fd": fd, "pid": pid,
                       "notify_scripts": True})
    os.close(fd)
    check([m for m, _ in client.heard][-1] == "post-dump", str(client.heard))
    case.gone([pid])
    answer = service.connect().ok("RESTORE", {"images_dir": case.img})
    check(answer.restore.pid == pid and alive(pid), str(answer))
    check(service.stop() == 0 and alive(pid), "it took the task with it")


@test("malformed packets and clients that vanish leave the service alive")
def service_malformed(case):
    service = Service(case)
    for packet in (b"\xff\xff", b"\x08", b"\x08\x01\x12\x02\x08", b""):
        client = service.connect()
        if packet:
            client.sock.send(packet)
            check(not client.answer().success, f"{packet!r}")
        client.close()
    service.connect().ok("VERSION")
    service.stop()


@test("fields of swrk are refused")
def service_swrk_fields(case):
    service = Service(case)
    opts = {"images_dir": case.img}
    service.connect().no("swrk", "RESTORE", {**opts, "rst_sibling": True})
    service.connect().no("swrk", "RESTORE", {
        **opts, "inherit_fd": [{"key": "a", "fd": 1}]})
    service.connect().no("swrk", "DUMP", {**opts, "pid": 1, "ps": {"fd": 1}})
    service.stop()


@test("a client that says nothing is given up, and others are served")
def service_hanging(case):
    service = Service(case, "--request-timeout", "1")
    quiet = service.connect()
    service.connect().ok("VERSION")
    answer = quiet.receive()
    check("in time" in answer.cr_errmsg, str(answer))
    service.stop()


@test("a client that does not answer a notification loses its dump")
def service_hanging_notify(case):
    service = Service(case, "--request-timeout", "1")
    pid = victim(case)
    client = service.connect()
    client.send("DUMP", {"images_dir": case.img, "pid": pid,
                         "notify_scripts": True})
    client.receive()
    answer = client.receive()
    check(answer.type == client.pb.DUMP and not answer.success, str(answer))
    check(alive(pid) and state(pid) != "t", "harmed")
    service.stop()


@test("no more clients than --max-workers are served at once")
def service_busy(case):
    service = Service(case, "--max-workers", "2")
    held = [service.connect() for _ in range(2)]
    for client in held:
        client.ok("VERSION", keep_open=True)
    answer = service.connect().answer()
    check("busy" in answer.cr_errmsg and answer.cr_errno == 11, str(answer))
    held.pop().close()

    def room():
        client = service.connect()
        try:
            return client.call("VERSION").success
        except (BrokenPipeError, ConnectionResetError):
            return False
    wait_until(room, "there is room again")
    service.stop()


@test("images are for nobody but who made them")
def security_image_mode(case):
    service = Service(case)
    pid = victim(case)
    service.connect().ok("DUMP", {"images_dir": case.img, "pid": pid})
    for name in os.listdir(case.img):
        mode = os.stat(os.path.join(case.img, name)).st_mode
        if name.endswith(".img"):
            check(stat.S_IMODE(mode) == 0o600, f"{name}: mode {mode:o}")
    service.stop()


# --- users who are not root --------------------------------------------------


@test("by default no other user can even connect")
def security_closed(case):
    os.chmod(case.dir, 0o755)
    service = Service(case)

    def attempt():
        try:
            service.connect()
        except PermissionError:
            return
        raise AssertionError("connected")
    as_user(attempt)
    service.stop()


@test("a user who was not named is refused in words, others are served")
def security_uninvited(case):
    service = guest_service(case)
    messages(case.build)
    as_user(lambda: service.connect().no("may not use", "VERSION"),
            uid=OTHER, gid=OTHER)
    as_user(lambda: service.connect().ok("VERSION"))
    service.connect().ok("VERSION")
    service.stop()


@test("members of the named group are served, by their groups at connect")
def security_group(case):
    os.chmod(case.dir, 0o755)
    service = Service(case, "--allow-group", "4321")
    messages(case.build)
    info = os.stat(service.path)
    check(info.st_gid == 4321 and stat.S_IMODE(info.st_mode) == 0o660,
          f"{info}")
    as_user(lambda: service.connect().ok("VERSION"), groups=[4321])

    def attempt():
        try:
            service.connect()
        except PermissionError:
            return
        raise AssertionError("connected")
    as_user(attempt)
    service.stop()


@test("a user dumps and restores a process of his own, as himself")
def security_own(case):
    service = guest_service(case)
    messages(case.build)
    pid = victim(case, NOBODY)
    images = own_dir(case, "own")

    def dump():
        fd = os.open(images, os.O_RDONLY)
        service.connect().ok("DUMP", {"images_dir_fd": fd, "pid": pid,
                                      "log_level": 4})

    def restore():
        answer = service.connect().ok("RESTORE", {"images_dir": images,
                                                  "log_level": 4})
        check(answer.restore.pid == pid, str(answer))
    as_user(dump)
    case.gone([pid])
    check(os.stat(os.path.join(images, "inventory.img")).st_uid == NOBODY,
          "images of another user")
    as_user(restore)
    status = read_text(f"/proc/{pid}/status", "")
    for line in (f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}\n",
                 "CapPrm:\t0000000000000000\n", "CapAmb:\t0000000000000000\n",
                 "CapInh:\t0000000000000000\n", "Groups:\t \n"):
        check(line in status, f"{line!r} is not in {status}")
    service.stop()


def refuse_dump(case, pid, words, **opts):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    as_user(lambda: service.connect().no(words, "DUMP", {
        "images_dir": images, "pid": pid, **opts}))
    check(alive(pid) and state(pid) != "t", "harmed")
    check(not os.path.exists(os.path.join(images, "inventory.img")),
          "there are images")
    service.stop()


@test("a process of root is not dumped for another user")
def security_dump_root(case):
    refuse_dump(case, victim(case), "")


@test("a process of a third user is not dumped")
def security_dump_other(case):
    refuse_dump(case, victim(case, OTHER), "")


@test("a process that is not dumpable is not dumped for its own user")
def security_dump_undumpable(case):
    code = ("import ctypes,time; ctypes.CDLL(None).prctl(4,0,0,0,0)\n"
            "while True: time.sleep(0.05)")
    pid = victim(case, NOBODY, [sys.executable, "-c", code])
    wait_until(lambda: os.stat(f"/proc/{pid}/environ").st_uid == 0,
               "it is not dumpable")
    refuse_dump(case, pid, "")


@test("a tree with one process of another user in it is not dumped")
def security_dump_tree(case):
    code = ("import os,time\n"
            "if os.fork() == 0: os.setresuid(12345,12345,12345)\n"
            f"else: os.setresgid({NOBODY},{NOBODY},{NOBODY}); "
            f"os.setresuid({NOBODY},{NOBODY},{NOBODY})\n"
            "import ctypes; ctypes.CDLL(None).prctl(4,1,0,0,0)\n"
            "open(f'up{os.getuid()}', 'w').close()\n"
            "while True: time.sleep(0.05)")
    pid = case.start([sys.executable, "-c", code], extra_groups=[])
    wait_until(lambda: os.path.exists(case.path(f"up{NOBODY}"))
               and os.path.exists(case.path("up12345")), "both are up")
    refuse_dump(case, pid, "")


@test("a process with the user's id and capabilities is not dumped")
def security_dump_caps(case):
    if not shutil.which("setpriv"):
        check(False, "setpriv is missing")
    pid = victim(case, 0, [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=-all,+checkpoint_restore",
        "--ambient-caps=-all,+checkpoint_restore", *SLEEPER])
    wait_until(lambda: "python" in read_text(f"/proc/{pid}/cmdline", ""),
               "it runs")
    time.sleep(0.1)
    refuse_dump(case, pid, "capabilities")


def refuse_restore(case, uid, words):
    """Images of a process of root's or another's, given to a user."""
    service = guest_service(case)
    messages(case.build)
    pid = victim(case, uid)
    case.dump(pid)
    for name in os.listdir(case.img):
        os.chown(os.path.join(case.img, name), NOBODY, NOBODY)
    as_user(lambda: service.connect().no(words, "RESTORE", {
        "images_dir": case.img, "log_file": "user.log"}))
    check(not alive(pid), "restored")
    service.stop()


@test("images of a process of root are not restored for another user")
def security_restore_root(case):
    refuse_restore(case, 0, "is user 0")


@test("a user's tasks come back with no limits above his own")
def security_limits(case):
    service = guest_service(case)
    messages(case.build)
    pid = victim(case, NOBODY)
    case.dump(pid)
    for name in os.listdir(case.img):
        os.chown(os.path.join(case.img, name), NOBODY, NOBODY)
    opts = {"images_dir": case.img, "log_file": "user.log"}

    def low():
        resource.setrlimit(resource.RLIMIT_NOFILE, (900, 900))
        service.connect().no("imit", "RESTORE", opts)
    as_user(low)
    check(not alive(pid), "restored")
    as_user(lambda: service.connect().ok("RESTORE", opts))
    service.stop()


@test("images of a third user's process are not restored")
def security_restore_other(case):
    refuse_restore(case, OTHER, f"is user {OTHER}")


@test("a user names no directory, log or configuration he cannot open")
def security_files(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    closed = case.make_dir("closed")
    os.chmod(closed, 0o700)
    secret = os.path.join(closed, "secret")
    with open(secret, "w") as file:
        file.write("token 12345\n")
    readable = case.make_dir("readable")
    os.chmod(readable, 0o755)
    os.symlink(secret, os.path.join(images, "link.log"))
    pid = victim(case, NOBODY)

    def attempt():
        for opts, words in (
                ({"images_dir": closed}, "Permission denied"),
                ({"images_dir": readable}, "Permission denied"),
                ({"images_dir": images, "config_file": secret},
                 "Permission denied"),
                ({"images_dir": images, "log_file": "link.log"},
                 "Permission denied")):
            answer = service.connect().no(words, "DUMP", {"pid": pid, **opts})
            if "token" in answer.cr_errmsg:
                raise AssertionError("the secret is told")
        fd = os.open(readable, os.O_RDONLY)
        service.connect().no("Permission denied", "DUMP", {
            "pid": pid, "images_dir_fd": fd})
    as_user(attempt)
    check(read_text(secret) == "token 12345\n", "the secret is changed")
    check(os.listdir(readable) == [] and alive(pid), "something is done")
    service.stop()


@test("a user's scripts and commands run as himself, without capabilities")
def security_scripts(case):
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    with open(os.path.join(images, "conf"), "w") as file:
        file.write(f'action-script "cat /proc/self/status >>{images}/said; '
                   f'env >>{images}/env; touch $CRTOOLS_IMAGE_DIR/own; '
                   f'{sys.executable} {images}/later"\n')
    # What the script starts need not have its fds.
    with open(os.path.join(images, "later"), "w") as file:
        file.write("import os\nos.closerange(3, 5000)\nopen(os.environ["
                   "'CRTOOLS_IMAGE_DIR'] + '/later-too', 'w')\n")
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": images, "pid": pid, "config_file": images + "/conf"}))
    case.gone([pid])
    as_user(lambda: service.connect().ok("RESTORE", {
        "images_dir": images, "exec_cmd": [
            "/bin/sh", "-c", f"cat /proc/self/status >>{images}/said"]}))
    wait_until(lambda: read_text(images + "/said", "").count("CapEff") == 3,
               "all have run")
    said = read_text(images + "/said")
    for line in said.splitlines():
        if line.startswith(("CapEff", "CapPrm", "CapAmb")):
            check(int(line.split()[1], 16) == 0, line)
        if line.startswith(("Uid", "Gid")):
            check(set(line.split()[1:]) == {str(NOBODY)}, line)
    check("HOME" not in read_text(images + "/env"), "root's environment")
    for name in ("own", "later-too"):
        check(os.path.exists(os.path.join(images, name)),
              f"{name}: CRTOOLS_IMAGE_DIR leads nowhere")
    service.stop()


@test("a user's restored tasks have his login in the audit trail")
def security_login(case):
    """As after a login: the number is the session's, not the service's."""
    if not os.path.exists("/proc/self/loginuid"):
        raise Skip("a kernel without audit")
    service = guest_service(case)
    messages(case.build)
    pid = victim(case, NOBODY)
    case.dump(pid)
    for name in os.listdir(case.img):
        os.chown(os.path.join(case.img, name), NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with open("/proc/self/loginuid", "w") as file:
                file.write(str(OTHER))
            as_user(lambda: service.connect().ok("RESTORE", {
                "images_dir": case.img, "log_file": "user.log"}))
            status = 0
        finally:
            os._exit(status)
    check(os.waitpid(child, 0)[1] == 0, "the restore failed")
    login = read_text(f"/proc/{pid}/loginuid")
    check(login == str(OTHER), f"his login is {login}")
    service.stop()


# add_key, request_key, keyctl
KEY_CALLS = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219),
             "ppc64le": (269, 270, 271)}
# Ends with 0 if it finds the key in its keyrings.
KEY_SEARCH = ("import ctypes, sys; call = ctypes.CDLL(None).syscall; "
              "sys.exit(call({}, b'user', b'stasis-test', None, 0) < 0)")


@test("a guest whose login cannot be taken over is refused")
def security_login_kept(case):
    if not os.path.exists("/proc/self/loginuid"):
        raise Skip("a kernel without audit")
    messages(case.build)

    def logged_in():
        with open("/proc/self/loginuid", "w") as file:
            file.write("777")
        # CAP_AUDIT_CONTROL: out of the bounding set, so gone with exec.
        check(ctypes.CDLL(None).prctl(24, 30, 0, 0, 0) == 0, "bounding set")
    service = guest_service(case, preexec_fn=logged_in)
    as_user(lambda: service.connect().no("login 777", "VERSION"))
    service.connect().ok("VERSION")
    service.stop()


@test("a user's commands have no keys of the service")
def security_keys(case):
    add, request, keyctl = KEY_CALLS[os.uname().machine]
    call = ctypes.CDLL(None).syscall
    search = [sys.executable, "-c", KEY_SEARCH.format(request)]
    # The service, and all that this test starts, gets a keyring with a key.
    if call(keyctl, 1, None) < 0 or call(
            add, b"user", b"stasis-test", b"secret", 6, -3) < 0:
        raise Skip("no keyrings here")
    check(subprocess.run(search).returncode == 0, "the test's key is hidden")
    service = guest_service(case)
    messages(case.build)
    images = own_dir(case, "own")
    pid = victim(case, NOBODY)
    as_user(lambda: service.connect().ok("DUMP", {
        "images_dir": images, "pid": pid}))
    case.gone([pid])
    command = " ".join([sys.executable, "-c", f'"{search[2]}"'])
    as_user(lambda: service.connect().ok("RESTORE", {
        "images_dir": images, "exec_cmd": [
            "/bin/sh", "-c", f"{command}; echo $? >{images}/said"]}))
    wait_until(lambda: read_text(images + "/said"), "it has searched")
    check(read_text(images + "/said") == "1\n", "it has found the key")
    service.stop()


@test("a user cannot occupy the whole service")
def security_share(case):
    service = guest_service(case, "--max-workers", "8")
    messages(case.build)

    def attempt():
        held = [service.connect() for _ in range(2)]
        for client in held:
            client.ok("VERSION", keep_open=True)
        answer = service.connect().answer()
        check("busy" in answer.cr_errmsg, str(answer))
    as_user(attempt)
    service.connect().ok("VERSION")
    service.stop()


@test("a user may not look into the worker that serves him")
def security_worker(case):
    service = guest_service(case)
    messages(case.build)

    def attempt():
        client = service.connect()
        client.ok("VERSION", keep_open=True)
        workers = [int(pid) for pid in os.listdir("/proc") if pid.isdigit()
                   and (stat_fields(pid) or [0, 0])[1]
                   == str(service.process.pid)]
        check(len(workers) == 1, str(workers))
        for name in ("mem", "environ"):
            try:
                with open(f"/proc/{workers[0]}/{name}", "rb"):
                    pass
            except PermissionError:
                continue
            raise AssertionError(f"{name} is open")
    as_user(attempt)
    service.stop()
