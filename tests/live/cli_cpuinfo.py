# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_cpuinfo: CPUs stored, checked and compared, and what restore makes of
it. Hosts with other CPUs are made by changing images of this one."""
import json
import os
import platform

import harm
from client import start_worker
from harness import Skip, alive, check, descendants, test
from image_edit import (change, change_image, change_manifest, fields, pack,
                        read, write)



class Words:
    """The feature words in a machine's entry of cpuinfo.img; a feature is
    (its name, which word, its bit)."""

    def __init__(self, fields, absent, moot, common):
        self.fields = fields  # the entry's fields that are words
        self.absent = absent  # no CPU that runs this has it
        self.moot = moot  # code runs without it
        self.common = common  # all CPUs have it


WORDS = {
    # 80000001.ecx; 7.0.ebx, which hypervisors hide; 1.ecx
    "x86_64": Words([6], ("xop", 6, 1 << 11), ("hle", 9, 1 << 4),
                    ("popcnt", 4, 1 << 23)),
    "aarch64": Words([1, 2, 3], ("poe", 1, 1 << 63), ("ssbs", 0, 1 << 28),
                     ("crc32", 0, 1 << 7)),
    # htm is emulated nowhere, and gone from POWER10.
    "ppc64le": Words([2], ("htm", 1, 1 << 30), ("htm-nosc", 1, 1 << 24),
                     ("vcrypto", 1, 1 << 25)),
}[platform.machine()]
ABSENT = WORDS.absent[0]
# In a manifest: its cpuinfo.
MANIFEST_CPUINFO = 12
# The field numbers of the way from a core image to xsave's xstate_bv.
CORE_XSTATE_BV = (2, 3, 13, 1)


def entry_changed(entry, feature, wanted):
    """A packed cpuinfo whose CPU has a feature, or has it not."""
    _, word, bit = feature
    entry = fields(entry)
    cpu = fields(entry[0][2])
    words = [field for field in cpu if field[0] in WORDS.fields]
    words[word][2] = words[word][2] & ~bit | (bit if wanted else 0)
    entry[0][2] = pack(cpu)
    return pack(entry)


def change_cpu(path, feature, wanted):
    """The same in a cpuinfo.img."""
    change_image(path, lambda data: entry_changed(data, feature, wanted))


def change_record(img, work):
    """work makes a new record of the CPU of a dump's; None: none."""
    def change_entry(manifest):
        found = [field for field in manifest if field[0] == MANIFEST_CPUINFO]
        check(len(found) == 1, f"{len(found)} CPUs in the manifest")
        found[0][2] = work(found[0][2])

    change_manifest(img, change_entry)


def refused(case, words, *args):
    result = case.engine(*args)
    check(result.code == 1, f"{args} exits with {result.code}")
    check(result.out == "", f"{args} writes to stdout: {result.out}")
    check(result.err.startswith("stasis: ") and words in result.err,
          f"{args} does not say '{words}': {result.err}")
    return result


def stored(case, name="host"):
    path = case.make_dir(name)
    result = case.engine("cpuinfo", "dump", "-D", path)
    check(result.code == 0 and result.err == "", result.explain())
    return path


@test("cpuinfo dump writes what cpuinfo check takes, strictly too")
def cli_cpuinfo_same(case):
    path = stored(case)
    check(os.listdir(path) == ["cpuinfo.img"], f"{os.listdir(path)}")
    for cap in ([], ["--cpu-cap"], ["--cpu-cap=none"], ["--cpu-cap=fpu"]):
        result = case.engine("cpuinfo", "check", "-D", path, *cap)
        check(result.code == 0 and "can run" in result.out
              and result.err == "", result.explain())


@test("CPUs may be stored and compared by every user")
def cli_cpuinfo_user(case):
    path = case.make_dir("host")
    user = {"user": 65534, "group": 65534, "extra_groups": [],
            "env": {"PATH": os.environ["PATH"]}}
    try:
        result = case.engine("cpuinfo", "dump", "-D", path, **user)
    except PermissionError:
        raise Skip("the program's folder is closed to other users")
    check(result.code == 0, result.explain())
    for args in (["-D", path], ["--against", path]):
        result = case.engine("cpuinfo", "check", *args, **user)
        check(result.code == 0, result.explain())


