# SPDX-License-Identifier: GPL-2.0-or-later
"""here: a guest without an emulator: its userland in namespaces of this host,
so under this host's own kernel and on its CPU.

    here.py INITRD ROOT [OUT]

Everything a guest sees but the kernel is there: the same files at the same
paths, with the same times, its own pids, mounts and network. ROOT is an empty
folder, OUT what the job finds as /stasis/out. Needs root.
"""
import os
import subprocess
import sys

import cpio

# Among kernels, the name of this host's own.
HOST = "host"
NODES = ("null", "zero", "full", "random", "urandom", "tty")


def command(initrd, root, disk=None):
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net",
            "--uts", "--ipc", sys.executable, "-B", __file__, initrd, root,
            *([disk] if disk else [])]


def why_not(machine):
    """Why this host cannot be a guest; None: it can."""
    if machine != os.uname().machine:
        return f"this host is no {machine}"
    return "not root" if os.geteuid() else None


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def nodes_make(root):
    """What programs open of /dev; a devtmpfs would be that of the host."""
    mount("-t", "tmpfs", "-o", "mode=755", "dev", os.path.join(root, "dev"))
    for name in NODES:
        state = os.stat(os.path.join("/dev", name))
        path = os.path.join(root, "dev", name)
        os.mknod(path, state.st_mode, state.st_rdev)
        os.chmod(path, 0o666)


def root_make(initrd, root, disk):
    # Seen in this mount namespace only.
    mount("-t", "tmpfs", "-o", "mode=755", "root", root)
    cpio.unpack(initrd, root)
    nodes_make(root)
    if disk:
        out = os.path.join(root, "stasis/out")
        open(out, "w").close()
        mount("--bind", disk, out)
    mount("-t", "proc", "proc", os.path.join(root, "proc"))
    mount("-t", "sysfs", "sys", os.path.join(root, "sys"))


def main():
    initrd, root, disk = (sys.argv[1:] + [None])[:3]
    root_make(initrd, root, disk)
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "mnt"], check=True)
    subprocess.run(["/bin/umount", "-l", "/mnt"], check=True)
    os.execv("/stasis/guest_job", ["/stasis/guest_job"])


if __name__ == "__main__":
    main()
