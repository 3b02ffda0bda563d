#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""holder KIND: holds one fd of a kind on number 40, and waits for "go"."""
import ctypes
import fcntl
import os
import pty
import signal
import socket
import struct
import sys
import time

DIR = os.environ["CHECKPOINT_DIR"]
TCP_MD5SIG = 14
TCP_AO_ADD_KEY = 38
keep = []


def connection():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    client = socket.create_connection(listener.getsockname())
    keep.extend((listener, listener.accept()[0], client))
    return client.fileno()


def dnotify():
    folder = os.open(DIR, os.O_RDONLY | os.O_DIRECTORY)
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_MULTISHOT)
    return folder


def signed_listener():
    """A TCP socket with an MD5 key for a peer (tcp_md5sig, linux/tcp.h)."""
    listener = socket.socket()
    peer = struct.pack("=H2s4s120x", socket.AF_INET, b"",
                       socket.inet_aton("127.0.0.1"))
    key = peer + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret")
    listener.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, key)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    keep.append(listener)
    return listener.fileno()


def authentic_listener():
    """The same with a key of TCP-AO (tcp_ao_add)."""
    listener = socket.socket()
    peer = struct.pack("=H2s4s120x", socket.AF_INET, b"",
                       socket.inet_aton("127.0.0.1"))
    key = peer + struct.pack("=64siIH6B80s", b"hmac(sha1)", 0, 0, 0,
                             32, 100, 100, 12, 0, 6, b"secret")
    listener.setsockopt(socket.IPPROTO_TCP, TCP_AO_ADD_KEY, key)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    keep.append(listener)
    return listener.fileno()


def open_socket(*args):
    keep.append(socket.socket(*args))
    return keep[-1].fileno()


def queue():
    libc = ctypes.CDLL(None)
    name = f"/holder{os.getpid()}".encode()
    made = libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, None)
    libc.mq_unlink(name)
    return made


def shared_proc():
    """A file about oneself that a child holds, too."""
    fd = os.open("/proc/self/stat", os.O_RDONLY)
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    return fd


MAKERS = {
    "shared_proc": shared_proc,
    "foreign_proc": lambda: os.open("/proc/1/oom_score_adj",
                                    os.O_WRONLY),
    "dnotify": dnotify,
    "tty": lambda: pty.openpty()[1],
    "inotify": lambda: ctypes.CDLL(None).inotify_init1(0),
    "connection": connection,
    "signed": signed_listener,
    "authentic": authentic_listener,
    "netlink": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "packet": lambda: open_socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "queue": queue,
    "secret": lambda: ctypes.CDLL(None).syscall(447, 0),
    "pidfd": lambda: os.pidfd_open(1),
    "device": lambda: os.open("/dev/kmsg", os.O_RDONLY),
}

fd = MAKERS[sys.argv[1]]()
os.dup2(fd, 40)
open(DIR + "/ready", "w").close()
while not os.path.exists(DIR + "/go"):
    time.sleep(0.003)
os.fstat(40)
with open(DIR + "/verdict.tmp", "w") as file:
    file.write("ok")
os.rename(DIR + "/verdict.tmp", DIR + "/verdict")
