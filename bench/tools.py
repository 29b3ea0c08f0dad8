"""The tools that are measured: what each is told to do in each case, on which set of objects, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import layouts, workload
from .measure import Command, output_of
from .workload import OWNER, Texts

CASES = {
    "first": "first apply",
    "unchanged": "nothing changed",
    "diff": "diff, nothing changed",
    "changed": f"{workload.CHANGED} objects changed",
    "delete": "delete, waited for",
}
"""In the order in which they are run: each finds what the one before left."""

NAMES = ("mlstack", "kubectl", "helm", "kapp", "floor")
PEERS = ("kubectl", "helm", "kapp")
ENVIRONMENT = "bench"
RELEASE = "settings"
# Not --for=condition=Established: that fails where a definition is so new that it has no conditions at all.
ESTABLISHED = '--for=jsonpath={.status.conditions[?(@.type=="Established")].status}=True'

Words = tuple[str, ...]


@dataclass(frozen=True)
class Tool:
    """A tool on one set: its name, what it says of its version, and the words for each case (a case may be absent).

    `in_a_row` says that it sends one request (kapp: five) after another, which over a distance takes minutes that
    never vary. `leaves` are kinds that its delete does not touch, by its rules.
    """

    name: str
    version: str
    cases: Mapping[str, Words]
    env: Mapping[str, str]
    place: Path
    layout: Callable[[Path, Texts], None]
    in_a_row: bool = False
    leaves: frozenset[str] = frozenset()

    @property
    def namespace(self) -> str:
        """Where its objects go that name no namespace."""
        return f"bench-{self.name}"

    @property
    def folder(self) -> Path:
        """Where it is run."""
        return self.place / "app" if self.name == "mlstack" else self.place

    def command(self, case: str, kubeconfig: Path) -> Command | None:
        """What to run; None where the tool has no such thing."""
        words = self.cases.get(case)
        return Command(words, {**self.env, "KUBECONFIG": str(kubeconfig)}, self.folder) if words else None


def place(folder: Path, objects: str, name: str) -> Path:
    """Where a tool finds its copy of a set."""
    return folder / objects / name


def mlstack(program: Path, folder: Path, objects: str) -> Tool:
    """mlstack, on an app of plain manifests. Its apply waits until all is ready, its delete until all is gone."""
    apply = ("apply", ENVIRONMENT)
    include = ("--include", "crd", "--include", "namespace") if objects == "mixed" else ()
    delete = ("delete", ENVIRONMENT, "--yes", *include)
    cases: dict[str, Words] = {
        "first": apply,
        "unchanged": apply,
        "diff": ("diff", ENVIRONMENT),
        "changed": apply,
        "delete": delete,
    }
    version = output_of(Command((str(program), "--version"))).split()[-1]
    where = place(folder, objects, "mlstack")
    return Tool("mlstack", version, _with(program, cases), {}, where, layouts.write_app)


def kubectl(program: Path, folder: Path, objects: str) -> Tool:
    """kubectl with server-side apply. Definitions of kinds need a command of their own, and one that waits for them.

    With its own waiting, its delete takes minutes for 500 objects: it watches one after another. A `kubectl wait`
    after a delete that does not wait is the quickest way to have waited.
    """
    run = f"{program} -n bench-kubectl" if objects == "configmaps" else str(program)
    files = "-f objects.yaml"
    apply = f"{run} apply --server-side {files}"
    diff = f"{run} diff --server-side {files}"
    kinds = "configmaps"
    if objects == "mixed":
        established = f"{run} wait '{ESTABLISHED}' --timeout=60s -f crds.yaml"
        apply = f"{run} apply --server-side -f crds.yaml && {established} && {apply}"
        diff = f"{diff} -f crds.yaml"
        files = f"{files} -f crds.yaml"
        kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings"
    gone = f"{run} wait --for=delete {kinds} -l {OWNER}=kubectl --timeout=300s"
    delete = f"{run} delete --wait=false --ignore-not-found {files} && {gone}"
    texts = {"first": apply, "unchanged": apply, "diff": diff, "changed": apply, "delete": delete}
    version = output_of(Command((str(program), "version", "--client"), {"KUBECONFIG": "/dev/null"}))
    return Tool(
        "kubectl",
        version.split("Client Version:")[-1].split()[0],
        {case: ("/bin/sh", "-ec", text) for case, text in texts.items()},
        {"KUBECACHEDIR": str(folder / "kubectl-cache")},
        place(folder, objects, "kubectl"),
        layouts.write_files,
        in_a_row=True,
    )


def helm(program: Path, folder: Path, objects: str) -> Tool:
    """helm with its defaults, but an uninstall that waits. It has no diff of its own; what is in `crds/` it leaves."""
    where = (RELEASE, "chart", "-n", "bench-helm")
    cases = {
        "first": ("install", *where),
        "unchanged": ("upgrade", *where),
        "changed": ("upgrade", *where),
        "delete": ("uninstall", RELEASE, "-n", "bench-helm", "--wait"),
    }
    env = helm_homes(folder)
    return Tool(
        "helm",
        helm_version(program, folder),
        _with(program, cases),
        env,
        place(folder, objects, "helm"),
        layouts.write_chart,
        in_a_row=True,
        leaves=frozenset({"customresourcedefinitions"}),
    )


def helm_version(program: Path, folder: Path) -> str:
    """What helm says of its version, without its commit."""
    return output_of(Command((str(program), "version", "--short"), helm_homes(folder))).strip().split("+")[0]


def helm_homes(folder: Path) -> dict[str, str]:
    """Variables by which helm writes nothing outside of the bench's folder."""
    homes = {f"HELM_{kind}_HOME": str(folder / "helm-home" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return {**homes, "KUBECACHEDIR": str(folder / "helm-home" / "discovery")}


def kapp(program: Path, folder: Path, objects: str) -> Tool:
    """kapp with its defaults: it orders and waits by itself, five requests at once."""
    where = ("-a", RELEASE, "-n", "bench-kapp", "--color=false")
    files = ("-f", "objects.yaml", *(("-f", "crds.yaml") if objects == "mixed" else ()))
    apply = ("deploy", *where, *files, "--yes")
    cases = {
        "first": apply,
        "unchanged": apply,
        "diff": ("deploy", *where, *files, "--diff-run", "--diff-changes"),
        "changed": apply,
        "delete": ("delete", *where, "--yes"),
    }
    version = output_of(Command((str(program), "version"), {"KUBECONFIG": "/dev/null"}))
    return Tool(
        "kapp",
        version.split("kapp version")[-1].split()[0],
        _with(program, cases),
        {},
        place(folder, objects, "kapp"),
        layouts.write_files,
        in_a_row=True,
    )


def floor(program: Path, folder: Path, objects: str) -> Tool:
    """The least that any program has to do (bench/floor), to measure mlstack's own share by."""
    cases = {case: (case, "requests.json") for case in CASES}
    return Tool("floor", "", _with(program, cases), {}, place(folder, objects, "floor"), layouts.write_requests)


def _with(program: Path, cases: Mapping[str, Sequence[str]]) -> dict[str, Words]:
    return {case: (str(program), *words) for case, words in cases.items()}


MAKERS: Mapping[str, Callable[[Path, Path, str], Tool]] = {
    "mlstack": mlstack,
    "kubectl": kubectl,
    "helm": helm,
    "kapp": kapp,
    "floor": floor,
}
"""What makes a tool from its program, the bench's folder and the name of the set."""
