# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md names every event that a daemon logs, and every alert, and none that is not."""
import re

import project

PAGE = "docs/operations.md"
RULES = "packaging/prometheus/flotilla.rules.yml"
SOURCES = re.compile(r"^(daemons|patterns)/.*\.(cpp|hpp)$")
# What a line of the log begins with: log.warning("reload_failed", ...), notices of the engine,
# entries of the audit.
LOGGED = re.compile(r"""\blog_?(?:\.|->)(?:debug|info|warning|error)\(\s*"([a-z_]+)"
                        |\bnotice\(\s*"([a-z_]+)"|\bnotices\.push_back\(\{"([a-z_]+)"
                        |\.event\s*=\s*"([a-z_]+)"|\bformat_(?:text|json)\("([a-z_]+)\"""", re.X)
# Events of a daemon's own name: event("ready").
OF_DAEMON = re.compile(r'\bevent\("([a-z_]+)"\)')
DAEMONS = ("store", "broker", "relay")
NOTICE_NAMES = "patterns/flotilla/request/broker_model.cpp"
RETURNED = re.compile(r'return "([a-z_]+)";')
EVENT_ROW = re.compile(r"^\| (`[^|]*) \|")
NAME = re.compile(r"`([a-z_]+)`")


def logged(files):
    """name: (path, line) of every event in the sources."""
    found = {}
    for path in files.paths:
        if not SOURCES.match(path):
            continue
        text = files.text(path)
        for match in LOGGED.finditer(text):
            name = next(group for group in match.groups() if group)
            found.setdefault(name, (path, text.count("\n", 0, match.start()) + 1))
        for number, line in files.lines(path):
            for name in OF_DAEMON.findall(line):
                for daemon in DAEMONS:
                    found.setdefault(f"{daemon}_{name}", (path, number))
    for number, line in files.lines(NOTICE_NAMES):
        for name in RETURNED.findall(line):
            found.setdefault(name, (NOTICE_NAMES, number))
    return found


def section(files, heading):
    """The lines under a heading of the page."""
    inside = False
    for number, line in files.lines(PAGE):
        if line.startswith("## "):
            inside = line == f"## {heading}"
        elif inside:
            yield number, line


def events(files):
    known = logged(files)
    listed = {}
    for number, line in section(files, "Log events"):
        row = EVENT_ROW.match(line)
        for name in NAME.findall(row.group(1)) if row else ():
            if name in listed:
                yield f"{PAGE}:{number}: '{name}' is listed twice"
            listed[name] = number
    for name in sorted(known.keys() - listed.keys()):
        path, number = known[name]
        yield f"{path}:{number}: event '{name}' is not in {PAGE}"
    for name in sorted(listed.keys() - known.keys()):
        yield f"{PAGE}:{listed[name]}: nobody logs '{name}'"


def alerts(files):
    rules = {}
    for number, line in files.lines(RULES):
        match = re.match(r"\s*- alert: (\w+)", line)
        if match:
            rules[match.group(1)] = number
    told = {}
    for number, line in section(files, "Alerts"):
        if line.startswith("### "):
            told[line[4:]] = number
    for name in sorted(rules.keys() - told.keys()):
        yield f"{RULES}:{rules[name]}: {PAGE} does not say what to do at {name}"
    for name in sorted(told.keys() - rules.keys()):
        yield f"{PAGE}:{told[name]}: there is no alert {name}"
    if not rules:
        yield f"{RULES}:1: no alerts"


if __name__ == "__main__":
    project.main(events, alerts)
