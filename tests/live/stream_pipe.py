# SPDX-License-Identifier: GPL-2.0-or-later
"""stream_pipe: dump -D - | restore -D -: images that are no files between."""
import os
import pty
import random
import re
import signal
import struct
import subprocess
import time

from harness import (alive, check, descendants, reap_all, state, test,
                     wait_until)
from wire_server import BIG, interrupted

KILLS = int(os.environ.get("LIVE_KILLS", "25"))
SEED = int(os.environ.get("LIVE_SEED", "1"))
FILE, WHOLE, DONE = 1, 2, 3
BEGINNING = 8
HEAD = struct.Struct("<QII")


def dump_start(case, victim, out, *args):
    return subprocess.Popen(
        [case.stasis, "dump", "-t", str(victim), "-D", "-", *args],
        stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
        cwd=case.img)


def restore_start(case, source, work, *args):
    return subprocess.Popen(
        [case.stasis, "restore", "-d", "-D", "-", "-W", work, *args],
        stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(child):
    """Its exit status and what it said."""
    return child.wait(timeout=15), child.stderr.read().decode()


def nothing_left(work, when=""):
    names = [n for n in os.listdir(work) if not n.startswith("stats-")]
    check(not names, f"{when}: left in the directory: {names}")


def victim_make(case, program="mem_private"):
    victim = case.start([case.program(program)])
    case.ready(victim)
    return victim


def goes_on(case, victim):
    case.go()
    case.await_verdict(victim)


def by_pipe(case, program, *through):
    """From one engine to the other, through other programs; the last mark is
    held back until the pids are free, as they are on another host."""
    victim = victim_make(case, program)
    tree, work = [victim] + descendants(victim), case.make_dir("there")
    dump = dump_start(case, victim, subprocess.PIPE, "-v4")
    source = dump.stdout
    for command in through:
        step = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE)
        source.close()
        source = step.stdout
    restore = restore_start(case, subprocess.PIPE, work, "-v4")
    held = b""
    while piece := os.read(source.fileno(), 1 << 16):
        held += piece
        restore.stdin.write(held[:-HEAD.size])
        held = held[-HEAD.size:]
    code, said = ended(dump)
    check(code == 0, f"dump: {code} {said}")
    case.gone(tree)
    check(os.listdir(case.img) == [], "the dump has left something")
    restore.stdin.write(held)
    restore.stdin.close()
    code, said = ended(restore)
    check(code == 0, f"restore: {code} {said}")
    check(os.listdir(work) == ["stats-restore"], str(os.listdir(work)))
    goes_on(case, victim)


@test("a process goes from one engine through a pipe into another")
def stream_private(case):
    by_pipe(case, "mem_private")


@test("memory objects go through a pipe, too, and through others' programs")
def stream_shared(case):
    by_pipe(case, "mem_shared", ["cat"], ["tail", "-c", "+1"])


@test("a whole tree goes through a pipe that is narrow and slow")
def stream_tree(case):
    by_pipe(case, "tree", ["dd", "bs=777", "status=none"])


@test("files without a name, pipes and what is in them go through a pipe")
def stream_files(case):
    by_pipe(case, "file_deleted")


def stream_take(case, program="mem_private", *args):
    """A victim that was dumped, and the bytes of its images."""
    victim = victim_make(case, program)
    path = os.path.join(case.dir, "stream")
    with open(path, "wb") as out:
        code, said = ended(dump_start(case, victim, out, *args))
    check(code == 0, f"dump: {code} {said}")
    if "-R" not in args:
        case.gone([victim])
    with open(path, "rb") as file:
        return victim, file.read(), said


def frames(data):
    """(offset, mark, name, size) of all that is between the files."""
    at, found = BEGINNING, []
    while at < len(data):
        size, mark, name_size = HEAD.unpack_from(data, at)
        name = data[at + HEAD.size:at + HEAD.size + name_size].decode()
        found.append((at, mark, name, size))
        at += HEAD.size + name_size + (size if mark == FILE else 0)
    return found


def restore_bytes(case, data, work, *args):
    path = os.path.join(case.dir, "given")
    with open(path, "wb") as file:
        file.write(data)
    with open(path, "rb") as file:
        return ended(restore_start(case, file, work, *args))


