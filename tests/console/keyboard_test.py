# SPDX-License-Identifier: Apache-2.0
"""The console of a real flotilla-store without a pointer: from the first key to a purged queue."""
import sys
import unittest

from selenium.webdriver.common.keys import Keys

from browser import ConsoleTest
from programs import TOKEN, Daemon, Scratch, zmq

RING = """const e = document.activeElement, s = getComputedStyle(e);
          return e.matches(':focus-visible') && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;"""


class Keyboard(ConsoleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = cls.enterClassContext(Scratch())
        config = cls.scratch.write("store.toml", "bind = 'tcp://127.0.0.1:*'\ndata = 'data'\n" + "".join(
            f"[[queue]]\nname = 'q{i:02}'\n" for i in range(60)))
        cls.store = cls.enterClassContext(Daemon("store", "--config", config, token=cls.scratch.token))
        zmq("queue", "put", "q42", "--store", cls.store.endpoint, text="x\n" * 3)

    def tab_to(self, page, name, presses_max=200):
        page.tab_to(name, presses_max)
        self.assertTrue(page.script(RING), f"{name!r} shows that it has the focus")

    def test_from_the_first_key_to_a_purged_queue(self):
        page = self.page(self.store.url)
        page.says("Ready: takes work")
        page.until(lambda: page.is_there("a", "Queues 60"), "the way to the queues")
        self.tab_to(page, "Skip to the content", 1)
        self.tab_to(page, "Overview", 1)
        self.tab_to(page, "Queues 60", 1)
        page.keys(Keys.ENTER)
        page.says("60 queues")
        page.until(lambda: page.focused.tag_name == "h1", "the focus on the new view's heading")
        self.tab_to(page, "Filter queues", 3)
        page.keys("q4")
        page.says("10 of 60 queues")
        self.tab_to(page, "Ready", 10)
        page.keys(Keys.ENTER)
        page.until(lambda: page.rows("Queues")[0]["Queue"] == "q42", "the longest first")
        self.assertEqual(page.focused.accessible_name, "Ready")
        self.tab_to(page, "q42", 20)
        page.keys(Keys.ENTER)
        page.says("1 to 3")
        self.tab_to(page, "Enter token", 60)
        page.keys(Keys.ENTER)
        page.until(lambda: page.focused.accessible_name == "Token", "the focus in the dialog")
        page.keys(Keys.ESCAPE)
        page.until(lambda: page.focused.accessible_name == "Enter token", "the focus back")
        page.keys(Keys.SPACE)
        page.until(lambda: page.focused.accessible_name == "Token", "the focus in the dialog")
        page.keys(TOKEN, Keys.ENTER)
        page.until(lambda: page.named("button", "Purge").is_enabled(), "actions to be possible")
        self.tab_to(page, "Purge", 60)
        page.keys(Keys.ENTER)
        page.until(lambda: page.focused.accessible_name == "Type q42 to confirm", "the focus in the dialog")
        page.keys("q42", Keys.TAB, Keys.TAB)
        self.assertEqual(page.focused.accessible_name, "Purge")
        page.keys(Keys.ENTER)
        page.says("Purged: 3 messages", ".notice")
        page.until(lambda: "Purged: 3 messages" in page.script(
            "return document.getElementById('said').textContent"), "it to be announced")

    def test_the_focus_stays_while_figures_change(self):
        page = self.page(self.store.url, "#/objects/queue")
        page.says("60 queues")
        self.tab_to(page, "q07")
        updated = page.text("#updated")
        page.until(lambda: page.text("#updated") != updated, "newer figures")
        self.assertEqual(page.focused.accessible_name, "q07")

    def test_the_skip_button(self):
        page = self.page(self.store.url)
        page.says("Ready: takes work")
        page.tab_to("Skip to the content", 1)
        page.keys(Keys.ENTER)
        self.assertEqual(page.focused.get_attribute("id"), "main")
        page.tab_to("Reload settings" if page.named("button", "Reload settings").is_enabled() else "Enter token", 30)

    def test_less_motion(self):
        page = self.page(self.store.url)
        page.says("Ready: takes work")
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
        moving = page.script("""return [...document.querySelectorAll('*')].filter((e) => {
            const s = getComputedStyle(e);
            return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none'; }).length;""")
        self.assertEqual(moving, 0)
        self.assertFalse(page.script("return Chart.getChart(document.querySelector('canvas')).options.animation"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
