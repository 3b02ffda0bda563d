# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_places: root works in directories of others, who plant and swap."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys

import harm
from client import NOBODY, Service
from harness import Skip, check, read_text, test, wait_until
from rounds_memory import KEEPER, Mutable, chain, tracks
from rpc_service import own_dir, victim

SECRET = "root only\n"
TRIES = 4 * int(os.environ.get("LIVE_KILLS", "25"))

def plant(case, folder, name):
    """A link of the folder's owner, to a file of root's."""
    target = case.path(f"target-{name}")
    with open(target, "w") as file:
        file.write(SECRET)
    os.chmod(target, 0o600)
    link = os.path.join(folder, name)
    os.symlink(target, link)
    os.lchown(link, NOBODY, NOBODY)
    return target


def quiet_dump(case, folder, victim, log="log"):
    return case.engine("dump", "-t", str(victim), "-D", folder, "-v4", "-o",
                       log, log=os.path.join(folder, log))


@test("in a directory of another user nothing of root's is written through "
      "the names that he planted")
def harm_planted(case):
    os.chmod(case.dir, 0o755)
    folder = own_dir(case, "his")
    targets = [plant(case, folder, name)
               for name in ("stats-dump", "stats-restore", "pid", "log",
                            "files.img", "parent")]
    def restore():
        return case.engine("restore", "-d", "-D", folder, "-o", "again.log",
                           "--pidfile", "pid",
                           log=os.path.join(folder, "again.log"))
    victim = harm.quiet_victim(case)
    refused = quiet_dump(case, folder, victim)
    check(refused.code == 1 and "log file" in refused.err, refused.explain())
    refused = quiet_dump(case, folder, victim, "own.log")
    check(refused.code == 1 and "is another user's" in refused.err,
          refused.explain())
    for name in ("files.img", "parent"):
        check(os.path.islink(os.path.join(folder, name)), f"{name} is gone")
        os.unlink(os.path.join(folder, name))
    check(not [name for name in os.listdir(folder) if name.endswith(".img")
               or name.startswith(".")], f"{os.listdir(folder)}")
    done = quiet_dump(case, folder, victim, "own.log")
    check(done.code == 0, done.explain())
    case.gone([victim])
    refused = restore()
    check(refused.code == 1 and "is another user's" in refused.err,
          refused.explain())
    os.unlink(os.path.join(folder, "pid"))
    done = restore()
    check(done.code == 0, done.explain())
    harm.quiet_verdict(case, victim)
    for target in targets:
        check(read_text(target) == SECRET, f"{target} was written to")
    check(read_text(os.path.join(folder, "pid")).strip() == str(victim),
          "another pid")
    check(os.lstat(os.path.join(folder, "pid")).st_uid == 0, "not root's pid")
    for name in ("stats-dump", "stats-restore"):
        check(os.path.islink(os.path.join(folder, name)),
              f"{name} of another user was replaced")
    check(os.stat(os.path.join(folder, "own.log")).st_mode & 0o777 == 0o600,
          "the log is for everybody")


@test("a hidden folder that its directory's owner swaps is not written to")
def harm_swapped(case):
    os.chmod(case.dir, 0o755)
    target = case.make_dir("roots")
    secret = os.path.join(target, "secret")
    with open(secret, "w") as file:
        file.write(SECRET)
    victim = harm.quiet_victim(case)
    for kind in ("link", "folder"):
        folder = own_dir(case, f"his-{kind}")
        done = subprocess.run(
            [case.program("swapper"), folder, kind, target, case.stasis,
             "dump", "-t", str(victim), "-D", folder, "-R"],
            capture_output=True, text=True, timeout=20)
        check(done.returncode == 1, f"{kind}: {done.returncode} {done.stderr}")
        check("seems to play" in done.stderr, done.stderr)
        check(os.listdir(target) == ["secret"],
              f"{kind}: in root's folder now: {os.listdir(target)}")
        check(read_text(secret) == SECRET, f"{kind}: root's file was changed")
    harm.quiet_verdict(case, victim)


