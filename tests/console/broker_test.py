# SPDX-License-Identifier: Apache-2.0
"""The console of a real flotilla-broker with a worker and calls."""
import sys
import unittest

from accessible import findings
from browser import ConsoleTest
from programs import Daemon, Scratch, Traffic


class Broker(ConsoleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = cls.enterClassContext(Scratch())
        cls.broker = cls.enterClassContext(Daemon("broker", "--bind", "tcp://127.0.0.1:*",
                                                  token=cls.scratch.token))
        at = ("--broker", cls.broker.endpoint)
        cls.enterClassContext(Traffic("serve", "echo", "--lines", *at, "--", "cat"))
        cls.enterClassContext(Traffic("call", "echo", *at, line="ahoy"))

    def test_services_and_rates(self):
        page = self.page(self.broker.url)
        page.says("Ready: takes work")
        page.until(page.has_a_rate, "a rate above zero")
        page.press("Services 1", "link")
        page.until(lambda: page.rows("Services") and page.rows("Services")[0]["Service"] == "echo",
                   "the service in the list")
        self.assertEqual(page.rows("Services")[0]["Workers"], "1")
        page.press("echo", "link")
        page.says("Workers", "main")
        page.until(lambda: page.figure("All figures", "Workers") == "1", "one worker")
        self.assertEqual(findings(page), [])
        self.assertEqual(page.complaints(), [])

    def test_workers_and_connections(self):
        page = self.page(self.broker.url)
        page.press("Workers 1", "link")
        page.until(lambda: page.rows("Workers") and page.rows("Workers")[0]["Service"] == "echo",
                   "the worker in the list")
        worker = page.rows("Workers")[0]
        self.assertEqual(worker["Capacity"], "1")
        self.assertTrue(worker["Connection"].startswith("127.0.0.1:"))
        page.go("#/objects/connection")
        page.until(lambda: any(each["Connection"] == worker["Connection"]
                               for each in page.rows("Connections")), "the worker's connection")
        self.assertEqual({each["Listener"] for each in page.rows("Connections")},
                         {self.broker.endpoint})
        page.until(lambda: any(each["Received bytes/s"] not in ("–", "0 B/s")
                               for each in page.rows("Connections")), "bytes that come")
        self.assertEqual(findings(page), [])
        page.press(worker["Connection"], "link")
        page.says("Bytes a second", "main")
        page.until(lambda: page.figure("All figures", "Round trip") not in ("", "–"), "a round trip")
        self.assertEqual(page.complaints(), [])

    def test_what_a_broker_does_not_have(self):
        page = self.page(self.broker.url, "#/queue/orders")
        page.says("There is no queue of this name now")
        page.go("#/objects/queue")
        page.says("flotilla-broker shows no queues")


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
