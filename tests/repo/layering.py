# SPDX-License-Identifier: Apache-2.0
"""The floors, checked on the real includes: base <- wire <- net <- patterns <- daemons, cli; and
base <- command_line <- daemons, cli, bench.

1. A file includes only its own floor and floors below it; a pattern never includes a pattern
   (compose, which joins them, excepted; feed and taker, parts of several, may be used by all), a
   daemon no other daemon (host and admin excepted; admin uses host, host nobody), the CLI no daemon.
2. Only lib/flotilla/net, bench and tests (which play raw peers) include libzmq's headers, and only
   command_line those of CLI11, which cost seconds in each file.
3. A public header needs nothing but the standard library, tl::expected and other public headers.
4. Every included project header exists, and no file includes itself through others.
"""
import re

import project

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ROOTS = {"lib": "lib/flotilla/", "patterns": "patterns/flotilla/"}
PARTS = ("feed", "taker")  # beneath the patterns, which share them; themselves on lib alone
LIBRARY = ("base", "wire", "net")
# What a foreign header is called, whose files may include it.
WALLS = ((re.compile(r"^zmq[a-z_]*\.h(pp)?$"), ("lib/flotilla/net/", "bench/", "tests/")),
         (re.compile(r"^CLI/"), ("command_line/",)))
STANDARD = re.compile(r"^[a-z0-9_]+$")


def component(path):
    """("lib", "net"), ("patterns", "pubsub"), ("daemons", "relay"), ("cli", ""),
    ("command_line", "") or None."""
    for kind, prefix in ROOTS.items():
        if path.startswith(prefix):
            return kind, path[len(prefix):].split("/")[0]
    parts = path.split("/")
    if parts[0] == "daemons":
        return "daemons", parts[1] if len(parts) > 2 else ""
    if parts[0] in ("cli", "command_line"):
        return parts[0], ""
    return None


def may_use(user, used):
    """Whether component `user` may include a file of component `used`."""
    if user == used or user is None:
        return True
    kind, name = user
    used_kind, used_name = used
    if kind == "lib":
        return used_kind == "lib" and LIBRARY.index(used_name) < LIBRARY.index(name)
    if kind == "patterns" and name in PARTS:
        return used_kind == "lib"
    if kind == "patterns":
        return used_kind == "lib" or (
            used_kind == "patterns" and (name == "compose" or used_name in PARTS))
    if kind == "command_line":
        return used == ("lib", "base")
    if used_kind in ("lib", "patterns", "command_line"):
        return True
    if kind != "daemons" or used_kind != "daemons":
        return False
    return used_name in ("", "host") or (used_name == "admin" and name != "host")


def includes(files, path):
    for number, line in files.lines(path):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def resolve(files, path, quoted, name):
    """The project file that an include names; None for foreign headers."""
    if name.startswith("flotilla/"):
        candidates = ["lib/" + name, "patterns/" + name]
    elif quoted:
        folder = path.rsplit("/", 1)[0]
        candidates = [folder + "/" + name, path.split("/")[0] + "/" + name]
    elif name.startswith("support/"):
        candidates = ["tests/" + name]
    else:
        candidates = [name] if name.startswith("command_line/") else []
    for candidate in candidates:
        if candidate in files.paths:
            return candidate
    return None


def floors(files):
    sources = [p for p in files.paths if p.endswith(project.CPP)]
    for path in sources:
        public = path.startswith(tuple(ROOTS.values())) and path.endswith(".hpp")
        for number, quoted, name in includes(files, path):
            where = f"{path}:{number}: "
            for header, allowed in WALLS:
                if header.match(name) and not path.startswith(allowed):
                    yield where + f"includes {name}; only {allowed[0][:-1]} may"
            used = resolve(files, path, quoted, name)
            if used is None:
                if quoted or name.startswith(("flotilla/", "command_line/")):
                    yield where + f"includes {name}, which does not exist"
                elif public and not (STANDARD.match(name) or name == "tl/expected.hpp"):
                    yield where + f"a public header includes {name}; keep it behind a pointer"
            elif component(used) is not None and not may_use(component(path), component(used)):
                yield where + f"includes {name}, which is not on a floor below it"


def cycles(files):
    sources = [p for p in files.paths if p.endswith(project.CPP)]
    uses = {p: [u for _, q, n in includes(files, p) if (u := resolve(files, p, q, n))]
            for p in sources}
    state = {}

    def walk(path, trail):
        state[path] = "open"
        for used in uses.get(path, []):
            if state.get(used) == "open":
                yield f"{path}:1: includes itself: " + " -> ".join(trail + [path, used])
            elif used not in state:
                yield from walk(used, trail + [path])
        state[path] = "done"

    for path in sources:
        if path not in state:
            yield from walk(path, [])


if __name__ == "__main__":
    project.main(floors, cycles)
