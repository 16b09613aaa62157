# SPDX-License-Identifier: Apache-2.0
"""Relative links in the documents lead to files, and #anchors to headings."""
import os
import re

import project

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")


def prose(files, path):
    """(number, line) outside code fences."""
    fenced = False
    for number, line in files.lines(path):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(files, path):
    found = set()
    for _, line in prose(files, path):
        match = HEADING.match(line)
        if match:
            title = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def links(files):
    documents = [p for p in files.paths if p.endswith(".md")]
    for path in documents:
        for number, line in prose(files, path):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                there = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                if there not in files.paths and not os.path.isdir(files.absolute(there)):
                    yield f"{path}:{number}: links to {target}, which does not exist"
                elif anchor and there.endswith(".md") and anchor not in anchors(files, there):
                    yield f"{path}:{number}: links to {target}, which has no such heading"


if __name__ == "__main__":
    project.main(links)
