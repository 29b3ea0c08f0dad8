"""The tools that are measured, and what each is told to do in each case."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import workload
from .measure import Command, output_of

CASES = {
    "show": "show, offline",
    "first": "first apply",
    "unchanged": "nothing changed",
    "diff": "diff, nothing changed",
    "changed": f"{workload.CHANGED} objects changed",
    "delete": "delete",
}
"""In the order in which they are run: each finds what the one before left."""

ENVIRONMENT = "bench"


@dataclass(frozen=True)
class Tool:
    """A tool: its name, what it says of its version, and the words for each case (a case may be absent).

    `in_a_row` says that it sends one request after another, which over a distance takes minutes that never vary.
    """

    name: str
    version: str
    cases: Mapping[str, tuple[str, ...]]
    env: Mapping[str, str]
    folder: Path
    in_a_row: bool = False

    @property
    def namespace(self) -> str:
        """Where its objects go."""
        return f"bench-{self.name}"

    def command(self, case: str, kubeconfig: Path) -> Command | None:
        """What to run; None where the tool has no such thing."""
        words = self.cases.get(case)
        return Command(words, {**self.env, "KUBECONFIG": str(kubeconfig)}, self.folder) if words else None


def mlstack(program: Path, folder: Path) -> Tool:
    """mlstack, on the app in `folder`. Its delete waits until everything is gone."""
    cases = {
        "show": ("show", ENVIRONMENT),
        "first": ("apply", ENVIRONMENT),
        "unchanged": ("apply", ENVIRONMENT),
        "diff": ("diff", ENVIRONMENT),
        "changed": ("apply", ENVIRONMENT),
        "delete": ("delete", ENVIRONMENT, "--yes"),
    }
    return Tool(
        "mlstack",
        output_of(Command((str(program), "--version"))).split()[-1],
        {case: (str(program), *words) for case, words in cases.items()},
        {},
        workload.app(folder),
    )


def kubectl(program: Path, folder: Path) -> Tool:
    """kubectl with server-side apply. Its delete does not wait: with its default, it asks for each object in turn."""
    where = ("-n", "bench-kubectl", "-f", str(workload.plain_file(folder)))
    apply = ("apply", "--server-side", *where)
    cases = {
        "first": apply,
        "unchanged": apply,
        "diff": ("diff", "--server-side", *where),
        "changed": apply,
        "delete": ("delete", "--wait=false", *where),
    }
    version = output_of(Command((str(program), "version", "--client"), {"KUBECONFIG": "/dev/null"}))
    return Tool(
        "kubectl",
        version.split("Client Version:")[-1].split()[0],
        {case: (str(program), *words) for case, words in cases.items()},
        {"KUBECACHEDIR": str(folder / "kubectl-cache")},
        folder,
        in_a_row=True,
    )


def helm(program: Path, folder: Path) -> Tool:
    """helm with its defaults. It has no diff of its own; its uninstall does not wait; its show is `helm template`."""
    where = ("settings", str(workload.chart(folder)), "-n", "bench-helm")
    cases = {
        "show": ("template", *where),
        "first": ("install", *where),
        "unchanged": ("upgrade", *where),
        "changed": ("upgrade", *where),
        "delete": ("uninstall", "settings", "-n", "bench-helm"),
    }
    homes = {f"HELM_{kind}_HOME": str(folder / "helm" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    homes["KUBECACHEDIR"] = str(folder / "helm" / "discovery")
    return Tool(
        "helm",
        output_of(Command((str(program), "version", "--short"), homes)).strip().split("+")[0],
        {case: (str(program), *words) for case, words in cases.items()},
        homes,
        folder,
        in_a_row=True,
    )


def floor(folder: Path) -> Tool:
    """The least that a Python program has to do, to measure mlstack's own share by."""
    script = str(Path(__file__).with_name("floor.py"))
    file = str(workload.plain_file(folder))
    cases = {case: (sys.executable, "-I", script, case, "bench-floor", file) for case in CASES if case != "show"}
    return Tool("floor", f"(urllib3 {importlib.metadata.version('urllib3')})", cases, {}, folder)
