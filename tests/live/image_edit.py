# SPDX-License-Identifier: GPL-2.0-or-later
"""image_edit: changes in image files that only another host could make.

A packed message is taken apart as a list of fields and put together again;
nothing here knows what they mean.
"""
import ctypes
import os
import struct

from harness import Skip


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def varint_bytes(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def fields(data):
    """A packed message as a list of [number, wire type, value]."""
    at, out = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = varint(data, at)
            value = data[at:at + size]
            at += size
        out.append([key >> 3, key & 7, value])
    return out


def pack(message):
    out = b""
    for number, wire, value in message:
        out += varint_bytes(number << 3 | wire)
        if wire == 0:
            out += varint_bytes(value)
        else:
            out += (varint_bytes(len(value)) if wire == 2 else b"") + value
    return out


def change(data, path, number):
    """Put number(old) in the place of the field that path leads to."""
    message = fields(data)
    for field in message:
        if field[0] == path[0]:
            field[2] = (number(field[2]) if len(path) == 1
                        else change(field[2], path[1:], number))
            break
    return pack(message)


def change_image(path, work):
    """work makes a new message of the only one in an image."""
    data = read(path)
    message = work(data[12:])
    write(path, data[:8] + struct.pack("<I", len(message)) + message)


def change_each(path, work):
    """work makes a new message of each in an image without payloads."""
    data = read(path)
    at, out = 8, data[:8]
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        message = work(data[at + 4:at + 4 + size])
        out += struct.pack("<I", len(message)) + message
        at += 4 + size
    write(path, out)


def rename_file(img, old, new):
    """A regular file of the images gets another name, of any size and mode;
    the set loses its manifest."""
    def reg_change(reg):
        if [6, 2, old.encode()] not in reg:
            return reg
        return [[6, 2, new.encode()] if field[0] == 6 else field
                for field in reg if field[0] not in (8, 10)]

    change_each(os.path.join(img, "files.img"), lambda message: pack(
        [[3, 2, pack(reg_change(fields(value)))] if number == 3
         else [number, wire, value]
         for number, wire, value in fields(message)]))
    os.unlink(os.path.join(img, "stasis.img"))


def seal(data):
    """The digest that ends a manifest: XXH3, of 64 bits."""
    try:
        library = ctypes.CDLL("libxxhash.so.0")
    except OSError:
        raise Skip("libxxhash is not here to seal a changed manifest")
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return struct.pack("<Q", library.XXH3_64bits(data, len(data)))


def change_manifest(img, work):
    """work changes the fields of a dump's manifest; those whose value is None
    afterwards are left out."""
    path = os.path.join(img, "stasis.img")
    whole = read(path)
    manifest = fields(whole[12:-8])
    work(manifest)
    message = pack([field for field in manifest if field[2] is not None])
    data = whole[:8] + struct.pack("<I", len(message)) + message
    write(path, data + seal(data))
