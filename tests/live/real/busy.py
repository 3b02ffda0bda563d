#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""busy: threads, asyncio on epoll, and a subprocess behind two pipes.

All of it works while it is dumped; after "go" it checks that no thread, no
task and no line was lost. The loop wakes itself over a pipe.
"""
import asyncio
import os
import selectors
import subprocess
import sys
import threading
import time

DIR = os.environ["CHECKPOINT_DIR"]
LINES = 200


class PipeEnd:
    """The end of a pipe, with what asyncio asks of a socket."""

    def __init__(self, fd):
        os.set_blocking(fd, False)
        self.fd = fd

    def fileno(self):
        return self.fd

    def recv(self, size):
        return os.read(self.fd, size)

    def send(self, data):
        return os.write(self.fd, data)

    def close(self):
        os.close(self.fd)


class Loop(asyncio.SelectorEventLoop):
    """The event loop of asyncio, woken over a pipe."""

    def _make_self_pipe(self):
        reading, writing = os.pipe()
        self._ssock, self._csock = PipeEnd(reading), PipeEnd(writing)
        self._internal_fds += 1
        self._add_reader(reading, self._read_from_self)


class Counter(threading.Thread):
    """Counts under a lock until told to stop."""

    def __init__(self, lock):
        super().__init__(daemon=True)
        self.lock, self.count, self.stop = lock, 0, False

    def run(self):
        while not self.stop:
            with self.lock:
                self.count += 1
            time.sleep(0.0005)


def verdict(text):
    with open(DIR + "/verdict.tmp", "w") as file:
        file.write(text)
    os.rename(DIR + "/verdict.tmp", DIR + "/verdict")
    sys.exit(0)


def seen(name):
    return os.path.exists(os.path.join(DIR, name))


async def ticker(ticks):
    while True:
        await asyncio.sleep(0.002)
        ticks.append(time.monotonic())


async def converse(child, reader, numbers):
    """Every line comes back, in order."""
    for number in numbers:
        child.stdin.write(b"line %d\n" % number)
        child.stdin.flush()
        answer = await asyncio.wait_for(reader.readline(), 5)
        if answer != b"got line %d\n" % number:
            verdict(f"line {number} came back as {answer!r}")


async def main():
    loop = asyncio.get_running_loop()
    lock = threading.Lock()
    counters = [Counter(lock) for _ in range(6)]
    for counter in counters:
        counter.start()
    child = subprocess.Popen(
        ["bash", "-c", 'while read -r l; do echo "got $l"; done'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), child.stdout)
    ticks = []
    ticking = asyncio.ensure_future(ticker(ticks))
    await converse(child, reader, range(LINES))
    child.stdin.write(b"on the way\n")
    child.stdin.flush()
    open(DIR + "/ready", "w").close()
    while not seen("go"):
        await asyncio.sleep(0.005)
    if await asyncio.wait_for(reader.readline(), 5) != b"got on the way\n":
        verdict("the line on the way was lost")
    counts, before = [counter.count for counter in counters], len(ticks)
    await converse(child, reader, range(LINES))
    answer = await loop.run_in_executor(None, lambda: sum(range(1000)))
    await asyncio.sleep(0.1)
    if answer != 499500:
        verdict("the executor gave a wrong sum")
    if len(ticks) < before + 5:
        verdict("the ticker does not tick")
    for counter, count in zip(counters, counts):
        counter.stop = True
        counter.join(5)
        if counter.is_alive() or counter.count <= count:
            verdict("a thread does not count")
    child.stdin.close()
    if child.wait(5) != 0:
        verdict("the subprocess did not end well")
    ticking.cancel()
    verdict("ok")


asyncio.set_event_loop(Loop(selectors.EpollSelector()))
asyncio.get_event_loop().run_until_complete(main())
