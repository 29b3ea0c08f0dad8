"""A page in a Chromium without a window, worked on as a person does: looked at, clicked, written into.

By Chromium's own DevTools protocol (https://chromedevtools.github.io/devtools-protocol/): JSON over one websocket.
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.real.place import until
from tools.realnode import chromium

KEYS = {"Enter": 13}
SHIFT = 8
POLL_S = 0.1


class Page:
    """The browser's one page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command of the protocol; what is wrong as `exceptionDetails`."""
        self.calls += 1
        self.socket.send(json.dumps({"id": self.calls, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == self.calls:
                return dict(message.get("result", {"exceptionDetails": message.get("error")}))

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def holds(self, expression: str) -> bool:
        """Whether an expression is true in the page; not while the page goes elsewhere, or lacks what it names."""
        answer = self.call("Runtime.evaluate", expression=f"!!({expression})", returnByValue=True)
        return "exceptionDetails" not in answer and answer.get("result", {}).get("value") is True

    def open(self, address: str) -> None:
        """Go there."""
        self.call("Page.navigate", url=address)

    def address(self) -> str:
        """Where the page is, as its address bar would say."""
        return str(self.js("location.href"))

    def text(self, selector: str = "body") -> str:
        """What is to be read there, empty if it is not there."""
        return str(self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def seen(self) -> str:
        """Where the page is and all that is to be read there, for a failed test's message."""
        return f"{self.address()} says:\n{self.text()}"

    def wait(self, expression: str, seconds: float = 90) -> None:
        """Wait until an expression in the page is true. What the page says instead is in the failure."""
        deadline = time.monotonic() + seconds
        while not self.holds(expression):
            assert time.monotonic() < deadline, f"waited {seconds} s for {expression}; {self.seen()}"
            time.sleep(POLL_S)

    def click(self, selector: str) -> None:
        """Click into the middle of what is there, when it can be seen."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{element}?.getClientRects().length")
        middle = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({element}.getBoundingClientRect())"
        x, y = self.js(f"({element}.scrollIntoView({{block: 'nearest'}}), {middle})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text: str) -> None:
        """Type where the cursor is."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key and let it go."""
        facts: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def picture(self, path: Path) -> None:
        """What the page looks like, as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """A page in a browser of its own, which ends with the block, and with this process however that ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        with Path(profile, "log").open("wb") as log:
            process = subprocess.Popen(chromium.command(Path(profile)), stdout=log, stderr=log)
        try:
            with connect(_page(Path(profile)), proxy=None, max_size=None) as socket:
                yield Page(socket)
        finally:
            process.kill()
            process.wait()


def _page(profile: Path) -> str:
    """The address of the page's websocket. The browser writes its port into a file of its profile."""
    told = profile / "DevToolsActivePort"
    until(lambda: told.exists() and "\n" in told.read_text("ascii"), "Chromium to start")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{told.read_text('ascii').split()[0]}/json/list", timeout=30) as answer:
        pages = json.loads(answer.read())
    return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
