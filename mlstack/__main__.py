"""`python -m mlstack` and the `mlstack` command."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and leave with its exit code."""
    from mlstack.cli.main import run

    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(sys.argv[1:]))


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A supervisor's polite stop ends as Ctrl-C does: ports closed, what is under way left in a state to go on from.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
