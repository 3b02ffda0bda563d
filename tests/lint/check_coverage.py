# SPDX-License-Identifier: GPL-2.0-or-later
"""Every field of a kind's message is set by its dump and read by its restore.

A message belongs to the file below core/kinds that calls its __init; all its
fields must be both set and read in that file. One that a kind has for schema
must be some file's, or is the kind's own. Messages
that several files fill together (SHARED) are looked at over all of the core.
The table coverage.allow names fields that are someone else's, with reasons.
"""

import os
import re

import lint

MESSAGE = re.compile(r"^message\s+(\w+)\s*\{(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^\s*(?:optional|required|repeated)\s+[\w.]+\s+(\w+)\s*=",
                   re.M)
TYPED = re.compile(r"^\s*(?:optional|required|repeated)\s+([\w.]+)\s+(\w+)"
                   r"\s*=", re.M)
FUNCTION = re.compile(r"^[^\s#][^\n]*\((?:[^;{}]|\n)*?\n\{\n.*?^\}",
                      re.M | re.S)
DECLARED = re.compile(r"\b([A-Z]\w*)\b\s*\**\s*(?:const\s+)?\**\s*"
                      r"([a-z]\w*)\s*(?=[=;,)\[])")
# Looked ahead at, for what is taken from may be taken itself: a->b->c.
ACCESS = re.compile(r"(?=\b(\w+)(?:\[[^]]*\])?(?:->|\.)(?:n_|has_)?(\w+)\b"
                    r"(?:\[[^]]*\])?\s*(=(?!=)|\+\+|[|&+]=|))")
OWNED = re.compile(r"\b(\w+?)__init\s*\(")
SCHEMA = re.compile(r"\b(\w+?)__descriptor\b")
SHARED = {"coreentry", "taskcoreentry", "threadcoreentry", "fileentry",
          "stasisthreadextra", "stasistaskextra", "stasissocketoption"}
# Reading a field to fill it, or beside it, brings nothing back.
FILLS = re.compile(r"^[^\n]*\b\w+_(?:capture|keep|ask)\((?:[^;{}]|\n)*\n\{\n"
                   r".*?^\}", re.M | re.S)
WALKS = ("core/kinds", "core/dump", "core/model", "core/plan",
         "core/restore", "core/image", "backends")


def name_fold(name):
    """One name for ThreadCoreEntry, thread_core_entry."""
    return name.replace("_", "").lower()


def messages_read(root):
    """{folded name: (name, fields)} of all of proto/, and what messages the
    fields of a name are: {name: folded names}."""
    table, members = {}, {}
    for path in lint.source_files(root, (".proto",), ("proto",)):
        text = lint.without_comments(lint.file_text(root, path))
        for name, body in MESSAGE.findall(text):
            table[name_fold(name)] = (name, FIELD.findall(body))
            for kind, field in TYPED.findall(body):
                members.setdefault(field.lower(), set()).add(
                    name_fold(kind.split(".")[-1]))
    return table, members


def code_read(root, *paths):
    return "\n".join(lint.without_comments(lint.file_text(root, path))
                     for path in paths)


def parts_of(path, paths):
    """lib/unix_name.c and the like are parts of unix.c."""
    folder, name = os.path.split(path)
    begin = os.path.join(folder, "lib", name[:-2] + "_")
    return [part for part in paths if part.startswith(begin)]


def reads_of(code, messages, members):
    """{folded message or "": fields that are read}, of all functions. Whose
    field it is tells the declaration of what it is taken from, or the field
    that this is itself; what neither tells could be anybody's ("")."""
    found = {}
    for function in FUNCTION.findall(code):
        types = {name: name_fold(kind)
                 for kind, name in DECLARED.findall(function)}
        for owner, field, use in ACCESS.findall(function):
            if use:
                continue
            kinds = ({types[owner]} if owner in types
                     else members.get(owner.lower(), set()))
            for kind in kinds & messages.keys() or {""}:
                found.setdefault(kind, set()).add(field.lower())
    return found


