# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_memory: memory runs out at any moment, and nobody is harmed.

LIVE_KILLS= says at how many pieces of memory, LIVE_SEED= makes them others.
"""
import os
import random
import resource
import signal
import time

import harm
from harm_kill import (KILLS, LONG, SEED, Restless, dump_asked, engines,
                       restored, send, tracer_now)
from harness import check, descendants, state, test, wait_until

WAYS = ("memory", "last-memory")


def dump(case, victim, way, n):
    return case.try_dump(victim.root, "-R", "--no-default-config",
                         "--fail-at", f"{way}:{n}")


def restore(case, way, n):
    return case.try_restore("--no-default-config", "--fail-at", f"{way}:{n}")


def count(run):
    """Pieces of memory that a walk takes: the last one that can fail."""
    low, high = 0, 1
    while run("last-memory", high).code:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if run("last-memory", middle).code:
            low = middle
        else:
            high = middle
    return low


def picked(total):
    """All of the first ones, and others up to the last."""
    pick = random.Random(SEED)
    some = {pick.randint(1, total) for _ in range(KILLS)}
    return sorted(some | {1, 2, 3, total})


def check_told(case, result, when):
    if result.code:
        said = harm.check_one_error(result, "memory ran out")
        check("hint: " in result.err, f"{when}: no hint: {said}")


def leftovers(case):
    return [name for folder in (case.img, case.work)
            for name in os.listdir(folder) if name.startswith(".stasis")]


@test("memory that runs out at any moment of a dump harms nobody", 4 * LONG)
def harm_memory_dump(case):
    victim = Restless(case, "threads")

    def run(way, n):
        for name in os.listdir(case.img):
            os.unlink(os.path.join(case.img, name))
        result = dump(case, victim, way, n)
        check_told(case, result, f"{way}:{n}")
        check(harm.whole(case.img) == (result.code == 0),
              f"{way}:{n}: {os.listdir(case.img)} after {result.code}")
        check(not leftovers(case), f"{way}:{n}: {leftovers(case)} is left")
        harmed = victim.harm()
        check(not harmed, f"{way}:{n}: {harmed}")
        return result
    total = count(run)
    ended = sum(run(way, n).code == 1 for way in WAYS for n in picked(total))
    print(f"# {case.name}: {total} pieces, {ended} dumps failed", flush=True)
    check(ended > len(picked(total)), "too few dumps ran out of memory")


@test("memory that runs out at any moment of a restore leaves nothing",
      4 * LONG)
def harm_memory_restore(case):
    victim = Restless(case, "tree")
    case.dump(victim.root)

    def run(way, n):
        result = restore(case, way, n)
        check_told(case, result, f"{way}:{n}")
        wait_until(lambda: not engines(case), "no engine is left")
        there = restored(victim.pids)
        check(len(there) == (0 if result.code else len(victim.pids)),
              f"{way}:{n}: {result.explain()}: there are {there}")
        check(not leftovers(case), f"{way}:{n}: {leftovers(case)} is left")
        if there:
            victim.check_goes_on(f"{way}:{n}")
        for pid in there:
            send(pid, signal.SIGKILL)
        case.gone(victim.pids)
        check(not any(state(pid) for pid in victim.pids), "one is left")
        return result
    total = count(run)
    ended = sum(run(way, n).code == 1 for way in WAYS for n in picked(total))
    print(f"# {case.name}: {total} pieces, {ended} restores failed",
          flush=True)
    check(ended > len(picked(total)), "too few restores ran out of memory")


@test("memory that runs out in a newborn is told, and leaves nothing",
      4 * LONG)
def harm_memory_newborn(case):
    victim = case.start([case.program("fds_apart")])
    case.ready(victim)
    tree, told = [victim] + descendants(victim), []
    case.dump(victim)

    def run(way, n):
        result = restore(case, way, n)
        check_told(case, result, f"{way}:{n}")
        told.append(any(f"task {pid}: memory" in result.err for pid in tree))
        if not result.code:
            for pid in tree:
                send(pid, signal.SIGKILL)
        wait_until(lambda: not engines(case), "no engine is left")
        case.gone(tree)
        return result
    total = count(run)
    for way in WAYS:
        for n in range(max(1, total - KILLS), total + 1):
            run(way, n)
    print(f"# {case.name}: {total} pieces, {sum(told)} in newborns",
          flush=True)
    check(any(told), "no newborn ran out of memory")


def memory_end(program):
    """Not a byte more of address space from now on."""
    resource.prlimit(tracer_now(program), resource.RLIMIT_AS, (4096, 4096))


@test("a limit of memory that an engine meets while it asks harms nobody",
      LONG)
def harm_memory_limit(case):
    victim, codes = Restless(case, "crowd"), []
    for n in range(min(KILLS, 50)):
        codes.append(dump_asked(case, victim, memory_end))
        harmed = victim.harm()
        check(not harmed, f"dump {n}, which ended with {codes[-1]}: {harmed}")
        time.sleep(0.001)
    check(set(codes) == {1}, f"the dumps ended with {codes}")
