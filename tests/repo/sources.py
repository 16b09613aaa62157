# SPDX-License-Identifier: Apache-2.0
"""House rules that a program can read off the sources; each function below is one rule."""
import re

import project

CODE = (".cpp", ".hpp", ".cmake", ".py", ".sh", ".js", ".mjs", ".java",
        ".cmake.in", ".pc.in")
LINE_COLUMNS = 100
FILE_LINES = 440
# Spelt so that this file does not break its own rules.
MARKERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
SLEEPS = re.compile(
    r"\b(sleep_" r"for|sleep_" r"until|usl" r"eep|nanosl" r"eep)\b|\b(time|Thread|asyncio)\.sl" r"eep\b"
    r"|^\s*sl" r"eep\s+[0-9$]|[;&|]\s*sl" r"eep\s+[0-9$]")
TOP_FOLDERS = re.compile(r"\bCMAKE_(SOURCE|BINARY)_DIR\b")
HIDDEN_TESTS = re.compile(
    r"//\s*(TEST_CASE|SECTION)\s*\(|#\s*if\s+0\b|\[\.[a-z]*\]"
    r"|\[!(hide|mayfail|shouldfail|throws)\]|^\s*#\s*(add_test|flotilla_tests)\s*\(\s*[a-z]")
PLACES = re.compile(
    r"(?<![\w.$}{*])/(work|home|root|Users)/" r"|npm" r"js\.|pypi\." r"org|pythonhosted\." r"org"
    r"|deb\.deb" r"ian\.org|node" r"source|proxy\.go" r"lang|registry\.[a-z]")
SLEEPLESS = ("tests/", "examples/", "scripts/", ".ci/")


def is_code(files, path):
    return path.endswith(CODE) or path.endswith("CMakeLists.txt") or files.is_script(path)


def text_paths(files):
    return [p for p in files.paths if not files.is_binary(p)]


def licence_line(files):
    for path in text_paths(files):
        if is_code(files, path):
            head = files.text(path).splitlines()[:4]
            if sum("SPDX-License-Identifier: Apache-2.0" in line for line in head) != 1:
                yield f"{path}:1: has no SPDX-License-Identifier line"


def header_opens_with_its_job(files):
    for path in files.paths:
        if path.endswith(".hpp"):
            lines = files.text(path).splitlines()[1:3]
            text = [line.lstrip("/ ") for line in lines if line.startswith("//")]
            if not any(text):
                yield f"{path}:2: a header opens with a comment that says its job"
            if "#pragma once" not in files.text(path):
                yield f"{path}:1: has no #pragma once"


def matching(files, paths, pattern, message):
    for path in paths:
        for number, line in files.lines(path):
            match = pattern.search(line)
            if match:
                yield f"{path}:{number}: {message}: {match.group(0).strip()}"


def markers(files):
    paths = [p for p in text_paths(files) if p != "LICENSE"]
    return matching(files, paths, MARKERS, "finish it, or describe it in the documents")


def sleeps(files):
    paths = [p for p in text_paths(files) if p.startswith(SLEEPLESS) and is_code(files, p)]
    return matching(files, paths, SLEEPS, "wait for the event, not for time to pass")


def hidden_tests(files):
    paths = [p for p in text_paths(files) if p.startswith("tests/") and is_code(files, p)
             and not p.startswith("tests/repo/")]
    return matching(files, paths, HIDDEN_TESTS, "a test that does not run")


def places(files):
    paths = [p for p in text_paths(files) if p != "LICENSE"]
    return matching(files, paths, PLACES, "a path or host of one machine")


def inner_folders(files):
    """Under add_subdirectory those two are of somebody else's project."""
    paths = [p for p in files.paths if p.endswith(("CMakeLists.txt", ".cmake", ".cmake.in"))]
    return matching(files, paths, TOP_FOLDERS, "say PROJECT_..._DIR or CMAKE_CURRENT_..._DIR")


def sizes(files):
    for path in text_paths(files):
        if path.endswith(project.CPP):
            lines = files.lines(path)
            if len(lines) > FILE_LINES:
                yield f"{path}:{len(lines)}: has {len(lines)} lines; split it ({FILE_LINES})"
            for number, line in lines:
                if len(line) > LINE_COLUMNS:
                    yield f"{path}:{number}: has {len(line)} columns ({LINE_COLUMNS})"


def every_test_file_is_built(files):
    """tests/KIND/NAME/*_test.cpp is globbed by flotilla_tests(KIND NAME ...): is there such a line?"""
    calls = set()
    for path in files.paths:
        if path.startswith("tests/") and path.endswith("CMakeLists.txt"):
            calls |= set(re.findall(r"^\s*flotilla_tests\((\w+)\s+(\w+)", files.text(path), re.M))
    for path in files.paths:
        match = re.match(r"tests/(\w+)/(\w+)/\w+_test\.cpp$", path)
        if match and match.groups() not in calls:
            kind, name = match.groups()
            yield f"{path}:1: no flotilla_tests({kind} {name} ...) builds this"


RULES = (licence_line, header_opens_with_its_job, markers, sleeps, hidden_tests, places,
         inner_folders, sizes,
         every_test_file_is_built)

if __name__ == "__main__":
    project.main(*RULES)