def field_missing(message, field, code, restores):
    """"set", "read", or "" when both happen; the latter by a restore."""
    name = re.escape(field.lower())
    if field.lower() not in restores.get(name_fold(message), set()) \
            | restores.get("", set()):
        return "read by a restore"
    uses = re.findall(r"(?:->|\.)(?:n_)?" + name +
                      r"\b(?:\[[^]]*\])?\s*(=(?!=)|\+\+|[|&+]=|)", code)
    taken = re.search(r"&\w+(?:->|\.)" + name + r"\b", code)
    if not any(uses) and not taken:
        return "set"
    if all(uses):
        return "read"
    return ""


def fields_judge(place, message, code, restores, allowed):
    name, fields = message
    found = []
    for field in fields:
        missing = field_missing(name, field, code, restores)
        excused = f"{name}.{field}" in allowed
        if missing and not excused:
            found.append(f"{place}: {name}.{field} is never {missing}")
        elif excused and not missing:
            found.append(f"{place}: {name}.{field} needs no exception")
    return found


def check(root, build):
    allowed = lint.exceptions_read("coverage.allow")
    messages, members = messages_read(root)
    found = []
    restores = reads_of(FILLS.sub("", code_read(root, *[
        path for path in lint.source_files(root, (".c", ".h"), WALKS)
        if not path.startswith("core/dump/")])), messages, members)
    paths = lint.source_files(root, (".c",), ("core/kinds",))
    codes = {path: code_read(root, path, *parts_of(path, paths))
             for path in paths}
    owned = {name_fold(n) for code in codes.values()
             for n in OWNED.findall(code)}
    for path, code in codes.items():
        names = {name_fold(n) for n in OWNED.findall(code)}
        names |= {name_fold(n) for n in SCHEMA.findall(code)} - owned
        for name in sorted(names):
            if name in SHARED:
                continue
            if name in messages:
                found += fields_judge(path, messages[name], code,
                                      restores, allowed)
    everything = code_read(root, *lint.source_files(root, (".c", ".h"),
                                                    WALKS))
    for name in sorted(SHARED):
        if name in messages:
            found += fields_judge("core", messages[name], everything,
                                  restores, allowed)
    return found


PROTO = "message EventEntry {\n\trequired uint64 counter = 1;\n}\n"
INIT = "void f(E *e)\n{\n\tevent_entry__init(e);\n"

lint.main("kind coverage", check, [
    ({"proto/a.proto": PROTO, "core/kinds/e.c": INIT + "}\n"}, 1),
    ({"proto/a.proto": PROTO,
      "core/kinds/e.c": INIT + "\te->counter = 1;\n}\n"}, 1),
    ({"proto/a.proto": PROTO,
      "core/kinds/e.c": INIT + "\tuse(e->counter);\n}\n"}, 1),
    ({"proto/a.proto": PROTO, "core/kinds/e.c":
      INIT + "\te->counter = 1;\n\tuse(e->counter);\n}\n"}, 0),
    ({"proto/a.proto": PROTO, "core/kinds/e.c":
      "int e_capture(E *e)\n{\n\tevent_entry__init(e);\n\te->counter = 1;\n"
      "\tuse(e->counter);\n}\n"}, 1),
    # Another message's field of that name is none of it.
    ({"proto/a.proto": PROTO + PROTO.replace("Event", "Other"),
      "core/kinds/e.c": "int e_capture(EventEntry *e)\n{\n"
      "\tevent_entry__init(e);\n\te->counter = 1;\n}\n",
      "core/restore/o.c": "int f(OtherEntry *e)\n{\n\tuse(e->counter);\n}\n"},
     1),
    ({"proto/a.proto": PROTO + PROTO.replace("Event", "Other"),
      "core/kinds/e.c": "int e_capture(EventEntry *e)\n{\n"
      "\tevent_entry__init(e);\n\te->counter = 1;\n}\n"
      "int e_make(EventEntry *e)\n{\n\tuse(e->counter);\n}\n"}, 0),
])