@test("a cpuinfo that is missing, damaged or another file is refused")
def cli_cpuinfo_bad(case):
    result = refused(case, "cpuinfo.img", "cpuinfo", "check", "-D", case.img)
    check("hint: it is made by 'cpuinfo dump'" in result.err, result.err)
    path = os.path.join(stored(case), "cpuinfo.img")
    whole = read(path)
    for data in (b"", whole[:7], whole[:-1], whole + b"\0", whole + whole[8:],
                 whole[:4] + b"\0" + whole[5:], whole[:12] + b"\xff" * 20):
        write(path, data)
        refused(case, "cpuinfo.img", "cpuinfo", "check", "-D",
                os.path.dirname(path))
        refused(case, path, "cpuinfo", "check", "--against", path)


@test("an unknown --cpu-cap name is one clear error")
def cli_cpuinfo_cap(case):
    for args in (["dump", "-t", "1"], ["restore"], ["cpuinfo", "check"]):
        result = refused(case, "--cpu-cap does not know 'gpu'", *args, "-D",
                         case.img, "--cpu-cap=fpu,gpu")
        check("hint: known are fpu, cpu, ins, all and none" in result.err,
              result.err)
    refused(case, "--json needs --against", "cpuinfo", "check", "--json")


@test("a CPU with less is refused by the names of what it lacks")
def cli_cpuinfo_lacks(case):
    path = stored(case)
    image = os.path.join(path, "cpuinfo.img")
    change_cpu(image, WORDS.absent, True)
    refused(case, f"lacks {ABSENT}; the image was made on one with them",
            "cpuinfo", "check", "-D", path)
    refused(case, f"lacks {ABSENT}", "cpuinfo", "check", "-D", path,
            "--cpu-cap=none")
    result = case.engine("cpuinfo", "check", "-D", path, "--cpu-cap=^ins")
    check(result.code == 0, result.explain())


@test("any number of hosts are compared, for people and for programs")
def cli_cpuinfo_matrix(case):
    same, more, less = (stored(case, name) for name in ("a", "more", "less"))
    change_cpu(os.path.join(more, "cpuinfo.img"), WORDS.absent, True)
    change_cpu(os.path.join(less, "cpuinfo.img"), WORDS.common, False)
    result = case.engine("cpuinfo", "check", "--against", same, more, less)
    check(result.code == 2 and result.err == "", result.explain())
    for line in ("    1    . yes  no", "    2   no   .  no",
                 "    3  yes yes   .", "  2 on 1"):
        check(line in result.out.splitlines(), f"'{line}': {result.out}")
    result = case.engine("cpuinfo", "check", "--json", "--against", more,
                         os.path.join(less, "cpuinfo.img"))
    found = json.loads(result.out)
    verdicts = {(v["from"], v["to"]): v for v in found["verdicts"]}
    check(result.code == 2 and not found["all_can"], result.explain())
    differing = {WORDS.absent[0], WORDS.common[0]}
    check(set(verdicts[0, 1]["lacks"]) == differing, result.out)
    check(verdicts[1, 0]["can"], result.out)
    check(not differing & set(found["baselines"][0]["features"]),
          result.out)
    result = case.engine("cpuinfo", "check", "--against", same)
    check(result.code == 0 and "this host" in result.out, result.explain())


@test("dump stores the CPU only when asked, and restore wants it then")
def cli_cpuinfo_restore(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    plain, full = case.make_dir("plain"), case.make_dir("full")
    case.dump(victim, "-R", img=plain)
    check("cpuinfo.img" not in os.listdir(plain), "cpuinfo.img unasked for")
    case.dump(victim, "--cpu-cap", img=full)
    check("cpuinfo.img" in os.listdir(full), "no cpuinfo.img")
    refused(case, "belongs to it", "cpuinfo", "dump", "-D", full)
    before = harm.host_picture(case)
    result = case.try_restore("--cpu-cap", img=plain)
    check(result.code == 1, result.explain())
    harm.check_one_error(result, "cpuinfo.img", "No such file")
    harm.check_nothing_created(case, before, tree, "no cpuinfo.img")
    case.restore(victim, "--cpu-cap=all", img=full)
    harm.quiet_verdict(case, victim)


@test("a restore that lacks what the dump's host had is refused or let pass")
def cli_cpuinfo_richer(case):
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim, "--cpu-cap=ins")
    os.unlink(os.path.join(case.img, "stasis.img"))
    change_cpu(os.path.join(case.img, "cpuinfo.img"), WORDS.absent, True)
    before = harm.host_picture(case)
    result = case.try_restore("--cpu-cap=ins")
    check(result.code == 1, result.explain())
    harm.check_one_error(result, f"lacks {ABSENT}", "made on one with them")
    harm.check_nothing_created(case, before, tree, "a CPU with less")
    case.restore(victim, "--cpu-cap=^ins")
    harm.quiet_verdict(case, victim)


