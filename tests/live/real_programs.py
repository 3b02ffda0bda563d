# SPDX-License-Identifier: GPL-2.0-or-later
"""real_programs: programs that were not written to be dumped."""
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

from harness import (Skip, alive, check, descendants, read_text, test,
                     wait_until)

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = sys.executable or "/usr/bin/python3"


@test("python with threads, asyncio on epoll, a subprocess and pipes goes on",
      limit=40)
def real_python(case):
    victim = case.start([PYTHON, "-B", os.path.join(HERE, "real", "busy.py")])
    case.ready(victim, limit=16)
    case.dump(victim)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("python whose threads ask for time and random numbers goes on")
def real_clock(case):
    show_with(case, [PYTHON, "-B", os.path.join(HERE, "real", "clock.py")])


def vdso_read(pid):
    """The bytes of a process's vdso."""
    line = next(line for line in read_text(f"/proc/{pid}/maps").splitlines()
                if line.endswith("[vdso]"))
    start, end = (int(word, 16) for word in line.split()[0].split("-"))
    with open(f"/proc/{pid}/mem", "rb") as file:
        file.seek(start)
        return file.read(end - start)


def vdso_replace(case, vdso):
    """Make the images those of a kernel with another vdso: its last byte,
    which nobody reads, differs."""
    pages = os.path.join(case.img, "pages-1.img")
    with open(pages, "rb") as file:
        data = file.read()
    at = data.find(vdso)
    check(at >= 0, "the images have no vdso")
    at += len(vdso) - 1
    with open(pages, "wb") as file:
        file.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
    os.unlink(os.path.join(case.img, "stasis.img"))


@test("threads that are always in the vdso go on with another kernel's")
def real_other_vdso(case):
    victim = case.start([case.program("vdso_spin")])
    case.ready(victim)
    for number in range(4):
        case.img = case.make_dir(f"img{number}")
        vdso = vdso_read(victim)
        case.dump(victim)
        vdso_replace(case, vdso)
        case.restore(victim)
        check(case.verdict() is None, case.verdict())
    case.go()
    case.await_verdict(victim)


@test("two restores of one image do not give the same random numbers")
def real_random_twice(case):
    victim = case.start([case.program("vdso_random")])
    case.ready(victim)
    if case.verdict() is not None:
        case.await_verdict(victim)
    case.dump(victim)
    case.go()
    seen = set()
    for _ in range(2):
        case.restore(victim)
        case.await_verdict(victim)
        case.gone([victim])
        with open(case.path("random"), "rb") as file:
            seen.add(file.read())
        os.unlink(case.path("verdict"))
    check(len(seen) == 2, "both say the same")


@test("a bash pipeline loses and doubles no byte over three rounds")
def real_pipeline(case):
    victim = case.start(["bash", os.path.join(HERE, "real", "pipeline.sh")])

    def size():
        path = case.path("consumed")
        return os.path.getsize(path) if os.path.exists(path) else 0

    for number in range(3):
        before = size()
        wait_until(lambda: size() > before + 20000, "lines flow")
        check(len(descendants(victim)) == 3, "the pipeline is not whole")
        img = case.make_dir(f"img{number}")
        case.dump(victim, img=img)
        still = size()
        time.sleep(0.02)
        check(size() == still, "lines flow although all are dumped")
        case.restore(victim, img=img)
    wait_until(lambda: size() > still + 20000, "lines flow again")
    case.go()
    wait_until(lambda: os.path.exists(case.path("status")), "the pipeline ends")
    check(read_text(case.path("status")) == "0 0 0\n",
          f"the pipeline ended with {read_text(case.path('status'))}")
    lines = read_text(case.path("teed")).splitlines()
    for number, line in enumerate(lines):
        check(line == f"line {number} of the producer",
              f"line {number} is {line!r}")
    check(read_text(case.path("consumed")) == read_text(case.path("teed")),
          "what was consumed is not what went through tee")


NAMES = """
import os, socket, sys, time
name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(name)
listener.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(name)
server = listener.accept()[0]
listener.close()
os.unlink(name)
while True:
    client.send(b"x")
    assert server.recv(9) == b"x" and server.getsockname() == name
    print(os.getcwd(), flush=True)
    time.sleep(0.01)
"""


@test("a connection by a name that is gone, in the root or relative, is "
      "restored as often as it is dumped")
