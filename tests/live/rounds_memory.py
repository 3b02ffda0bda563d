# SPDX-License-Identifier: GPL-2.0-or-later
"""rounds: memory stored in rounds while the tree goes on, then the rest."""
import ctypes
import glob
import mmap
import os
import random
import signal
import struct
import subprocess
import time

import harm
import harness
from client import start_worker
from harness import (Skip, alive, check, descendants, read_text, test,
                     wait_until)
from wire_server import Server

PROCS, AREAS, PAGES, LOOK = 3, 8, 1024, 1 << 31
HEAD = 4 + 4 * PROCS + 4
BOARD = HEAD + 256 + 4 * PROCS * AREAS * PAGES
KEEPER = ".stasis-keeper"
KILLS = int(os.environ.get("LIVE_KILLS", "25"))
SEED = int(os.environ.get("LIVE_SEED", "1"))


class Mutable:
    """The victim, and how it is told what to do."""

    def __init__(self, case):
        self.case, self.count = case, 0
        self.path = case.path("board")
        with open(self.path, "wb") as file:
            file.truncate(BOARD)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), BOARD)
        self.pid = case.start([case.program("mutable"), self.path])
        wait_until(lambda: self.word(16), "the victim is up")

    def word(self, at):
        return struct.unpack_from("<I", self.map, at)[0]

    def wish(self, what):
        struct.pack_into("<I", self.map, 0, what)

        def done():
            return all(self.word(4 + 4 * n) == what
                       for n in range(self.word(16)))
        wait_until(done, f"the victim has done {what:#x}", 15)

    def step(self):
        self.count += 1
        self.wish(self.count)

    def look(self):
        self.count += 1
        self.wish(LOOK | self.count)
        fault = self.map[20:276].split(b"\0")[0].decode()
        check(not fault, fault)

    def tree(self):
        return [self.pid] + descendants(self.pid)

    def watched(self):
        """Areas that somebody has registered with userfaultfd."""
        return sum((read_text(f"/proc/{pid}/smaps") or "").count(" uw")
                   for pid in self.tree())


def tracks(case):
    """Skips where nothing can be tracked; true: by soft-dirty marks."""
    if case.engine("check", "--feature", "mem_dirty_track").code:
        raise Skip("this kernel cannot tell what was written")
    page = mmap.mmap(-1, mmap.PAGESIZE)
    page[0] = 1
    at = ctypes.addressof(ctypes.c_char.from_buffer(page)) // mmap.PAGESIZE
    with open("/proc/self/pagemap", "rb", 0) as file:
        file.seek(at * 8)
        return bool(file.read(8)[6] & 0x80)


def try_round(case, pid, img, *args):
    return case.engine("pre-dump", "-t", str(pid), "-D", img, "-v4", "-o",
                       "pre-dump.log", *args,
                       log=os.path.join(img, "pre-dump.log"))


def take_round(case, pid, img, *args):
    result = try_round(case, pid, img, *args)
    check(result.code == 0, f"pre-dump failed: {result.explain()}")
    return result


def stored(img):
    return sum(os.stat(path).st_blocks * 512
               for path in glob.glob(os.path.join(img, "pages-*.img")))


def keepers():
    found = []
    for pid in descendants(os.getpid()):
        if alive(pid) and read_text(f"/proc/{pid}/comm", "").startswith(
                "stasis-keeper"):
            found.append(pid)
    return found


def no_trace(case, victim, img=None):
    """No keeper, no socket, and nobody watches."""
    def gone():
        harness.reap_all()
        return not keepers() and not victim.watched()
    wait_until(gone, f"keepers {keepers()} are gone")
    if img:
        check(not os.path.exists(os.path.join(img, KEEPER)), "its socket")


def chain(case, victim, length, *args):
    """A chain of rounds, each with a step before it; its directories."""
    dirs = []
    for n in range(length):
        dirs.append(case.make_dir(f"round{n}"))
        parent = ["--prev-images-dir", f"../round{n - 1}"] if n else []
        take_round(case, victim.pid, dirs[n], *parent, *args)
        victim.step()
    return dirs


@test("three rounds and a dump bring back what was there at the last",
      limit=60)
