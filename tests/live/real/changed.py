#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""changed STATE DIR: opens or maps a file below DIR, and changes what it lies
in or on, so that it could not be had so again. Waits for "go"."""
import ctypes
import fcntl
import mmap
import os
import struct
import sys
import time

WORK = os.environ["CHECKPOINT_DIR"]
DIR = sys.argv[2]
FILE = DIR + "/file"
RDONLY, NODEV, NOEXEC, REMOUNT, BIND = 1, 4, 8, 32, 4096
DETACH = 2
SETFLAGS, IMMUTABLE, APPEND = 0x40086602, 0x10, 0x20
libc = ctypes.CDLL(None, use_errno=True)
keep = []


def skip(why):
    with open(WORK + "/verdict", "w") as file:
        file.write(f"skip {why}")
    os._exit(0)


def must(result):
    if result < 0:
        skip(os.strerror(ctypes.get_errno()))


def mount(flags, source=b"none", kind=b"tmpfs", place=DIR):
    must(libc.mount(source, place.encode(), kind, flags, None))


def remount(flags):
    mount(REMOUNT | flags)


def make(path=FILE):
    with open(path, "wb") as file:
        file.write(b"x" * (1 << 20))
    return path


def hold(flags, path=FILE):
    keep.append(os.open(path, flags))


def map_it(prot, flags, path=FILE):
    """Without an fd, which those of mmap.mmap keep."""
    fd = os.open(path, os.O_RDWR)
    libc.mmap.restype = ctypes.c_long
    must(libc.mmap(None, ctypes.c_size_t(mmap.PAGESIZE), prot, flags, fd,
                   ctypes.c_long(0)))
    os.close(fd)


def mark(path, bits):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SETFLAGS, struct.pack("l", bits))
    except OSError as error:
        skip(f"chattr: {error}")
    os.close(fd)


def bind_over(flags):
    mount(BIND, DIR.encode())
    mount(REMOUNT | BIND | flags)


def executed(flags):
    def state():
        make()
        map_it(mmap.PROT_READ | mmap.PROT_EXEC, flags)
        remount(NOEXEC)
    return state


def executed_deleted():
    make()
    map_it(mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE)
    os.unlink(FILE)
    remount(NOEXEC)


def immutable():
    make()
    map_it(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED)
    mark(FILE, IMMUTABLE)


def device():
    os.mknod(FILE, 0o20666, os.makedev(1, 3))
    hold(os.O_RDWR)
    remount(NODEV)


def bound():
    hold(os.O_RDWR, make())
    bind_over(RDONLY)


def bound_map():
    make()
    map_it(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED)
    bind_over(RDONLY)


def append_folder():
    os.mkdir(DIR + "/sub")
    path = make(DIR + "/sub/file")
    hold(os.O_RDONLY, path)
    os.unlink(path)
    mark(DIR + "/sub", APPEND)


def detached():
    hold(os.O_RDWR, make())
    os.unlink(FILE)
    must(libc.umount2(DIR.encode(), DETACH))


def covered():
    """Another folder, whose inode has the same number."""
    os.mkdir(DIR + "/sub")
    os.chdir(DIR + "/sub")
    mount(0)
    os.mkdir(DIR + "/sub")


def swap():
    path = WORK + "/swapped"
    page = mmap.PAGESIZE
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(struct.pack("=1024xIII", 1, 255, 0).ljust(page - 10, b"\0")
                   + b"SWAPSPACE2" + b"\0" * page * 255)
        os.fsync(file.fileno())
    map_it(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, path)
    must(libc.swapon(path.encode(), 0))
    keep.append(path)


STATES = {
    "executed": executed(mmap.MAP_PRIVATE),
    "executed_shared": executed(mmap.MAP_SHARED),
    "executed_deleted": executed_deleted,
    "immutable": immutable,
    "device": device,
    "bound": bound,
    "bound_map": bound_map,
    "append_folder": append_folder,
    "detached": detached,
    "covered": covered,
    "swap": swap,
}

mount(0)
STATES[sys.argv[1]]()
open(WORK + "/ready", "w").close()
while not os.path.exists(WORK + "/go"):
    time.sleep(0.01)
if sys.argv[1] == "swap":
    must(libc.swapoff(keep[-1].encode()))
open(WORK + "/verdict", "w").write("ok")
os._exit(0)
