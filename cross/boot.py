# SPDX-License-Identifier: GPL-2.0-or-later
"""boot: runs a guest in QEMU (without KVM), its console line by line.

A panic ends QEMU with status 0 as a power-off does: only the closing line of
the guest's init says that it came to its end.
"""
import ctypes
import os
import signal
import subprocess
import time
import zlib

PR_SET_PDEATHSIG = 1
CLOSING = "guest: the job ended with "
# machine: (program, options, CPU unless told, console, number of CPUs).
# Radix-MMU guests of ppc64le with two CPUs run stale instructions after code
# was written (QEMU 7.2 to 10): they get one.
COMMANDS = {
    "x86_64": ("qemu-system-x86_64", ["-machine", "q35"], "max", "ttyS0", 2),
    "aarch64": ("qemu-system-aarch64", ["-machine", "virt"], "cortex-a72",
                "ttyAMA0", 2),
    "ppc64le": ("qemu-system-ppc64",
                ["-machine", "pseries,x-vof=on,cap-cfpc=broken,"
                 "cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
                 "-vga", "none"], "power9", "hvc0", 1),
}
# Pointer authentication as the architecture spells it out takes most of an
# emulated CPU's time.
CPU_OPTIONS = {("aarch64", "max"): "max,pauth-impdef=on"}
# Memory has tags only where the machine has room for them.
MACHINE_OPTIONS = {("aarch64", "max"): ["-machine", "virt,mte=on"]}
# QEMU 7.2 (TCG) spoils cmpxchg16b, with which the slab allocator of x86_64's
# kernels since 6.4 works wherever the CPU has it.
CPU_WITHOUT = {"x86_64": ",-cx16"}
# The kernel looks whether the timer ticks, and panics where the host is slow.
WORDS = {"x86_64": "no_timer_check"}


def network_card(own, peer):
    """A card whose packets come to the socket own and go to peer, files that
    need not be there yet."""
    mac = ":".join(f"{byte:02x}" for byte in
                   b"RT\0" + zlib.crc32(own.encode()).to_bytes(4, "big")[:3])
    return ["-netdev", f"dgram,id=net,local.type=unix,local.path={own},"
            f"remote.type=unix,remote.path={peer}",
            "-device", f"virtio-net-pci,netdev=net,romfile=,mac={mac}"]


def command(machine, kernel, initrd, cpu=None, disk=None, net=None,
            memory="2G", emulator=None, words=""):
    """disk: a file that the guest's first disk is; net: two sockets, for
    network_card; emulator: what to start in place of the host's;
    words: for the kernel's command line."""
    program, options, usual, console, cpus = COMMANDS[machine]
    cpu = cpu or usual
    options = MACHINE_OPTIONS.get((machine, cpu), options)
    cpu = CPU_OPTIONS.get((machine, cpu), cpu) + CPU_WITHOUT.get(machine, "")
    drive = ["-drive", f"file={disk},format=raw,if=virtio"] if disk else []
    card = network_card(*net) if net else []
    return [*(emulator or [program]), *options, *drive, *card, "-cpu", cpu,
            "-smp", str(cpus), "-m", memory, "-accel", "tcg,thread=multi",
            "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
            "-kernel", kernel, "-initrd", initrd, "-append",
            f"console={console} panic=-1 quiet loglevel=3 "
            f"{WORDS.get(machine, '')} {words}"]


def end_with_parent():
    """An emulator does not outlive the program that reads its console."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Guest:
    """A running guest; lines() gives its console as it comes. A test may be
    silent for as long as its own limit, some six minutes (live/harness)."""

    def __init__(self, argv, silence=400.0, limit=600.0):
        self.silence, self.end = silence, time.monotonic() + limit
        self.status = None  # of the job, once the closing line was seen
        self.why = "the guest ended without its closing line"
        self.tail = []
        self.guest = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=end_with_parent)

    def on_alarm(self, _signal, _frame):
        if time.monotonic() > self.end:
            self.why = "the guest took too long"
        else:
            self.why = f"the guest was silent for {self.silence:g} s"
        self.guest.kill()

    def arm(self):
        left = self.end - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(0.1, min(left, self.silence)))

    def lines(self):
        signal.signal(signal.SIGALRM, self.on_alarm)
        try:
            self.arm()
            for raw in self.guest.stdout:
                self.arm()
                line = raw.decode(errors="replace").rstrip("\r\n")
                self.tail = self.tail[-39:] + [line]
                if line.startswith(CLOSING):
                    self.status = int(line[len(CLOSING):])
                yield line
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.close()

    def close(self):
        if self.guest.poll() is None and self.status is None:
            self.guest.kill()
        self.guest.wait()


def can_boot(machine):
    program = COMMANDS[machine][0]
    return any(os.access(os.path.join(folder, program), os.X_OK)
               for folder in os.environ.get("PATH", "").split(os.pathsep))
