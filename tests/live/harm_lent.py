# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_lent: an engine whose file has capabilities, run by users who have
none; docs/security.md says what they must not get by it."""
import os
import shutil
import struct
import subprocess

import harm
import harm_rights
from harness import Result, Skip, alive, check, read_text, state, test

NOBODY = 65534
CAPS = {"dac_override": 1, "setuid": 7, "sys_ptrace": 19, "sys_admin": 21,
        "checkpoint_restore": 40}
EFFECTIVE, REVISION_2 = 1, 0x02000000


def caps_give(path, *names):
    """As setcap NAMES+ep does (struct vfs_cap_data of linux/capability.h)."""
    bits = sum(1 << CAPS[name] for name in names)
    try:
        os.setxattr(path, "security.capability", struct.pack(
            "<IIIII", REVISION_2 | EFFECTIVE, bits & 0xffffffff, 0, bits >> 32,
            0))
    except OSError as error:
        raise Skip(f"files have no capabilities here: {error}")


def lent(case, *names):
    """The engine of the case becomes one with capabilities."""
    harm_rights.need_setpriv()
    probe = os.path.join(case.dir, "grep")
    shutil.copy("/bin/grep", probe)
    caps_give(probe, *names)
    said = subprocess.run([probe, "CapEff", "/proc/self/status"], user=NOBODY,
                          group=NOBODY, extra_groups=[], capture_output=True,
                          text=True).stdout
    if not int(said.split()[1], 16):
        raise Skip("capabilities of files do not count here")
    engine = os.path.join(case.dir, "engine")
    shutil.copy(case.stasis, engine)
    os.chmod(engine, 0o755)
    caps_give(engine, *names)
    os.chown(case.img, NOBODY, NOBODY)
    case.stasis = engine


def run(case, *args, env=None):
    """As nobody, with nothing of ours."""
    done = subprocess.run(
        [case.stasis, args[0], "-D", case.img, "-v4", "--unprivileged",
         *args[1:]],
        user=NOBODY, group=NOBODY, extra_groups=[], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace",
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"],
             **(env or {})})
    log = os.path.join(case.img, f"{args[0]}.log")
    return Result(done.returncode, done.stdout, done.stderr, log)


def done(case, *args, **options):
    result = run(case, args[0], "-o", f"{args[0]}.log", *args[1:], **options)
    check(result.code == 0, result.explain())
    return result


def refused(case, *args, words=()):
    result = run(case, args[0], "-o", f"{args[0]}.log", *args[1:])
    harm.check_one_error(result, *words)


def caps_of(path):
    text = read_text(path)
    check(text, f"there is no {path}")
    return [line.split()[1] for line in text.splitlines()
            if line.startswith(("CapPrm", "CapEff", "CapAmb", "CapInh"))]


NONE = ["0" * 16] * 4


@test("a file's capabilities give its user, his scripts and his tasks nothing "
      "but what he asked for")
def security_lent(case):
    lent(case, *CAPS)
    pid = harm_rights.of_nobody(case, case.program("threads"))
    case.ready(pid)
    script = case.path("script")
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\ncat /proc/self/status >{case.work}/caps\n"
                   f"env >{case.work}/env\n"
                   f"ls $CRTOOLS_IMAGE_DIR/ >{case.work}/images\n")
    os.chmod(script, 0o755)
    result = done(case, "dump", "-t", str(pid), "--action-script", script,
                  env={"LD_PRELOAD": "/nonexistent/a.so",
                       "LD_LIBRARY_PATH": case.work})
    check("nonexistent" not in result.err, result.err)
    log = read_text(result.log)
    check("given back" in log and "CAP_SYS_PTRACE" in log
          and "CAP_DAC_OVERRIDE" in log, log[:500])
    check(caps_of(case.path("caps")) == NONE, "the script has capabilities")
    check("LD_" not in read_text(case.path("env")), "the script's environment")
    check("stasis.img" in read_text(case.path("images")),
          "the script does not see the images")
    case.gone([pid])
    done(case, "restore", "--exec-cmd", "--", "/bin/sh", "-c",
         f"cat /proc/self/status >{case.work}/caps2")
    check(caps_of(case.path("caps2")) == NONE, "the command has capabilities")
    for tid in os.listdir(f"/proc/{pid}/task"):
        check(caps_of(f"/proc/{pid}/task/{tid}/status") == NONE, f"{tid} has")
    case.go()
    case.await_verdict(pid)


@test("a setuid or setgid engine refuses to work")
def security_lent_setuid(case):
    lent(case, "checkpoint_restore")
    for mode in (0o4755, 0o2755):
        os.chmod(case.stasis, mode)
        result = run(case, "check")
        check(result.code == 1 and "setuid" in result.err, result.explain())
    os.chmod(case.stasis, 0o755)
    result = subprocess.run([case.stasis, "--version"], user=NOBODY, group=NOBODY,
                            extra_groups=[], stdout=subprocess.DEVNULL)
    check(result.returncode == 0, "it refuses without reason")


@test("an engine with a file's capabilities dumps nothing that its user may "
      "not trace, and nothing with rights")
def security_lent_dump(case):
    lent(case, *CAPS)
    capable = ["--inh-caps=+checkpoint_restore",
               "--ambient-caps=+checkpoint_restore"]
    victims = {
        "root": (["sleep", "600"], ()),
        "other": (["setpriv", "--reuid=12345", "--regid=12345",
                   "--clear-groups", "sleep", "600"], ()),
        "capable": ([*harm_rights.NOBODY, *capable, "sleep", "600"],
                    ("capabilities",)),
        "engine": ([*harm_rights.NOBODY, case.stasis, "service", "--address",
                    case.path("s")], ("capabilities",)),
    }
    for name, (argv, words) in victims.items():
        with open(os.path.join(case.dir, "victim.out"), "a"):
            os.chmod(os.path.join(case.dir, "victim.out"), 0o666)
        pid = case.start(argv)
        harm_rights.wait_until(
            lambda: state(pid) == "S" and argv[-1].encode() in open(
                f"/proc/{pid}/cmdline", "rb").read().split(b"\0")[-2:]
            and b"setpriv" not in open(f"/proc/{pid}/cmdline", "rb").read(),
            f"{name} is up")
        refused(case, "dump", "-t", str(pid), words=words)
        harm_rights.wait_until(lambda: state(pid) == "S", f"{name} sleeps on")
        check(not harm.whole(case.img), f"{name}: an image")


@test("an engine with a file's capabilities restores nothing with rights or "
      "of others")
def security_lent_restore(case):
    own = case.stasis
    lent(case, *CAPS)
    engine = case.stasis
    for number, more in enumerate((
            ["--reuid=65534", "--regid=65534",
             "--inh-caps=+checkpoint_restore",
             "--ambient-caps=+checkpoint_restore"],
            ["--reuid=12345", "--regid=12345"],
            ["--reuid=65534", "--regid=0"])):
        with open(os.path.join(case.dir, "victim.out"), "a"):
            os.chmod(os.path.join(case.dir, "victim.out"), 0o666)
        pid = case.start(["setpriv", *more, "--clear-groups", "sleep", "600"])
        harm_rights.wait_until(
            lambda: state(pid) == "S" and b"setpriv" not in open(
                f"/proc/{pid}/cmdline", "rb").read(), "it is up")
        case.img = case.make_dir(f"img{number}")
        case.stasis = own
        case.dump(pid)
        os.chown(case.img, NOBODY, NOBODY)
        for name in os.listdir(case.img):
            os.chown(os.path.join(case.img, name), NOBODY, NOBODY)
        case.stasis = engine
        refused(case, "restore", "-d", words=(
            "capabilities" if number == 0 else "request was made by",))
        check(not alive(pid), "it is restored")


@test("an engine with a file's capabilities writes nothing that its user may "
      "not write")
def security_lent_files(case):
    lent(case, *CAPS)
    closed = case.make_dir("closed")
    os.chmod(closed, 0o700)
    secret = os.path.join(case.dir, "secret")
    with open(secret, "w") as file:
        file.write("token\n")
    os.chmod(secret, 0o600)
    pid = harm_rights.of_nobody(case, case.program("threads"))
    case.ready(pid)
    for path in (secret, f"{closed}/new"):
        result = run(case, "dump", "-R", "-t", str(pid), "-o", path)
        check(result.code == 1 and "Permission denied" in result.err,
              result.explain())
    done(case, "dump", "-t", str(pid))
    case.gone([pid])
    result = run(case, "restore", "-d", "--pidfile", f"{closed}/new",
                 "-o", "restore.log")
    check(result.code == 1 and "Permission denied" in result.err,
          result.explain())
    check(not os.listdir(closed) and read_text(secret) == "token\n", "written")
