# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that a document shows.

docs_commands.py ROOT BUILD [DOCUMENT...]: every ```sh block of the documents (all of them when none
is named), top to bottom, with bash in one scratch folder a document and the built programs first in
PATH. A block must succeed within TIMEOUT. TCP ports are replaced by free ones. An HTML comment on
the line before a block says otherwise:

    <!-- test: background -->        runs beside the blocks that follow, until the next heading
    <!-- test: exit 3 -->            must end with this exit code
    <!-- test: run by PATH -->       another file of the project runs it: each line must be in there
    <!-- test: not run, REASON -->   for what no test may do, such as installing on this machine
    <!-- test: output -->            (before a ```text block) the block above printed these lines
    <!-- from: PATH -->              (before any block) the block is a part of this file

"..." alone on a line of such an output or part stands for any lines.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

import project

TIMEOUT = 60
FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
MARK = re.compile(r"^\s*<!--\s*(test|from):\s*(.*?)\s*-->\s*$")
PROGRAM_FOLDERS = ("cli", "daemons/broker", "daemons/relay", "daemons/store", "examples",
                   "examples/demo", "bench")


class Block:
    def __init__(self, path, line, language, mark, indent):
        self.where = f"{path}:{line}"
        self.language = language
        self.kind, self.mark = mark or ("test", "")
        self.indent = indent
        self.lines = []
        self.ends_section = False

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def blocks(files, path):
    found, block, mark = [], None, None
    for number, line in files.lines(path):
        fence = FENCE.match(line)
        if block is not None:
            if fence and not fence.group(2):
                found.append(block)
                block = None
            else:
                block.lines.append(line.removeprefix(block.indent))
            continue
        if fence:
            block = Block(path, number, fence.group(2), mark, fence.group(1))
        elif line.startswith("#") and found:
            found[-1].ends_section = True
        said = MARK.match(line)
        mark = said.groups() if said else (mark if not line.strip() else None)
    return found


def appears(part, whole):
    """Whether the lines of `part` stand in `whole` in one piece, "..." standing for any lines."""
    pattern = ""
    for line in part:
        pattern += "(.*\n)*?" if line.strip() == "..." else r"[ \t]*" + re.escape(line.strip()) + "\n"
    return re.search("^" + pattern, whole + "\n", re.M) is not None


class Ports:
    """One free port for each port that a document names."""

    def __init__(self):
        self.given = {}

    def replace(self, text):
        return re.sub(r"((?:tcp|ws)://[\w.*\[\]:-]*?:|127\.0\.0\.1:)(\d{4,5})\b",
                      lambda match: match.group(1) + self.free(match.group(2)), text)

    def free(self, port):
        if port not in self.given:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.given[port] = str(probe.getsockname()[1])
        return self.given[port]


class Runner:
    def __init__(self, files, build, path):
        self.files, self.path = files, path
        self.ports = Ports()
        self.background = []
        self.printed = ""
        folders = [os.path.join(build, folder) for folder in PROGRAM_FOLDERS]
        self.environment = dict(os.environ, FLOTILLA_SOURCE=files.root, NO_COLOR="1",
                                PATH=os.pathsep.join(folders + [os.environ["PATH"]]))

    def start(self, block, folder):
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", self.ports.replace(block.text)], cwd=folder,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)

    def finish(self, block, process, expected):
        try:
            self.printed, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.printed, _ = process.communicate()
            yield f"{block.where}: still ran after {TIMEOUT} s\n{block.text}{self.printed}"
            return
        if process.returncode not in expected:
            yield (f"{block.where}: exit code {process.returncode}, not {expected[0]}\n"
                   f"{block.text}{self.printed}")

    def stop_background(self):
        while self.background:
            block, process = self.background.pop()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            yield from self.finish(block, process, (0, -signal.SIGTERM, 128 + signal.SIGTERM))

    def run(self, folder):
        for block in blocks(self.files, self.path):
            yield from self.judge(block, folder)
            if block.ends_section:
                yield from self.stop_background()
        yield from self.stop_background()

    def judge(self, block, folder):
        if block.kind == "from":
            if block.mark not in self.files.paths:
                yield f"{block.where}: is said to be from {block.mark}, which does not exist"
            elif not appears(block.lines, self.files.text(block.mark)):
                yield f"{block.where}: is not a part of {block.mark} (any more)"
        elif block.mark == "output":
            if not appears([self.ports.replace(line) for line in block.lines], self.printed):
                yield f"{block.where}: was not printed; this was:\n{self.printed}"
        elif block.language in ("sh", "bash", "shell", "console"):
            yield from self.command(block, folder)

    def command(self, block, folder):
        if block.mark == "background":
            self.background.append((block, self.start(block, folder)))
        elif block.mark.startswith("run by "):
            other = block.mark.removeprefix("run by ")
            text = self.files.text(other) if other in self.files.paths else ""
            for line in block.lines:
                command = line.split("#")[0].strip()
                if command and command not in text:
                    yield f"{block.where}: {other} does not run: {command}"
        elif re.match(r"not run, \w+", block.mark):
            pass
        elif re.fullmatch(r"(exit \d+)?", block.mark):
            expected = int(block.mark.removeprefix("exit ") or 0)
            yield from self.finish(block, self.start(block, folder), (expected,))
        else:
            yield f"{block.where}: unknown mark '{block.mark}'"


def findings(files, build, documents):
    for path in documents:
        with tempfile.TemporaryDirectory() as folder:
            yield from Runner(files, build, path).run(folder)


def main():
    files = project.Project(sys.argv[1])
    documents = sys.argv[3:] or [p for p in files.paths if p.endswith(".md")]
    found = list(findings(files, os.path.abspath(sys.argv[2]), documents))
    print("\n".join(found), file=sys.stderr)
    print(f"{len(documents)} documents, {len(found)} findings")
    sys.exit(1 if found or not documents else 0)


if __name__ == "__main__":
    main()
