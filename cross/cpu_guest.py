# SPDX-License-Identifier: GPL-2.0-or-later
"""cpu_guest: the guest's half of cross/cpus.

    cpu_guest.py dump              programs to images, told on the console
    cpu_guest.py restore MODEL...  images of other guests, tried here
"""
import base64
import io
import os
import signal
import subprocess
import sys
import tarfile

sys.path.insert(0, "/stasis/tests/live")
import harness  # noqa: E402

ADD, STASIS = "/stasis/add", "/stasis/build/stasis"
PROGRAMS = ("late_calls", "regs_general", "regs_vector", "regs_avx",
            "regs_pkru", "regs_sve")
# Room for the pids of the images: a guest's own pids are below.
FIRST_PID = 5000


def folder(*parts):
    path = os.path.join(*parts)
    os.makedirs(path, exist_ok=True)
    return path


def stasis(*args):
    done = subprocess.run([STASIS, *args], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, (done.stdout.strip().splitlines() or [""])[0]


def program_dump(name):
    """False: the program cannot run on this CPU."""
    work, images = folder("/tmp/v", name), folder("/tmp/i", name)
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(FIRST_PID + 100 * PROGRAMS.index(name)))
    victim = subprocess.Popen(
        [os.path.join(ADD, name)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        env=dict(os.environ, CHECKPOINT_DIR=work), start_new_session=True)
    harness.wait_until(lambda: set(os.listdir(work)) & {"ready", "verdict"}
                       or victim.poll() is not None, f"{name} is ready", 20)
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


def dump():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in PROGRAMS:
            if os.path.exists(os.path.join(ADD, name)) and program_dump(name):
                tar.add(os.path.join("/tmp/i", name), name)
                print(f"dumped: {name}", flush=True)
    text = base64.b64encode(packed.getvalue()).decode()
    for at in range(0, len(text), 1000):
        print(f"image: {text[at:at + 1000]}")


def end_of(pid):
    """How the restored process ended without a verdict."""
    try:
        status = os.waitpid(pid, os.WNOHANG)[1]
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
                           or not harness.alive(pid), "a verdict", 30)
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


def attempt(model, name, how, *options):
    images = os.path.join("/tmp/m", model, name)
    with open(os.path.join(images, "pid")) as file:
        pid = int(file.read())
    clean(name)
    code, text = stasis("restore", "-d", "-D", images, "-W", "/tmp", *options)
    result = f"refused: {text}" if code else go_on(name, pid)
    print(f"cell: {model}|{name}|{how}|{result}", flush=True)
    clean(name)


def restore(models):
    for model in models:
        place = folder("/tmp/m", model)
        with tarfile.open(os.path.join(ADD, model + ".tar.gz")) as tar:
            tar.extractall(place)
        for name in sorted(os.listdir(place)):
            attempt(model, name, "checked", "--cpu-cap=fpu")
            attempt(model, name, "registers")


if __name__ == "__main__":
    harness.become_subreaper()
    if sys.argv[1] == "dump":
        dump()
    else:
        restore(sys.argv[2:])
