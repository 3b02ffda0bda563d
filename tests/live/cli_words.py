# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_words: what the program says, where, and with which exit status."""
import json
import os
import re
import subprocess
import sys

from harness import Skip, check, read_text, test


def refused(case, words, *args, **options):
    """Exit 1, nothing on stdout, one sentence and perhaps a hint."""
    result = case.engine(*args, **options)
    check(result.code == 1, f"{args} exits with {result.code}")
    check(result.out == "", f"{args} writes to stdout: {result.out}")
    lines = result.err.splitlines()
    check(lines and lines[0].startswith("stasis: "), f"{args}: {result.err}")
    check(all(line.startswith("hint: ") for line in lines[1:]),
          f"{args} says more than one sentence: {result.err}")
    check(words in result.err, f"{args} does not say '{words}': {result.err}")
    return result


@test("--version is two lines, the first as clients compare it")
def cli_version_lines(case):
    result = case.engine("--version")
    check(result.code == 0 and result.err == "", result.explain())
    lines = result.out.splitlines()
    check(lines[0] == "Version: 4.2" and len(lines) == 2
          and lines[1].startswith("Stasis: "), result.out)


@test("--help goes to stdout and names every verb")
def cli_help(case):
    for args in (["--help"], ["-h"], ["dump", "--help"]):
        result = case.engine(*args)
        check(result.code == 0 and result.err == "", result.explain())
        check("--tree PID" in result.out, f"{args}: {result.out}")
    for verb in ("dump", "restore", "check", "inspect"):
        check(f"\n  {verb} " in case.engine("--help").out, f"no {verb}")


@test("a wrong command line is one sentence on stderr")
def cli_wrong(case):
    refused(case, "what to do")
    refused(case, "did you mean 'restore'?", "restor")
    refused(case, "did you mean --leave-running?", "dump", "--leve-running")
    refused(case, "which process", "dump", "-D", case.img)
    refused(case, "not a number", "dump", "-t", "x")
    refused(case, "not built yet", "dump", "-t", "1", "--link-remap")


@test("a directory that is not there is one sentence with a hint")
def cli_no_directory(case):
    result = refused(case, "No such file", "restore", "-D", "/nowhere")
    check("hint: " in result.err, result.err)
    refused(case, "Not a directory", "restore", "-D", "/dev/null")
    refused(case, "work directory", "restore", "-D", case.img, "-W", "/none")


@test("what fails is told on stderr and, with Error, in the log")
def cli_log_error(case):
    log = os.path.join(case.img, "a.log")
    result = refused(case, "", "restore", "-D", case.img, "-o", "a.log",
                     log=log)
    lines = [line for line in read_text(log, "").splitlines()
             if "Error" in line]
    said = result.err.splitlines()[0][len("stasis: "):]
    check(len(lines) == 1 and lines[0].endswith(said),
          f"logged {lines}, said {said}")


@test("check --feature answers with words and status")
def cli_feature(case):
    result = case.engine("check", "--feature", "pidfd_store")
    check(result.code == 0 and result.out == "pidfd_store is supported\n",
          result.explain())
    refused(case, "there is no feature", "check", "--feature", "list")
    refused(case, "uffd-noncoop", "check", "--feature", "uffd_noncoop")


@test("check leaves no process and no file behind")
def cli_check_clean(case):
    before = sorted(os.listdir("/tmp"))
    result = case.engine("check", "--all", cwd=case.img)
    check("ooks good" in result.out, result.explain())
    check(os.listdir(case.img) == [], f"files: {os.listdir(case.img)}")
    new = [name for name in sorted(os.listdir("/tmp"))
           if name not in before and name.startswith("check")]
    check(not new, f"left in /tmp: {new}")