LISTENER = """
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True: time.sleep(0.05)
"""


def swap(one, other):
    """He swaps the two, over and over."""
    pid = os.fork()
    if pid:
        return pid
    libc = ctypes.CDLL(None)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    while True:
        libc.renameat2(-100, one.encode(), -100, other.encode(), 2)


@test("a process whose socket's folder is swapped for a link gets no socket "
      "elsewhere", limit=60)
def harm_unix_swapped(case):
    os.chmod(case.dir, 0o755)
    his, target = own_dir(case, "his"), case.make_dir("roots")
    folder, link = os.path.join(his, "d"), os.path.join(his, "link")
    os.mkdir(folder)
    os.chown(folder, NOBODY, NOBODY)
    os.symlink(target, link)
    os.lchown(link, NOBODY, NOBODY)
    name = os.path.join(folder, "s")
    pid = victim(case, NOBODY, [sys.executable, "-c", LISTENER, name])
    wait_until(lambda: os.path.exists(name), "it listens")
    case.dump(pid)
    for _ in range(TRIES):
        swapper = swap(folder, link)
        result = case.try_restore()
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)
        check(os.listdir(target) == [],
              f"in root's folder: {os.listdir(target)}: {result.explain()}")
        if os.path.islink(folder):
            os.rename(link, link + "-")
            os.rename(folder, link)
            os.rename(link + "-", folder)
        if result.code == 0:
            os.kill(pid, signal.SIGKILL)
            case.gone([pid])
    case.restore(pid)
    os.kill(pid, signal.SIGKILL)
    case.gone([pid])


@test("a socket that its directory's owner swaps for a link changes nothing "
      "of what the link leads to")
def harm_socket(case):
    os.chmod(case.dir, 0o755)
    folder = own_dir(case, "his")
    target = case.make_dir("roots")
    secret = os.path.join(target, "secret")
    with open(secret, "w") as file:
        file.write(SECRET)
    os.chmod(secret, 0o600)
    log = os.path.join(case.dir, "service.log")
    case.logs.append(log)
    for who in ("--allow-users", "--allow-group"):
        service = subprocess.Popen(
            [case.program("swapper"), folder, "socket:s", target, case.stasis,
             "service", "--address", folder + "/s", who, str(NOBODY),
             "-v4", "-W", case.dir, "-o", "service.log", "--pidfile", "pid"],
            stdout=subprocess.DEVNULL)
        wait_until(lambda: "ready for clients" in read_text(log, "")
                   or service.poll() is not None, "it is ready")
        check(service.poll() is None, "the service has ended")
        info = os.stat(secret)
        check(info.st_mode & 0o7777 == 0o600 and info.st_gid == 0,
              f"{who}: {info}")
        os.kill(int(read_text(os.path.join(case.dir, "pid"))), signal.SIGTERM)
        check(service.wait(10) == 0, "nothing was swapped")
        check(os.path.islink(folder + "/s"), "his link is gone")
        check(sorted(os.listdir(folder)) == ["s", "was-s"],
              f"left behind: {os.listdir(folder)}")
        os.unlink(folder + "/s")
        os.unlink(folder + "/was-s")
        os.unlink(log)


@test("the socket of a pre-dump that its directory's owner swaps for a link "
      "changes nothing of what the link leads to")
