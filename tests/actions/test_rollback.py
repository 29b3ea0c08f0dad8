from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from mlstack.actions.rollback import check
from mlstack.actions.session import Scope
from mlstack.errors import MlstackError
from mlstack.plan.receipts import Contents, Receipt

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
