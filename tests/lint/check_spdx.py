# SPDX-License-Identifier: GPL-2.0-or-later
"""Every source file names its licence in its first lines."""

import re

import lint

SPDX = re.compile(r"SPDX-License-Identifier: (\S+)")
# What others link with or speak is theirs to use freely.
MIT_ONLY = ("proto/", "client/", "compel/include/")
SUFFIXES = (".c", ".h", ".S", ".lds", ".proto", ".py", ".sh", ".mk")


def check(root, build):
    found = []
    for path in lint.source_files(root):
        text = lint.file_text(root, path)
        if not path.endswith(SUFFIXES) and not text.startswith("#!") and \
                not path.endswith("Makefile"):
            continue
        head = "\n".join(text.split("\n")[:3])
        match = SPDX.search(head)
        licence = match and match.group(1)
        wanted = ("MIT",) if path.startswith(MIT_ONLY) else \
            ("GPL-2.0-or-later", "MIT")
        if licence not in wanted:
            found.append(f"{path}: licence is {licence}, "
                         f"not {' or '.join(wanted)}")
    return found


lint.main("licence lines", check, [
    ({"core/a.c": "int a;\n"}, 1),
    ({"core/a.c": "/* SPDX-License-Identifier: WTFPL */\n"}, 1),
    ({"proto/a.proto": "// SPDX-License-Identifier: GPL-2.0-or-later\n"}, 1),
    ({"proto/a.proto": "// SPDX-License-Identifier: MIT\n"}, 0),
    ({"scripts/x": "#!/bin/sh\n# SPDX-License-Identifier: MIT\n"}, 0),
    ({"scripts/x": "#!/bin/sh\n"}, 1),
])
