# SPDX-License-Identifier: Apache-2.0
"""The console of a real flotilla-relay: what passes, and pausing it."""
import sys
import unittest

from accessible import findings
from browser import ConsoleTest
from programs import TOKEN, Daemon, Scratch, Traffic


class Relay(ConsoleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = cls.enterClassContext(Scratch())
        cls.relay = cls.enterClassContext(Daemon(
            "relay", "streamer", "--name", "prices", "--frontend", "tcp://127.0.0.1:*",
            "--backend", "tcp://127.0.0.1:*", token=cls.scratch.token))
        relay = cls.relay.ready["relays"][0]
        cls.enterClassContext(Traffic("pull", relay["backend"][0]))
        cls.enterClassContext(Traffic("push", relay["frontend"][0], line="17.3"))

    def row(self):
        return self.relay.ask("/api/status?kind=relay")["objects"]["relay"][0]

    def test_what_passes(self):
        page = self.page(self.relay.url)
        page.says("Ready: takes work")
        page.press("Relays 1", "link")
        page.until(lambda: [row["Relay"] for row in page.rows("Relays")] == ["prices"], "the relay in the list")
        page.press("prices", "link")
        page.until(page.has_a_rate, "a rate above zero")
        self.assertEqual(findings(page), [])
        self.assertEqual(page.complaints(), [])

    def test_pausing_and_resuming(self):
        page = self.page(self.relay.url, "#/relay/prices")
        page.says("Running.")
        self.assertFalse(page.named("button", "Pause").is_enabled())
        page.enter_token(TOKEN)
        page.press("Pause")
        page.says("Pause this relay?", "dialog")
        page.press("Pause relay")
        page.says("Relay prices paused", ".notice")
        page.says("Paused: nothing is taken")
        page.press("Resume")
        page.says("Relay prices resumed", ".notice")
        page.says("Running.")
        page.press("Audit", "link")
        page.until(lambda: {"pause", "resume"} <= {row["Verb"] for row in page.rows("Audit trail")},
                   "both in the audit trail")


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
