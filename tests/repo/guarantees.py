# SPDX-License-Identifier: Apache-2.0
"""Every row of the failure tables in docs/guarantees.md names test cases, and each of them exists."""
import re

import project

PAGE = "docs/guarantees.md"
CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', re.S)
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
NAMED = re.compile(r"`([^`]+)`")


def test_cases(files):
    names = set()
    for path in files.paths:
        if path.startswith("tests/") and path.endswith("_test.cpp"):
            for literals in CASE.findall(files.text(path)):
                names.add("".join(LITERAL.findall(literals)).replace('\\"', '"'))
    return names


def guarantees(files):
    if PAGE not in files.paths:
        yield f"{PAGE}:1: there is no failure table"
        return
    known = test_cases(files)
    rows = 0
    header = None
    for number, line in files.lines(PAGE):
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if header is None:
            header = cells
            continue
        if header[-1] != "Test" or set(cells[-1]) <= {"-", ":"}:
            continue
        rows += 1
        named = NAMED.findall(cells[-1])
        if not named:
            yield f"{PAGE}:{number}: this row names no test"
        for name in named:
            if name not in known:
                yield f"{PAGE}:{number}: there is no test case '{name}'"
    if rows == 0:
        yield f"{PAGE}:1: no table has a last column 'Test'"


if __name__ == "__main__":
    project.main(guarantees)
