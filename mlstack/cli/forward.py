"""notebook and port-forward: ports of this machine that lead into the cluster, through its API server."""

from __future__ import annotations

import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mlstack.errors import MlstackError

from .output import note
from .run import Seconds
from .settings import Settings, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.connection import Connection
    from mlstack.actions.events import Event
    from mlstack.cluster.forward import Forwarding


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


def serve(forwarding: Forwarding, *, said: str, scheme: str = "", browse: bool = False) -> None:
    """Print where it listens, and forward until Ctrl-C, which is the good end."""
    with suppress(KeyboardInterrupt), forwarding as running:
        for address in running.addresses:
            click.echo(f"{said} {scheme}{address}  (Ctrl-C ends)")
        if browse:
            webbrowser.open(f"{scheme}{running.address}")
        running.wait()


@click.command()
@click.argument("environment")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8100, help="The local port. [default: 8100, or the next]"
)
@click.option("--address", default="127.0.0.1", help="Where to listen. [default: 127.0.0.1]")
@click.option("--open", "browse", is_flag=True, help="Open the browser.")
@click.option("--show-password", is_flag=True, help="Print the hub's generated password (on a terminal only).")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait for the hub. [default: 10m]")
@pass_settings
def notebook(
    settings: Settings,
    environment: str,
    port: int,
    address: str,
    browse: bool,
    show_password: bool,
    timeout: float,
) -> None:
    """Wait until ENVIRONMENT's notebook hub is ready, and forward http://127.0.0.1:8100 to it until Ctrl-C."""
    from mlstack.actions.forward import notebook as action

    link = connected(settings, environment)
    if show_password:
        _show_password(link)
    forwarding = action(link.client, link.namespace, tell, local=port, address=address, timeout=timeout)
    serve(forwarding, said="tf-hub-0 is ready:", scheme="http://", browse=browse)


def _show_password(link: Connection) -> None:
    from mlstack.actions.password import hub_password

    if not sys.stdout.isatty():
        raise MlstackError("A password is shown on a terminal only.", "Run it there, without a pipe.")
    note(f"Any user name; password: {hub_password(link.client, link.namespace)}")


@click.command("port-forward")
@click.argument("environment")
@click.argument("target")
@click.argument("ports", nargs=-1, metavar="[LOCAL:REMOTE]…")
@click.option("--address", default="127.0.0.1", help="Where to listen. [default: 127.0.0.1]")
@pass_settings
def port_forward(settings: Settings, environment: str, target: str, ports: tuple[str, ...], address: str) -> None:
    """Forward ports of TARGET in ENVIRONMENT until Ctrl-C: a component, a pod, svc/NAME or deploy/NAME.

    Without ports: those that it declares.
    """
    from mlstack.actions.forward import forward

    link = connected(settings, environment)
    serve(forward(link.client, link.namespace, target, ports, tell, address=address), said=f"{target}:")
