"""Advice leads on: what an error says to type is typed, and the next answer is no error of the same kind."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

COMMAND = re.compile(r"`?(?:cd \S+ && )?mlstack ([^`;(\n]*?)(?=`| \(|\)|;|, |\. |\.?$)", re.MULTILINE)
WEB = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {key: x}\n"
ENV = "environments/minikube.yaml"
SERVING = "generate tf-serving model --model_path=gs://a/b"
JOB = "generate tf-cnn cnn --runner=native"
WAITING = "--image=example.com/does-not-exist:1"


@dataclass(frozen=True)
class Case:
    """`error` is typed after `before` and `files`; of its advice, the command that begins with `advice` is typed.

    `fill` says what stands for VALUE and the like, `stdin` is typed into it. `again`: after that, `error` works.
    """

    error: str
    advice: str
    before: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    again: bool = False
    change: tuple[str, str, str] | None = None


WITH_ENV = ("env add minikube --namespace NAMESPACE",)
CASES = [
    Case("apply gke", "env add", fill={"NAME": "gke --context minikube"}, again=True),
    Case("param set cnn num_gpus 1", "generate", fill={"PROTOTYPE": "tf-cnn", "NAME": "cnn"}, again=True),
    Case("component rm cnn", "generate", fill={"PROTOTYPE": "tf-cnn", "NAME": "cnn"}, again=True),
    Case("generate xyzzy cnn", "prototype list"),
    Case("generate tf-serving model --xyzzy=1 --model_path=gs://a/b", "prototype describe"),
    Case(SERVING, "component rm", (SERVING,), again=True),
    Case("pkg remove kubeflow/tf-serving", "component rm", (SERVING,), again=True),
    Case("pkg update kubeflow/tf-serving", "pkg install", again=True),
    Case("pkg describe kubeflow/", "pkg list"),
    Case("env add minikube", "env set", WITH_ENV, fill={"minikube": "minikube --namespace other"}),
    Case(
        "show minikube",
        "param set",
        (SERVING, *WITH_ENV),
        change=("components/model.yaml", "model_path", "#"),
        fill={"VALUE": "gs://a/b"},
        again=True,
    ),
    Case(
        "show minikube",
        "pkg install",
        (SERVING, *WITH_ENV),
        files={"vendor/kubeflow/tf-serving/package.yaml": "name: x\n"},
        again=True,
    ),
    Case(
        "show minikube",
        "secret set",
        WITH_ENV,
        {"components/a/a.yaml": SECRET},
        fill={"ENV": "minikube", "KEY": "key"},
        stdin="x",
    ),
    Case(
        "show minikube",
        "param set",
        (SERVING, f"{SERVING.replace('model ', 'other ')} --name=model", *WITH_ENV),
        fill={"COMPONENT": "other", "VALUE": "other"},
        again=True,
    ),
    Case("wait minikube", "apply", (SERVING, *WITH_ENV)),
    Case("history minikube cnn", "run", (JOB, *WITH_ENV), again=True),
    Case("rollback minikube", "history", (SERVING, *WITH_ENV, "apply minikube --no-wait")),
    Case("rollback minikube 9", "history", (SERVING, *WITH_ENV, "apply minikube --no-wait")),
    Case("run minikube model", "status", (SERVING, *WITH_ENV)),
    Case("apply minikube --timeout 1s", "status", (f"{SERVING} {WAITING}", *WITH_ENV)),
    Case("notebook minikube", "generate", (SERVING, *WITH_ENV)),
    Case("logs minikube model/nothing", "status", (SERVING, *WITH_ENV, "apply minikube --no-wait")),
    Case(
        "show minikube",
        "env set",
        WITH_ENV,
        change=("vendor/platforms/minikube.yaml", "apiVersion", "#"),
        fill={"ENV": "minikube"},
        again=True,
    ),
    Case("apply minikube --set cnn.num_gpus=1", "tune", (JOB, *WITH_ENV, "env set minikube --autoscaling none")),
    Case("apply minikube", "env pin", WITH_ENV, change=(".mlstack/local.yaml", "cluster: ", "cluster: 0"), again=True),
]


@pytest.fixture
def app(
    new_app: Callable[[str], App], minikube: Sandbox, namespace: str, kubectl: Kubectl, request: pytest.FixtureRequest
) -> Iterator[App]:
    """The case's app, as it is when its command is typed."""
    case: Case = request.param
    made = new_app("advice")
    for line in case.before:
        made.do(*shlex.split(line.replace("NAMESPACE", namespace)))
    made.write(case.files)
    if case.change:
        path, old, new = case.change
        text = (made.root / path).read_text("utf-8")
        assert old in text, text
        made.write({path: text.replace(old, new)})
    yield made
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="minikube")


def typed(app: App, line: str, stdin: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The exit code of a line, and the sentence of its error."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
    done = app.run(*shlex.split(line))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def sentence(printed: str) -> str:
    return next((line for line in printed.splitlines() if line.startswith("Error: ")), "")


@pytest.mark.parametrize(
    ("app", "case"),
    [(case, case) for case in CASES],
    ids=[f"{case.error}-{case.advice}" for case in CASES],
    indirect=["app"],
)
def test_advice_leads_on(app: App, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    code, printed = typed(app, case.error, "", monkeypatch)
    assert code not in (0, 2), printed
    advised = [found for found in COMMAND.findall(printed) if found.startswith(case.advice)]
    assert advised, printed
    line = advised[0]
    for hole, value in case.fill.items():
        line = re.sub(rf"\b{hole}\b", value, line, count=1)
    code, next_printed = typed(app, line, case.stdin, monkeypatch)
    assert code != 2, f"{line}: {next_printed}"
    assert sentence(next_printed) != sentence(printed), line
    assert not sentence(next_printed) or case.advice == "tune", f"{line}: {next_printed}"
    if case.again:
        _, last = typed(app, case.error, "", monkeypatch)
        assert sentence(last) != sentence(printed), f"after {line}: {last}"


def test_without_an_app_advice_makes_one(new_app: Callable[[str], App], monkeypatch: pytest.MonkeyPatch) -> None:
    made = new_app("advice")
    outside = type(made)(made.root.parent)
    _, printed = typed(outside, "apply gke", "", monkeypatch)
    assert COMMAND.findall(printed) == ["init NAME"]
    assert typed(outside, "init other", "", monkeypatch)[0] == 0
