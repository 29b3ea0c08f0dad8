"""Building a sandbox's binaries from Go modules whose every content is pinned by a go.sum of ours.

A build may be interrupted at any time: what is finished is kept and the next one goes on with the rest.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import MlstackError

from . import golang, home, pins

Progress = Callable[[str], None]
MODULES = Path(__file__).parent / "modules"
SAY_EVERY_S = 10.0
K8S_VERSION = "k8s.io/component-base/version"
OPERATOR_MODULE = "github.com/kubeflow/training-operator"
CRDS = "manifests/base/crds"


def usually() -> str:
    """How long a build takes with nothing cached."""
    seconds = sum(component.seconds for component in (*pins.CONTROL_PLANE, pins.TRAINING))
    return f"about {round(seconds / 60)} minutes on two cores"


@dataclass(frozen=True)
class Builder:
    """A Go command, the folder for what is unfinished, and the one with a go.mod for each module."""

    go: Path
    work: Path
    progress: Progress
    modules: Path = MODULES

    def binary(self, component: pins.Component, title: str) -> Path:
        """The built program, at once if it was finished before."""
        result = self.work / "built" / component.name
        if result.exists():
            self.progress(f"{title} was built before")
            return result
        unfinished = result.with_name(f".{component.name}.unfinished")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        words = ["build", "-trimpath", "-ldflags", flags(component), "-o", str(unfinished), component.package]
        self.run(words, self.module(component.module), f"{title}, usually {_minutes(component.seconds)}")
        unfinished.rename(result)
        return result

    def module(self, name: str) -> Path:
        """A working copy of our go.mod, go.sum and source: Go may not write into the installed package."""
        folder = self.work / "modules" / name
        shutil.copytree(self.modules / name, folder, dirs_exist_ok=True)
        return folder

    def run(self, words: Sequence[str], cwd: Path, title: str) -> str:
        """Run Go, saying now and then that it is still at it; what it said. Raises MlstackError with its last words."""
        # Its output goes to a file: a pipe that nobody empties would stop it.
        log = self.work / "build.log"
        started = time.monotonic()
        self.progress(title)
        with log.open("w+", encoding="utf-8") as said:
            process = subprocess.Popen(
                [str(self.go), *words], cwd=cwd, env=environment(), stdout=said, stderr=said, start_new_session=True
            )
            try:
                self._wait(process, title, started)
            except BaseException:
                _end_group(process)
                raise
            said.seek(0)
            text = said.read()
        if process.returncode != 0:
            raise MlstackError(_failed(title, text), f"What was built is kept; all that Go said is in {log}.")
        return text

    def _wait(self, process: subprocess.Popen[bytes], title: str, started: float) -> None:
        while True:
            try:
                process.wait(SAY_EVERY_S)
                return
            except subprocess.TimeoutExpired:
                self.progress(f"{title}: {_minutes(round(time.monotonic() - started))} so far")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End Go and the compilers that it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    process.wait()


def _failed(title: str, text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith("go: downloading")]
    last = lines[-1] if lines else "Go failed without a word"
    name = title.partition(",")[0].partition(" (")[0]
    if any(word in text for word in ("dial tcp", "no such host", "proxyconnect", "i/o timeout", "connection refused")):
        return f"Building {name} needs the network for Go modules, and it can't be reached."
    return f"Building {name} failed: {last.strip()[:300]}"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d} min" if seconds >= 60 else f"{seconds} s"


def environment() -> dict[str, str]:
    """Go's settings: nothing that a user set for other work may change what is built."""
    kept = {key: value for key, value in os.environ.items() if key not in ("GOOS", "GOARCH", "GOEXPERIMENT")}
    return {**kept, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "GO111MODULE": "on"}


def flags(component: pins.Component) -> str:
    """What the linker is told: no debugging symbols, and for Kubernetes the version that it says."""
    stripped = "-s -w"
    if component.module != "kubernetes":
        return stripped
    major, small, _ = pins.KUBERNETES.split(".")
    facts = {"gitVersion": f"v{pins.KUBERNETES}", "gitMajor": major, "gitMinor": small}
    return " ".join([stripped, *(f"-X {K8S_VERSION}.{key}={value}" for key, value in facts.items())])


def everything(folder: Path, progress: Progress) -> None:
    """Build the control plane and the training operator into `folder`, which appears when all is done."""
    work = home.work_folder()
    work.mkdir(parents=True, exist_ok=True)
    progress(f"Building the sandbox's binaries from Go modules, {usually()}; once for all apps.")
    builder = Builder(golang.find(progress), work, progress)
    parts = (*pins.CONTROL_PLANE, pins.TRAINING)
    for number, component in enumerate(parts, 1):
        builder.binary(component, f"{component.name} ({number} of {len(parts)})")
    copy_crds(builder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    home.remove_tree(folder)
    (work / "built").rename(folder)
    home.remove_tree(work)


def operator(folder: Path, progress: Progress) -> None:
    """Build the training operator alone, beside a control plane from another source."""
    work = home.work_folder()
    work.mkdir(parents=True, exist_ok=True)
    builder = Builder(golang.find(progress), work, progress)
    binary = builder.binary(pins.TRAINING, f"{pins.OPERATOR} (1 of 1)")
    copy_crds(builder)
    shutil.copytree(binary.parent / "crds", folder / "crds", dirs_exist_ok=True)
    binary.rename(folder / pins.OPERATOR)
    home.remove_tree(work)


def copy_crds(builder: Builder) -> None:
    """Keep the operator's CustomResourceDefinitions beside it, as `crds/kubeflow.org_tfjobs.yaml` and so on."""
    asked = ["list", "-m", "-f", "{{.Dir}}", OPERATOR_MODULE]
    source = (
        builder.run(asked, builder.module("operator"), "the operator's resource definitions").strip().splitlines()[-1]
    )
    target = builder.work / "built" / "crds"
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted((Path(source) / CRDS).glob("kubeflow.org_*.yaml")):
        # Copied without its mode: the module cache is read-only.
        shutil.copyfile(file, target / file.name)
