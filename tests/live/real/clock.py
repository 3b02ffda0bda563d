#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""clock: threads that ask for the time and for random numbers all the time.

After "go" all of them must get on, none may have seen time go back, none the
same random number twice, and the vdso's clocks must be the kernel's.
"""
import ctypes
import os
import platform
import threading
import time

DIR = os.environ["CHECKPOINT_DIR"]
THREADS = 5
MORE = 200  # rounds that every thread must do after "go"
CLOCK_GETTIME = {"x86_64": 228, "aarch64": 113, "ppc64le": 246}
CLOCKS = [time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME, time.CLOCK_REALTIME]
libc = ctypes.CDLL(None)


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def kernel_ns(clock):
    """The time by a system call."""
    now = Timespec()
    number = CLOCK_GETTIME[platform.machine()]
    if libc.syscall(number, clock, ctypes.byref(now)) != 0:
        verdict("the kernel has no such clock")
    return now.sec * 10 ** 9 + now.nsec


class Asker(threading.Thread):
    """Asks until told to stop; what it sees first of wrong stays."""

    def __init__(self):
        super().__init__(daemon=True)
        self.rounds, self.stop, self.wrong = 0, False, None
        self.last = [time.clock_gettime_ns(clock) for clock in CLOCKS[:2]]
        self.random = os.getrandom(16)

    def ask(self):
        for i, clock in enumerate(CLOCKS[:2]):
            for now in (time.clock_gettime_ns(clock), kernel_ns(clock)):
                if now < self.last[i]:
                    return f"clock {clock} went back by {self.last[i] - now}"
                self.last[i] = now
        if time.monotonic_ns() < self.last[0]:
            return "time.monotonic() went back"
        number = os.getrandom(16)
        if number == self.random:
            return "a random number came twice"
        self.random = number
        return None

    def run(self):
        while not self.stop and not self.wrong:
            self.wrong = self.ask()
            self.rounds += 1


def verdict(text):
    with open(DIR + "/verdict.tmp", "w") as file:
        file.write(text)
    os.rename(DIR + "/verdict.tmp", DIR + "/verdict")
    os._exit(0)


def seen(name):
    return os.path.exists(os.path.join(DIR, name))


def clocks_compare():
    """The kernel's time lies between two looks at the vdso's."""
    for clock in CLOCKS:
        before = time.clock_gettime_ns(clock)
        kernel = kernel_ns(clock)
        after = time.clock_gettime_ns(clock)
        if not before <= kernel <= after:
            verdict(f"clock {clock}: {before}, by the kernel {kernel}, "
                    f"then {after}")


def get_on(askers):
    """Each thread does its rounds, and is well."""
    rounds = [asker.rounds for asker in askers]
    end = time.monotonic() + 50
    for number, asker in enumerate(askers):
        while asker.rounds < rounds[number] + MORE and not asker.wrong:
            if time.monotonic() > end:
                verdict(f"thread {number} did {asker.rounds - rounds[number]} "
                        f"rounds, not {MORE}")
            time.sleep(0.001)
        if asker.wrong:
            verdict(f"thread {number}: {asker.wrong}")


def main():
    askers = [Asker() for _ in range(THREADS)]
    for asker in askers:
        asker.start()
    get_on(askers)
    clocks_compare()
    open(DIR + "/ready", "w").close()
    while not seen("go"):
        time.sleep(0.002)
    get_on(askers)
    clocks_compare()
    for asker in askers:
        asker.stop = True
        asker.join(20)
        if asker.is_alive():
            verdict("a thread does not end")
    verdict("ok")


main()
