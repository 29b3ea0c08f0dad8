"""Many things at once, in the order they were given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from mlstack.errors import MlstackError

if TYPE_CHECKING:
    import asyncio

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> list[Result | MlstackError]:
    """`function` of each item on up to `workers` threads: results, or the MlstackError each raised, in items' order.

    Any other exception ends it, and so does Ctrl-C: nothing more is started and the exception goes to the caller.
    """
    run = _Run(function, list(items))
    # Daemons: a Ctrl-C must not wait at the interpreter's exit for a server that does not answer.
    threads = [threading.Thread(target=run.work, daemon=True) for _ in range(min(workers, len(run.items)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        run.stopped = True
    if run.broken:
        raise run.broken[0]
    return [run.results[position] for position in range(len(run.items))]


async def aside(function: Callable[[], Result]) -> Result:
    """`function` on a thread of its own, awaited.

    Unlike asyncio.to_thread, the thread never holds up the end of the program.
    """
    import asyncio  # a tenth of what `apply` takes to start, and only forwards need it

    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def work() -> None:
        settle: Callable[[], None]
        try:
            settle = partial(_settle, done, function())
        except BaseException as error:  # noqa: BLE001 - the awaiting side raises it
            settle = partial(_fail, done, error)
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=work, daemon=True).start()
    return await done


def _settle(done: asyncio.Future[Result], result: Result) -> None:
    if not done.cancelled():
        done.set_result(result)


def _fail(done: asyncio.Future[Result], error: BaseException) -> None:
    if not done.cancelled():
        done.set_exception(error)


class _Run(Generic[Item, Result]):
    """What the threads of one `run_all` share."""

    def __init__(self, function: Callable[[Item], Result], items: list[Item]) -> None:
        self.function = function
        self.items = items
        self.results: dict[int, Result | MlstackError] = {}
        self.broken: list[BaseException] = []
        self.stopped = False
        self._positions = iter(range(len(items)))

    def work(self) -> None:
        for position in self._positions:  # one iterator for all threads: each takes the next position
            if self.stopped:
                return
            try:
                self.results[position] = self.function(self.items[position])
            except MlstackError as error:
                self.results[position] = error
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self.broken.append(error)
                self.stopped = True
                return
