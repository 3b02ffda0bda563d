# SPDX-License-Identifier: GPL-2.0-or-later
"""cpio: initramfs archives ("newc") of overlaid folders, made without root.

All belongs to root in the guest. Archives may be written one behind the
other: the kernel, or unpack(), unpacks each, later files win.
"""
import fnmatch
import os
import stat

# Nothing that a test needs; each small file takes a whole page of memory.
PRUNED = ("usr/share/doc", "usr/share/man", "usr/share/locale",
          "usr/share/info", "usr/share/lintian", "usr/share/zoneinfo",
          "usr/share/i18n", "usr/share/perl",
          "usr/share/perl5", "usr/lib/*/perl", "usr/lib/*/perl-base",
          "usr/lib/*/perl5", "usr/lib/*/gconv", "usr/lib/*/gconv.conf",
          "usr/share/bash-completion", "boot")
FOLDERS = ("dev", "proc", "sys", "run", "root", "mnt", "tmp", "var/tmp")


def pruned(path):
    return any(fnmatch.fnmatch(path, pattern) for pattern in PRUNED)


class Archive:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.inode = 0
        self.seen = set()

    def put(self, name, mode, data=b"", mtime=0, device=(0, 0)):
        self.inode += 1
        text = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, int(mtime), len(data), 0, 0,
                  *device, len(text), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + text
        self.file.write(head + b"\0" * (-len(head) % 4))
        self.file.write(data + b"\0" * (-len(data) % 4))

    def folder(self, name):
        """A folder and those above it, once."""
        if not name or name in self.seen:
            return
        self.folder(os.path.dirname(name))
        self.seen.add(name)
        sticky = name in ("tmp", "var/tmp")
        self.put(name, stat.S_IFDIR | (0o1777 if sticky else 0o755))

    def text(self, name, text, mode=0o755):
        self.folder(os.path.dirname(name))
        self.put(name, stat.S_IFREG | mode, text.encode())

    def add(self, path, name):
        """One file, link or folder (without what is in it)."""
        state = os.lstat(path)
        if stat.S_ISDIR(state.st_mode):
            self.folder(name)
            return
        self.folder(os.path.dirname(name))
        if stat.S_ISLNK(state.st_mode):
            self.put(name, state.st_mode, os.readlink(path).encode())
        elif stat.S_ISREG(state.st_mode):
            with open(path, "rb") as file:
                self.put(name, state.st_mode, file.read(), state.st_mtime)

    def add_tree(self, root, under=""):
        for where, folders, files in os.walk(root):
            inside = os.path.relpath(where, root)
            inside = "" if inside == "." else inside
            folders[:] = sorted(f for f in folders
                                if not pruned(os.path.join(inside, f)))
            for name in folders + sorted(files):
                self.add(os.path.join(where, name),
                         os.path.join(under, inside, name))

    def base_folders(self):
        for name in FOLDERS:
            self.folder(name)
        self.put("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        self.put("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))

    def close(self):
        self.put("TRAILER!!!", 0)
        # The kernel wants each archive to start at a multiple of four.
        self.file.write(b"\0" * (-self.file.tell() % 512))
        self.file.close()


def members(file):
    """(name, mode, mtime, device, data) of each member, of all archives."""
    while head := file.read(4):
        if not head.strip(b"\0"):
            continue  # between two archives
        head += file.read(106)
        if not head.startswith(b"070701"):
            raise ValueError("not an archive")
        fields = [int(head[at:at + 8], 16) for at in range(6, 110, 8)]
        name = file.read(fields[11])[:-1].decode()
        file.seek(-file.tell() % 4, os.SEEK_CUR)
        data = file.read(fields[6])
        file.seek(-file.tell() % 4, os.SEEK_CUR)
        if name != "TRAILER!!!":
            yield name, fields[1], fields[5], tuple(fields[9:11]), data


def unpack(path, root):
    """All archives of a file, below root, as the kernel does it."""
    with open(path, "rb") as file:
        for name, mode, mtime, device, data in members(file):
            target = os.path.join(root, name)
            if stat.S_ISDIR(mode):
                os.makedirs(target, exist_ok=True)
                os.chmod(target, stat.S_IMODE(mode))
                continue
            if os.path.lexists(target):
                os.unlink(target)
            if stat.S_ISLNK(mode):
                os.symlink(data.decode(), target)
            elif stat.S_ISREG(mode):
                with open(target, "wb") as out:
                    out.write(data)
                os.chmod(target, stat.S_IMODE(mode))
                os.utime(target, (mtime, mtime))
            else:
                os.mknod(target, mode, os.makedev(*device))
