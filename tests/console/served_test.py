# SPDX-License-Identifier: Apache-2.0
"""How a daemon serves the console: every file as it is in the tree, with the headers that bound it."""
import http.client
import os
import sys
import unittest

from programs import Daemon, Scratch
from states_test import SOURCES


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = cls.enterClassContext(Scratch())
        cls.store = cls.enterClassContext(Daemon(
            "store", "--bind", "tcp://127.0.0.1:*", "--data", cls.scratch.path("data")))

    def get(self, path, **headers):
        connection = http.client.HTTPConnection(self.store.http, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def test_every_file_of_the_folder(self):
        for name in sorted(os.listdir(SOURCES)):
            if not name.endswith((".html", ".css", ".js", ".svg")):
                continue
            with open(os.path.join(SOURCES, name), "rb") as file:
                expected = file.read()
            answer, body = self.get("/console/" + ("" if name == "index.html" else name))
            with self.subTest(name=name):
                self.assertEqual(answer.status, 200)
                self.assertEqual(body, expected)
                policy = answer.headers["Content-Security-Policy"]
                for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                             "img-src 'self' data:", "connect-src 'self'", "frame-ancestors 'none'"):
                    self.assertIn(part, policy.split("; "))
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
                expected_type = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
                                 ".html": "text/html"}[os.path.splitext(name)[1]]
                self.assertEqual(answer.headers.get_content_type(), expected_type)

    def test_the_plotting_library(self):
        answer, body = self.get("/console/chart.min.js")
        self.assertEqual(answer.status, 200)
        self.assertIn(b"Chart.js v3", body[:100])
        self.assertIn(b"Released under the MIT License", body[:300])

    def test_what_the_browser_has_is_not_sent_again(self):
        answer, _ = self.get("/console/main.js")
        tag = answer.headers["ETag"]
        answer, body = self.get("/console/main.js", **{"If-None-Match": tag})
        self.assertEqual((answer.status, body), (304, b""))
        answer, _ = self.get("/console/main.js", **{"If-None-Match": '"other"'})
        self.assertEqual(answer.status, 200)

    def test_the_way_to_the_page(self):
        for path in ("/", "/console"):
            answer, _ = self.get(path)
            self.assertEqual((answer.status, answer.headers["Location"]), (302, "/console/"))

    def test_what_is_not_there(self):
        for path in ("/console/none.js", "/console/../main.js", "/console/embed.cmake", "/console/%2e%2e/main.js"):
            answer, _ = self.get(path)
            with self.subTest(path=path):
                self.assertEqual(answer.status, 404)

    def test_nothing_in_the_files_reaches_out_or_makes_markup_of_text(self):
        forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                     "localStorage", "sessionStorage", "document.cookie", "style=", "onclick=")
        for name in sorted(os.listdir(SOURCES)):
            if name.endswith((".js", ".html", ".css")):
                with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
                    text = file.read()
                for word in forbidden:
                    self.assertNotIn(word, text, name)
                self.assertNotRegex(text, r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", name)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