@test("a stream in a file: manifest last, nothing else in it, and it restores")
def stream_file(case):
    victim, data, said = stream_take(case, "mem_private", "--display-stats")
    check(data[:BEGINNING] == b"STASIS\1\n", "another beginning")
    marks = frames(data)
    check([m for _, m, _, _ in marks[-3:]] == [FILE, WHOLE, DONE]
          and marks[-3][2] == "stasis.img" and marks[-4][2] == "inventory.img",
          f"its end is {marks[-4:]}")
    check("dumped" in said.lower(), f"no summary on stderr: {said}")
    work = case.make_dir("there")
    code, said = restore_bytes(case, data, work)
    check(code == 0, f"restore: {code} {said}")
    goes_on(case, victim)


@test("a stream that is cut anywhere makes nothing and says so", limit=60)
def stream_cut(case):
    victim, data, _ = stream_take(case)
    work, dice = case.make_dir("there"), random.Random(SEED)
    whole = [at for at, mark, _, _ in frames(data) if mark == WHOLE][0]
    end = whole + HEAD.size
    places = {0, 1, BEGINNING, BEGINNING + 5, whole, end - 1}
    places |= {at + 3 for at, _, _, _ in frames(data)[:-2]}
    places |= {dice.randrange(whole) for _ in range(KILLS)}
    for at in sorted(places):
        code, said = restore_bytes(case, data[:at], work)
        check(code == 1 and "cut off" in said, f"at {at}: {code} {said}")
        check(state(victim) is None, f"at {at}: there is a process")
        nothing_left(work, f"at {at}")
    for at in (end, end + 1, len(data) - 1):
        code, said = restore_bytes(case, data[:at], work)
        check(code == 1 and "images are whole" in said,
              f"at {at}: {code} {said}")
        check(state(victim) is None, f"at {at}: there is a process")
        kept = re.search(r"kept in '([^']+)'", said)
        check(kept, f"it is not said where they are: {said}")
        if at < len(data) - 1:
            subprocess.run(["rm", "-r", kept[1]], check=True)
    check(case.engine("restore", "-d", "-D", kept[1]).code == 0,
          "what was kept does not restore")
    goes_on(case, victim)


@test("a damaged byte is refused, and nothing is made", limit=60)
def stream_damaged(case):
    victim, data, _ = stream_take(case)
    work, dice = case.make_dir("there"), random.Random(SEED)
    end = frames(data)[-1][0]
    places = {dice.randrange(end) for _ in range(KILLS)}
    for at, _, name, _ in frames(data)[:-1]:
        places |= {at + dice.randrange(HEAD.size + len(name))}
    for at in sorted(places):
        bad = bytearray(data)
        bad[at] ^= 1 << dice.randrange(8)
        code, said = restore_bytes(case, bytes(bad), work)
        check(code == 1 and said.startswith("stasis: "),
              f"byte {at}: {code} {said}")
        check(state(victim) is None, f"byte {at}: there is a process")
        for name in os.listdir(work):
            check(name.startswith("stasis-images-") and name in said,
                  f"byte {at}: left: {name}; {said}")
            subprocess.run(["rm", "-r", os.path.join(work, name)], check=True)
    goes = restore_bytes(case, data, work)
    check(goes[0] == 0, f"undamaged: {goes}")
    goes_on(case, victim)


@test("a restore that fails keeps the images of a process that is gone")
def stream_kept(case):
    victim, data, _ = stream_take(case)
    work = case.make_dir("there")
    code, said = restore_bytes(case, data, work, "--fail-at", "restore.place")
    kept = re.search(r"kept in '([^']+)'", said)
    check(code == 1 and kept, f"{code}: {said}")
    check(state(victim) is None, "there is a process")
    check(os.stat(kept[1]).st_mode & 0o77 == 0, "others can read the images")
    check(case.engine("recover", work).code == 0 and os.path.isdir(kept[1]),
          "recover takes them away")
    check(case.engine("restore", "-d", "-D", kept[1]).code == 0,
          "what was kept does not restore")
    goes_on(case, victim)


@test("who reads goes away in the middle: the dump says so, the victim lives")
def stream_reader_gone(case):
    victim = victim_make(case)
    for size in (0, 8, 20, 5000, 100000, 3 << 20):
        reader, writer = os.pipe()
        dump = dump_start(case, victim, writer)
        os.close(writer)
        while size > 0 and (piece := os.read(reader, min(size, 4096))):
            size -= len(piece)
        os.close(reader)
        code, said = ended(dump)
        check(code == 1 and "has gone away" in said, f"{code}: {said}")
        check(alive(victim), f"after {size}: the victim is gone")
        check(os.listdir(case.img) == [], "something is left")
    goes_on(case, victim)