def rounds_three(case):
    tracks(case)
    victim = Mutable(case)
    dirs = chain(case, victim, 3)
    case.dump(victim.pid, "--prev-images-dir", "../round2")
    check(stored(dirs[2]) < stored(dirs[0]) * 4 // 5,
          f"round 2 stored {stored(dirs[2])} of {stored(dirs[0])}")
    check(os.readlink(os.path.join(case.img, "parent")) == "../round2",
          "the link to the parent")
    case.restore(victim.pid)
    victim.look()
    victim.step()
    victim.look()
    wait_until(lambda: not keepers(), "no keeper is left")


@test("a dump that knows of no rounds ends their watching, and is whole",
      limit=60)
def rounds_forgotten(case):
    tracks(case)
    victim = Mutable(case)
    chain(case, victim, 2)
    case.dump(victim.pid, "-R")
    no_trace(case, victim)
    other = case.make_dir("other")
    take_round(case, victim.pid, other)
    victim.step()
    again = case.make_dir("again")
    take_round(case, victim.pid, again)
    victim.step()
    case.dump(victim.pid, "--prev-images-dir", "../again")
    case.restore(victim.pid)
    victim.look()


@test("a chain ten deep is restored", limit=120)
def rounds_ten(case):
    tracks(case)
    victim = Mutable(case)
    chain(case, victim, 10)
    case.dump(victim.pid, "--prev-images-dir", "../round9")
    case.restore(victim.pid)
    victim.look()


@test("a round changes nothing in the victim but that it is watched", limit=60)
def rounds_quiet(case):
    soft_dirty = tracks(case)
    victim = harm.quiet_victim(case)
    before = harm.picture(victim)
    for n in range(3):
        img = case.make_dir(f"round{n}")
        parent = ["--prev-images-dir", f"../round{n - 1}"] if n else []
        take_round(case, victim, img, *parent)
        harm.check_same(before, harm.settle(victim, before), f"round {n}")
        if not soft_dirty:
            wait_until(lambda: len(keepers()) == 1, "one keeper is there")
    harm.quiet_verdict(case, victim)


