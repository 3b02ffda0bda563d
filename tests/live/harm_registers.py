# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_registers: what threads have in registers is unharmed by dumps that
leave them running."""
import os

import harm
from harness import Skip, check, test

# Those that only some machines have bring their own reason to skip.
PROGRAMS = ("regs_general", "regs_vector", "regs_avx", "regs_avx512",
            "regs_sve", "regs_sme", "regs_special")


def dumped_often(case, name):
    victim = case.start([case.program(name)])
    case.ready(victim)
    if case.verdict() is None:
        for number in range(3):
            case.dump(victim, "-R", img=case.make_dir(f"{name}.{number}"))
        case.go()
    case.await_verdict(victim)


@test("dumps that leave a process running leave all its registers alone")
def harm_registers_stay(case):
    for name in PROGRAMS:
        if not os.path.exists(case.program(name)):
            continue
        try:
            dumped_often(case, name)
        except Skip:
            pass
        for file in os.listdir(case.work):
            os.unlink(case.path(file))


@test("a guarded control stack is one clear error, and guards on")
def harm_guarded(case):
    victim = case.start([case.program("guarded")])
    case.ready(victim)
    if case.verdict() is None:
        for options in ((), ("-R",)):
            result = case.try_dump(victim, *options)
            harm.check_one_error(result, rf"thread {victim}",
                                 "guarded control stack")
            check(not harm.whole(case.img), "the image looks whole")
        case.go()
    case.await_verdict(victim)
