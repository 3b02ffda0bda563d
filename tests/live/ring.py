# SPDX-License-Identifier: GPL-2.0-or-later
"""ring: runs tests of the harness in parallel workers and counts them."""
import os
import signal
import struct
import sys
import time

import harness


def on_alarm(_signal, _frame):
    raise harness.TimedOut()


def perform(number, make_case, keep):
    """Run one test; returns (letter, text to print)."""
    name, sentence, function = harness.tests[number]
    case = make_case(name)
    limit = getattr(function, "limit", harness.LIMIT)
    signal.setitimer(signal.ITIMER_REAL, limit)
    letter, text = "p", f"ok - {name}: {sentence}\n"
    try:
        function(case)
    except harness.Skip as why:
        letter, text = "s", f"ok - {name}: {sentence} # skip {why}\n"
    except harness.TimedOut:
        letter, text = "f", complain(case, name, sentence,
                                     f"not done after {limit:g} s")
    except Exception as error:  # a broken test is a failed test
        what = str(error)
        if not isinstance(error, harness.Failure):
            what = f"{type(error).__name__}: {error}"
        letter, text = "f", complain(case, name, sentence, what)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if keep and letter == "f":
        text += f"#   kept in {case.dir}\n"
        os.rename(case.dir, case.dir + ".kept")
    try:
        case.cleanup()
    except Exception as error:
        letter, text = "f", complain(case, name, sentence,
                                     f"cleaning up: {error}")
    return letter, text


def complain(case, name, sentence, what):
    lines = what.splitlines()
    if case.logs and "\n" not in what:
        lines += [f"last log, {os.path.basename(case.logs[-1])}:"]
        lines += harness.log_tail(case.logs[-1]).splitlines()
    below = "".join(f"#   {line}\n" for line in lines)
    return f"not ok - {name}: {sentence}\n{below}"


def work(todo, done, make_case, keep):
    """A worker: takes numbers from a pipe until it is empty."""
    harness.become_subreaper()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, on_alarm)
    while True:
        item = os.read(todo, 2)
        if len(item) < 2:
            os._exit(0)
        letter, text = perform(struct.unpack("H", item)[0],
                               make_case, keep)
        os.write(1, text.encode(errors="replace"))
        os.write(done, letter.encode())


def sweep():
    """Nothing survives the run, however it ends."""
    while harness.descendants(os.getpid()):
        for pid in harness.descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        harness.reap_all()
        time.sleep(0.002)


def on_term(_signal, _frame):
    raise SystemExit(1)


def spread(numbers, make_case, jobs, keep=False):
    """Run the tests with these numbers in workers; a letter for each: p for
    passed, f for failed, s for skipped."""
    todo_read, todo_write = os.pipe()
    done_read, done_write = os.pipe()
    for number in numbers:
        os.write(todo_write, struct.pack("H", number))
    os.close(todo_write)
    for _ in range(max(1, min(jobs, len(numbers)))):
        if os.fork() == 0:
            os.close(done_read)
            work(todo_read, done_write, make_case, keep)
    os.close(todo_read)
    os.close(done_write)
    letters = b""
    while True:
        more = os.read(done_read, 512)
        if not more:
            break
        letters += more
    harness.reap_all()
    return letters.decode()


def run(what, numbers, make_case, jobs, keep=False):
    """Run them, print the count; 0 when all passed."""
    start = time.monotonic()
    sys.stdout.flush()
    harness.become_subreaper()
    signal.signal(signal.SIGTERM, on_term)
    try:
        letters = spread(numbers, make_case, jobs, keep)
    finally:
        sweep()
    lost = len(numbers) - len(letters)
    print(f"{what}: {letters.count('p')} passed, {letters.count('f')} failed, "
          f"{letters.count('s')} skipped, {lost} lost in "
          f"{time.monotonic() - start:.1f} s")
    return 1 if lost or "f" in letters else 0
