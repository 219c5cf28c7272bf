"""A browser, spoken to over WebDriver with Python's standard library alone.

Chromium and chromedriver must be installed (Debian: `chromium` and `chromium-driver`).
"""

import base64
import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id, fixed by the WebDriver standard
START_SECONDS_MAX = 30
CALL_SECONDS_MAX = 60
PAGE_SECONDS_MAX = 20
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]


class BrowserError(Exception):
    """The browser could not do what it was told; the text says what."""


def missing_programs():
    """Names of the programs that are needed and not installed."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


def free_port():
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Element:
    """Something on the page."""

    def __init__(self, browser, element_id):
        self.browser, self.path = browser, f"/element/{element_id}"

    def text(self):
        return self.browser.call("GET", f"{self.path}/text")

    def attribute(self, name):
        return self.browser.call("GET", f"{self.path}/attribute/{name}")

    def write(self, text):
        self.browser.call("POST", f"{self.path}/clear", {})
        self.browser.call("POST", f"{self.path}/value", {"text": text})

    def click(self):
        self.browser.call("POST", f"{self.path}/click", {})

    def type(self, text):
        self.browser.call("POST", f"{self.path}/value", {"text": text})

    def all(self, css):
        return self.browser.elements(css, f"{self.path}/elements")


class Browser:
    """One headless browser with a profile of its own."""

    def __init__(self, port):
        self.port, self.session = port, ""

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS_MAX)
        with contextlib.closing(connection):
            text = None if body is None else json.dumps(body)
            connection.request(method, f"{self.session}{path}", text, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        value = answer.get("value")
        if isinstance(value, dict) and "error" in value:
            raise BrowserError(f"{method} {path}: {value['error']}: {value['message'].splitlines()[0]}")
        return value

    def cdp(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def url(self):
        return self.call("GET", "/url")

    def script(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def elements(self, css, path="/elements"):
        found = self.call("POST", path, {"using": "css selector", "value": css})
        return [Element(self, entry[ELEMENT]) for entry in found]

    def element(self, css):
        found = self.elements(css)
        if not found:
            raise BrowserError(f"{self.url()} has no `{css}`")
        return found[0]

    def follow(self, css):
        """Clicks what leads to another page, and waits until that page is there."""
        old = self.element("html")
        self.element(css).click()
        ends = time.monotonic() + PAGE_SECONDS_MAX
        while time.monotonic() < ends:
            try:
                old.attribute("lang")
            except BrowserError:  # the old page is gone
                if self.script("return document.readyState") == "complete":
                    return
            time.sleep(0.05)
        raise BrowserError(f"`{css}` on {self.url()} leads nowhere")

    def text(self):
        return self.element("body").text()

    def rows(self, css):
        """The cells' texts of a table's rows, in one call."""
        cells = "return [...document.querySelectorAll(arguments[0])].map(row => [...row.cells].map(cell => cell.innerText))"
        return self.script(cells, css)

    def width(self, pixels):
        """Makes the page as wide as a phone or a screen."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=pixels, height=900, deviceScaleFactor=1, mobile=pixels < 600,
        )

    def screenshot(self, path):
        """The whole page, as long as it is."""
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def sideways(self):
        """By how many pixels the page is wider than the window."""
        return self.script("const of = document.documentElement; return of.scrollWidth - of.clientWidth")


@contextlib.contextmanager
def browser():
    """A browser that is gone at the end, with its profile."""
    with tempfile.TemporaryDirectory(prefix="parstock-browser-", ignore_cleanup_errors=True) as profile:
        port = free_port()
        driver = subprocess.Popen(
            ["chromedriver", f"--port={port}", "--allowed-ips=127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            it = Browser(port)
            wait_for(driver, port)
            arguments = [*FLAGS, f"--user-data-dir={profile}"]
            options = {"args": arguments, "binary": shutil.which("chromium")}
            wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
            started = it.call("POST", "/session", {"capabilities": wanted})
            it.session = f"/session/{started['sessionId']}"
            try:
                yield it
            finally:
                it.call("DELETE", "")
        finally:
            driver.terminate()
            driver.wait()


def wait_for(driver, port):
    """Until chromedriver listens."""
    ends = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < ends:
        if driver.poll() is not None:
            raise BrowserError(f"chromedriver ended with {driver.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise BrowserError(f"chromedriver does not listen after {START_SECONDS_MAX} s")
