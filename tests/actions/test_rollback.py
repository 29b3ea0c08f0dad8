from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from mlstack.actions.rollback import changed_code, check
from mlstack.actions.session import Scope
from mlstack.app.code import read_tree
from mlstack.compose.layers import Setting
from mlstack.errors import MlstackError
from mlstack.plan.receipts import Contents, Receipt

if TYPE_CHECKING:
    from tests.conftest import Sample

HELD = Contents({"web": ()})


@pytest.mark.parametrize(
    ("contents", "components", "message"),
    [
        (Contents(), (), "Revision 3 of gke kept no manifests, .* at git commit 0123456789"),
        (HELD, ("cnn",), "Revision 3 of gke has no component cnn"),
        (HELD, ("web",), ""),
        (HELD, (), ""),
    ],
)
def test_what_cannot_be_gone_back_to_is_told(contents: Contents, components: tuple[str, ...], message: str) -> None:
    scope = cast("Scope", SimpleNamespace(environment="gke", components=components))
    receipt = Receipt(3, "T", "me@here", commit="0123456789abcdef")
    if not message:
        check(scope, receipt, contents)
        return
    with pytest.raises(MlstackError, match=message):
        check(scope, receipt, contents)


def test_files_that_a_job_carried_and_that_are_others_now_are_told(sample: Sample) -> None:
    for name in ("same", "other", "gone"):
        sample.write(f"{name}/train.py", "print(1)\n")
    then = {name: read_tree(sample.root, Setting("code", name)).digest for name in ("same", "other", "gone")}
    params = {name: {"code": {"value": name, "place": "x", "digest": digest}} for name, digest in then.items()}
    contents = Contents(params={**params, "plain": {"image": {"value": "x", "place": "x"}}})
    assert list(changed_code(sample.project(), contents)) == []
    sample.write("other/train.py", "print(2)\n")
    (sample.root / "gone" / "train.py").unlink()
    assert list(changed_code(sample.project(), contents)) == [
        "other (code of other) was otherwise then",
        "gone (code of gone) was otherwise then",
    ]