def harm_keeper_swapped(case):
    os.chmod(case.dir, 0o755)
    if tracks(case):
        raise Skip("this kernel tells what was written without a keeper")
    folder, target = own_dir(case, "his"), case.make_dir("roots")
    secret = os.path.join(target, "secret")
    with open(secret, "w") as file:
        file.write(SECRET)
    os.chmod(secret, 0o644)
    victim = harm.quiet_victim(case)
    done = subprocess.run(
        [case.program("swapper"), folder, f"socket:{KEEPER}", target,
         case.stasis, "pre-dump", "-t", str(victim), "-D", folder],
        capture_output=True, text=True, timeout=20)
    check(done.returncode != 99, "nothing was swapped")
    check(os.stat(secret).st_mode & 0o7777 == 0o644
          and read_text(secret) == SECRET, f"changed: {os.stat(secret)}")
    check(os.path.islink(os.path.join(folder, KEEPER)), "his link is gone")
    harm.quiet_verdict(case, victim)


def copied(of, to):
    shutil.copytree(of, to, symlinks=True, dirs_exist_ok=True,
                    ignore=lambda _folder, _names: [KEEPER])


def given(folder, links=()):
    """All that is in it is the stranger's, but what links lead to."""
    for name in os.listdir(folder):
        if name not in links:
            os.lchown(os.path.join(folder, name), NOBODY, NOBODY)
    os.chown(folder, NOBODY, NOBODY)


@test("who frees old copies of pages in another user's directory frees none "
      "of those that his links lead to")
def harm_dedup_planted(case):
    os.chmod(case.dir, 0o755)
    tracks(case)
    victim = Mutable(case)
    old, new = chain(case, victim, 2)
    pages = {os.path.join(old, name): None for name in os.listdir(old)
             if name.startswith("pages-")}
    for path in pages:
        with open(path, "rb") as file:
            pages[path] = file.read()

    def refused(folder, why):
        done = case.engine("dedup", "-D", folder)
        for path, was in pages.items():
            with open(path, "rb") as file:
                check(file.read() == was, f"{why}: {path} was changed")
        check(done.code == 1 and why in done.err, done.explain())

    def his(name, parent):
        folder = case.make_dir(name)
        copied(new, folder)
        os.unlink(os.path.join(folder, "parent"))
        if parent:
            os.symlink(parent, os.path.join(folder, "parent"))
        given(folder)
        return folder

    refused(his("link", old), "parent of the images")
    for name, make in (("soft", os.symlink), ("hard", os.link)):
        folder = his(name, None)
        inner = os.path.join(folder, "parent")
        copied(old, inner)
        os.unlink(os.path.join(inner, "stasis.img"))
        for path in pages:
            planted = os.path.join(inner, os.path.basename(path))
            os.unlink(planted)
            make(path, planted)
        given(inner, {os.path.basename(p) for p in pages} if name == "hard"
              else ())
        refused(folder, "for writing" if name == "soft" else "other names")
        shutil.rmtree(folder)
    done = case.engine("dedup", "-D", new)
    check(done.code == 0, done.explain())
    check(any(open(path, "rb").read() != was for path, was in pages.items()),
          "nothing was to be freed")
    os.kill(victim.pid, signal.SIGKILL)


@test("the folder of a service that was killed before its socket was in place "
      "goes with the next start there")
def harm_started(case):
    folder = case.make_dir("ours")
    aside = os.path.join(folder, ".stasis-abcdefgh")
    os.mkdir(aside, 0o700)  # no engine has made it
    with open(os.path.join(aside, "s"), "w") as file:
        file.write(SECRET)
    done = subprocess.run(
        [case.program("swapper"), folder, "kill", folder, case.stasis,
         "service", "--address", folder + "/s"],
        capture_output=True, text=True, timeout=20)
    check(done.returncode == 1, f"{done.returncode} {done.stderr}")
    left = [name for name in os.listdir(folder) if name.startswith(".stasis-")]
    check(len(left) == 2, f"{left}")
    service = Service(case, "--address", folder + "/s")
    service.path = folder + "/s"
    service.connect().ok("VERSION")
    left = [name for name in os.listdir(folder) if name.startswith(".stasis-")]
    check(left == [".stasis-abcdefgh"], f"{left}")
    check(read_text(os.path.join(aside, "s")) == SECRET, "a file is gone")
    service.stop()