@test("all is read but the end: the victim lives until that is read, too")
def stream_end_unread(case):
    victim, data, _ = stream_take(case, "mem_private", "-R")
    size = [at for at, mark, _, _ in frames(data) if mark == WHOLE][0]
    reader, writer = os.pipe()
    dump = dump_start(case, victim, writer)
    os.close(writer)
    got = 0
    while got < size:
        got += len(os.read(reader, min(4096, size - got)))
    time.sleep(0.2)
    check(alive(victim), "it is gone before all was read")
    os.close(reader)
    code, said = ended(dump)
    check(code == 1 and alive(victim), f"{code}: {said}")
    goes_on(case, victim)


def bytes_take(fd, size):
    data = bytearray()
    while len(data) < size:
        piece = os.read(fd, min(1 << 16, size - len(data)))
        check(piece, "the stream ends early")
        data += piece
    return data


@test("the other end dies behind the first mark: no doubt who has the process")
def stream_untold(case):
    for _ in range(4):
        victim = victim_make(case)
        reader, writer = os.pipe()
        dump = dump_start(case, victim, writer)
        os.close(writer)
        bytes_take(reader, BEGINNING)
        mark = FILE
        while mark == FILE:
            size, mark, name = HEAD.unpack(bytes_take(reader, HEAD.size))
            bytes_take(reader, size * (mark == FILE) + name)
        os.close(reader)
        code, said = ended(dump)
        if alive(victim):
            check(code == 1 and "has gone away" in said, f"{code}: {said}")
        elif code:
            check("not told" in said and "keeps the images" in said, said)
        os.kill(victim, signal.SIGKILL)
        case.gone([victim])


@test("nobody freezes anything before the other end reads; it can be broken off")
def stream_waits(case):
    victim = victim_make(case)
    reader, writer = os.pipe()
    dump = dump_start(case, victim, writer)
    os.close(writer)
    time.sleep(0.3)
    check(state(victim) != "t", "it is frozen before anybody reads")
    dump.send_signal(signal.SIGINT)
    code, said = ended(dump)
    check(code == 1 and "interrupted by SIGINT" in said, f"{code}: {said}")
    os.close(reader)
    reader, writer = os.pipe()
    restore = restore_start(case, reader, case.img)
    os.write(writer, b"STASIS\1\n")
    time.sleep(0.2)
    restore.terminate()
    code, said = ended(restore)
    check(code == 1 and "interrupted by SIGTERM" in said, f"{code}: {said}")
    nothing_left(case.img)
    os.close(writer)
    os.close(reader)
    goes_on(case, victim)


@test("an end that takes or gives a few bytes at a time keeps nobody from "
      "interrupting the other, and nothing stays frozen")
def stream_slow(case):
    victim = case.start(["python3", "-c", BIG])
    case.ready(victim)
    dump = dump_start(case, victim, subprocess.PIPE)
    bytes_take(dump.stdout.fileno(), BEGINNING)
    said = interrupted(dump, lambda: os.read(dump.stdout.fileno(), 4096))
    check("interrupted by SIGTERM while the images went out" in said, said)
    wait_until(lambda: state(victim) == "S", "the victim goes on")
    reader, writer = os.pipe()
    restore = restore_start(case, reader, case.img)
    os.close(reader)
    os.write(writer, b"STASIS\1\n" + HEAD.pack(1 << 40, FILE, 11)
             + b"pages-1.img")
    said = interrupted(restore, lambda: os.write(writer, bytes(4096)))
    os.close(writer)
    check("interrupted by SIGTERM while the images came in" in said, said)
    nothing_left(case.img)


@test("a terminal gets and gives no images; options that contradict are told")
def stream_terminal(case):
    victim = victim_make(case)
    master, slave = pty.openpty()
    code, said = ended(dump_start(case, victim, slave))
    check(code == 1 and "terminal" in said, f"{code}: {said}")
    code, said = ended(restore_start(case, slave, case.img))
    check(code == 1 and "typed in" in said, f"{code}: {said}")
    os.close(master)
    os.close(slave)
    for words in (["restore", "-D", "-", "--stream"],
                  ["dump", "-t", str(victim), "-D", "-", "--page-server",
                   "--port", "9"], ["inspect", "-D", "-"]):
        done = case.engine(*words)
        check(done.code == 1 and done.err.startswith("stasis: "),
              done.explain())
    code, said = restore_bytes(case, b"no images at all", case.img)
    check(code == 1 and "no stream of images" in said, f"{code}: {said}")
    goes_on(case, victim)