@test("without its keeper a chain stores all again, and is right", limit=60)
def rounds_keeper_killed(case):
    if tracks(case):
        raise Skip("soft-dirty needs no keeper")
    victim = Mutable(case)
    first = case.make_dir("round0")
    take_round(case, victim.pid, first)
    os.kill(keepers()[0], signal.SIGKILL)
    wait_until(lambda: not victim.watched(), "nobody watches any more")
    victim.step()
    second = case.make_dir("round1")
    result = take_round(case, victim.pid, second, "--prev-images-dir",
                        "../round0")
    check("nobody has kept track" in result.text(), result.text())
    check(stored(second) > stored(first) * 2 // 3, "not all was stored")
    victim.step()
    case.dump(victim.pid, "--prev-images-dir", "../round1")
    case.restore(victim.pid)
    victim.look()


@test("a keeper ends with its tree, and by SIGTERM", limit=60)
def rounds_keeper_ends(case):
    if tracks(case):
        raise Skip("soft-dirty needs no keeper")
    for sig in (signal.SIGKILL, signal.SIGTERM):
        victim = Mutable(case)
        img = case.make_dir(f"round{sig}")
        take_round(case, victim.pid, img)
        check(victim.watched() and len(keepers()) == 1, "it is not watched")
        if sig == signal.SIGTERM:
            os.kill(keepers()[0], sig)
        else:
            os.kill(victim.pid, sig)
        no_trace(case, victim, img)
        for pid in victim.tree():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        os.unlink(victim.path)


@test("a round that is not the last one is no measure: all is stored again",
      limit=60)
def rounds_older_parent(case):
    tracks(case)
    victim = Mutable(case)
    dirs = chain(case, victim, 2)
    case.dump(victim.pid, "--prev-images-dir", "../round0")
    check(stored(case.img) > stored(dirs[0]) * 2 // 3, "not all was stored")
    case.restore(victim.pid)
    victim.look()


@test("exec between two rounds is noticed", limit=60)
def rounds_exec(case):
    tracks(case)
    script = ("import os,sys,time\n"
              "data = b'%d' % os.getpid() * 300000\n"
              "open(sys.argv[1] + sys.argv[2], 'w').close()\n"
              "while not os.path.exists(sys.argv[1] + 'on' + sys.argv[2]):\n"
              "    time.sleep(0.01)\n"
              "if sys.argv[2] == '2':\n"
              "    open(os.path.join(sys.argv[1], 'verdict'), 'w')"
              ".write('ok' if data == b'%d' % os.getpid() * 300000 else 'x')\n"
              "os.execv(sys.executable, [sys.executable] + [os.path.join("
              "sys.argv[1], 'p.py'), sys.argv[1], str(int(sys.argv[2])+1)])\n")
    with open(case.path("p.py"), "w") as file:
        file.write(script)
    work = case.work + "/"
    pid = case.start(["/usr/bin/python3", case.path("p.py"), work, "1"])
    wait_until(lambda: os.path.exists(work + "1"), "it is up")
    first = case.make_dir("round0")
    take_round(case, pid, first)
    case.go("on1")
    wait_until(lambda: os.path.exists(work + "2"), "it has done exec")
    case.dump(pid, "--prev-images-dir", "../round0")
    case.restore(pid)
    case.go("on2")
    case.await_verdict(pid)


@test("dump -R --track-mem begins a chain, and a failed dump ends none",
      limit=60)
def rounds_from_dump(case):
    tracks(case)
    victim = Mutable(case)
    victim.step()
    first = case.make_dir("round0")
    case.dump(victim.pid, "-R", "--track-mem", img=first)
    victim.step()
    second = case.make_dir("round1")
    for name in ("dump.pages", "dump.freeze", "dump.commit"):
        result = case.try_dump(victim.pid, "--prev-images-dir", "../round0",
                               "--fail-at", name, img=second)
        check(result.code, f"{name} did not fail")
    case.dump(victim.pid, "--prev-images-dir", "../round0", img=second)
    check(stored(second) < stored(first) * 4 // 5, "all was stored again")
    case.restore(victim.pid, img=second)
    victim.look()


def refuse(case, victim, parent, *words):
    before = victim.watched()
    for verb in ("pre-dump", "dump"):
        img = case.make_dir(f"{verb}{len(os.listdir(case.dir))}")
        result = case.engine(verb, "-t", str(victim.pid), "-D", img,
                             "--prev-images-dir", parent)
        harm.check_one_error(result, parent)
        for word in words:
            check(word in result.err, f"no '{word}' in: {result.err}")
        check(os.listdir(img) == [], f"left in {img}: {os.listdir(img)}")
    check(victim.watched() == before, "it is watched otherwise")
    victim.step()
    victim.look()


@test("a parent that is none is refused in one sentence, the victim lives",
      limit=90)
def rounds_parents(case):
    tracks(case)
    victim, other = Mutable(case), harm.quiet_victim(case)
    dirs = chain(case, victim, 2)
    strange = case.make_dir("strange")
    take_round(case, other, strange)
    refuse(case, victim, "../nowhere", "'../nowhere'", "No such file")
    refuse(case, victim, "../work", "'../work'", "it holds no images")
    refuse(case, victim, "../strange", f"no pages of process {victim.pid}")
    refuse(case, victim, ".", "the directory of the new images")
    path = glob.glob(os.path.join(dirs[0], "pagemap-*.img"))[0]
    with open(path, "r+b") as file:
        file.seek(40)
        file.write(b"\xff\xff")
    refuse(case, victim, "../round1", "does not match the manifest")
    os.rename(dirs[0], dirs[0] + ".gone")
    refuse(case, victim, "../round1", "the parent of the images")


@test("the mode of a round is noted, and changes nothing", limit=60)
def rounds_modes(case):
    tracks(case)
    victim = Mutable(case)
    for n, mode in enumerate(("splice", "read")):
        img = case.make_dir(f"round{n}")
        parent = ["--prev-images-dir", f"../round{n - 1}"] if n else []
        take_round(case, victim.pid, img, "--pre-dump-mode", mode, *parent)
        with open(os.path.join(img, "inventory.img"), "rb") as file:
            check(file.read().endswith(bytes([0x48, n + 1])), "the mode")
        victim.step()
    case.dump(victim.pid, "--prev-images-dir", "../round1")
    case.restore(victim.pid)
    victim.look()


@test("images of a round are not restored: they have no tasks")
def rounds_restore(case):
    tracks(case)
    victim = Mutable(case)
    img = case.make_dir("round0")
    take_round(case, victim.pid, img)
    result = case.try_restore(img=img)
    harm.check_one_error(result, "images")
    check("pre-dump" in result.err, result.err)


@test("recover takes away the socket of a keeper that was killed")
def rounds_recover(case):
    if tracks(case):
        raise Skip("soft-dirty needs no keeper")
    victim = Mutable(case)
    img = case.make_dir("round0")
    take_round(case, victim.pid, img)
    done = case.engine("recover", img)
    check("nothing to recover" in done.out, done.explain())
    os.kill(keepers()[0], signal.SIGKILL)
    wait_until(lambda: not victim.watched(), "nobody watches any more")
    done = case.engine("recover", img)
    check("keeper" in done.out and done.code == 0, done.explain())
    check(not os.path.exists(os.path.join(img, KEEPER)), "its socket")


def rpc_options(case, pid, img, parent=None):
    return {"images_dir": img, "pid": pid, "log_level": 4, "track_mem": True,
            **({"parent_img": parent} if parent else {})}


@test("two PRE_DUMPs and a DUMP on one connection", limit=60)
def rounds_rpc(case):
    tracks(case)
    victim = Mutable(case)
    client = start_worker(case)
    for n in range(2):
        img = case.make_dir(f"round{n}")
        parent = f"../round{n - 1}" if n else None
        client.ok("PRE_DUMP", rpc_options(case, victim.pid, img, parent))
        victim.step()
    client.ok("DUMP", rpc_options(case, victim.pid, case.img, "../round1"))
    check(client.close() == 0, "the worker's status")
    case.gone([victim.pid])
    case.restore(victim.pid)
    victim.look()


@test("SINGLE_PRE_DUMP stands alone; after a PRE_DUMP comes no other request",
      limit=60)
def rounds_rpc_order(case):
    tracks(case)
    victim = Mutable(case)
    first, second = case.make_dir("round0"), case.make_dir("round1")
    client = start_worker(case)
    client.ok("SINGLE_PRE_DUMP", rpc_options(case, victim.pid, first))
    check(client.close() == 0, "the worker's status")
    client = start_worker(case)
    client.ok("PRE_DUMP", rpc_options(case, victim.pid, second, "../round0"))
    client.no("after a PRE_DUMP comes no VERSION", "VERSION")
    check(client.close() == 255, "the worker's status")
    client = start_worker(case)
    client.ok("PRE_DUMP", rpc_options(case, victim.pid,
                                      case.make_dir("round2"), "../round1"))
    check(client.close() == 0, "a client that goes after a PRE_DUMP")


@test("rounds go over the wire, and the dump after them", limit=60)
def rounds_wire(case):
    tracks(case)
    victim = Mutable(case)
    last = None
    for n in range(4):
        here, there = case.make_dir(f"here{n}"), case.make_dir(f"there{n}")
        server = Server(case, there, *(
            ["--prev-images-dir", f"../there{n - 1}"] if n else []))
        args = server.options() + (
            ["--prev-images-dir", f"../here{n - 1}"] if n else [])
        if n < 3:
            take_round(case, victim.pid, here, *args)
            victim.step()
        else:
            case.dump(victim.pid, *args, img=here)
        code, said = server.end()
        check(code == 0, f"server: {code} {said}")
        check(not glob.glob(os.path.join(here, "pages-*")), "pages are here")
        check(n != 2 or stored(there) < stored(
            os.path.join(case.dir, "there0")) * 4 // 5, f"round {n}")
        last = there
    for name in os.listdir(here):
        if not name.endswith(".log") and name != "parent":
            os.rename(os.path.join(here, name), os.path.join(last, name))
    case.restore(victim.pid, img=last)
    victim.look()


@test("--auto-dedup frees what newer rounds have, and the chain is whole",
      limit=90)
def rounds_auto_dedup(case):
    tracks(case)
    victim = Mutable(case)
    victim.step()
    dirs = [case.make_dir("round0")]
    case.dump(victim.pid, "-R", "--track-mem", img=dirs[0])
    before = stored(dirs[0])
    for n in (1, 2):
        victim.step()
        dirs.append(case.make_dir(f"round{n}"))
        take_round(case, victim.pid, dirs[n], "--auto-dedup",
                   "--prev-images-dir", f"../round{n - 1}")
    victim.step()
    case.dump(victim.pid, "--auto-dedup", "--prev-images-dir", "../round2")
    check(stored(dirs[0]) < before, "nothing was freed")
    result = case.try_restore(img=dirs[0])
    harm.check_one_error(result, "these images")
    check("a newer dump has anew" in result.err, result.err)
    img = case.img
    case.restore(victim.pid)
    victim.look()
    result = case.engine("inspect", img)
    check(result.code == 0, result.explain())


@test("dedup frees the same at once, and says how much", limit=60)
def rounds_dedup(case):
    tracks(case)
    victim = Mutable(case)
    dirs = chain(case, victim, 3)
    case.dump(victim.pid, "--prev-images-dir", "../round2")
    before = sum(stored(path) for path in dirs)
    done = case.engine("dedup", "-D", case.img)
    check(done.code == 0 and done.out.startswith("freed ")
          and " pages of 3 image sets" in done.out, done.explain())
    freed = int(done.out.split()[1]) * mmap.PAGESIZE
    after = sum(stored(path) for path in dirs)
    check(freed and after < before, f"{before} {after} {freed}")
    again = case.engine("dedup", "-D", case.img)
    check(again.code == 0, again.explain())
    check(sum(stored(path) for path in dirs) == after, "it freed more")
    case.restore(victim.pid)
    victim.look()


@test("restore --auto-dedup uses the images up, once it has succeeded",
      limit=60)
def rounds_restore_dedup(case):
    tracks(case)
    victim = Mutable(case)
    dirs = chain(case, victim, 2)
    case.dump(victim.pid, "--prev-images-dir", "../round1")
    result = case.try_restore("--auto-dedup", "--fail-at", "restore.place")
    check(result.code, "it did not fail")
    case.restore(victim.pid, "--auto-dedup")
    victim.look()
    check(stored(case.img) == 0, f"{stored(case.img)} bytes are left")
    os.kill(victim.pid, signal.SIGKILL)
    case.gone([victim.pid])
    result = case.try_restore()
    harm.check_one_error(result, "these images")
    check("freed while it was restored" in result.err, result.err)
    check(dirs, "")


@test("a server with --auto-dedup frees what it has received anew", limit=60)
def rounds_wire_dedup(case):
    tracks(case)
    victim = Mutable(case)
    victim.step()
    there = [case.make_dir(f"there{n}") for n in range(2)]
    for n in range(2):
        here = case.make_dir(f"here{n}")
        server = Server(case, there[n], "--auto-dedup", *(
            ["--prev-images-dir", f"../there{n - 1}"] if n else []))
        take_round(case, victim.pid, here, *server.options(), *(
            ["--prev-images-dir", f"../here{n - 1}"] if n else []))
        code, said = server.end()
        check(code == 0, f"server: {code} {said}")
        before = stored(there[0]) if not n else before
        victim.step()
    check(stored(there[0]) < before, "nothing was freed")


def steps_of_rounds(case):
    names = case.engine("--fail-at", "list").out.split()
    return [name for name in names if name.startswith("dump.")]


@test("a round or dump that fails at any step leaves no trace in the victim",
      limit=120)
def rounds_fail(case):
    soft_dirty = tracks(case)
    victim = Mutable(case)
    victim.step()
    for name in steps_of_rounds(case):
        img = case.make_dir(f"first-{name}")
        result = try_round(case, victim.pid, img, "--fail-at", name)
        if result.code == 0:
            check("step " + name not in result.text(), f"{name} did not fail")
            no_keepers(case, victim)
            continue
        harm.check_one_error(result, name)
        check(not harm.whole(img), f"{name}: {os.listdir(img)}")
        no_trace(case, victim, img)
    parent = case.make_dir("parent")
    take_round(case, victim.pid, parent)
    victim.step()
    for verb in ("pre-dump", "dump"):
        for name in steps_of_rounds(case):
            img = case.make_dir(f"{verb}-{name}")
            result = case.engine(
                verb, "-t", str(victim.pid), "-D", img, "-R", "--track-mem",
                "--prev-images-dir", "../parent", "--fail-at", name)
            if result.code:
                check(not harm.whole(img), f"{name}: {os.listdir(img)}")
                check(not os.path.exists(os.path.join(img, KEEPER)),
                      f"{verb}, {name}: a keeper's socket is left")
            wait_until(lambda: len(keepers()) <= 1, f"{name}: {keepers()}")
            check(soft_dirty or bool(keepers()) == bool(victim.watched()),
                  f"{verb}, {name}: watched by nobody")
    victim.step()
    case.dump(victim.pid)
    no_trace(case, victim)
    case.restore(victim.pid)
    victim.look()


def no_keepers(case, victim):
    """Of a round that was whole: its chain is given up."""
    for pid in keepers():
        os.kill(pid, signal.SIGTERM)
    no_trace(case, victim)


def killed_round(case, victim, n, dice, parent):
    """A round or dump that is killed; the directory if it was whole."""
    img = case.make_dir(f"kill{n}")
    program = subprocess.Popen(
        [case.stasis, "pre-dump" if n % 3 else "dump", "-t", str(victim.pid),
         "-D", img, "-R", "--track-mem", "--no-default-config",
         *(["--prev-images-dir", "../" + os.path.basename(parent)]
           if parent else [])],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    time.sleep(dice.random() * 0.12)
    tracer = read_text(f"/proc/{program.pid}/task/{program.pid}/children", "")
    program.kill()
    program.wait()
    for pid in tracer.split():
        wait_until(lambda: not alive(int(pid)), "what traces has ended", 15)
    harness.reap_all()
    return img if os.path.exists(os.path.join(img, "stasis.img")) else None


@test("rounds that are killed at any moment harm nobody, and no chain",
      limit=60 + 2 * KILLS)
def rounds_killed(case):
    soft_dirty = tracks(case)
    victim, dice = Mutable(case), random.Random(SEED)
    victim.step()
    last, whole = None, 0
    for n in range(KILLS):
        img = killed_round(case, victim, n, dice, last)
        if img:
            last, whole = img, whole + 1
        wait_until(lambda: len(keepers()) <= 1, f"kill {n}: {keepers()}")
        wait_until(lambda: soft_dirty or bool(keepers()) or
                   not victim.watched(), f"kill {n}: nobody watches")
        victim.step()
        if n % 5 == 0:
            victim.look()
    print(f"# rounds_killed: {whole} of {KILLS} were whole", flush=True)
    case.dump(victim.pid, *(["--prev-images-dir",
                             "../" + os.path.basename(last)] if last else []))
    no_trace(case, victim)
    case.restore(victim.pid)
    victim.look()


@test("a full disk ends a round in one sentence; the victim and the chain live",
      limit=60)
def rounds_full_disk(case):
    tracks(case)
    victim = Mutable(case)
    take_round(case, victim.pid, case.make_dir("round0"))
    victim.step()
    small = case.make_dir("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small],
                   check=True)
    try:
        result = try_round(case, victim.pid, small, "--prev-images-dir",
                           case.path("../round0"))
        harm.check_one_error(result, "No space left")
    finally:
        subprocess.run(["umount", "-l", small], check=True)
    victim.step()
    victim.look()
    case.dump(victim.pid, "--prev-images-dir", "../round0")
    case.restore(victim.pid)
    victim.look()


@test("a parent of another version or machine is refused in one sentence",
      limit=60)
def rounds_other_version(case):
    tracks(case)
    victim = Mutable(case)
    first = case.make_dir("round0")
    take_round(case, victim.pid, first)
    os.unlink(os.path.join(first, "stasis.img"))
    path = os.path.join(first, "inventory.img")
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data[:9] + bytes([7]) + data[10:])
    refuse(case, victim, "../round0", "version 7")
