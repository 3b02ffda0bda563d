# SPDX-License-Identifier: GPL-2.0-or-later
"""rpc_library: the client library as installed, by programs that use it."""
import fcntl
import os
import re
import shutil
import subprocess
import sys

from client import Service
from harness import Skip, check, read_text, test

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "clients"))

import symbols  # noqa: E402

EBADE, ESRCH, EEXIST, ENOSYS = 52, 3, 17, 38


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, **options)
    check(done.returncode == 0,
          f"{' '.join(command)}: {done.returncode}, {done.stdout}")
    return done.stdout


class Installed:
    """What "make install-criu-compat" makes, in a folder of the build; new
    when the program or the library is."""

    def __init__(self, case):
        if not os.path.exists(os.path.join(case.build, "libcriu.so.2")):
            raise Skip("a static build has no shared library")
        for tool in ("make", "gcc", "pkg-config", "nm", "readelf"):
            if not shutil.which(tool):
                raise Skip(f"{tool} is not here")
        self.case = case
        self.top = os.path.join(case.build, "live", "root")
        self.lib = os.path.join(self.top, "usr", "lib")
        os.makedirs(os.path.join(case.build, "live"), exist_ok=True)
        with open(self.top + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.stale():
                self.install()

    def stale(self):
        stamp = self.top + ".stamp"
        return not os.path.exists(stamp) or any(
            os.path.getmtime(path) > os.path.getmtime(stamp)
            for path in (os.path.join(self.case.build, "libcriu.so.2"),
                         self.case.stasis,
                         os.path.join(ROOT, "scripts", "install"),
                         os.path.join(HERE, "clients", "library.c")))

    def install(self):
        env = {key: value for key, value in os.environ.items()
               if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        shutil.rmtree(self.top, ignore_errors=True)
        run("make", "-s", "-C", ROOT, "-o", "all", "-o", "client",
            "install-criu-compat",
            f"O={os.path.relpath(self.case.build, ROOT)}",
            f"DESTDIR={self.top}", "PREFIX=/usr", env=env)
        self.compile("criu", os.path.join(HERE, "clients", "library.c"),
                     os.path.join(self.top, "library"))
        with open(self.top + ".stamp", "w"):
            pass

    def flags(self, package):
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=self.top,
                   PKG_CONFIG_PATH=os.path.join(self.lib, "pkgconfig"),
                   PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                   PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
        return run("pkg-config", "--cflags", "--libs", package,
                   env=env).split()

    def compile(self, package, source, program, compiler="gcc"):
        run(compiler, "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o",
            program, source, *self.flags(package))

    def use(self, what, server=None):
        """Run the program; {name: (value, errno)}, and the steps told."""
        done = subprocess.run(
            [os.path.join(self.top, "library"), what, self.case.img,
             server or os.path.join(self.top, "usr", "sbin", "criu")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, LD_LIBRARY_PATH=self.lib), timeout=20)
        self.case.logs.append(os.path.join(self.case.img, "library.log"))
        told, steps = {}, []
        for line in done.stdout.splitlines():
            name, *rest = line.split()
            if name == "step":
                steps.append((rest[0], int(rest[1])))
            else:
                told[name] = tuple(int(number) for number in rest)
        told["status"] = done.returncode
        return told, steps


def exported(path):
    return {line.split()[2] for line in
            run("nm", "-D", "--defined-only", path).splitlines()}


@test("the libraries export what programs know of libcriu, and nothing else")
def library_symbols(case):
    installed = Installed(case)
    for name in ("libcriu.so.2", "libstasis.so.0"):
        path = os.path.join(installed.lib, name)
        found = exported(path)
        check(not symbols.SYMBOLS - found,
              f"{name} lacks {sorted(symbols.SYMBOLS - found)}")
        check(not found - symbols.SYMBOLS,
              f"{name} has {sorted(found - symbols.SYMBOLS)}")
        check(f"soname: [{name}]" in run("readelf", "-d", path),
              f"{name} has another soname")


@test("the manual page names every function of the library, and no other")
def library_manual(case):
    text = read_text(os.path.join(ROOT, "man", "libstasis.3"))
    named = set(re.findall(r"\bcriu_(?:local_)?(?:add|check|dump|feature|free|"
                           r"get|init|join|notify|pre|restore|set)\w*", text))
    # The twin of each is told by a rule; one is in no header.
    wanted = {name for name in symbols.FUNCTIONS if not name.startswith(
        "criu_local_") or name.replace("local_", "") not in symbols.FUNCTIONS}
    wanted.discard("criu_free_service")
    types = {"criu_notify_arg_t", "criu_predump_info"}
    check(not wanted - named, f"it lacks {sorted(wanted - named)}")
    unknown = named - symbols.FUNCTIONS - types - {"criu_add_X"}
    check(not unknown, f"it has {sorted(unknown)}")


@test("what is installed is found by pkg-config and compiles in C and C++")
def library_headers(case):
    installed = Installed(case)
    link = os.path.join(installed.top, "usr", "sbin", "criu")
    check(os.readlink(link) == "stasis", "criu is no link to stasis")
    done = subprocess.run([link, "--version"], stdout=subprocess.PIPE,
                          text=True)
    check(done.stdout.startswith("Version: 4.2\n"), f"it is {done.stdout}")
    for package, header in (("criu", "criu/criu.h"), ("criu", "criu.h"),
                            ("stasis", "stasis/client.h")):
        for compiler, suffix in (("gcc", "c"), ("g++", "cc")):
            source = case.path(f"x.{suffix}")
            with open(source, "w") as file:
                file.write(f"#include <{header}>\nint main()\n"
                           "{\n\treturn criu_init_opts();\n}\n")
            if shutil.which(compiler):
                installed.compile(package, source, case.path("x"), compiler)
                run(case.path("x"),
                    env=dict(os.environ, LD_LIBRARY_PATH=installed.lib))


def questions_check(told):
    check(told["version"] == (40200, 0), f"version {told}")
    check(told["at_least_3.0"] == (1, 0) and told["at_least_9.0"] == (0, 0),
          f"check_version {told}")
    check(told["check"] == (0, 0) and told["features"] == (0, 0),
          f"check, feature_check {told}")
    check(told["lazy_pages"] == (0, 0), "a feature that was not asked for")
    check(told["status"] == 0, f"it ended with {told}")


@test("a client that puts its bytes together by hand freezes and restores")
def library_none(case):
    if not shutil.which("gcc"):
        raise Skip("gcc is not here")
    program = os.path.join(case.dir, "raw")
    run("gcc", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", program,
        os.path.join(HERE, "clients", "raw.c"))
    said = run(program, case.stasis, case.img).split()
    check(said == ["pre-dump", "query-ext-files", "post-dump", "pre-restore",
                   "post-restore", "pre-resume", "post-resume"], f"{said}")


@test("the library asks for version, features and a check")
def library_questions(case):
    told, _ = Installed(case).use("questions")
    questions_check(told)


@test("a callback that says no undoes the dump and is told its own error")
def library_refused(case):
    told, steps = Installed(case).use("refused")
    check(steps == [("pre-dump", 0), ("query-ext-files", 0),
                    ("post-dump", 0)], f"steps {steps}")
    check(told["dump"][0] == -99, f"dump {told}")
    check(told["runs"] == (1, 0), "the task does not run on")


def twice_check(told):
    check(told["dump"] == (0, 0) and told["runs"] == (1, 0),
          f"dump with leave_running {told}")
    check(told["gone"] == (-EBADE, ESRCH), f"dump of nobody {told['gone']}")
    check(told["restore"] == (1, 0), f"restore {told}")
    check(told["status"] == 0, f"it ended with {told}")


@test("dump, restore and their errors through a worker")
def library_walks(case):
    told, _ = Installed(case).use("twice")
    check(told["taken"] == (-EBADE, EEXIST), f"a taken pid {told['taken']}")
    twice_check(told)


@test("a pipe to somebody outside is given up at dump and given anew")
def library_pipe(case):
    told, _ = Installed(case).use("pipe")
    check(told["speaks"] == (1, 0) and told["refused"][0] == -EBADE,
          f"before: {told}")
    check(told["dump"] == (0, 0) and told["restore"] == (1, 0),
          f"dump, restore: {told}")
    check(told["speaks_again"] == (1, 0), f"after: {told}")


@test("the same through a service's socket")
def library_service(case):
    service = Service(case)
    installed = Installed(case)
    questions_check(installed.use("questions", service.path)[0])
    told, _ = installed.use("twice", service.path)
    twice_check(told)
    service.stop()


@test("who dumps itself comes back from the same call with 1")
def library_self(case):
    installed = Installed(case)
    told, _ = installed.use("self")
    first = read_text(os.path.join(case.img, "self"), "")
    if first == f"{-EBADE} {ENOSYS}\n":
        raise Skip("dumping the client itself is not built yet")
    check(told["status"] == -9 and not first, f"it went on: {first}")
    told, _ = installed.use("restore")
    check(told["restored"] == (1, 0) and told["exit"] == (42, 0),
          f"restore {told}, {read_text(os.path.join(case.img, 'self'))}")


@test("the example freezes a child and gets it back as a child")
def library_example(case):
    program = os.path.join(case.build, "client", "example", "freeze")
    if not os.path.exists(program):
        raise Skip("the example is not built here")
    case.logs.append(os.path.join(case.img, "freeze.log"))
    told = run(program, case.img, case.stasis).splitlines()
    steps = [line.split()[1].rstrip(",") for line in told
             if line.startswith("step")]
    check(steps == ["pre-dump", "query-ext-files", "post-dump",
                    "pre-restore", "post-restore", "pre-resume",
                    "post-resume"], f"steps {steps}")
    check(told[0] == "version 40200" and told[-1].endswith("counted to 30"),
          f"it said {told}")
