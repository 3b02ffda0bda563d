# SPDX-License-Identifier: GPL-2.0-or-later
"""forward: a service's socket, forwarded from host to host over TCP.

On the wire a packet is its length and its bytes; length 0 is the end. Each
connection is served by processes of its own, which end with it.
"""
import os
import socket
import struct


def in_child(function, *args):
    if os.fork() == 0:
        try:
            function(*args)
        finally:
            os._exit(0)


def pump(packets, stream):
    """Between a socket of packets and a stream, both ways."""
    in_child(pump_back, packets, stream)
    packet = None
    while packet != b"":
        packet = packets.recv(65536)
        stream.sendall(struct.pack("<I", len(packet)) + packet)


def pump_back(packets, stream):
    while True:
        head = stream.recv(4, socket.MSG_WAITALL)
        size = struct.unpack("<I", head)[0] if len(head) == 4 else 0
        if not size:
            packets.shutdown(socket.SHUT_WR)
            return
        packets.send(stream.recv(size, socket.MSG_WAITALL))


def packets_connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(path)
    return sock


def near(path, address):
    """Clients connect to the path here; the other host has the address."""
    accepting = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    accepting.bind(path)
    accepting.listen()

    def serve():
        while True:
            client = accepting.accept()[0]
            in_child(lambda: pump(
                client, socket.create_connection(address, 5)))
            client.close()
    in_child(serve)
    accepting.close()


def far(address, path):
    """At the other host: on to the service at path."""
    accepting = socket.create_server(address)
    while True:
        stream = accepting.accept()[0]
        in_child(lambda: pump(packets_connect(path), stream))
        stream.close()
