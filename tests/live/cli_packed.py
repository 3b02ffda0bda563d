# SPDX-License-Identifier: GPL-2.0-or-later
"""cli_packed: words that a message packs are those of CRIU's images.

victims/packed.c has unusual values of what the format packs into words; its
images must say the same of them as those that CRIU made of the same program
(tests/data/samples/packed). Fields have numbers only here: what they mean is
none of this test's business.
"""
import glob
import os
import struct

import image_edit
from harness import check, test

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "..", "data", "samples", "packed")
# Of the program: its files, and where its areas are.
FDS = range(20, 30)
AREAS = range(0x200000000, 0x201000000)
CORE_TASK, CORE_THREAD = 3, 5
# Fields of both that tell of the host, the clock or addresses of the C
# library: cg_set, loginuid, oom_score_adj; cg_set, rseq.
TASK_OTHERS, THREAD_OTHERS = {9, 13, 14}, {15, 16}
TIMERS, LIMITS, ACTIONS, CREDS = 7, 8, 15, 10
LIMITS_SET = (0, 4)      # RLIMIT_CPU, RLIMIT_CORE
ACTIONS_SET = (9, 12, 61)  # SIGUSR1, SIGPIPE, 64
# inh, prm, eff, bnd, amb: a host has those that it has
CAPS = range(9, 13)
FILE_TYPE = 2
# {type of a file: fields of its message that are this file's alone}: ids,
# names, inodes, owners, namespaces, times left
OWN = {1: {1, 6, 7}, 2: {1, 2, 5}, 4: {1, 2, 18}, 6: {1}, 7: {1}, 9: {1},
       17: {1, 7, 8}, 18: {1, 5}}
# Fields from here on are those of Stasis.
PRIVATE = 1000
EVENTFD, EVENTFD_FLAGS = 6, 2
EPOLL, EPOLL_TARGET = 7, 4
INET, IP_OPTS = 4, 16


def messages(path):
    data = image_edit.read(path)
    at, found = 8, []
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        found.append(image_edit.fields(data[at + 4:at + 4 + size]))
        at += 4 + size
    return found


def all_of(message, number):
    return [value for n, _wire, value in message if n == number]


def one(message, number):
    found = all_of(message, number)
    check(len(found) == 1, f"field {number}: {len(found)} times")
    return image_edit.fields(found[0]) if isinstance(found[0], bytes) \
        else found[0]


def without(message, numbers):
    return [field for field in message
            if field[0] not in numbers and field[0] < PRIVATE]


def same(what, ours, theirs):
    check(ours == theirs, f"{what}: {ours} is not CRIU's {theirs}")


def core(folder):
    paths = glob.glob(os.path.join(folder, "core-*.img"))
    check(len(paths) == 1, f"{paths}")
    return messages(paths[0])[0]


def timers_static(timers):
    """Without what is left of them."""
    return [[number, [field for field in image_edit.fields(value)
                      if field[0] not in ((3, 4) if number < 4 else (9, 10))]]
            for number, _wire, value in timers]


def task_check(ours, theirs):
    others = TASK_OTHERS | {TIMERS, LIMITS, ACTIONS}
    same("task", without(ours, others), without(theirs, others))
    same("timers", timers_static(one(ours, TIMERS)),
         timers_static(one(theirs, TIMERS)))
    for i in LIMITS_SET:
        same(f"limit {i}", one(ours, LIMITS)[i], one(theirs, LIMITS)[i])
    for i in ACTIONS_SET:
        same(f"action {i}", all_of(ours, ACTIONS)[i],
             all_of(theirs, ACTIONS)[i])
    same("actions", len(all_of(ours, ACTIONS)), len(all_of(theirs, ACTIONS)))


def caps_check(ours, theirs):
    """In two words, low one first, each without what was dropped."""
    for number in CAPS:
        same(f"capabilities {number}", len(all_of(ours, number)),
             len(all_of(theirs, number)))
    bound = all_of(ours, 12)
    check(len(bound) == 2 and not bound[0] >> 3 & 1 and not bound[1] >> 7 & 1
          and bound[0] & 1, f"bounding set {bound}")


def thread_check(ours, theirs):
    others = THREAD_OTHERS | {CREDS}
    same("thread", without(ours, others), without(theirs, others))
    ours, theirs = one(ours, CREDS), one(theirs, CREDS)
    same("credentials", without(ours, CAPS), without(theirs, CAPS))
    caps_check(ours, theirs)


def files(folder):
    """{fd: [flags, type of the file, its message]}"""
    found = {}
    by_id = {one(entry, 2): entry for entry in
             messages(os.path.join(folder, "files.img"))}
    path, = glob.glob(os.path.join(folder, "fdinfo-*.img"))
    for info in messages(path):
        entry = by_id[one(info, 1)]
        message = [field for field in entry if field[0] > 2]
        check(len(message) == 1, f"{entry}")
        found[one(info, 4)] = [one(info, 2), one(info, 3),
                               image_edit.fields(message[0][2])]
    return found


def owner_without_pid(value):
    return without(image_edit.fields(value), {5})


def message_shown(kind, message):
    """What of it is the same wherever the program runs. The owner of its
    signals is the message that begins with a uid, field 1 to 5."""
    shown = []
    for number, wire, value in without(message, OWN[kind]):
        if kind == EVENTFD and number == EVENTFD_FLAGS:
            value &= ~1  # EFD_SEMAPHORE, which only Stasis keeps
        if kind == EPOLL and number == EPOLL_TARGET:
            value = without(image_edit.fields(value), {1, 5, 6, 7})
        elif wire == 2 and (not value or kind == INET and number == IP_OPTS):
            continue  # CRIU stores none of IPv6, and empty ones of UDP
        elif wire == 2 and len(value) >= 10:
            try:
                inner = image_edit.fields(value)
            except IndexError:
                inner = []
            if [field[0] for field in inner] == [1, 2, 3, 4, 5]:
                value = owner_without_pid(value)
        shown.append([number, value])
    return shown


def areas(folder):
    path, = glob.glob(os.path.join(folder, "mm-*.img"))
    found = {}
    for value in all_of(messages(path)[0], 14):
        area = image_edit.fields(value)
        if one(area, 1) in AREAS:
            # 4 is the number of a file or of shared memory
            found[one(area, 1)] = without(area, {4})
    return found


def sets_check(ours, theirs):
    one_core, other = core(ours), core(theirs)
    task_check(one(one_core, CORE_TASK), one(other, CORE_TASK))
    thread_check(one(one_core, CORE_THREAD), one(other, CORE_THREAD))
    here, there = files(ours), files(theirs)
    for fd in FDS:
        same(f"fd {fd}", here[fd][:2], there[fd][:2])
        same(f"file of fd {fd}", message_shown(*here[fd][1:]),
             message_shown(*there[fd][1:]))
    here, there = areas(ours), areas(theirs)
    check(len(there) == 6, f"areas of CRIU: {sorted(there)}")
    for start in sorted(there):
        same(f"area {start:#x}", here.get(start), there[start])


@test("words that a message packs are those of CRIU's images of the same "
      "program, and come back")
def cli_packed(case):
    victim = case.start([case.program("packed")])
    case.ready(victim)
    case.dump(victim)
    if os.uname().machine == "x86_64":
        sets_check(case.img, SAMPLE)
    case.restore(victim)
    case.go()
    case.await_verdict(victim)
