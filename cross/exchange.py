# SPDX-License-Identifier: GPL-2.0-or-later
"""exchange: programs dumped in one guest and restored in another.

What cross/cpus and cross/kernels have in common: building what guests need,
having exchange_guest.py run in them, and carrying images between them.
"""
import os
import subprocess
import tarfile

import debian

GUEST = os.path.join(debian.HERE, "exchange_guest.py")


def disk_trim(path):
    """A tar at the start of a disk, without the rest of the disk."""
    with tarfile.open(path) as tar:
        tar.getmembers()
        end = tar.offset
    os.truncate(path, end + 1024)


class Exchange:
    """The guests of one machine. Sources of images have a name each; a guest
    is named as by "cross/run --pair": MACHINE:KERNEL[:CPU]."""

    def __init__(self, title, machine, programs, folder, build):
        self.title, self.machine, self.folder = title, machine, folder
        self.programs = programs
        self.build = build or os.path.join(
            debian.ROOT, "build", "guest", machine)
        if not build:
            self.make()
        self.launcher = []  # words before each program's own command
        self.failed = self.passed = 0

    def make(self):
        subprocess.run(
            ["make", "--no-print-directory", "-s", "-C", debian.ROOT,
             f"ARCH={self.machine}", f"O=build/guest/{self.machine}",
             "STATIC=1", f"build/guest/{self.machine}/stasis",
             "live-programs"], check=True, stdout=subprocess.DEVNULL)

    def tell(self, good, what, why=""):
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {self.title}: {what}",
              flush=True)
        if not good:
            print("".join(f"#   {line}\n" for line in why.splitlines()),
                  flush=True)

    def tar(self, source):
        return os.path.join(self.folder, source + ".tar")

    def guest(self, pair, words, files=(), out=None):
        """The console of a guest; None: it cannot be had, which is said."""
        console = os.path.join(self.folder, "console")
        if os.path.exists(console):
            os.unlink(console)
        programs = [os.path.join(self.build, "live", name)
                    for name in self.programs]
        job = " ".join(["python3 -B add/exchange_guest.py", *words])
        command = [os.path.join(debian.HERE, "run"), "--no-make", "--pair",
                   pair, "--build", self.build, "--console", console,
                   "--job", job]
        for path in [GUEST, *filter(os.path.exists, programs), *files]:
            command += ["--add", path]
        if out:
            command += ["--out", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            self.tell(False, f"{pair}: a guest", done.stdout[-4000:])
            return []
        if not os.path.exists(console):
            print(done.stdout, end="")
            return None
        with open(console, errors="replace") as file:
            return file.read().splitlines()

    def dump(self, source, pair):
        """Images of all programs that can run there, as the source's tar.
        False: there are none."""
        lines = self.guest(
            pair, ["dump", *self.launcher, "--", *self.programs],
            out=self.tar(source))
        if not lines:
            return False
        disk_trim(self.tar(source))
        names = [line[8:] for line in lines if line.startswith("dumped: ")]
        self.tell(bool(names), f"{source}: dumped {', '.join(names)}",
                  "\n".join(lines[-20:]))
        return bool(names)

    def restore(self, pair, sources, hows):
        """(source, program, how, result) of each trial in a guest; hows: the
        restore's options by name."""
        words = [f"{how}={option}" for how, option in hows.items()]
        lines = self.guest(pair, ["restore", *words, "--", *sources],
                           [self.tar(source) for source in sources])
        for line in lines or []:
            if line.startswith("cell: "):
                yield line[6:].split("|", 3)
