# SPDX-License-Identifier: GPL-2.0-or-later
"""exchange_guest: the guest's half of cross/exchange.py.

    exchange_guest.py dump [LAUNCHER...] -- PROGRAM...
                                            to images, on /stasis/out
    exchange_guest.py restore HOW=OPTION... -- SOURCE...
                                            images of other guests

A program is one of tests/live/programs that came along, or NAME.py, one of
tests/live/real. Those that cannot run here are left out.
"""
import os
import signal
import subprocess
import sys
import tarfile

sys.path.insert(0, "/stasis/tests/live")
import harness  # noqa: E402

ADD, STASIS = "/stasis/add", "/stasis/build/stasis"
REAL = "/stasis/tests/live/real"
# Room for the pids of the images: a guest's own pids are below.
FIRST_PID = 5000


def folder(*parts):
    path = os.path.join(*parts)
    os.makedirs(path, exist_ok=True)
    return path


def stasis(*args):
    done = subprocess.run([STASIS, *args], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = done.stdout.strip().splitlines()
    errors = [line for line in lines if line.startswith("stasis: ")]
    return done.returncode, (errors or lines or [""])[0]


def program_command(name):
    """How the program is started; None: it is not here."""
    if name.endswith(".py"):
        return [sys.executable, "-B", os.path.join(REAL, name)]
    path = os.path.join(ADD, name)
    return [path] if os.path.exists(path) else None


def program_dump(name, command, first_pid):
    """False: the program cannot run on this CPU."""
    work, images = folder("/tmp/v", name), folder("/tmp/i", name)
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(first_pid))
    victim = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd="/",
        env=dict(os.environ, CHECKPOINT_DIR=work), start_new_session=True)
    harness.wait_until(lambda: set(os.listdir(work)) & {"ready", "verdict"}
                       or victim.poll() is not None, f"{name} is ready", 60)
    if "ready" not in os.listdir(work):
        victim.kill()
        victim.wait()
        return False
    code, text = stasis("dump", "-t", str(victim.pid), "-D", images,
                        "--cpu-cap=all")
    if code:
        victim.kill()
        raise SystemExit(f"dump of {name} failed: {text}")
    victim.wait()
    with open(os.path.join(images, "pid"), "w") as file:
        file.write(str(victim.pid))
    return True


def dump(launcher, names):
    with open("/stasis/out", "wb") as disk, \
            tarfile.open(fileobj=disk, mode="w") as tar:
        for number, name in enumerate(names):
            command = program_command(name)
            if command and program_dump(name, launcher + command,
                                        FIRST_PID + 200 * number):
                tar.add(os.path.join("/tmp/i", name), name)
                print(f"dumped: {name}", flush=True)


def end_of(pid):
    """How the restored process ended without a verdict."""
    try:
        status = os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return "it is gone"
    if os.WIFSIGNALED(status):
        return signal.strsignal(os.WTERMSIG(status))
    return f"wait status 0x{status:x}"


def go_on(name, pid):
    """Let the restored program verify itself."""
    work = os.path.join("/tmp/v", name)
    open(os.path.join(work, "go"), "w").close()
    verdict = os.path.join(work, "verdict")
    try:
        harness.wait_until(lambda: os.path.exists(verdict)
                           or not harness.alive(pid), "a verdict", 60)
    except harness.Failure:
        return "hung"
    if not os.path.exists(verdict):
        return f"ended: {end_of(pid)}"
    text = harness.read_text(verdict)
    return "ran on" if text == "ok" else f"wrong: {text}"


def clean(name):
    work = folder("/tmp/v", name)
    for pid in harness.descendants(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    harness.wait_until(lambda: harness.reap_all()
                       or not harness.descendants(os.getpid()), "all ended")
    for left in os.listdir(work):
        os.unlink(os.path.join(work, left))
    open(os.path.join(work, "ready"), "w").close()


def attempt(source, name, how, option):
    images = os.path.join("/tmp/m", source, name)
    with open(os.path.join(images, "pid")) as file:
        pid = int(file.read())
    clean(name)
    code, text = stasis("restore", "-d", "-D", images, "-W", "/tmp",
                        *([option] if option else []))
    result = f"refused: {text}" if code else go_on(name, pid)
    print(f"cell: {source}|{name}|{how}|{result}", flush=True)
    clean(name)


def restore(hows, sources):
    for source in sources:
        place = folder("/tmp/m", source)
        with tarfile.open(os.path.join(ADD, source + ".tar")) as tar:
            tar.extractall(place)
        for name in sorted(os.listdir(place)):
            for how in hows:
                attempt(source, name, *how.split("=", 1))


if __name__ == "__main__":
    harness.become_subreaper()
    split = sys.argv.index("--")
    work = {"dump": dump, "restore": restore}[sys.argv[1]]
    work(sys.argv[2:split], sys.argv[split + 1:])
