# SPDX-License-Identifier: GPL-2.0-or-later
"""harm_rights: users who write into processes of theirs while they are dumped
and restored, and who start an engine that has more rights than they have."""
import os
import shutil

import harm
from harness import (Skip, alive, check, read_text, test, wait_until)

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def need_setpriv():
    if not shutil.which("setpriv"):
        raise Skip("there is no setpriv")


def of_nobody(case, *argv):
    """A process of a user who is not root."""
    with open(os.path.join(case.dir, "victim.out"), "a"):
        os.chmod(os.path.join(case.dir, "victim.out"), 0o666)
    return case.start([*NOBODY, *argv])


@test("whatever a sibling writes over the agent's answers, a dump gives images "
      "or one sentence, and its victim runs on", limit=60)
def security_answers(case):
    need_setpriv()
    victim = of_nobody(case, case.program("threads"))
    case.ready(victim)
    of_nobody(case, case.program("scribbler"), str(victim))
    wait_until(lambda: os.path.exists(case.path("scribbles")), "it scribbles")
    refused = 0
    for number in range(30):
        img = case.make_dir(f"img{number}")
        result = case.try_dump(victim, "-R", img=img)
        check(result.code in (0, 1), f"it died: {result.explain()}")
        if result.code:
            harm.check_one_error(result, r"thread \d+|process \d+")
            check(not harm.whole(img), "the image looks whole")
            refused += 1
        check(alive(victim), f"dump {number} killed it: {result.explain()}")
    case.go("enough")
    wait_until(lambda: read_text(case.path("scribbled")), "it has counted")
    case.go()
    case.await_verdict(victim)
    if not int(read_text(case.path("scribbled"))):
        raise Skip("the sibling was never in time")
    if not refused:
        raise Skip("nothing that was written mattered")