def real_name_gone(case):
    out = os.path.join(case.dir, "victim.out")
    for name in ("went.sock", f"/went{os.getpid()}.sock"):
        victim = case.start([PYTHON, "-c", NAMES, name])
        wait_until(lambda: read_text(out, ""), "it talks to itself")
        for _ in range(3):
            case.dump(victim)
            size = os.path.getsize(out)
            case.restore(victim)
            wait_until(lambda: os.path.getsize(out) > size, "it goes on")
            shutil.rmtree(case.img)
            os.mkdir(case.img)
        os.kill(victim, 9)
        case.gone([victim])
        os.truncate(out, 0)


def http_get(port, path):
    with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/{path}", timeout=4) as answer:
        return answer.read().decode()


def http_port(case):
    text = read_text(os.path.join(case.dir, "victim.out"), "")
    found = re.search(r"port (\d+)", text)
    return int(found.group(1)) if found else None


def sockets(pid):
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += "socket:" in os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass
    return count


@test("python's http.server answers on the same port after restore")
def real_http_server(case):
    with open(case.path("page.txt"), "w") as file:
        file.write("a page\n")
    victim = case.start([PYTHON, "-u", "-m", "http.server", "0", "--bind",
                         "127.0.0.1"])
    wait_until(lambda: http_port(case), "the server listens")
    port = http_port(case)
    check(http_get(port, "page.txt") == "a page\n", "no page before dump")
    wait_until(lambda: sockets(victim) == 1, "the connection is closed")
    case.dump(victim)
    try:
        http_get(port, "page.txt")
        check(False, "somebody answers while the server is gone")
    except OSError:
        pass
    case.restore(victim)
    for _ in range(5):
        check(http_get(port, "page.txt") == "a page\n", "a wrong page")
    check(alive(victim), "the server ended")


def show_with(case, argv):
    victim = case.start(argv)
    case.ready(victim)
    case.dump(victim)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)
    return victim


@test("a process of another uid without any capability is restored as it was")
def real_other_uid(case):
    program = shutil.copy(case.program("threads"), case.dir)
    os.chmod(program, 0o755)
    argv = ["setpriv", "--reuid", "65534", "--regid", "65534",
            "--clear-groups", "--", program]
    victim = case.start(argv)
    case.ready(victim)
    wanted = creds(victim)
    check("65534" in wanted, f"the victim is not nobody: {wanted}")
    case.dump(victim)
    case.restore(victim)
    check(creds(victim) == wanted, f"{creds(victim)} is not {wanted}")
    case.go()
    case.await_verdict(victim)


def creds(pid):
    return "".join(
        line for line in read_text(f"/proc/{pid}/status").splitlines(True)
        if re.match("Uid|Gid|Groups|Cap|NoNewPrivs", line))


@test("a static program of another C library (musl) is restored")
def real_static_musl(case):
    if not shutil.which("musl-gcc"):
        raise Skip("musl-gcc is not installed")
    program = os.path.join(case.dir, "static")
    subprocess.run(
        ["musl-gcc", "-std=gnu11", "-O2", "-static", "-I", HERE, "-o",
         program, os.path.join(HERE, "programs", "threads.c")], check=True)
    show_with(case, [program])


@test("a static-pie program is restored")
def real_static_pie(case):
    if not shutil.which("gcc"):
        raise Skip("gcc is not installed")
    start = subprocess.run(["gcc", "-print-file-name=rcrt1.o"],
                           capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(start):
        raise Skip("the C library here is not made for static-pie")
    program = os.path.join(case.dir, "static-pie")
    subprocess.run(
        ["gcc", "-std=gnu11", "-O2", "-static-pie", "-pthread", "-I", HERE,
         "-o", program, os.path.join(HERE, "programs", "mem_private.c")],
        check=True)
    show_with(case, [program])


@test("a shell that waits for a sleeping child goes on to its end")
def real_shell(case):
    victim = case.start(
        ["sh", "-c", 'trap "" HUP; : >ready; while [ ! -e go ]; do '
         'sleep 0.01; done; printf ok >v; mv v verdict'])
    case.ready(victim)
    case.dump(victim)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)


@test("a process is dumped and restored ten times in a row")
def real_ten_rounds(case):
    victim = case.start([case.program("threads")])
    case.ready(victim)
    for number in range(10):
        img = case.make_dir(f"img{number}")
        case.dump(victim, img=img)
        case.restore(victim, img=img)
    case.go()
    case.await_verdict(victim)


@test("one image is restored many times")
def real_image_again(case):
    victim = case.start([case.program("tree")])
    case.ready(victim)
    case.dump(victim)
    for _ in range(3):
        case.restore(victim)
        tree = [victim] + descendants(victim)
        check(len(tree) == 13, f"the tree has {len(tree)} tasks, not 13")
        for pid in reversed(tree):
            os.kill(pid, 9)
        case.gone(tree)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)
