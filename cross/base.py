# SPDX-License-Identifier: GPL-2.0-or-later
"""base: a guest's userland: Debian packages unpacked, not configured."""
import compileall
import glob
import os
import py_compile
import shutil
import sys

import cpio
import debian

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n"
HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
# What the packages' own scripts would have set up.
ALTERNATIVES = {"usr/bin/awk": "gawk", "usr/bin/nc": "nc.openbsd",
                "bin/sh": "dash"}


def tree_complete(tree):
    for name, target in ALTERNATIVES.items():
        path = os.path.join(tree, name)
        if not os.path.lexists(path):
            os.symlink(target, path)
    os.makedirs(os.path.join(tree, "etc"), exist_ok=True)
    for name, text in (("passwd", PASSWD), ("group", GROUP),
                       ("hosts", HOSTS), ("hostname", "guest\n")):
        with open(os.path.join(tree, "etc", name), "w") as file:
            file.write(text)


def python_compile(tree):
    """Byte code is the same on all machines, and an emulated one is slow."""
    here = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in glob.glob(os.path.join(tree, "usr/lib", here)):
        compileall.compile_dir(
            folder, quiet=2, workers=0, stripdir=tree,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def fetch(machine, compiler=False):
    """The base archive of a machine; the kernel unpacks it as is. One with a
    compiler has all that the program is built with."""
    packages = debian.package_list("guest")
    if compiler:
        packages += (debian.package_list("sysroot")
                     + debian.package_list("compiler"))
    recipe = [packages, PASSWD, sorted(ALTERNATIVES.items()), cpio.PRUNED, "byte code"]

    def make(path):
        debian.say(f"fetching the guest's userland of {machine}")
        tree, debs = path + ".tree", path + ".debs"
        debian.unpack(debian.Apt(machine).fetch(packages, debs), tree)
        tree_complete(tree)
        python_compile(tree)
        archive = cpio.Archive(path)
        archive.base_folders()
        archive.add_tree(tree)
        archive.close()
        shutil.rmtree(tree)
        shutil.rmtree(debs)

    name = "compiler.cpio" if compiler else "base.cpio"
    return debian.once(machine, name, recipe, make)