@test("a full disk at the other end is told there, and the victim lives on")
def stream_full_disk(case):
    victim, work = victim_make(case), case.make_dir("there")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", work],
                   check=True)
    try:
        reader, writer = os.pipe()
        restore = restore_start(case, reader, work)
        os.close(reader)
        dump = dump_start(case, victim, writer)
        os.close(writer)
        code, said = ended(restore)
        check(code == 1 and "No space left" in said, f"{code}: {said}")
        code, said = ended(dump)
        check(code == 1 and "has gone away" in said, f"{code}: {said}")
        check(alive(victim), "the victim is gone")
        nothing_left(work)
        with open(os.path.join(work, "stream"), "wb") as out:
            code, said = ended(dump_start(case, victim, out))
        check(code == 1 and "No space left" in said, f"{code}: {said}")
        check(alive(victim) and os.listdir(case.img) == [], "harm, or left")
    finally:
        subprocess.run(["umount", "-l", work], check=True)
    goes_on(case, victim)


@test("scripts write into no stream, and one that objects ends it unwhole")
def stream_scripts(case):
    victim = victim_make(case)
    path = os.path.join(case.dir, "stream")
    for script, wanted in (("echo said; test $CRTOOLS_SCRIPT_ACTION != "
                            "post-dump", 1), ("echo said", 0)):
        with open(path, "wb") as out:
            code, said = ended(dump_start(case, victim, out,
                                          "--action-script", script))
        check(code == wanted and "said" in said, f"{code}: {said}")
        with open(path, "rb") as file:
            data = file.read()
        marks = [mark for _, mark, _, _ in frames(data)]
        check((WHOLE in marks) == (not wanted), f"its marks are {marks}")
        check(alive(victim) == bool(wanted), "what became of the victim")
    case.gone([victim])
    code, said = restore_bytes(case, data, case.img)
    check(code == 0, f"{code}: {said}")
    goes_on(case, victim)


@test("each step fails once: no stream is whole, no image is lost", limit=60)
def stream_steps(case):
    victim, path = victim_make(case), os.path.join(case.dir, "stream")
    steps = case.engine("--fail-at", "list").out.split()
    for step in [s for s in steps if s.startswith("dump.")]:
        with open(path, "wb") as out:
            code, said = ended(dump_start(case, victim, out, "--fail-at",
                                          step))
        with open(path, "rb") as file:
            marks = [mark for _, mark, _, _ in frames(file.read())]
        check(code == 1 and step in said, f"{step}: {code}: {said}")
        check(WHOLE not in marks, f"{step}: the stream is whole")
        check(alive(victim) and os.listdir(case.img) == [],
              f"{step}: the victim, or {os.listdir(case.img)}")
    with open(path, "wb") as out:
        check(ended(dump_start(case, victim, out))[0] == 0, "no dump")
    case.gone([victim])
    with open(path, "rb") as file:
        data = file.read()
    for step in [s for s in steps if s.startswith("restore.")]:
        code, said = restore_bytes(case, data, case.img, "--fail-at", step)
        kept = re.search(r"kept in '([^']+)'", said)
        check(code == 1 and step in said and kept, f"{step}: {code}: {said}")
        check(state(victim) is None, f"{step}: there is a process")
        subprocess.run(["rm", "-r", kept[1]], check=True)
        nothing_left(case.img, step)
    check(restore_bytes(case, data, case.img)[0] == 0, "no restore")
    goes_on(case, victim)


def memory_ends(dice, run):
    """Walks that run out of memory here and there, until one does not."""
    for way in ("memory", "last-memory"):
        n, failed = 1, 0
        while (code := run(way, n)) != 0:
            check(code == 1, f"{way}:{n}: it ended with {code}")
            n, failed = n + dice.randrange(1, 2 + n), failed + 1
        check(failed > 2, f"{way}: only {failed} walks ran out of memory")


@test("memory that runs out loses no process and leaves no hidden folder",
      limit=90)
