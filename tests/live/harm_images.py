# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_images: damaged and foreign images are refused, nothing is created."""
import os
import random
import struct
import subprocess

import harm
import image_edit
from harness import check, descendants, test

# In a manifest.
MANIFEST_MACHINE, MANIFEST_PAGE_SIZE = 4, 5


def dumped(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    check(len(harm.images(case.img)) >= 8, "few image files were written")
    return victim, tree


def refused(case, tree, before, when, *words):
    result = case.try_restore()
    check(result.code == 1, f"{when}: exit {result.code}: {result.explain()}")
    harm.check_one_error(result, *words)
    harm.check_nothing_created(case, before, tree, when)


def swap(path, data):
    with open(path, "wb") as file:
        file.write(data)


def spoil_each(case, spoil):
    """Each image file in turn is spoilt, refused by name, and put back."""
    victim, tree = dumped(case)
    for path in harm.images(case.img):
        with open(path, "rb") as file:
            whole = file.read()
        for when, data in spoil(whole):
            if data is None:
                os.unlink(path)
            else:
                swap(path, data)
            before = harm.host_picture(case)
            name = os.path.basename(path)
            words = [name] if data is not None else []
            refused(case, tree, before, f"{name} {when}", *words)
        swap(path, whole)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("a flipped bit in any image file is detected", limit=60)
def harm_bit_flips(case):
    def flips(whole):
        places = {0, len(whole) - 1, len(whole) // 2}
        places.add(random.randrange(len(whole)))
        for place in places:
            bit = random.randrange(8)
            data = bytearray(whole)
            data[place] ^= 1 << bit
            yield f"bit {bit} of byte {place}", bytes(data)
    spoil_each(case, flips)


@test("a truncated image file is detected", limit=60)
def harm_truncated(case):
    spoil_each(case, lambda whole: [
        (f"cut to {size} bytes", whole[:size])
        for size in {0, 3, len(whole) // 2, len(whole) - 1}])


@test("bytes behind the end of an image file are detected", limit=60)
def harm_appended(case):
    spoil_each(case, lambda whole: [("with a tail", whole + b"\0"),
                                    ("doubled", whole + whole)])


@test("a missing image file is detected", limit=60)
def harm_missing(case):
    victim, tree = dumped(case)
    for path in harm.images(case.img):
        os.rename(path, case.dir + "/aside")
        if os.path.basename(path) != "stasis.img":
            before = harm.host_picture(case)
            refused(case, tree, before, f"no {os.path.basename(path)}",
                    os.path.basename(path))
        os.rename(case.dir + "/aside", path)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("files of two dumps in one directory are detected")
def harm_mixed(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    older = case.make_dir("older")
    case.dump(victim, "-R", img=older)
    case.dump(victim)
    name = f"core-{victim}.img"
    with open(os.path.join(older, "inventory.img"), "rb") as file:
        old = file.read()
    path = os.path.join(case.img, "inventory.img")
    with open(path, "rb") as file:
        new = file.read()
    if old != new:
        swap(path, old)
        refused(case, tree, harm.host_picture(case), "inventory.img of "
                "another dump", "inventory.img")
        swap(path, new)
    check(os.path.exists(os.path.join(case.img, name)), f"no {name}")
    case.restore(victim)
    harm.quiet_verdict(case, victim)


def first_field(path, number, value):
    """Set a one-byte varint field of a file's first entry; no manifest."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    skip = 4 if path.endswith("inventory.img") else 8
    size = struct.unpack_from("<I", data, skip)[0]
    at, end = skip + 4, skip + 4 + size
    while at < end and data[at] & 7 == 0:
        if data[at] >> 3 == number:
            data[at + 1] = value
            swap(path, data)
            return
        at += 2
        while data[at - 1] & 0x80:
            at += 1
    raise AssertionError(f"{path} has no field {number} in front")


@test("a zombie of images that ended by what ends nobody is refused")
def harm_zombie_status(case):
    victim = case.start([case.program("zombie")])
    case.ready(victim)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    os.unlink(os.path.join(case.img, "stasis.img"))
    path = os.path.join(case.img, f"core-{tree[-1]}.img")
    # SIGSTOP, SIGCONT, no signal at all, and bits that nobody has given.
    for status in (19, 18, 65, 1 << 16):
        image_edit.change_image(path, lambda message: image_edit.change(
            message, [3, 2], lambda _: status))
        refused(case, tree, harm.host_picture(case), f"status {status:#x}",
                "no end")


@test("images of another machine and of another version are refused")
def harm_foreign(case):
    victim, tree = dumped(case)
    os.unlink(os.path.join(case.img, "stasis.img"))
    core = os.path.join(case.img, f"core-{victim}.img")
    inventory = os.path.join(case.img, "inventory.img")
    saved = {}
    for path in (core, inventory):
        with open(path, "rb") as file:
            saved[path] = file.read()
    own = {"x86_64": 1, "aarch64": 3, "ppc64le": 4}[os.uname().machine]
    for machine in {1, 3, 4, 77} - {own}:  # 77 is none at all
        first_field(core, 1, machine)
        refused(case, tree, harm.host_picture(case), f"machine {machine}",
                "machine|arch|x86_64|aarch64|ppc64")
    swap(core, saved[core])
    for version in (1, 3):
        first_field(inventory, 1, version)
        refused(case, tree, harm.host_picture(case), f"version {version}",
                "version")
    swap(inventory, saved[inventory])
    case.restore(victim)
    harm.quiet_verdict(case, victim)


def manifest_set(case, number, value):
    def work(manifest):
        found = [field for field in manifest if field[0] == number]
        check(len(found) == 1, f"{len(found)} fields {number} in the manifest")
        found[0][2] = value

    image_edit.change_manifest(case.img, work)


@test("a manifest of another machine or with pages of another size is refused")
def harm_foreign_manifest(case):
    victim, tree = dumped(case)
    path = os.path.join(case.img, "stasis.img")
    whole = image_edit.read(path)
    own = os.sysconf("SC_PAGE_SIZE")
    here = os.uname().machine

    for machine in {"x86_64", "aarch64", "ppc64le", "z80"} - {here}:
        manifest_set(case, MANIFEST_MACHINE, machine.encode())
        refused(case, tree, harm.host_picture(case), machine,
                f"the image was made on {machine}, this machine is {here}")
        swap(path, whole)
    for size in {4096, 16384, 65536} - {own}:
        manifest_set(case, MANIFEST_PAGE_SIZE, size)
        refused(case, tree, harm.host_picture(case), f"pages of {size}",
                f"the image has pages of {size} bytes, this kernel has {own}")
        swap(path, whole)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


@test("without a manifest damaged images never crash or hang the engine",
      limit=60)
def harm_no_manifest(case):
    victim, tree = dumped(case)
    os.unlink(os.path.join(case.img, "stasis.img"))
    for path in harm.images(case.img):
        if os.path.basename(path).startswith("pages-"):
            continue
        with open(path, "rb") as file:
            whole = file.read()
        for size in sorted({0, 3, 7, len(whole) // 2, len(whole) - 1}):
            swap(path, whole[:size])
            result = case.engine("inspect", case.img)
            check(result.code in (0, 1), f"inspect of {path} cut to {size} "
                  f"ends with {result.code}")
            result = case.engine("restore", "-D", case.img, "--plan")
            check(result.code in (0, 1), f"plan of {path} cut to {size} "
                  f"ends with {result.code}")
        swap(path, whole)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def processes(size):
    """Records of pstree: each process has one thread, itself."""
    pid, n = 1000, 0
    while n < size:
        record = b"".join(
            bytes([field << 3]) + varint(value) for field, value in
            ((1, pid), (2, 1), (3, pid), (4, pid), (5, pid)))
        yield struct.pack("<I", len(record)) + record
        n += len(record) + 4
        pid += 1


def one_process(size, part):
    record = bytes([8, 1, 16, 0, 24, 1, 32, 1]) + part * (size // len(part))
    yield struct.pack("<I", len(record)) + record


@test("no command takes more than ten times the bytes of an image", limit=120)
def harm_rich_images(case):
    dumped(case)
    size = 40 << 20
    os.unlink(os.path.join(case.img, "stasis.img"))
    path = os.path.join(case.img, "pstree.img")
    with open(path, "rb") as file:
        head = file.read(8)
    for name, records in (
            ("processes", processes(size)),
            ("threads", one_process(size, b"\x28\xe8\x07")),
            ("nothing", one_process(size, b"\xf8\x01\x00"))):
        with open(path, "wb") as file:
            file.write(head)
            file.writelines(records)
        for words in (["inspect"], ["restore", "--plan"]):
            engine = subprocess.Popen(
                [case.stasis, *words, "-D", case.img],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            said = engine.stderr.read()
            _, status, usage = os.wait4(engine.pid, 0)
            engine.returncode = os.waitstatus_to_exitcode(status)
            check(engine.returncode == 1 and b"pstree.img" in said
                  or b"core-" in said or b"thread" in said,
                  f"{name}, {words}: {engine.returncode} {said}")
            check(usage.ru_maxrss << 10 < 10 * os.path.getsize(path),
                  f"{name}, {words}: {usage.ru_maxrss} KiB")
