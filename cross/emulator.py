# SPDX-License-Identifier: GPL-2.0-or-later
"""emulator: the QEMU of the next Debian release, unpacked beside the host's.

It knows CPUs that the installed one does not, for the newest kernel's guests.
Its programs run with their own loader and libraries.
"""
import glob
import os
import shutil

import debian
import kernel

PACKAGES = ["qemu-system-arm", "qemu-system-ppc", "qemu-system-x86"]


def fetch():
    """The folder with the unpacked packages."""
    machine = os.uname().machine
    if machine not in debian.MACHINES:
        raise debian.Offline(f"Debian has no emulator for {machine}")

    def make(path):
        debian.say("fetching the emulator of the next release")
        debs = path + ".debs"
        debian.unpack(debian.Apt(machine, kernel.NEXT).fetch(PACKAGES, debs),
                      path)
        debian.links_make_relative(path)
        shutil.rmtree(debs)

    return debian.once(machine, "emulator", [PACKAGES, kernel.NEXT], make)


def command(program):
    """What to write before an emulator's options."""
    tree = fetch()
    libraries = glob.glob(f"{tree}/usr/lib/*-linux-gnu")[0]
    loader = glob.glob(f"{libraries}/ld-linux*.so*")[0]
    return ["env", f"QEMU_MODULE_DIR={libraries}/qemu", loader,
            "--library-path", f"{libraries}:{libraries}/pulseaudio",
            f"{tree}/usr/bin/{program}", "-L", f"{tree}/usr/share/qemu",
            "-L", f"{tree}/usr/share/seabios"]
