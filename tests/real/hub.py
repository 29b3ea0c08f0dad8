"""A user of the notebook hub: logs in, starts a notebook, runs cells, over HTTP and the kernel's websocket."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.real.place import until


class HubUser:
    """One user's session with the hub at `base`, as http://127.0.0.1:8100."""

    def __init__(self, base: str, name: str) -> None:
        self.base = base
        self.name = name
        self.cookies = http.cookiejar.CookieJar()
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies))
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, str, bytes]:
        """Status, final address and contents; a body that is a dict goes as JSON, bytes go as they are."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"Referer": f"{self.base}/hub/home"}
        if isinstance(body, dict):
            headers |= {"Content-Type": "application/json", "X-XSRFToken": self.token(path)}
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.url, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.url or "", error.read()

    def token(self, path: str) -> str:
        """The cookie that hub and notebook each want back, for the longest path that fits."""
        fitting = [cookie for cookie in self.cookies if cookie.name == "_xsrf" and path.startswith(cookie.path)]
        return str(max(fitting, key=lambda cookie: len(cookie.path)).value)

    def log_in(self, password: str) -> bool:
        """Whether the hub lets the user in."""
        self.ask("/hub/login")
        token = self.token("/hub/login")
        form = urllib.parse.urlencode({"username": self.name, "password": password, "_xsrf": token}).encode()
        _, address, _ = self.ask(f"/hub/login?_xsrf={token}", form)
        return "/hub/login" not in address

    def start(self) -> None:
        """Start the user's notebook and wait until it answers."""
        self.request()
        until(lambda: not self.state()["pending"], f"{self.name}'s notebook", 240)
        assert self.state()["server"], f"the hub gave {self.name}'s notebook up"
        status, _, said = self.ask(f"/user/{self.name}/lab")
        assert status == 200, said

    def request(self) -> None:
        """Ask the hub for the user's notebook, if there is none yet."""
        status, _, said = self.ask(f"/hub/api/users/{self.name}/server", {}, "POST")
        assert status in (201, 202, 400), said  # 400: it is starting, or there

    def state(self) -> dict[str, Any]:
        """What the hub says of the user: `server` is the notebook's path, `pending` what is under way."""
        found = json.loads(self.ask(f"/hub/api/users/{self.name}")[2])
        assert isinstance(found, dict)
        return found

    def cell(self, code: str) -> str:
        """What a cell prints, run in a kernel of its own."""
        with self.kernel() as kernel:
            return kernel.run(code)

    def begin(self, code: str) -> None:
        """Start a cell in a kernel of its own, see it print, and close the page."""
        with self.kernel() as kernel:
            kernel.begin(code)

    @contextlib.contextmanager
    def kernel(self) -> Iterator[Kernel]:
        """A new kernel by its websocket, which says nothing by itself."""
        prefix = f"/user/{self.name}/"
        status, _, said = self.ask(f"{prefix}api/kernels", {}, "POST")
        assert status == 201, said
        address = f"{self.base.replace('http', 'ws', 1)}{prefix}api/kernels/{json.loads(said)['id']}/channels"
        sent = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies if prefix.startswith(cookie.path))
        with connect(address, additional_headers={"Cookie": sent}, proxy=None, ping_interval=None) as socket:
            yield Kernel(socket)


class Kernel:
    """A kernel that is connected."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def run(self, code: str) -> str:
        """What code prints until the kernel has answered. Raises OSError where the connection is lost."""
        try:
            return _printed(self.socket, _execute(self.socket, code))
        except ConnectionClosed as error:
            raise OSError(str(error)) from error

    def begin(self, code: str) -> None:
        """Start it, and see it print."""
        asked = _execute(self.socket, code)
        until(lambda: _is(json.loads(self.socket.recv(timeout=60)), asked, "stream"), "the cell's first word")


def _execute(socket: ClientConnection, code: str) -> str:
    """Ask the kernel to run code; the question's number."""
    asked = uuid.uuid4().hex
    header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": "t", "version": "5.3"}
    header |= {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    socket.send(json.dumps(message))
    return asked


def _is(message: dict[str, Any], asked: str, kind: str) -> bool:
    """Whether a message is of that kind and answers that question."""
    return bool(message["parent_header"].get("msg_id") == asked and message["msg_type"] == kind)


def _printed(socket: ClientConnection, asked: str) -> str:
    """What comes on standard output until the kernel has answered."""
    printed = ""
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        if message["msg_type"] == "execute_reply":
            assert message["content"]["status"] == "ok", message["content"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return printed