@test("a full standard output is an error, not silence")
def cli_full_output(case):
    with open("/dev/full", "w") as full:
        done = subprocess.run([case.stasis, "--help"], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    check(done.returncode == 1 and "No space left" in done.stderr,
          f"exit {done.returncode}: {done.stderr}")


@test("a user without rights is told so, before anything is tried")
def cli_no_rights(case):
    try:
        subprocess.run([case.stasis, "--version"], user=65534, check=True,
                       stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        raise Skip("the program's folder is closed to other users")
    refused(case, "CAP_SYS_ADMIN", "dump", "-t", str(os.getpid()), "-D",
            case.img, user=65534, group=65534, extra_groups=[],
            env={"PATH": os.environ["PATH"]})


@test("a configuration file is read, and the command line wins")
def cli_config(case):
    conf = os.path.join(case.dir, "conf")
    with open(conf, "w") as file:
        file.write(f"log-file conf.log\nimages-dir {case.img}\n")
    case.engine("restore", "--config", conf)
    check(os.path.exists(os.path.join(case.img, "conf.log")), "no log")
    case.engine("restore", "--config", conf, "-o", "line.log")
    check(os.path.exists(os.path.join(case.img, "line.log")), "no own log")
    with open(conf, "a") as file:
        file.write("tre 5\n")
    refused(case, "line 3", "restore", "--config", conf)


@test("success is told in one line, but not with -v0")
def cli_summary(case):
    pid = case.start(["/bin/sleep", "1000"])
    done = case.engine("dump", str(pid), case.img)
    check(re.fullmatch(r"dumped 1 task with 1 thread, [1-9]\d+ bytes of "
                       r"memory, frozen for \d+\.\d ms\n", done.out),
          done.explain())
    case.gone([pid])
    done = case.engine("restore", "-d", case.img)
    check(re.fullmatch(r"restored 1 task with 1 thread, [1-9]\d+ bytes of "
                       r"memory, in \d+\.\d ms\n", done.out),
          done.explain())
    done = case.engine("dump", str(pid), case.img, "-v0")
    check(done.code == 0 and done.out + done.err == "", done.explain())


@test("what means nothing to a verb is ignored with a line in the log")
def cli_ignored(case):
    pid = case.start(["/bin/sleep", "1000"])
    log = os.path.join(case.img, "dump.log")
    done = case.engine("dump", "-t", str(pid), "-D", case.img, "-v4", "-o",
                       "dump.log", "--pidfile", "x", "-S", log=log)
    check(done.code == 0 and done.err == "", done.explain())
    check("--pidfile means nothing to 'dump'" in read_text(log),
          done.explain())
    done = case.engine("check", "-v4", "-D", case.img, "--leave-running")
    check(done.code == 0, done.explain())


@test("a default configuration file that cannot be read is a warning")
def cli_config_unreadable(case):
    home = case.make_dir("home")
    os.makedirs(os.path.join(home, ".criu", "default.conf"))
    pid = case.start(["/bin/sleep", "1000"])
    environ = dict(os.environ, HOME=home)
    done = case.engine("dump", str(pid), "-D", case.img, "-R", env=environ)
    check(done.code == 0 and "default.conf' is ignored" in done.err,
          done.explain())
    refused(case, "reading configuration file", "dump", str(pid), "-D",
            case.img, "--config", os.path.join(home, ".criu"), env=environ)


EVIL = "\x1b[2J\n(00.000001) Error (forged)\x9b1m\u202e\x7f"
EVIL_VICTIM = """
import ctypes, os, sys, time
evil = sys.argv[1]
os.mkdir(evil)
os.chdir(evil)
file = open(evil, "w")
libc = ctypes.CDLL(None)
libc.prctl(15, b"\\x1b]0;\\n\\x9bEvil\\x07", 0, 0, 0)
open(os.environ["CHECKPOINT_DIR"] + "/ready", "w").close()
while True:
    time.sleep(0.05)
"""


def harmless(what, data):
    """Bytes that may go to any terminal, and lines that we wrote."""
    text = data.decode("utf-8")  # raises at what is none
    bad = [c for c in text if c != "\n" and (
        ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2028\u200f")]
    check(not bad, f"{what}: {bad} in {text[:2000]!r}")
    check(not [line for line in text.split("\n")
               if line.startswith("(00.000001) Error (forged)")],
          f"{what}: a forged line")


@test("names with escapes and newlines reach no terminal and no log, whoever "
      "shows them")
def cli_escaped(case):
    def say(what, *args, code=0):
        done = subprocess.run([case.stasis, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=20)
        check(done.returncode == code, f"{what}: {done.stderr}")
        harmless(what + " says", done.stdout)
        harmless(what + " complains", done.stderr)
        return done.stdout + done.stderr
    pid = case.start([sys.executable, "-c", EVIL_VICTIM, EVIL])
    case.ready(pid)
    case.dump(pid)
    seen = say("inspect", "inspect", "-D", case.img)
    check(seen.count(b"\\x1b[2J\\x0a") >= 3 and b"Evil" in seen, str(seen))
    seen = say("inspect --json", "inspect", "--json", "-D", case.img)
    check(b"\\u001b" in seen and json.loads(seen), str(seen))
    say("inspect --stacks", "inspect", "--stacks", "-D", case.img)
    seen = say("--plan", "restore", "--plan", "-D", case.img)
    check(b"Evil" in seen and b"\\x1b]0;\\x0a" in seen, str(seen))
    for name in ("stats", "dump.log"):
        path = os.path.join(case.img, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                harmless(name, file.read())
    log = os.path.join(case.img, "restore.log")
    os.rename(os.path.join(case.work, EVIL), os.path.join(case.work, "away"))
    seen = say("restore", "restore", "-D", case.img, "-v4", "-o",
               "restore.log", code=1)
    check(b"forged" in seen, str(seen))
    with open(log, "rb") as file:
        said = file.read()
    harmless("restore.log", said)
    check(b"forged" in said, "the log says nothing of it")
    say("an option", "dump", "-t", EVIL, code=1)
    say("a verb", EVIL, code=1)
    say("a directory", "restore", "-D", EVIL, code=1)
    say("a directory to recover", "recover", "-D", EVIL, code=1)
    say("a feature", "check", "--feature", EVIL, code=1)
    say("hosts", "cpuinfo", "check", "--against", EVIL, "--against", EVIL,
        code=1)
