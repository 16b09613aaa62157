# SPDX-License-Identifier: Apache-2.0
"""States of the page that a real daemon is hard to bring into, and names and bodies that mean harm;
against a daemon that says what the test wants.
"""
import os
import sys
import unittest

from accessible import findings
from browser import DESKTOP, PHONE, ConsoleTest
from fake_daemon import FakeDaemon

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "daemons", "admin", "console")

HOSTILE = ["<img src=x onerror=\"window.harmed='img'\">",
           "<script>window.harmed='script'</script>",
           "'\"><svg onload=window.harmed='svg'>",
           "javascript:window.harmed='link'",
           "right\u202eto left\u2066 and\u200b hidden\x07",
           "${window.harmed='template'}", "a/b?c#d%2Fe&f=g +h"]


class States(ConsoleTest):
    def test_twelve_thousand_queues(self):
        with FakeDaemon(SOURCES, queues=12_000) as fake:
            page = self.page(fake.url, "#/objects/queue")
            page.says("10,000 of 12,000 queues")
            page.says("2,000 are not")
            page.says("1–50 of 10,000")
            page.one("input[type=search]").send_keys("^orders.119")
            page.says("100 queues")
            self.assertEqual(page.rows("Queues")[0]["Queue"], "orders.11900")
            self.assertIn("filter=%5Eorders.119", page.script("return location.hash"))

    def test_an_answer_that_stays_away(self):
        with FakeDaemon(SOURCES) as fake:
            page = self.page(fake.url)
            page.says("Ready: takes work")
            fake.hangs.set()
            page.says("No answer since", "#trouble")
            page.says("stale", "#state")
            page.says("unreachable since", "#trouble")
            self.assertIn("no answer within 10 s", page.text("#trouble"))
            fake.hangs.clear()
            page.until(lambda: not page.one("#trouble").is_displayed(), "the trouble to end")
            page.says("ready", "#state")

    def test_a_daemon_that_shows_nothing_without_the_token(self):
        with FakeDaemon(SOURCES) as fake:
            fake.reading_needs_token = True
            page = self.page(fake.url)
            page.says("does not show itself without the admin token", "#trouble")
            page.enter_token(fake.token)
            page.says("Ready: takes work")

    def test_why_a_daemon_is_not_ready(self):
        with FakeDaemon(SOURCES) as fake:
            fake.state = "not_ready"
            fake.not_ready = ["short of disk: 12 MiB free, 64 MiB reserved"]
            page = self.page(fake.url)
            page.says("Not ready")
            page.says("short of disk: 12 MiB free")
            page.says("not ready", "#state")

    def test_what_somebody_has_to_look_at_though_it_is_ready(self):
        with FakeDaemon(SOURCES) as fake:
            fake.warnings = ["the last reload failed, and the old settings hold: line 3"]
            page = self.page(fake.url)
            page.says("Ready: takes work")
            page.says("the last reload failed, and the old settings hold: line 3")

    def test_nothing_there(self):
        with FakeDaemon(SOURCES, queues=0) as fake:
            page = self.page(fake.url, "#/objects/queue")
            page.says("No queues yet")
            page.go("#/queue/none")
            page.says("There is no queue of this name now")
            page.go("#/no/such/view/at/all")
            page.says("The address names nothing")
            page.go("#/objects/ship")
            page.says("shows no ships")

    def test_a_daemon_that_was_started_again(self):
        with FakeDaemon(SOURCES, queues=3) as fake:
            page = self.page(fake.url)
            page.until(lambda: "received 1,2" in page.text(".legend"), "a rate of 1,200 a second")
            fake.started_ms += 80_000  # its counters begin again
            before = fake.served
            page.until(lambda: fake.served > before + 2, "two more answers")
            self.assertNotIn("-", page.text(".legend"))

    def test_pausing_updates(self):
        with FakeDaemon(SOURCES, queues=3) as fake:
            page = self.page(fake.url)
            page.says("Updated", "footer")
            page.press("Pause updates")
            page.says("Paused at", "footer")
            self.assertEqual(page.one("#pause").get_attribute("aria-pressed"), "true")
            page.press("Pause updates")
            page.says("Updated", "footer")

    def test_names_and_bodies_that_mean_harm(self):
        with FakeDaemon(SOURCES, queues=0) as fake:
            fake.queues = list(HOSTILE)
            fake.messages = {name: [{
                "id": 7, "bytes": 10, "priority": 0, "key": name, "attempts": 3, "enqueued_ms": 1_760_000_000_000,
                "note": {"origin": name, "reason": name, name: name}, "headers": {name: name},
                "parts": [{"text": name}, {"base64": "AP+AgQ=="}]}] for name in HOSTILE}
            page = self.page(fake.url, "#/objects/queue")
            page.says(f"{len(HOSTILE)} queues")
            page.enter_token(fake.token)
            page.says("right\\u{202e}to left")
            for name in HOSTILE:
                encoded = page.script("return encodeURIComponent(arguments[0])", name)
                page.go(f"#/queue/{encoded}")
                page.says("1 to 1")
                page.go(f"#/queue/{encoded}/message/7")
                page.says("Why it is dead")
                page.says("Part 2")
                page.press("Redrive this message")
                page.until(lambda name=name: (f"/api/queues/{name}/redrive", {"id": "7"}) in fake.posted,
                           f"redrive of {name!r}")
            self.assertIsNone(page.script("return window.harmed ?? null"))
            self.assertEqual(page.script("return document.querySelectorAll('main img, main script, main svg').length"), 0)
            self.assertEqual(page.script("return [...document.links].filter((a) => a.protocol !== 'http:').length"), 0)
            self.assertEqual(page.complaints(), [])

    def test_the_page_refuses_scripts_that_are_not_its_own(self):
        with FakeDaemon(SOURCES) as fake:
            page = self.page(fake.url)
            page.script("""const script = document.createElement('script');
                           script.textContent = 'window.harmed = 1';
                           document.body.append(script);""")
            self.assertIsNone(page.script("return window.harmed ?? null"))
            self.assertIn("Content Security Policy", "".join(page.complaints()))

    def test_hex_and_text(self):
        with FakeDaemon(SOURCES, queues=1) as fake:
            fake.messages["orders.00000"] = [{
                "id": 1, "bytes": 300, "attempts": 0, "enqueued_ms": 1_760_000_000_000,
                "parts": [{"text": "ahoy"}, {"base64": "AAECA0FC", "cut": True, "bytes": 100_000}]}]
            page = self.page(fake.url, "#/queue/orders.00000/message/1")
            page.says("only with the admin token")
            page.enter_token(fake.token)
            page.says("ahoy")
            page.says("000000  00 01 02 03 41 42")
            page.says("97.7 KiB, cut after 6 B")
            self.assertIn("....AB", page.text(".part"))
            page.press("Show as hex")
            page.says("61 68 6f 79")

    def test_accessibility_of_every_view(self):
        with FakeDaemon(SOURCES) as fake:
            fake.messages["orders.00001"] = [{
                "id": 1, "bytes": 9, "attempts": 5, "key": "k", "enqueued_ms": 1_760_000_000_000,
                "note": {"origin": "orders", "reason": "attempts"}, "headers": {"a": "b"},
                "parts": [{"text": "ahoy " * 50}]}]
            page = self.page(fake.url)
            page.says("ready", "#state")
            page.enter_token(fake.token)
            views = {"#/": "Latency", "#/objects/queue?columns=all": "1,000 queues", "#/queue/orders.00001": "1 to 1",
                     "#/queue/orders.00001/message/1": "ahoy", "#/audit": "Nothing was changed",
                     "#/queue/none": "no queue of this name", "#/nowhere/at/all": "names nothing"}
            for scheme in ("light", "dark"):
                for size in (DESKTOP, PHONE):
                    page.look(size, scheme)
                    for link, text in views.items():
                        page.go(link)
                        page.says(text)
                        with self.subTest(link=link, scheme=scheme, width=size[0]):
                            self.assertEqual(findings(page), [])
            page.look(PHONE)
            page.go("#/queue/orders.00001")
            page.press("Purge")
            page.says("Type orders.00001 to confirm", "dialog")
            self.assertEqual(findings(page), [])

    def test_the_accessibility_check_finds_what_is_wrong(self):
        with FakeDaemon(SOURCES) as fake:
            page = self.page(fake.url)
            page.says("ready", "#state")
            page.script("""document.querySelector('main').insertAdjacentHTML('beforeend',
                '<h4>Skipped</h4><button class="x"></button><p class="pale">Pale words</p><table><tr><td>1</td></tr></table>');
                const pale = document.querySelector('.pale');
                pale.style.color = '#aaa'; pale.style.background = '#fff';""")
            found = "\n".join(findings(page))
            for expected in ("skips a level", "has no name", "contrast of text 2.32", "no caption"):
                self.assertIn(expected, found)


