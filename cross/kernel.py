# SPDX-License-Identifier: GPL-2.0-or-later
"""kernel: Debian's kernels for a guest: the image, and the modules it loads.

A module's own "depends=" gives the order of loading, so that neither depmod
nor kmod is needed, here or in the guest.
"""
import glob
import lzma
import os
import re
import shutil

import debian

# The release after this one; its backports have the newest kernel there is.
NEXT = "trixie"
NEWEST = "newest"
# Kernel series: the suite beside main that has it.
SERIES = {"6.1": "", "6.12": "backports", NEWEST: NEXT}
FLAVOUR = {"x86_64": "cloud-amd64", "aarch64": "arm64",
           "ppc64le": "powerpc64le"}
# What stands behind a series for other sizes of a page: "6.12-64k".
PAGES = {("aarch64", "6.12"): ["16k"], ("ppc64le", "6.12"): ["64k"]}
# Not every CPU can have them.
CPU_OF_PAGES = {("aarch64", "16k"): "neoverse-n1"}


def cpu(machine, name):
    """The CPU that a kernel needs; None: the usual one will do."""
    return CPU_OF_PAGES.get((machine, name.partition("-")[2]))


def names(machine):
    """All kernels that there are for a machine."""
    return list(SERIES) + [f"{series}-{pages}" for series in SERIES
                           for pages in PAGES.get((machine, series), [])]


def package_pattern(machine, name):
    """What the package of a kernel is called, and the suite that has it."""
    if name not in names(machine):
        raise debian.Offline(f"there is no Linux {name} for {machine}")
    series, _, pages = name.partition("-")
    version = (r"\d+\.\d+" if series == NEWEST
               else series.replace(".", r"\."))
    flavour = FLAVOUR[machine] + (f"-{pages}" if pages else "")
    return (rf"linux-image-{version}\.\d+(\+deb\d+)?(-\d+)?-{flavour}",
            SERIES[series])


def package_parts(package):
    """A kernel is one package, or since 6.19 four."""
    return [package] + [package.replace("-image-", part) for part in
                        ("-base-", "-binary-", "-modules-")]


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def tree_find(tree, *patterns):
    """The first file of an unpacked package that fits a pattern."""
    return [path for pattern in patterns
            for path in glob.glob(os.path.join(tree, pattern))][0]


class Modules:
    """The modules of an unpacked kernel package."""

    def __init__(self, tree):
        self.paths, self.chosen = {}, []
        self.folder = tree_find(tree, "lib/modules/*", "usr/lib/modules/*")
        for where, _, files in os.walk(self.folder):
            for name in files:
                if ".ko" in name:
                    path = os.path.join(where, name)
                    self.paths[module_name(path)] = path
        with open(os.path.join(self.folder, "modules.builtin")) as file:
            self.built_in = {module_name(line.strip()) for line in file}

    def read(self, name):
        with open(self.paths[name], "rb") as file:
            data = file.read()
        if self.paths[name].endswith(".xz"):
            data = lzma.decompress(data)
        return data

    def add(self, name):
        """Choose a module and all it needs; those a kernel lacks are left
        out, tests that need them skip."""
        name = name.replace("-", "_")
        if (name in self.built_in or name not in self.paths
                or name in [seen for seen, _ in self.chosen]):
            return
        data = self.read(name)
        for pattern in (rb"\0depends=([^\0]*)\0", rb"\0softdep=pre: ([^\0]*)\0"):
            match = re.search(pattern, data)
            for needed in re.split(r"[, ]", match.group(1).decode()
                                   if match else ""):
                if needed:
                    self.add(needed)
        self.chosen.append((name, data))


def fetch(machine, name):
    """A folder with the kernel's image, "vmlinuz", its "release" and modules
    as "modules/NNN-name.ko"."""
    wanted = debian.package_list("modules")
    pattern, suite = package_pattern(machine, name)

    def make(path):
        debian.say(f"fetching Linux {name} for {machine}")
        apt = debian.Apt(machine, suite)
        parts = apt.known(package_parts(apt.newest(pattern)))
        tree, debs = path + ".tree", path + ".debs"
        debian.unpack(apt.fetch(parts, debs, alone=True), tree)
        modules = Modules(tree)
        for module in wanted:
            modules.add(module)
        os.makedirs(os.path.join(path, "modules"))
        for number, (module, data) in enumerate(modules.chosen):
            with open(f"{path}/modules/{number:03d}-{module}.ko", "wb") as file:
                file.write(data)
        image = tree_find(tree, "boot/vmlinu[xz]-*",
                          "usr/lib/modules/*/vmlinu[xz]")
        shutil.copy(image, os.path.join(path, "vmlinuz"))
        with open(os.path.join(path, "release"), "w") as file:
            file.write(os.path.basename(modules.folder))
        shutil.rmtree(tree)
        shutil.rmtree(debs)

    return debian.once(machine, f"kernel-{name}", [pattern, wanted], make)
