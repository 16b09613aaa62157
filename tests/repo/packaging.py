# SPDX-License-Identifier: Apache-2.0
"""What packaging/ ships fits together: Prometheus asks where the daemons listen, documents show the
same ports, and the units bound memory as the documents say."""
import re

import project

DAEMONS = ("store", "broker", "relay")
SCRAPE = "packaging/prometheus/scrape.yml"
UNIT = "packaging/systemd/flotilla.service.in"
UNITS = "cmake/Systemd.cmake"
# Whose targets a job of the scrape settings has.
JOBS = {"flotilla": DAEMONS, "flotilla-queues": ("store",), "flotilla-services": ("broker",),
        "flotilla-relays": ("relay",)}
ADMIN_HTTP = re.compile(r"""\badmin[_-]http[ ="]+[\w.*\[\]:]*?:(\d+)\b(?!\])""")
JOB = re.compile(r"job_name: (\S+)")
# Not examples/: where a fleet has two brokers, they need ports of their own.
SHOWN = ("docs/", "packaging/")
SAYS_MEMORY = "docs/security.md"


def ports(files):
    """daemon: the port of admin_http in the settings that are installed."""
    found = {}
    for daemon in DAEMONS:
        match = ADMIN_HTTP.search(files.text(f"packaging/etc/{daemon}.toml"))
        found[daemon] = match.group(1) if match else None
    return found


def scraped(files):
    listens = ports(files)
    for daemon, port in listens.items():
        if port is None:
            yield f"packaging/etc/{daemon}.toml:1: no admin_http"
    job, seen = None, set()
    for number, line in files.lines(SCRAPE):
        begun = JOB.search(line)
        job = begun.group(1) if begun else job
        if "targets:" not in line:
            continue
        seen.add(job)
        asked = sorted(re.findall(r":(\d+)\"", line))
        right = sorted(str(listens[daemon]) for daemon in JOBS.get(job, ()))
        if asked != right:
            yield (f"{SCRAPE}:{number}: job {job} asks ports {', '.join(asked)}, "
                   f"but packaging/etc listens on {', '.join(right)}")
    for job in sorted(JOBS.keys() - seen):
        yield f"{SCRAPE}:1: there is no job {job}"


def shown(files):
    known = set(ports(files).values())
    for path in files.paths:
        if not path.startswith(SHOWN) or files.is_binary(path):
            continue
        for number, line in files.lines(path):
            for port in ADMIN_HTTP.findall(line):
                if port not in known:
                    yield f"{path}:{number}: port {port} is none of those in packaging/etc"


def memory(files):
    """The units have MemoryMax=, of the size that the documents say."""
    if not re.search(r"^MemoryMax=@memory_max@$", files.text(UNIT), re.M):
        yield f"{UNIT}:1: no MemoryMax=@memory_max@, which {SAYS_MEMORY} promises"
    text = files.text(SAYS_MEMORY)
    for daemon in DAEMONS:
        size = re.search(rf"set\(memory_max_{daemon} (\w+)\)", files.text(UNITS))
        if not size:
            yield f"{UNITS}:1: no memory_max_{daemon}"
        elif not re.search(rf"MemoryMax=[^.]*\b{size.group(1)} for [^.,]*\b{daemon}\b", text):
            yield f"{SAYS_MEMORY}:1: does not say MemoryMax= {size.group(1)} for a {daemon}"


if __name__ == "__main__":
    project.main(scraped, shown, memory)
