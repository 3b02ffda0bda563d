# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_outside: files that somebody outside of the tree holds: external at
dump, given by inherit_fd at restore; by RPC and on the command line."""
import fcntl
import os
import socket
import sys
import time

from client import Service, start_worker
from harness import check, read_text, state, stat_fields, test, wait_until

# Says each line that it hears, louder.
ECHO = ["/bin/sh", "-c", "while read line; do echo \"$line!\"; done"]
FILE = [sys.executable, "-c",
        "import os, time\nf = open(os.environ['OUT'], 'a+')\n"
        "open('up', 'w').close()\nwhile not os.path.exists('go'):\n"
        "  time.sleep(0.02)\n"
        "print('here', file=f, flush=True)\nopen('done', 'w').close()"]


class Talk:
    """The outer ends of two pipes; .theirs are the inner ones."""

    def __init__(self):
        into, self.say = os.pipe()
        self.hear, out = os.pipe()
        self.theirs = (into, out)
        self.keys = [f"pipe:[{os.fstat(fd).st_ino}]" for fd in self.theirs]

    def let_go(self):
        for fd in self.theirs:
            os.close(fd)

    def ask(self, words):
        os.write(self.say, words.encode() + b"\n")
        return os.read(self.hear, 100).decode()

    def close(self):
        os.close(self.say)
        os.close(self.hear)


def echo(case):
    """A tree that hears and speaks over pipes of somebody outside."""
    talk = Talk()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(talk.theirs[0], 0)
        os.dup2(talk.theirs[1], 1)
        os.dup2(os.open("/dev/null", os.O_RDWR), 2)
        os.closerange(3, 1024)
        os.chdir(case.work)
        os.execv(ECHO[0], ECHO)
    talk.let_go()
    check(talk.ask("one") == "one!\n", "the victim does not answer")
    wait_until(lambda: state(pid) == "S", "it waits")
    return pid, talk


def restore_with(case, opts, fds):
    """A worker that inherits fds restores; {key: fd}."""
    client = start_worker(case, fds=fds.values())
    inherit = [dict(key=key, fd=fd) for key, fd in fds.items()]
    return client, client.call("RESTORE", {
        "images_dir": case.img, "log_level": 4, "log_file": "restore.log",
        "inherit_fd": inherit, **opts})


def answers_again(case, pid, old):
    """New pipes take the place of the old ones: does it answer there?"""
    new = Talk()
    client, answer = restore_with(
        case, {"rst_sibling": True}, dict(zip(old.keys, new.theirs)))
    check(answer.success, str(answer))
    check(client.close() == 0, "another status")
    new.let_go()
    check(new.ask("two") == "two!\n", "it does not answer")
    check(int(stat_fields(pid)[1]) == os.getpid(), "another parent")
    os.close(new.say)
    wait_until(lambda: state(pid) in (None, "Z"), "it ends with its input")
    check(os.read(new.hear, 10) == b"", "somebody else holds its output")
    os.close(new.hear)


@test("pipes of somebody outside are given up at dump and given anew at "
      "restore")
def outside_pipes(case):
    pid, old = echo(case)
    opts = {"images_dir": case.img, "pid": pid}
    answer = start_worker(case).no("outside of the tree", "DUMP", opts)
    check("--external 'pipe:[" in answer.cr_errmsg, answer.cr_errmsg)
    check(old.ask("still") == "still!\n", "harmed")
    start_worker(case).ok("DUMP", {**opts, "external": old.keys})
    case.gone([pid])
    old.close()
    answers_again(case, pid, old)


@test("the answer to query-ext-files may call pipes external")
def outside_asked(case):
    pid, old = echo(case)
    told = []

    def hear(answer, reply):
        if answer.notify.script == "query-ext-files":
            told.append(answer)
            reply.opts.images_dir_fd = -1
            reply.opts.external.extend(old.keys)

    client = start_worker(case)
    client.hear = hear
    client.ok("DUMP", {"images_dir": case.img, "pid": pid,
                       "notify_scripts": True})
    check(len(told) == 1, "not asked")
    case.gone([pid])
    old.close()
    answers_again(case, pid, old)


@test("what the answer to query-ext-files may not name undoes the dump")
def outside_asked_wrong(case):
    pid, talk = echo(case)
    for word, errno in (("mnt[/a]:b", 38), ("nonsense", 22)):
        client = start_worker(case)
        client.hear = lambda _told, reply, word=word: reply.opts.CopyFrom(
            client.pb.criu_opts(images_dir_fd=-1, external=[word]))
        answer = client.no(word, "DUMP", {
            "images_dir": case.img, "pid": pid, "notify_scripts": True})
        check(answer.cr_errno == errno, str(answer))
        check(talk.ask("still") == "still!\n", "harmed")


@test("a restore without what was outside is refused before anything is made")
def outside_missing(case):
    pid, old = echo(case)
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid,
                                   "external": old.keys})
    case.gone([pid])
    answer = start_worker(case).no(
        old.keys[0], "RESTORE", {"images_dir": case.img})
    check(f"--inherit-fd 'fd[N]:{old.keys[0]}'" in answer.cr_errmsg,
          answer.cr_errmsg)
    check(state(pid) is None, "made all the same")
    null = os.open("/dev/null", os.O_RDONLY)
    client, answer = restore_with(case, {}, {key: null for key in old.keys})
    check(not answer.success and "not open for writing" in answer.cr_errmsg,
          str(answer))
    ours = max(int(fd) for fd in os.listdir("/proc/self/fd")) + 20
    answer = start_worker(case).no("not inherited", "RESTORE", {
        "images_dir": case.img,
        "inherit_fd": [dict(key=key, fd=ours) for key in old.keys]})
    check(answer.cr_errno == 9, str(answer))
    check(state(pid) is None, "made all the same")
    os.close(null)


@test("no fd of the worker's own can be had by its number")
def outside_own_fds(case):
    pid, old = echo(case)
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid,
                                   "external": old.keys})
    case.gone([pid])
    for fd in range(3, 12):
        answer = start_worker(case).no("not inherited", "RESTORE", {
            "images_dir": case.img, "log_file": "r.log",
            "inherit_fd": [dict(key=key, fd=fd) for key in old.keys]})
        check(answer.cr_errno == 9, f"fd {fd}: {answer}")


@test("what waits in an external pipe stays there, and the log says so")
def outside_waits(case):
    pid, talk = echo(case)
    os.kill(pid, 19)
    wait_until(lambda: state(pid) == "T", "it is stopped")
    os.write(talk.say, b"unheard\n")
    case.dump(pid, *(f"--external={key}" for key in talk.keys))
    log = read_text(os.path.join(case.img, "dump.log"), "")
    check(f"{talk.keys[0]} is external: 8 bytes" in log, log)


@test("on the command line --external and --inherit-fd do the same")
def outside_command_line(case):
    pid, old = echo(case)
    case.dump(pid, *(word for key in old.keys + ["pipe:[1]"]
                     for word in ("--external", key)))
    log = read_text(os.path.join(case.img, "dump.log"), "")
    check("nothing in the tree is the external 'pipe:[1]'" in log, log)
    old.close()
    new = Talk()
    words = [f"--inherit-fd=fd[{fd}]:{key}"
             for key, fd in zip(old.keys, new.theirs)]
    result = case.engine(
        "restore", "-d", "-D", case.img, "-v4", "-o", "restore.log",
        "--inherit-fd", "fd[0]:nobody", *words, pass_fds=new.theirs,
        log=os.path.join(case.img, "restore.log"))
    check(result.code == 0, result.explain())
    check("nothing in the images is 'nobody'" in result.text(),
          result.explain())
    new.let_go()
    check(new.ask("two") == "two!\n", "it does not answer")


def file_victim(case, name):
    out = case.path(name)
    pid = case.start(FILE, env={"OUT": out})
    case.ready(pid, "up")
    return pid, out


def writes_to(case, fds):
    """Restored, it writes to the file that was given."""
    client, answer = restore_with(case, {}, fds)
    check(answer.success, str(answer))
    client.close()
    case.go()
    wait_until(lambda: os.path.exists(case.path("done")), "it has gone on")


@test("another file takes the place of one by its path, though that has gone")
def outside_path(case):
    pid, out = file_victim(case, "old")
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid})
    case.gone([pid])
    os.rename(out, out + ".away")
    # A number that the coordinator would like to use for its shelf.
    new = fcntl.fcntl(os.open(case.path("new"), os.O_RDWR | os.O_CREAT, 0o600),
                      fcntl.F_DUPFD, 256)
    writes_to(case, {out[1:]: new})
    check(read_text(case.path("new")) == "here\n", "not there")
    check(read_text(out + ".away") == "", "there, too")
    os.close(new)


@test("a file that is called external is not looked for, and must be given")
def outside_file(case):
    pid, out = file_victim(case, "secret")
    fd = next(fd for fd in os.listdir(f"/proc/{pid}/fd")
              if os.readlink(f"/proc/{pid}/fd/{fd}") == out)
    info = read_text(f"/proc/{pid}/fdinfo/{fd}").split()
    mount = int(info[info.index("mnt_id:") + 1])
    key = f"file[{mount:x}:{os.stat(out).st_ino:x}]"
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid,
                                   "external": [key]})
    case.gone([pid])
    os.unlink(out)
    start_worker(case).no(key, "RESTORE", {"images_dir": case.img})
    new = os.open(case.path("new"), os.O_RDWR | os.O_CREAT, 0o600)
    writes_to(case, {key: new})
    check(read_text(case.path("new")) == "here\n", "not there")
    os.close(new)


SOCKET = [sys.executable, "-c",
          "import socket, time\ns = socket.create_server(('127.0.0.1', 0))\n"
          "open('up', 'w').write(str(s.getsockname()[1]))\n"
          "while True:\n  c = s.accept()[0]; c.send(b'hello'); c.close()"]


@test("another listening socket takes the place of one by its inode")
def outside_socket(case):
    pid = case.start(SOCKET)
    case.ready(pid, "up")
    wait_until(lambda: state(pid) == "S", "it waits for clients")
    links = [os.readlink(f"/proc/{pid}/fd/{fd}")
             for fd in os.listdir(f"/proc/{pid}/fd")]
    key = next(link for link in links if link.startswith("socket:["))
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid})
    case.gone([pid])
    new = socket.create_server(("127.0.0.1", 0))
    port = new.getsockname()[1]
    client, answer = restore_with(case, {}, {key: new.fileno()})
    check(answer.success, str(answer))
    client.close()
    new.close()
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        check(sock.recv(10) == b"hello", "nobody accepts there")


MEMORY = [sys.executable, "-c",
          "import os, time\nf = os.memfd_create('box')\n"
          "os.write(f, b'old')\nopen('up', 'w').close()\n"
          "while not os.path.exists('go'): time.sleep(0.02)\n"
          "open('done', 'wb').write(os.pread(f, 10, 0))"]


@test("another memfd takes the place of one by its name")
def outside_memfd(case):
    pid = case.start(MEMORY)
    case.ready(pid, "up")
    time.sleep(0.05)
    start_worker(case).ok("DUMP", {"images_dir": case.img, "pid": pid})
    case.gone([pid])
    new = os.memfd_create("other")
    os.write(new, b"new")
    writes_to(case, {"/memfd:box": new})
    wait_until(lambda: read_text(case.path("done")), "it has written")
    check(read_text(case.path("done")) == "new", "the old one")
    os.close(new)


@test("a service's client, whose fds are not the service's, is refused")
def outside_service(case):
    service = Service(case)
    service.connect().no("inherit_fd", "RESTORE", {
        "images_dir": case.img, "inherit_fd": [dict(key="a", fd=0)]})
    service.stop()


# Says a word for each byte on its standard input; connected to $PEER.
CALLER = [sys.executable, "-c",
          "import os, socket\ns = socket.socket(socket.AF_UNIX, "
          "socket.SOCK_DGRAM)\ns.connect(os.environ['PEER'])\n"
          "open('up', 'w').close()\nimport time\n"
          "while not os.path.exists('go'):\n  time.sleep(0.02)\n"
          "s.send(b'here')\nopen('done', 'w').close()"]


@test("a unix socket that is connected to somebody outside is refused, and "
      "with leave connected again by name")
def unix_outside(case):
    path = case.path("peer")
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    box.bind(path)
    pid = case.start(CALLER, env={"PEER": path})
    case.ready(pid, "up")
    opts = {"images_dir": case.img, "pid": pid}
    answer = start_worker(case).no("outside of the tree", "DUMP", opts)
    check(path in answer.cr_errmsg and "--ext-unix-sk" in answer.cr_errmsg,
          answer.cr_errmsg)
    inode = int(answer.cr_errmsg.split("(inode ")[1].split(")")[0])
    start_worker(case).no("outside of the tree", "DUMP", {
        **opts, "ext_unix_sk": True, "unix_sk_ino": [dict(inode=1)]})
    for leave in ({"ext_unix_sk": True},
                  {"unix_sk_ino": [dict(inode=inode)]},
                  {"external": [f"unix[{inode}]"]}):
        start_worker(case).ok("DUMP", {**opts, **leave,
                                       "leave_running": True})
    start_worker(case).ok("DUMP", {**opts, "ext_unix_sk": True})
    case.gone([pid])
    box.close()
    os.unlink(path)
    _, answer = restore_with(case, {"rst_sibling": True}, {})
    check(not answer.success and path in answer.cr_errmsg, str(answer))
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    box.bind(path)
    _, answer = restore_with(case, {"rst_sibling": True}, {})
    check(answer.success, str(answer))
    with open(os.path.join(case.work, "go"), "w"):
        pass
    check(box.recv(10) == b"here", "another word")
