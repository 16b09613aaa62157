# SPDX-License-Identifier: Apache-2.0
"""Chromium without a screen, and what tests of the console ask it: what is on the page for whoever
reads it, presses keys in it or hears it. Everything waits for a state, at most PATIENCE seconds.
"""
import os
import re
import shutil
import unittest

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
DESKTOP = (1280, 900)
PHONE = (360, 740)


def start_browser():
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    for name, path in programs.items():
        if path is None:
            raise RuntimeError(f"{name} is missing; scripts/install-deps test brings it")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--no-first-run", "--hide-scrollbars",
                     "--window-size=1280,900", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(programs["chromedriver"]), options=options)


class Page:
    """The console of one daemon in a browser. `url` ends in /console/."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    # ---- going and looking

    def open(self, link="#/"):
        # By way of an empty page: a new hash alone would keep the page, and its token.
        self.driver.get("about:blank")
        self.driver.get(self.url + link)
        return self

    def go(self, link):
        self.driver.execute_script("location.hash = arguments[0]", link)

    def until(self, condition, what):
        def holds(_):
            try:
                return condition()
            except (StaleElementReferenceException, IndexError):
                return False  # the page is just changing
        try:
            return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(holds)
        except WebDriverException as error:
            raise AssertionError(f"never came: {what}\n{self.text()[:3000]}") from error

    def text(self, selector="body"):
        return "\n".join(each.text for each in self.all(selector))

    def says(self, text, selector="main"):
        return self.until(lambda: text in self.text(selector), f"{text!r} in {selector}")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        self.until(lambda: self.all(selector), selector)
        return self.all(selector)[0]

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def named(self, role, name):
        """The shown element with this accessible role and name, as a screen reader finds it."""
        tags = {"button": "button, summary", "link": "a", "textbox": "input", "searchbox": "input",
                "checkbox": "input", "radio": "input", "heading": "h1, h2, h3"}

        def find():
            for each in self.all(tags[role]):
                if each.is_displayed() and each.accessible_name == name:
                    if role == "heading" or each.aria_role in (role, "DisclosureTriangle"):
                        return each
            return None
        return self.until(find, f"the {role} {name!r}")

    def is_there(self, tag, name):
        return any(each.is_displayed() and each.accessible_name == name for each in self.all(tag))

    def press(self, name, role="button"):
        self.until(lambda: self.named(role, name).is_enabled(), f"{name!r} to be enabled")
        self.named(role, name).click()

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    @property
    def focused(self):
        return self.driver.switch_to.active_element

    def tab_to(self, name, presses_max=200):
        """Tab until the element of this name has the focus. Returns how many presses it took."""
        for presses in range(1, presses_max + 1):
            self.keys(Keys.TAB)
            if self.focused.accessible_name == name:
                return presses
        raise AssertionError(f"{presses_max} times Tab do not reach {name!r}")

    # ---- tables

    def rows(self, caption):
        """The body of the table with this caption: a dictionary a row, by column heading."""
        return self.script("""
            for (const table of document.querySelectorAll('table.data')) {
                if (table.caption.textContent !== arguments[0])
                    continue;
                const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
                return [...table.tBodies[0].rows].map((row) => Object.fromEntries(
                    [...row.cells].map((cell, i) => [heads[i], cell.textContent])));
            }
            return [];""", caption)

    def figure(self, heading, name):
        """The value beside `name` in the list of the section with this heading; None: not there."""
        return self.script("""
            for (const section of document.querySelectorAll('main section'))
                if (section.querySelector('h2')?.textContent === arguments[0])
                    for (const name of section.querySelectorAll('dt'))
                        if (name.textContent === arguments[1])
                            return name.nextElementSibling.textContent;
            return null;""", heading, name)

    def has_a_rate(self):
        """Whether the legend of a plot has a rate above zero."""
        return any(re.match(r"(?!0 |0/)[\d.,]+( [KMG]?i?B)?/s$", each.text) for each in self.all(".legend b"))

    # ---- the token

    def enter_token(self, token):
        self.press("Enter token")
        self.named("textbox", "Token").send_keys(token, Keys.ENTER)

    # ---- how it looks

    def look(self, size=DESKTOP, scheme="light"):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme},
                         # A colour on its way to another is no colour to judge.
                         {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def picture(self, name):
        """Into the folder FLOTILLA_CONSOLE_IMAGES; nowhere when that is not set."""
        folder = os.environ.get("FLOTILLA_CONSOLE_IMAGES")
        if folder:
            os.makedirs(folder, exist_ok=True)
            self.driver.save_screenshot(os.path.join(folder, name))

    def complaints(self):
        """What the browser wrote of this page: script errors, what the policy stopped."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")]


class ConsoleTest(unittest.TestCase):
    """Has one browser for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.driver = start_browser()
        cls.addClassCleanup(cls.driver.quit)

    def page(self, url, link="#/"):
        page = Page(self.driver, url)
        page.look()
        page.complaints()  # of the page before
        return page.open(link)
