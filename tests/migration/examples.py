# SPDX-License-Identifier: BSD-2-Clause
"""examples - the set-ups of docs/geo-migration.md and others, as they stand on the page."""

import os
import re

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                    "docs")


def read(title, page="geo-migration.md"):
    """{word behind the fence: text} of one section."""
    with open(os.path.join(DOCS, page)) as file:
        page = file.read()
    section = page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^```([a-z-]+)\n(.*?)^```$", section, re.M | re.S))
