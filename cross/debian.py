# SPDX-License-Identifier: GPL-2.0-or-later
"""debian: packages of any Debian machine, fetched and unpacked, not installed.

Each machine has an apt root of its own below the cache folder, with the
mirror that the host's apt uses; the host's package database is neither read
nor changed, and no root rights are needed. Only the main suite and, for newer
kernels, its backports are used (security suites of ports lag behind), and for
the newest kernel and emulator the release after this one.
"""
import fcntl
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# uname -m: (Debian's name, triplet, prefix of the cross tools)
MACHINES = {
    "x86_64": ("amd64", "x86_64-linux-gnu"),
    "aarch64": ("arm64", "aarch64-linux-gnu"),
    "ppc64le": ("ppc64el", "powerpc64le-linux-gnu"),
}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Offline(Exception):
    """The packages cannot be had: no network, no mirror, no apt."""


def say(text):
    print(f"cross: {text}", file=sys.stderr, flush=True)


def cache_dir(*parts):
    base = os.environ.get("STASIS_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME")
                            or os.path.expanduser("~/.cache"), "stasis")
    path = os.path.join(base, *parts)
    os.makedirs(path, exist_ok=True)
    return path


def lock(machine):
    """Held until the program ends: one fetches, others wait and find it."""
    file = open(os.path.join(cache_dir(machine), "lock"), "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def package_list(section):
    """The packages of one [section] of cross/packages."""
    found, inside = [], False
    with open(os.path.join(HERE, "packages")) as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line.startswith("["):
                inside = line == f"[{section}]"
            elif line and inside:
                found += line.split()
    return found


def codename():
    with open("/etc/os-release") as file:
        match = re.search(r"^VERSION_CODENAME=(\w+)", file.read(), re.M)
    if not match:
        raise Offline("this host has no Debian codename")
    return match.group(1)


def host_sources():
    """(address, suites) of each source that the host's apt has."""
    found = []
    for path in (glob.glob("/etc/apt/sources.list")
                 + sorted(glob.glob("/etc/apt/sources.list.d/*.list"))):
        with open(path) as file:
            for line in file:
                match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
                if match:
                    found.append((match.group(1), [match.group(2)]))
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        with open(path) as file:
            text = re.sub(r"^#.*\n", "", file.read(), flags=re.M)
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.M))
            for uri in fields.get("URIs", "").split():
                found.append((uri, fields.get("Suites", "").split()))
    return found


def mirror():
    for uri, suites in host_sources():
        if codename() in suites:
            return uri
    raise Offline(f"the host's apt has no source for {codename()}")


def suites(more):
    """What the word behind a cache's "apt-" stands for: "" is this release,
    "backports" that with its backports, a codename another release."""
    if more in ("", "backports"):
        return [codename(), f"{codename()}-{more}"][:2 if more else 1]
    return [more, f"{more}-backports"]


class Apt:
    """apt of one machine, for some suites."""

    def __init__(self, machine, more=""):
        self.arch = MACHINES[machine][0]
        self.root = cache_dir(machine, "apt" + (f"-{more}" if more else ""))
        self.config = os.path.join(self.root, "apt.conf")
        self.suites = suites(more)
        self.configured = False

    def configure(self):
        for part in ("parts", "conf", "pref", "state/lists/partial",
                     "cache/archives/partial"):
            os.makedirs(os.path.join(self.root, part), exist_ok=True)
        status = os.path.join(self.root, "status")
        open(status, "a").close()
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        with open(os.path.join(self.root, "sources.list"), "w") as file:
            for suite in self.suites:
                file.write(f"deb {signed}{mirror()} {suite} main\n")
        settings = {
            "APT::Architecture": self.arch, "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false", "Acquire::Languages": "none",
            "APT::Update::Error-Mode": "any",
            "Acquire::Retries": "2", "Acquire::http::Timeout": "30",
            "Dir::Etc::sourcelist": f"{self.root}/sources.list",
            "Dir::Etc::sourceparts": f"{self.root}/parts",
            "Dir::Etc::parts": f"{self.root}/conf",
            "Dir::Etc::preferencesparts": f"{self.root}/pref",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::State": f"{self.root}/state",
            "Dir::State::status": status, "Dir::Cache": f"{self.root}/cache",
            # The last suite goes first; backports would else come last.
            "APT::Default-Release": self.suites[-1],
        }
        with open(self.config, "w") as file:
            file.write(f'APT::Architectures {{ "{self.arch}"; }};\n')
            for name, value in settings.items():
                file.write(f'{name} "{value}";\n')
        self.run("apt-get", "-qq", "update")
        self.configured = True

    def run(self, *command, cwd=None):
        try:
            done = subprocess.run(
                command, env=dict(os.environ, APT_CONFIG=self.config),
                cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError as error:
            raise Offline(str(error)) from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise Offline(f"{' '.join(command[:2])} ({self.arch}): {last}")
        return done.stdout

    def fetch(self, packages, out, alone=False):
        """Download packages (alone: without what they depend on) to out."""
        if not self.configured:
            self.configure()
        os.makedirs(os.path.join(out, "partial"), exist_ok=True)
        if alone:
            self.run("apt-get", "-qq", "download", *packages, cwd=out)
        else:
            self.run("apt-get", "-qq", "install", "-y", "--download-only",
                     "-o", f"Dir::Cache::archives={out}", *packages)
        return sorted(glob.glob(os.path.join(out, "*.deb")))

    def newest(self, pattern):
        """The package with the highest version in its name."""
        if not self.configured:
            self.configure()
        names = self.run("apt-cache", "pkgnames", "linux-image-").split()
        found = [name for name in names if re.fullmatch(pattern, name)]
        if not found:
            raise Offline(f"the mirror has no package like {pattern}")
        return max(found, key=lambda name: [
            int(n) for n in re.findall(r"\d+", name)])

    def known(self, names):
        """Those of the names that are packages."""
        found = self.run("apt-cache", "pkgnames").split()
        return [name for name in names if name in found]


def unpack(debs, out):
    os.makedirs(out, exist_ok=True)
    for deb in debs:
        subprocess.run(["dpkg", "-x", deb, out], check=True)


def links_make_relative(root):
    """Absolute links would lead out of the tree into the host's own."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                continue
            target = os.readlink(path)
            if target.startswith("/"):
                os.unlink(path)
                os.symlink(os.path.relpath(root + target, folder), path)


def once(machine, name, recipe, build):
    """cache/machine/name, built by build(path) unless a run before did with
    the same recipe (anything that JSON can hold)."""
    path = os.path.join(cache_dir(machine), name)
    stamp = path + ".stamp"
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    try:
        with open(stamp) as file:
            if file.read() == key and os.path.exists(path):
                return path
    except FileNotFoundError:
        pass
    subprocess.run(["rm", "-rf", path, stamp], check=True)
    build(path)
    with open(stamp, "w") as file:
        file.write(key)
    return path
