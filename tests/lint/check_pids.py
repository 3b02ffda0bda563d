# SPDX-License-Identifier: GPL-2.0-or-later
"""A process's number in the images is never taken for this host's, nor the
other way round.

Of struct task, thread and birth, pid, tid, ppid, pgid and sid are those of
the images, host is this host's. What asks the kernel about others takes host;
tapes and images take none of it. Code that runs in a newborn calls itself and
its family as they do: pids.allow has its functions.
"""

import re

import lint

DIRS = ("core",)
# What is done to a process from outside.
ASKS = re.compile(
    r"\b(kill|waitpid|waitid|prlimit|proc_open|proc_\w+_read|proc_read_\w+|"
    r"ptrace_\w+|remote_seize|remote_wait_\w+|process_vm_\w+|kcmp_\w+|"
    r"pidfd_\w+|tags_(?:read|write)|regs_(?:place|fetch)|sched_\w+_read|"
    r"tgkill)\s*\(")
TYPES = r"struct (?:task|thread|birth) \*"
# root->pid, task->threads[0].tid, task->children.at[i]->pid, pt->task->pid
MEMBERS = r"(?:task|threads\[[^][]*\]|children\.at\[[^][]*\]|" \
          r"births\.at\[[^][]*\]|tasks\.at\[[^][]*\])"
IMAGES = r"(?:->|\.)(?:pid|tid|ppid|pgid|sid)\b"
HOST = re.compile(r"->host\b|\.host\b(?!\.)")
TAPES = re.compile(r"\bA\(\s*[^()]*(?:->|\.)host\s*\)")


def arguments(text, start):
    """What stands between the ( before start and its )."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if not depth:
            return text[start:at]
    return text[start:]


def bodies(text):
    """(name, first line, text from its signature on)."""
    lines = text.split("\n")
    for name, start, length in lint.functions(text):
        head = start
        while head and not re.match(r"[A-Za-z_]", lines[head]):
            head -= 1
        if lines[head].rstrip() == "{":
            head -= 1
        while head and not re.match(r"[A-Za-z_]", lines[head]):
            head -= 1
        yield name, head, "\n".join(lines[head:start + length + 2])


def check(root, build):
    allow = lint.exceptions_read("pids.allow")
    found = []
    for path in lint.source_files(root, (".c",), DIRS):
        text = lint.without_comments(lint.file_text(root, path))
        for name, line, body in bodies(text):
            names = set(re.findall(TYPES + r"(?:const )?(\w+)\b", body))
            names |= set(re.findall(TYPES[:-3] + r" (\w+)\b", body))
            one = "|".join([MEMBERS] + sorted(map(re.escape, names)))
            image = re.compile(rf"(?<![\w.>])(?:[\w.>-]*(?:->|\.))?"
                               rf"(?:{one}){IMAGES}")
            own = f"{path}:{name}" in allow
            for call in ASKS.finditer(body):
                if own or not image.search(arguments(body, call.end())):
                    continue
                at = line + body.count("\n", 0, call.start()) + 1
                found.append(f"{path}:{at}: {name} gives {call.group(1)} a "
                             "number of the images; host is this host's")
            for call in TAPES.finditer(body):
                at = line + body.count("\n", 0, call.start()) + 1
                found.append(f"{path}:{at}: {name} puts a number of this "
                             "host on a tape")
    return found


def sample(code, head="struct task *task"):
    return {"core/a.c": f"static int f({head})\n{{\n\t{code}\n}}\n"}


lint.main("numbers of the images and of this host are kept apart", check, [
    (sample("return kill(task->pid, 9);"), 1),
    (sample("return kill(task->host, 9);"), 0),
    (sample("return ptrace_cont(pt->task->threads[0].tid, 0);", "void"), 1),
    (sample("return ptrace_cont(v->threads.at[0]->tid, 0);", "void"), 0),
    (sample("return ptrace_cont(thread->tid, 0);",
            "const struct victim_thread *thread"), 0),
    (sample("return ptrace_cont(thread->tid, 0);",
            "const struct thread *thread"), 1),
    (sample("return proc_open(birth->pid, &p, err);",
            "const struct birth *birth"), 1),
    (sample("tape_call(tape, CALL_kill, A(task->host), A(9));"), 1),
    (sample("tape_call(tape, CALL_kill, A(task->pid), A(9));"), 0),
])
