# SPDX-License-Identifier: Apache-2.0
"""Each repository check finds what it is there to find: small made-up trees, one fault each."""
import os
import tempfile
import unittest

import docs_commands
import layering
import links
import operations
import packaging
import project
import sources

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = LICENCE + "// Says its job.\n#pragma once\n"


class Made:
    """A project made of {path: text}, in a scratch folder."""

    def __init__(self, texts):
        self.texts = texts

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        for path, text in self.texts.items():
            there = os.path.join(self.folder.name, path)
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(there, "w", encoding="utf-8") as file:
                file.write(text)
        return project.Project(self.folder.name)

    def __exit__(self, *_):
        self.folder.cleanup()


class Checks(unittest.TestCase):
    def finds(self, check, texts, word):
        with Made(texts) as files:
            found = list(check(files))
            self.assertEqual(len(found), 1, found)
            self.assertIn(word, found[0])

    def passes(self, check, texts):
        with Made(texts) as files:
            self.assertEqual(list(check(files)), [])

    def test_floors(self):
        base = {"lib/flotilla/base/a.hpp": HEADER}
        include = "#include <flotilla/{}>\n"
        wire = {"lib/flotilla/wire/w.hpp": HEADER + include.format("base/a.hpp")}
        self.passes(layering.floors, {**base, **wire})
        upward = {"lib/flotilla/base/a.hpp": HEADER + include.format("wire/w.hpp"),
                  "lib/flotilla/wire/w.hpp": HEADER}
        self.finds(layering.floors, upward, "not on a floor below")
        pattern = {"patterns/flotilla/pubsub/p.hpp": HEADER,
                   "patterns/flotilla/pipeline/q.cpp": include.format("pubsub/p.hpp")}
        self.finds(layering.floors, pattern, "not on a floor below")
        part = {"patterns/flotilla/taker/t.hpp": HEADER,
                "patterns/flotilla/queue/q.cpp": include.format("taker/t.hpp")}
        self.passes(layering.floors, part)
        part = {"patterns/flotilla/queue/q.hpp": HEADER,
                "patterns/flotilla/taker/t.cpp": include.format("queue/q.hpp")}
        self.finds(layering.floors, part, "not on a floor below")
        daemon = {"daemons/relay/r.hpp": HEADER, "daemons/store/s.cpp": '#include "relay/r.hpp"\n',
                  "daemons/host/h.hpp": HEADER, "daemons/store/t.cpp": '#include "host/h.hpp"\n'}
        self.finds(layering.floors, daemon, "daemons/store/s.cpp")
        cli = {"daemons/relay/r.hpp": HEADER, "cli/c.cpp": '#include "../daemons/relay/r.hpp"\n'}
        self.finds(layering.floors, cli, "does not exist")
        self.finds(layering.floors, {"cli/c.cpp": "#include <zmq.hpp>\n"}, "only lib/flotilla/net")
        self.passes(layering.floors, {"lib/flotilla/net/c.cpp": "#include <zmq.hpp>\n"})
        self.finds(layering.floors, {"lib/flotilla/net/c.hpp": "#include <zmq.h>\n"}, "pointer")
        parser = {"command_line/p.hpp": HEADER, "cli/c.cpp": "#include <command_line/p.hpp>\n",
                  "command_line/p.cpp": "#include <CLI/CLI.hpp>\n" + include.format("base/a.hpp")}
        self.passes(layering.floors, {**base, **parser})
        self.finds(layering.floors, {"cli/c.cpp": "#include <CLI/CLI.hpp>\n"}, "only command_line")
        upward = {**parser, "lib/flotilla/base/a.hpp": HEADER + "#include <command_line/p.hpp>\n"}
        self.finds(layering.floors, upward, "base/a.hpp")
        upward = {"command_line/p.cpp": include.format("wire/w.hpp"),
                  "lib/flotilla/wire/w.hpp": HEADER}
        self.finds(layering.floors, upward, "command_line/p.cpp")
        self.finds(layering.floors, {"cli/c.cpp": include.format("base/none.hpp")}, "not exist")

    def test_cycles(self):
        circle = {"lib/flotilla/base/a.hpp": "#include <flotilla/base/b.hpp>\n",
                  "lib/flotilla/base/b.hpp": "#include <flotilla/base/a.hpp>\n"}
        self.finds(layering.cycles, circle, "includes itself")

    def test_sources(self):
        self.finds(sources.licence_line, {"a.cpp": "int a;\n"}, "SPDX")
        self.finds(sources.licence_line, {"run": "#!/bin/sh\ntrue\n"}, "SPDX")
        self.passes(sources.licence_line, {"a.cpp": LICENCE, "notes.md": "words\n"})
        silent = {"a.hpp": LICENCE + "#pragma once\n"}
        self.finds(sources.header_opens_with_its_job, silent, "opens with a comment")
        self.finds(sources.header_opens_with_its_job, {"a.hpp": LICENCE + "// Job.\n"}, "once")
        self.passes(sources.header_opens_with_its_job, {"a.hpp": HEADER})
        self.finds(sources.markers, {"docs/a.md": "TO" "DO: more\n"}, "docs/a.md:1")
        for line in ("std::this_thread::sleep_" "for(1s);", "usl" "eep(1);", "time.sl" "eep(1)"):
            self.finds(sources.sleeps, {"tests/unit/a.cpp": line + "\n"}, "wait for the event")
        self.finds(sources.sleeps, {"scripts/a.sh": "true; sl" "eep 1\n"}, "wait for the event")
        for line in ("// TEST_CASE(\"x\")", "#if 0", 'TEST_CASE("x", "[.]")', '"[!mayfail]"'):
            self.finds(sources.hidden_tests, {"tests/unit/a.cpp": line + "\n"}, "does not run")
        place = "/ho" "me/somebody/build"
        self.finds(sources.places, {"docs/a.md": f"cd {place}\n"}, "one machine")
        self.finds(sources.places, {"a.json": '"https://registry' '.example.org/x"\n'}, "machine")
        self.passes(sources.places, {"docs/a.md": "$HOME/work/x and the /workers page\n"})
        self.finds(sources.inner_folders, {"cmake/a.cmake": "${CMAKE_SOURCE_DIR}/x\n"}, "PROJECT_")
        self.passes(sources.inner_folders, {"CMakeLists.txt": "${PROJECT_SOURCE_DIR}/x\n"})
        self.finds(sources.sizes, {"a.cpp": "x" * 101 + "\n"}, "101 columns")
        self.finds(sources.sizes, {"a.cpp": "\n" * 441}, "441 lines")
        orphan = {"tests/unit/net/a_test.cpp": LICENCE}
        self.finds(sources.every_test_file_is_built, orphan, "flotilla_tests(unit net")
        built = {**orphan, "tests/CMakeLists.txt": "flotilla_tests(unit net flotilla::net)\n"}
        self.passes(sources.every_test_file_is_built, built)

    def test_links(self):
        self.finds(links.links, {"a.md": "see [b](b.md)\n"}, "does not exist")
        self.finds(links.links, {"a.md": "[b](b.md#two)\n", "b.md": "# One\n"}, "no such heading")
        good = {"a.md": "[b](docs/b.md#one-more) [web](https://example.org)\n",
                "docs/b.md": "# One more\n```sh\n[x](y.md)\n```\n"}
        self.passes(links.links, good)

    def commands(self, files):
        return docs_commands.findings(files, files.root, ["a.md"])

    def document(self, text, other=""):
        return {"a.md": text.replace("'''", "```"), "other": other}

    def test_operations(self):
        page = "## Log events\n| `broker_ready` | x |\n{}## Alerts\n### Down\n{}"
        sources_of = {"daemons/host/a.cpp": 'log_.info(event("ready"));\nlog.warning("odd");\n',
                      operations.NOTICE_NAMES: "",
                      operations.RULES: "- alert: Down\n"}
        daemons, operations.DAEMONS = operations.DAEMONS, ("broker",)
        try:
            right = {**sources_of, operations.PAGE: page.format("| `odd` | y |\n", "")}
            with Made(right) as files:
                self.assertEqual([*operations.events(files), *operations.alerts(files)], [])
            self.finds(operations.events, {**right, operations.PAGE: page.format("", "")}, "odd")
            self.finds(operations.events,
                       {**right, operations.PAGE: page.format("| `odd`, `gone` | y |\n", "")},
                       "nobody logs 'gone'")
        finally:
            operations.DAEMONS = daemons
        self.finds(operations.alerts, {**right, operations.RULES: "- alert: Down\n- alert: Up\n"},
                   "what to do at Up")
        self.finds(operations.alerts, {**right, operations.PAGE: page.format("", "### Odd\n")},
                   "no alert Odd")

    def test_packaging(self):
        right = {f"packaging/etc/{daemon}.toml": f'admin_http = "127.0.0.1:{port}"\n'
                 for daemon, port in (("store", 1), ("broker", 2), ("relay", 3))}
        targets = {"flotilla": '"a:1", "a:2", "a:3"', "flotilla-queues": '"a:1"',
                   "flotilla-services": '"a:2"', "flotilla-relays": '"a:3"'}
        scrape = "".join(f"  - job_name: {job}\n      - targets: [{of}]\n"
                         for job, of in targets.items())
        right[packaging.SCRAPE] = scrape
        right["docs/a.md"] = "flotilla-store --admin-http 127.0.0.1:1\n"
        self.passes(packaging.scraped, right)
        self.passes(packaging.shown, right)
        self.finds(packaging.scraped, {**right, packaging.SCRAPE: scrape.replace('["a:2"]',
                                                                                '["a:4"]')},
                   "asks ports 4, but packaging/etc listens on 2")
        self.finds(packaging.shown, {**right, "docs/b.md": "--admin-http [::1]:4\n"}, "port 4")
        units = {packaging.UNIT: "MemoryMax=@memory_max@\n",
                 packaging.UNITS: "".join(f"set(memory_max_{daemon} 4G)\n"
                                          for daemon in packaging.DAEMONS),
                 packaging.SAYS_MEMORY: "set `MemoryMax=`: 4G for a store and a relay"}
        self.finds(packaging.memory, units, "MemoryMax= 4G for a broker")
        units[packaging.SAYS_MEMORY] = "set `MemoryMax=`: 4G for a store or broker or relay"
        self.passes(packaging.memory, units)
        self.finds(packaging.memory, {**units, packaging.UNIT: "LimitNOFILE=1\n"}, "no MemoryMax=")

    def test_documents_are_run(self):
        run = self.commands
        self.passes(run, self.document("'''sh\necho hello > x\n'''\n'''sh\ngrep hello x\n'''\n"))
        self.finds(run, self.document("'''sh\nfalse\n'''\n"), "exit code 1, not 0")
        self.finds(run, self.document("'''sh\nfalse | true\n'''\n"), "a.md:1")
        self.passes(run, self.document("<!-- test: exit 3 -->\n'''sh\nexit 3\n'''\n"))
        self.finds(run, self.document("<!-- test: maybe -->\n'''sh\ntrue\n'''\n"), "unknown mark")
        self.finds(run, self.document("<!-- test: not run, -->\n'''sh\nfalse\n'''\n"), "unknown")
        self.passes(run, self.document("<!-- test: not run, installs -->\n'''sh\nfalse\n'''\n"))
        elsewhere = "<!-- test: run by other -->\n'''sh\nmake all # slow\n'''\n"
        self.passes(run, self.document(elsewhere, "make all"))
        self.finds(run, self.document(elsewhere, "make some"), "does not run")

    def test_documents_show_what_is_printed(self):
        text = "'''sh\necho one; echo two; echo three\n'''\n<!-- test: output -->\n'''text\n{}\n'''\n"
        self.passes(self.commands, self.document(text.format("one\n...\nthree")))
        self.finds(self.commands, self.document(text.format("two\none")), "was not printed")
        part = "<!-- from: other -->\n'''cpp\nint b;\n'''\n"
        self.passes(self.commands, self.document(part, "int a;\n    int b;\n"))
        self.finds(self.commands, self.document(part, "int a;\n"), "not a part")

    def test_documents_have_their_own_ports_and_background(self):
        talk = ("<!-- test: background -->\n'''sh\nmkfifo f 2>&-; exec cat f\n'''\n"
                "'''sh\necho tcp://localhost:5555 | grep -v 5555\n'''\n# Next\n")
        self.passes(self.commands, self.document(talk))
        failing = ("<!-- test: background -->\n'''sh\nmkfifo f; trap 'exit 7' TERM; touch ready\n"
                   "while :; do read -r -t 0.05 <>f || :; done\n'''\n"
                   "'''sh\nuntil [ -e ready ]; do :; done\n'''\n")
        self.finds(self.commands, self.document(failing), "exit code 7")


if __name__ == "__main__":
    unittest.main()