@test("registers in use that this CPU lacks are refused before the restore")
def cli_cpuinfo_in_use(case):
    if platform.machine() != "x86_64":
        raise Skip("what is in use is told by xsave, which only x86_64 has")
    victim = harm.quiet_victim(case)
    tree = [victim] + descendants(victim)
    case.dump(victim)
    os.unlink(os.path.join(case.img, "stasis.img"))
    core = os.path.join(case.img, f"core-{victim}.img")
    whole = read(core)
    change_image(core, lambda data: change(
        data, CORE_XSTATE_BV, lambda old: old | 1 << 18))
    before = harm.host_picture(case)
    result = case.try_restore()
    check(result.code == 1, result.explain())
    harm.check_one_error(result, f"thread {victim}", "amx tile data")
    harm.check_nothing_created(case, before, tree, "registers in use")
    write(core, whole)
    case.restore(victim)
    harm.quiet_verdict(case, victim)


def richer_dump(case):
    """An image of a quiet victim, from a host that had more."""
    victim = harm.quiet_victim(case)
    case.dump(victim)
    check("cpuinfo.img" not in os.listdir(case.img), "cpuinfo.img unasked for")
    change_record(case.img, lambda entry: entry_changed(
        entry, WORDS.absent, True))
    return victim


@test("code that this CPU cannot run is refused unasked, and let pass if told")
def cli_cpuinfo_record(case):
    victim = richer_dump(case)
    before = harm.host_picture(case)
    result = case.try_restore()
    check(result.code == 1, result.explain())
    harm.check_one_error(result, "this host is not enough",
                         f"lacks {ABSENT}")
    check("hint: --cpu-cap=none restores it anyway" in result.err, result.err)
    harm.check_nothing_created(case, before, [victim], "a CPU with less")
    case.restore(victim, "--cpu-cap=none")
    log = read(os.path.join(case.img, "restore.log")).decode()
    check("restoring anyway, as asked" in log and f"lacks {ABSENT}" in log,
          log)
    harm.quiet_verdict(case, victim)


@test("what code runs without, and an image that tells no CPU, are no obstacle")
def cli_cpuinfo_moot(case):
    victim = richer_dump(case)
    whole = read(os.path.join(case.img, "stasis.img"))
    change_record(case.img, lambda entry: None)
    case.restore(victim)
    harm.quiet_verdict(case, victim)
    case.gone([victim])
    write(os.path.join(case.img, "stasis.img"), whole)
    change_record(case.img, lambda entry: entry_changed(entry_changed(
        entry, WORDS.absent, False), WORDS.moot, True))
    case.restore(victim)
    check(alive(victim), "not restored")


@test("a record of the CPU that is damaged is one clear error")
def cli_cpuinfo_record_bad(case):
    richer_dump(case)
    for work, words in (
            (lambda entry: pack(fields(entry)[1:]), "no CPU of a machine"),
            (lambda entry: pack([fields(entry)[0]] + fields(entry)),
             r"2 \w+ CPUs, not one")):
        whole = read(os.path.join(case.img, "stasis.img"))
        change_record(case.img, work)
        result = case.try_restore()
        check(result.code == 1, result.explain())
        harm.check_one_error(result, words)
        write(os.path.join(case.img, "stasis.img"), whole)


@test("over RPC the same is refused, and cpu_cap 0 lets it pass")
def cli_cpuinfo_rpc(case):
    victim = richer_dump(case)
    opts = {"images_dir": case.img, "log_level": 4, "rst_sibling": True}
    for more, success in (({}, False), ({"cpu_cap": 0}, True)):
        client = start_worker(case)
        answer = client.call("RESTORE", {**opts, **more})
        client.worker.stdout.read()
        client.close()
        check(answer.success == success, f"{answer}")
        if not success:
            check(f"lacks {ABSENT}" in answer.cr_errmsg, f"{answer}")
    check(alive(victim), "not restored")
