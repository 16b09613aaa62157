# SPDX-License-Identifier: Apache-2.0
"""What the repository checks share: the files of the project, and how a check reports.

A check is a function from a Project to findings, each "path:line: what is wrong". It needs only
Python's standard library.
"""
import os
import subprocess
import sys

CPP = (".cpp", ".hpp")
BUILD_PREFIXES = ("build", ".git", ".cache", "node_modules", "__pycache__")


class Project:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(self._list())
        self._text = {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listed = subprocess.run(
                ["git", "-C", self.root, "-c", "safe.directory=*", "ls-files", "-z",
                 "--cached", "--others", "--exclude-standard"],
                capture_output=True, check=True, text=True).stdout.split("\0")
            return [path for path in listed if path and os.path.isfile(self.absolute(path))]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if not f.startswith(BUILD_PREFIXES)]
            found += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        return found

    def absolute(self, path):
        return os.path.join(self.root, path)

    def text(self, path):
        """The file as text; bytes that are not UTF-8 become replacement characters."""
        if path not in self._text:
            with open(self.absolute(path), encoding="utf-8", errors="replace") as file:
                self._text[path] = file.read()
        return self._text[path]

    def lines(self, path):
        """(number, line) from 1."""
        return list(enumerate(self.text(path).splitlines(), 1))

    def is_script(self, path):
        return os.path.splitext(path)[1] == "" and self.text(path).startswith("#!")

    def is_binary(self, path):
        with open(self.absolute(path), "rb") as file:
            return b"\0" in file.read(4096)


def main(*checks):
    """main() of a check: the project's root is the argument; findings go to stderr."""
    project = Project(sys.argv[1])
    findings = [finding for check in checks for finding in check(project)]
    for finding in findings:
        print(finding, file=sys.stderr)
    print(f"{len(project.paths)} files, {len(findings)} findings")
    sys.exit(1 if findings or not project.paths else 0)
