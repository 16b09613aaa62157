# SPDX-License-Identifier: Apache-2.0
"""The console of a real flotilla-store with a thousand queues and live traffic. With
FLOTILLA_CONSOLE_IMAGES=FOLDER it also takes the pictures of docs/console.md.
"""
import json
import sys
import unittest

from accessible import findings
from browser import DESKTOP, PHONE, ConsoleTest
from programs import TOKEN, Daemon, Scratch, Traffic, zmq

HOSTILE = "<script>window.harmed='body'</script><img src=x onerror=\"window.harmed='img'\">\u202e end"

SETTINGS = """
bind = "tcp://127.0.0.1:*"
data = "data"
instance = "orders store"
[[queue]]
name = "orders"
attempts_max = 1
dead_letter_queue = "orders.dead"
[[queue]]
name = "orders.dead"
[[queue]]
name = "mail"
[[queue]]
name = "traffic"
"""


class Store(ConsoleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = cls.enterClassContext(Scratch())
        queues = "".join(f'[[queue]]\nname = "region{i // 100}.shop{i:04}"\n' for i in range(1000))
        cls.config = cls.scratch.write("store.toml", SETTINGS + queues)
        cls.store = cls.enterClassContext(Daemon("store", "--config", cls.config, token=cls.scratch.token))
        cls.at = ("--store", cls.store.endpoint)
        zmq("queue", "put", "region3.shop0333", *cls.at, text="a book\n" * 500)
        for i in range(1, 10):
            zmq("queue", "put", f"region{i}.shop{i * 101:04}", *cls.at, text="a book\n" * (i * i * 3 % 97 + 2))
        zmq("queue", "put", "region7.shop0777", *cls.at, text="a book\n" * 300)
        producer = cls.enterClassContext(Traffic("queue", "put", "traffic", *cls.at, line="one more"))
        consumer = cls.enterClassContext(Traffic("queue", "take", "traffic", "--follow", *cls.at))
        assert producer.process.poll() is None and consumer.process.poll() is None

    def ready(self, queue):
        rows = self.store.ask(f"/api/status?kind=queue&prefix={queue}&rows=1")["objects"]["queue"]
        return rows[0]["ready"] if rows and rows[0]["name"] == queue else None

    def make_dead(self, text):
        zmq("queue", "put", "orders", *self.at, text=text + "\n")
        zmq("queue", "take", "orders", "-n", "1", *self.at, "--", "false", code=4)

    def test_overview_shows_live_figures(self):
        page = self.page(self.store.url)
        page.says("Ready: takes work")
        page.says("orders store", "#instance")
        page.until(page.has_a_rate, "a rate above zero")
        page.until(lambda: "now" in page.one("canvas").get_attribute("aria-label"), "a plot that tells its values")
        drawn = page.script("""const canvas = document.querySelector('canvas');
            return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v > 0);""")
        self.assertTrue(drawn)
        self.assertIn(self.store.endpoint, page.text("main"))
        page.says("99 % within")
        self.assertEqual(page.complaints(), [])
        for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
            page.look(size, scheme)
            self.assertEqual(findings(page), [])

    def test_a_thousand_queues(self):
        page = self.page(self.store.url, "#/objects/queue")
        page.says("1,004 queues")
        page.says("1–50 of 1,004")
        page.press("Next page")
        page.says("51–100 of 1,004")
        page.press("Ready")
        page.says("1–50 of 1,004")
        page.until(lambda: page.rows("Queues")[0]["Queue"] == "region3.shop0333", "the longest first")
        self.assertEqual(page.rows("Queues")[0]["Ready"], "500")
        self.assertIn("sort=ready&order=falling", page.script("return location.hash"))
        page.one("input[type=search]").send_keys("SHOP0777")
        page.says("1 of 1,004 queues")
        self.assertEqual([row["Queue"] for row in page.rows("Queues")], ["region7.shop0777"])
        page.one("input[type=search]").clear()
        page.one("input[type=search]").send_keys("^traffic")
        page.until(lambda: page.rows("Queues") and page.rows("Queues")[0]["Queue"] == "traffic", "the queue traffic")
        page.until(lambda: page.rows("Queues")[0]["Accepted/s"] not in ("–", "0/s"), "its rate")
        page.press("All columns", "checkbox")
        page.until(lambda: len(page.rows("Queues")[0]) > 12, "all columns")
        page.driver.refresh()
        page.until(lambda: len(page.rows("Queues")) == 1, "the same view after a reload")
        self.assertEqual(page.complaints(), [])

    def test_browsing_and_a_body_that_means_harm(self):
        zmq("queue", "put", "mail", *self.at, text=HOSTILE + "\n")
        page = self.page(self.store.url, "#/objects/queue?filter=mail")
        page.press("mail", "link")
        page.says("1 to 1")
        page.press(page.rows("Ready messages")[0]["Message"], "link")
        page.says("only with the admin token")
        self.assertNotIn("harmed", page.text())
        page.enter_token("not-the-token-of-anybody")
        page.says("The daemon does not take this token", "dialog")
        page.named("textbox", "Token").clear()
        page.named("textbox", "Token").send_keys(TOKEN)
        page.press("Use token")
        page.says("<script>window.harmed='body'</script>")
        page.says("\\u{202e} end")
        page.press("Show as hex")
        page.says("3c 73 63 72 69 70 74")
        page.press("Show as text")
        page.press("Copy part 1")
        page.until(lambda: page.text("#main .notice"), "a word about the copy")
        self.assertIsNone(page.script("return window.harmed ?? null"))
        self.assertEqual([each for each in page.complaints() if "401" not in each], [])

    def test_redriving_one_and_all(self):
        for i in range(4):
            self.make_dead(f"dead {i}")
        self.assertEqual(self.ready("orders.dead"), 4)
        page = self.page(self.store.url, "#/queue/orders")
        page.press("orders.dead", "link")
        page.says("1 to 4")
        rows = page.rows("Ready messages")
        self.assertEqual({row["Came from"] for row in rows}, {"orders"})
        self.assertTrue(all(row["Dead because"] for row in rows), rows)
        redrive = page.named("button", f"Redrive message {rows[0]['Message']}")
        self.assertFalse(redrive.is_enabled())
        page.enter_token(TOKEN)
        page.press(f"Redrive message {rows[0]['Message']}")
        page.says("redriven", ".notice")
        page.says("1 to 3")
        self.assertEqual((self.ready("orders.dead"), self.ready("orders")), (3, 1))
        page.press("Redrive all dead letters")
        page.press("Redrive all")
        page.says("Redriven: 3 messages", ".notice")
        page.says("No message is ready")
        self.assertEqual((self.ready("orders.dead"), self.ready("orders")), (0, 4))
        page.press("Audit", "link")
        page.until(lambda: [row["Verb"] for row in page.rows("Audit trail")].count("redrive") >= 2,
                   "both redrives in the audit trail")
        zmq("queue", "purge", "orders", *self.at)

    def test_purging_takes_the_name(self):
        zmq("queue", "put", "region9.shop0999", *self.at, text="x\n" * 25)
        page = self.page(self.store.url, "#/queue/region9.shop0999")
        page.says("1 to 25")
        page.enter_token(TOKEN)
        page.press("Purge")
        field = page.named("textbox", "Type region9.shop0999 to confirm")
        yes = page.one("dialog button[type=submit]")
        field.send_keys("region9")
        self.assertFalse(yes.is_enabled())
        page.press("Cancel")
        self.assertEqual(self.ready("region9.shop0999"), 25)
        page.press("Purge")
        page.named("textbox", "Type region9.shop0999 to confirm").send_keys("region9.shop0999")
        page.one("dialog button[type=submit]").click()
        page.says("Purged: 25 messages", ".notice")
        page.says("No message is ready")
        self.assertEqual(self.ready("region9.shop0999"), 0)

    def test_nothing_changes_without_the_token(self):
        page = self.page(self.store.url, "#/queue/region3.shop0333")
        page.says("1 to 50, and more")
        for name in ("Purge", "Redrive all dead letters"):
            self.assertFalse(page.named("button", name).is_enabled())
        page.says("These need the admin token")
        status = page.driver.execute_async_script("""
            fetch('../api/queues/region3.shop0333/purge', {method: 'POST', body: '{}',
                headers: {'Content-Type': 'application/json'}}).then((a) => arguments[0](a.status));""")
        self.assertIn(status, (401, 403))
        self.assertEqual(self.ready("region3.shop0333"), 500)
        page.press("Next messages")
        page.says("51 to 100, and more")

    def test_a_dead_letter_by_its_link_and_pictures(self):
        order = json.dumps({"order": 4711, "customer": "Ada", "items": [{"title": "On Computable Numbers", "count": 2}]},
                           indent=2)
        zmq("queue", "put", "orders", "--null", *self.at, text=order)
        zmq("queue", "take", "orders", "-n", "1", *self.at, "--", "false", code=4)
        page = self.page(self.store.url, "#/queue/orders.dead")
        page.says("1 to 1")
        page.enter_token(TOKEN)
        page.look(DESKTOP, "dark")
        page.press(page.rows("Ready messages")[0]["Message"], "link")
        page.says("Why it is dead")
        self.assertEqual(page.figure("Why it is dead", "Origin"), "orders")
        page.says("On Computable Numbers")
        page.picture("console-message.png")
        self.assertEqual(findings(page), [])
        page.look()
        page.go("#/objects/queue?sort=ready&order=falling")
        page.says("1,004 queues")
        page.until(lambda: page.rows("Queues")[0]["Accepted/s"] != "–", "rates")
        page.picture("console-queues.png")
        for scheme, size, name in (("light", DESKTOP, "console-overview.png"), ("dark", PHONE, "console-phone.png")):
            page.look(size, scheme)
            page.go("#/")
            page.says("Ready: takes work")
            page.until(lambda: page.script("return Chart.getChart(document.querySelector('canvas'))"
                                           ".data.datasets[0].data.length >= 10"), "some samples")
            page.picture(name)
        zmq("queue", "purge", "orders.dead", *self.at)


class Life(ConsoleTest):
    def test_unreachable_and_back(self):
        with Scratch() as scratch:
            arguments = ("store", "--bind", "tcp://127.0.0.1:*", "--data", scratch.path("data"))
            with Daemon(*arguments) as store:
                page = self.page(store.url)
                page.says("Ready: takes work")
                address, process = store.http, store.process.pid
                self.assertEqual(page.figure("Readiness", "Process"), str(process))
            page.says("unreachable since", "#trouble")
            page.says("keeps trying", "#trouble")
            page.says("unreachable", "#state")
            page.until(lambda: "unreachable since" in page.script(
                "return document.getElementById('said').textContent"), "the trouble to be announced")
            self.assertEqual(page.figure("Readiness", "Process"), str(process))  # the last figures stay
            self.assertEqual(findings(page), [])
            with Daemon(*arguments, http=address) as store:
                page.until(lambda: page.figure("Readiness", "Process") == str(store.process.pid), "the new process")
                page.says("ready", "#state")
                self.assertFalse(page.one("#trouble").is_displayed())
                self.assertIn("answers again", page.script("return document.getElementById('said').textContent"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
