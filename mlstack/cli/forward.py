"""notebook and port-forward: ports of this machine that lead into the cluster, through its API server."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mlstack.errors import MlstackError

from .output import note
from .run import Seconds
from .settings import Settings, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.connection import Connection
    from mlstack.actions.events import Event
    from mlstack.cluster.forward import Forwarding


_SELVES = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  # looked up, not listened on


def tell(event: Event) -> None:
    """What happens to the forwarding, a line each, with the time: these run for hours."""
    from datetime import datetime

    text = getattr(event, "text", "")
    if text:
        click.echo(f"{datetime.now():%H:%M:%S} {text}")


def connected(settings: Settings, environment: str) -> Connection:
    """The environment's own cluster. Forwarding writes nothing, so it pins nothing."""
    from mlstack.actions.connection import connect_environment

    return connect_environment(settings.project(), environment, kubeconfig=settings.kubeconfig, pin=False)


def serve(
    forwarding: Forwarding,
    *,
    said: str,
    scheme: str = "",
    path: str = "",
    browse: bool = False,
    before: Callable[[Forwarding], object] = lambda running: None,
) -> None:
    """Print where it listens, and forward until Ctrl-C, which is the good end. `before` may wait for an answer."""
    with suppress(KeyboardInterrupt), forwarding as running:
        before(running)
        for address in running.addresses:
            click.echo(f"{said} {scheme}{address}{path}  (Ctrl-C ends)")
        if browse:
            webbrowser.open(f"{scheme}{running.address}{path}")
        running.wait()


@click.command()
@click.argument("environment")
@click.option("--port", type=click.IntRange(0, 65535), help="The local port. [default: the last one, or 8100]")
@click.option("--address", default="127.0.0.1", help="Where to listen. [default: 127.0.0.1]")
@click.option("--open", "browse", is_flag=True, help="Open the browser.")
@click.option("--user", metavar="NAME", default="", help="Go to NAME's server, and tell how it starts.")
@click.option("--show-password", is_flag=True, help="Print the hub's generated password (on a terminal only).")
@click.option("--copy", "copied", is_flag=True, help="Put the hub's generated password on the clipboard.")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait for the hub. [default: 10m]")
@pass_settings
def notebook(
    settings: Settings,
    environment: str,
    port: int | None,
    address: str,
    browse: bool,
    user: str,
    show_password: bool,
    copied: bool,
    timeout: float,
) -> None:
    """Wait until ENVIRONMENT's notebook hub answers, and forward http://127.0.0.1:8100 to it until Ctrl-C."""
    from mlstack.actions.forward import HUB, NOTEBOOK_PORT
    from mlstack.actions.forward import notebook as action
    from mlstack.actions.servers import hub_user, server_path

    user = hub_user(user) if user else ""
    link = connected(settings, environment)
    _password(link, show_password, copied)
    place = Place(settings, environment, HUB, NOTEBOOK_PORT, port, timeout)
    with suppress(KeyboardInterrupt):
        forwarding = action(link.client, link.namespace, tell, local=place.port(), address=address, timeout=timeout)
        with _story(link, user):
            path = server_path(user) if user else ""
            before = place.answering("tf-hub-0", "/hub/health")
            serve(forwarding, said="tf-hub-0 is ready:", scheme="http://", path=path, browse=browse, before=before)


@dataclass(frozen=True)
class Place:
    """Where something was forwarded from the last time, and whether it answers."""

    settings: Settings
    environment: str
    what: str
    usual: int
    asked: int | None
    timeout: float

    def port(self) -> int:
        """The port to try first."""
        from mlstack.actions.localports import last_port

        if self.asked is not None:
            return self.asked
        return last_port(self.settings.project().id, self.environment, self.what, self.usual)

    def answering(self, pod: str, path: str) -> Callable[[Forwarding], None]:
        """What waits until `path` answers, and keeps the port for the next time."""

        def before(running: Forwarding) -> None:
            from mlstack.actions.forward import wait_for_answer
            from mlstack.actions.localports import remember_port

            wait_for_answer(reachable(running.address), path, pod, tell, timeout=self.timeout)
            if self.asked is None:
                port = int(running.address.rpartition(":")[2])
                remember_port(self.settings.project().id, self.environment, self.what, port)

        return before


def reachable(address: str) -> str:
    """Where this machine itself reaches an address that may mean all of its own."""
    host, _, port = address.rpartition(":")
    return f"{_SELVES.get(host, host)}:{port}"


def _story(link: Connection, user: str) -> AbstractContextManager[object]:
    if not user:
        return nullcontext()
    from mlstack.actions.servers import ServerStory

    return ServerStory(link.client, link.namespace, user, tell)