def stream_memory(case):
    dice, path = random.Random(SEED), os.path.join(case.dir, "stream")
    victim, work = victim_make(case), case.make_dir("there")

    def dump(way, n):
        with open(path, "wb") as out:
            code, said = ended(dump_start(
                case, victim, out, "--no-default-config", "--fail-at",
                f"{way}:{n}"))
        with open(path, "rb") as file:
            marks = [mark for _, mark, _, _ in frames(file.read())]
        check((DONE in marks) == (code == 0), f"{way}:{n}: {marks}, {said}")
        check(alive(victim) or code == 0, f"{way}:{n}: the victim is gone")
        if code == 0:
            case.gone([victim])
            check(os.listdir(case.img) == [], str(os.listdir(case.img)))
            with open(path, "rb") as file:
                case.bytes = file.read()
            if way == "memory":
                check(restore_bytes(case, case.bytes, work)[0] == 0, "back")
        return code

    def restore(way, n):
        code, said = restore_bytes(case, case.bytes, work,
                                   "--no-default-config", "--fail-at",
                                   f"{way}:{n}")
        for name in os.listdir(work):
            if name.startswith("stats-"):
                continue
            check(code and name in said, f"{way}:{n}: left: {name}: {said}")
            subprocess.run(["rm", "-r", os.path.join(work, name)], check=True)
        if code == 0 and way == "memory":
            os.kill(victim, signal.SIGKILL)
            case.gone([victim])
        else:
            check((state(victim) is None) == bool(code), f"{way}:{n}: {said}")
        return code
    memory_ends(dice, dump)
    memory_ends(dice, restore)
    goes_on(case, victim)


@test("a lone - behind the verb is a stream, too")
def stream_words(case):
    victim, path = victim_make(case), os.path.join(case.dir, "stream")
    with open(path, "wb") as out:
        done = subprocess.run([case.stasis, "dump", str(victim), "-"],
                              stdout=out, stderr=subprocess.PIPE, cwd=case.img,
                              check=False)
    check(done.returncode == 0, f"{done}")
    case.gone([victim])
    with open(path, "rb") as file:
        done = subprocess.run([case.stasis, "restore", "-d", "-"], stdin=file,
                              stderr=subprocess.PIPE, cwd=case.img,
                              check=False)
    check(done.returncode == 0, f"{done}")
    check(os.listdir(case.img) == [], f"left: {os.listdir(case.img)}")
    goes_on(case, victim)


@test("with -R the victim runs on, and its images are as whole as others")
def stream_leave_running(case):
    victim, data, _ = stream_take(case, "mem_private", "-R")
    check(alive(victim), "the victim is gone")
    code, said = restore_bytes(case, data, case.img)
    check(code == 1 and "kept in" in said, f"{code}: {said}")
    os.kill(victim, signal.SIGKILL)
    case.gone([victim])
    kept = re.search(r"kept in '([^']+)'", said)[1]
    check(case.engine("restore", "-d", "-D", kept).code == 0, "no restore")
    goes_on(case, victim)


def killed_once(case, victim, dice, whom, longest):
    """Both ends run, one is killed somewhere; returns who has the process:
    'here', 'there', or the folder of the images."""
    work = case.make_dir(f"there-{dice.random()}")
    reader, writer = os.pipe()
    dump = dump_start(case, victim, writer)
    os.close(writer)
    restore = restore_start(case, reader, work)
    os.close(reader)
    time.sleep(dice.random() * longest)
    (dump if whom == "dump" else restore).kill()
    codes = ended(dump)[0], ended(restore)[0]
    kept = [os.path.join(work, name) for name in os.listdir(work)
            if name.startswith("stasis-images-")]
    time.sleep(0.05)
    reap_all()
    case.engine("recover", work)
    left = [name for name in os.listdir(work)
            if not name.startswith(("stats-", "stasis-images-"))]
    check(not left, f"{codes}: recover leaves {left}")
    if alive(victim):
        return "here" if codes[1] else "there"
    check(kept, f"{whom} killed, {codes}: the process is lost; {left}")
    return kept[0]


@test("either end is killed at any moment: the process is not lost",
      limit=40 + 2 * KILLS)
def stream_killed(case):
    dice, seen = random.Random(SEED), {}
    victim = victim_make(case)
    start = time.monotonic()
    with open(os.devnull, "wb") as null:
        ended(dump_start(case, victim, null, "-R"))
    longest = 2.5 * (time.monotonic() - start)
    for number in range(KILLS):
        whom = ("dump", "restore")[number % 2]
        where = killed_once(case, victim, dice, whom, longest)
        seen[whom, where.split("/")[0]] = 1 + seen.get(
            (whom, where.split("/")[0]), 0)
        if os.path.isdir(where):
            case.gone([victim])
            done = case.engine("restore", "-d", "-D", where)
            check(done.code == 0, f"{whom}: what was kept: {done.explain()}")
        check(alive(victim), f"{whom}: the victim is gone")
    case.go()
    case.await_verdict(victim)
