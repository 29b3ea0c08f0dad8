"""`python -m mlstack` and the `mlstack` command."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = 130
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        from mlstack.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")  # while the command line itself was read in
    finally:
        # On the way out there is nothing left to save: a further Ctrl-C ends it at once, without a word.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A supervisor's polite stop ends as Ctrl-C does: ports closed, what is under way left in a state to go on from.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