def _password(link: Connection, shown: bool, copied: bool) -> None:
    if not shown and not copied:
        return
    from mlstack.actions.password import hub_password

    if shown and not sys.stdout.isatty():
        raise MlstackError("A password is shown on a terminal only.", "Run it there, without a pipe.")
    password = hub_password(link.client, link.namespace)
    if shown:
        note(f"Any user name; password: {password}")
    if copied:
        copy(password)
        note("Any user name; the password is on the clipboard.")


def copy(text: str) -> None:
    """Put a text on the clipboard, by the first program there is for it; it stands in no command line."""
    for command in CLIPBOARDS:
        if shutil.which(command[0]):
            done = subprocess.run(command, input=text.encode(), stdout=subprocess.DEVNULL, check=False)
            if done.returncode == 0:
                return
    names = ", ".join(command[0] for command in CLIPBOARDS)
    raise MlstackError(f"No program of this machine takes a text to the clipboard ({names}).", "Try --show-password.")


CLIPBOARDS = (
    ["pbcopy"],
    ["wl-copy"],
    ["xclip", "-selection", "clipboard"],
    ["xsel", "--clipboard", "--input"],
    ["clip.exe"],
)


def opened(settings: Settings, environment: str, verb: str, component: str | None, wish: Wish) -> None:
    """Forward the endpoint that a component's prototype names for a verb, and print its address."""
    from mlstack.actions.endpoints import access
    from mlstack.actions.forward import forward

    found = access(settings.project(), environment, verb, component)
    link = connected(settings, environment)
    place = Place(settings, environment, found.component, found.port, wish.port, wish.timeout)
    ports = [f"{place.port()}:{found.port}"]
    target = f"component/{found.component}"
    forwarding = forward(link.client, link.namespace, target, ports, tell, address=wish.address, timeout=wish.timeout)
    before = place.answering(found.component, found.path)
    said = f"{found.component} is ready:"
    serve(forwarding, said=said, scheme="http://", path=found.path, browse=wish.browse, before=before)


@dataclass(frozen=True)
class Wish:
    """What a user says of the local side."""

    port: int | None
    address: str
    browse: bool
    timeout: float


def _local_side(command: Callable[..., None]) -> Callable[..., None]:
    """The options of commands that open an endpoint, as one argument `wish`."""

    @click.option("--port", type=click.IntRange(0, 65535), help="The local port. [default: the last one, or the same]")
    @click.option("--address", default="127.0.0.1", help="Where to listen. [default: 127.0.0.1]")
    @click.option("--open", "browse", is_flag=True, help="Open the browser.")
    @click.option("--timeout", type=Seconds(), default=600, help="How long to wait for an answer. [default: 10m]")
    @functools.wraps(command)
    def with_wish(*words: Any, port: int | None, address: str, browse: bool, timeout: float, **names: Any) -> None:
        command(*words, wish=Wish(port, address, browse, timeout), **names)

    return with_wish


@click.command()
@click.argument("environment")
@click.argument("component")
@_local_side
@pass_settings
def serving(settings: Settings, environment: str, component: str, wish: Wish) -> None:
    """Forward the model server COMPONENT of ENVIRONMENT until Ctrl-C, and print its model's address."""
    opened(settings, environment, "serving", component, wish)


@click.command()
@click.argument("environment")
@click.argument("component", required=False)
@_local_side
@pass_settings
def tensorboard(settings: Settings, environment: str, component: str | None, wish: Wish) -> None:
    """Forward ENVIRONMENT's TensorBoard until Ctrl-C; COMPONENT says which where there are several."""
    opened(settings, environment, "tensorboard", component, wish)


@click.command("port-forward")
@click.argument("environment")
@click.argument("target")
@click.argument("ports", nargs=-1, metavar="[LOCAL:REMOTE]…")
@click.option("--address", default="127.0.0.1", help="Where to listen. [default: 127.0.0.1]")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait for a pod. [default: 10m]")
@pass_settings
def port_forward(
    settings: Settings, environment: str, target: str, ports: tuple[str, ...], address: str, timeout: float
) -> None:
    """Forward ports of TARGET in ENVIRONMENT until Ctrl-C: a component, a pod, svc/NAME or deploy/NAME.

    Without ports: those that it declares.
    """
    from mlstack.actions.forward import forward

    link = connected(settings, environment)
    with suppress(KeyboardInterrupt):
        forwarding = forward(link.client, link.namespace, target, ports, tell, address=address, timeout=timeout)
        serve(forwarding, said=f"{target}:")
