#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""odd STATE: gets into a state that cannot be dumped, waits for "go"."""
import ctypes
import os
import struct
import sys
import threading
import time

DIR = os.environ["CHECKPOINT_DIR"]
CLONE_NEWTIME, CLONE_FS, CLONE_FILES = 0x80, 0x200, 0x400
CLONE_NEWUTS, CLONE_NEWPID = 0x04000000, 0x20000000
SEM_UNDO, IPC_RMID = 0x1000, 0
SYS_MODIFY_LDT = 154
libc = ctypes.CDLL(None, use_errno=True)
sets = []


def must(result):
    if result < 0:
        code = ctypes.get_errno()
        with open(DIR + "/verdict", "w") as file:
            file.write(f"skip {os.strerror(code)}")
        os._exit(0)
    return result


def operate(number, flags):
    op = struct.pack("=Hhh", 0, number, flags)
    must(libc.semop(sets[0], op, 1))


def semaphore():
    sets.append(must(libc.semget(0, 1, 0o600)))
    operate(1, 0)
    operate(-1, SEM_UNDO)


def in_thread(flag):
    ready = threading.Event()

    def alone():
        must(libc.unshare(flag))
        ready.set()
        time.sleep(1000)
    threading.Thread(target=alone, daemon=True).start()
    ready.wait()


def segments():
    """Entry 0 of the local descriptor table (struct user_desc)."""
    entry = struct.pack("=4I", 0, 0x1000, 0xfffff, 0x51)
    must(libc.syscall(SYS_MODIFY_LDT, 1, entry, len(entry)))


MAKERS = {
    "semaphore": semaphore,
    "pid_to_come": lambda: must(libc.unshare(CLONE_NEWPID)),
    "time_to_come": lambda: must(libc.unshare(CLONE_NEWTIME)),
    "thread_uts": lambda: in_thread(CLONE_NEWUTS),
    "thread_files": lambda: in_thread(CLONE_FILES),
    "thread_fs": lambda: in_thread(CLONE_FS),
    "segments": segments,
}

MAKERS[sys.argv[1]]()
open(DIR + "/ready", "w").close()
while not os.path.exists(DIR + "/go"):
    time.sleep(0.01)
if sets:
    value = libc.semctl(sets[0], 0, 12)
    libc.semctl(sets[0], 0, IPC_RMID)
    must(-1 if value else 0)
open(DIR + "/verdict", "w").write("ok")
os._exit(0)