class Modules(ConsoleTest):
    """What decides without the document, called in the browser that runs it."""

    def evaluate(self, page, module, expression):
        result = self.driver.execute_async_script(
            "const done = arguments[2];"
            "import(new URL(arguments[0], document.baseURI)).then("
            "  (m) => done([0, Function('m', `return (${arguments[1]})`)(m)])).catch((e) => done([1, String(e)]));",
            module, expression)
        if result[0]:
            raise AssertionError(result[1])
        return result[1]

    def test_formats_and_rates(self):
        with FakeDaemon(SOURCES, queues=1) as fake:
            page = self.page(fake.url, "icon.svg")  # has no policy to stop Function()
            page.driver.get("about:blank")
            page.open()
            page.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
            page.driver.refresh()
            for module, expression, expected in (
                    ("format.js", "m.count(1234567)", "1,234,567"),
                    ("format.js", "m.bytes(1536)", "1.5 KiB"),
                    ("format.js", "m.bytes(0)", "0 B"),
                    ("format.js", "m.seconds(0.00042)", "420 µs"),
                    ("format.js", "m.seconds(3671)", "1 h 1 min"),
                    ("format.js", "m.amount(1, 'flag')", "yes"),
                    ("format.js", "m.amount(null, 'count')", "–"),
                    ("format.js", "m.rate(null)", "–"),
                    ("format.js", "m.rate(0.25, 'count')", "0.3/s"),
                    ("format.js", "m.plural('relay') + m.plural('query')", "relaysqueries"),
                    ("format.js", "m.visible('a\\u202eb\\n')", "a\\u{202e}b\n"),
                    ("history.js", "m.rateBetween(1000, 10, 3000, 30)", 10),
                    ("history.js", "m.rateBetween(1000, 30, 3000, 10)", None),
                    ("history.js", "m.rateBetween(1000, 1, 1000, 2)", None),
                    ("history.js", "m.quantile([1, 2], [1, 1, 0], 0.5)", 1),
                    ("history.js", "m.quantile([1, 2], [0, 10, 0], 0.5)", 1.5),
                    ("history.js", "m.quantile([1], [0, 0], 0.5)", None),
                    ("history.js", "m.quantile([1], [0, 3], 0.5) === Infinity", True),
                    ("history.js", "(() => { const h = new m.History(); for (let i = 0; i < 1000; ++i) "
                                   "h.add(i, {a: i}); return h.length; })()", 300),
                    ("history.js", "(() => { const h = new m.Histories(2); for (const k of 'abab') h.of(k).add(1, {}); "
                                   "h.of('c'); return [h.of('b').length, h.of('a').length]; })()", [1, 0]),
                    ("routes.js", "m.parseRoute('#/queue/a%2Fb/message/7?from=delayed').segments",
                     ["queue", "a/b", "message", "7"]),
                    ("routes.js", "m.link(['queue', 'a/b ?'], {from: ''})", "#/queue/a%2Fb%20%3F")):
                with self.subTest(expression=expression):
                    self.assertEqual(self.evaluate(page, module, expression), expected)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
