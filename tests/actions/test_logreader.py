"""What a log's reader asks for next, and what it tells, whatever comes between."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.logreader import (
    HELD_SECONDS,
    QUIET_SECONDS,
    TALKING_SECONDS,
    Begin,
    Life,
    Reader,
    Source,
    expected_of,
    sources_of,
)
from mlstack.plan.roles import Role

SOURCE = Source("n", "cnn-worker-3", "u", "main", Role("worker", 3), "worker-3")


def line(second: int, text: str) -> bytes:
    return f"2026-11-23T07:00:{second:02}.5Z {text}\n".encode()


class FakeFeed:
    """An answer that the test gives by hand."""

    closed = False

    def close(self) -> None:
        self.closed = True


class Kubelet:
    """Answers a reader's requests; time is a number."""

    def __init__(self, life: Life | None = None, begin: Begin | None = None) -> None:
        self.now = 100.0
        self.reader = Reader(SOURCE, life or Life(), begin or Begin(), self.now)
        self.told: list[str] = []

    def asked(self) -> dict[str, Any]:
        """The query of the request that is due now, its time-stamping aside."""
        assert self.reader.due is not None
        assert self.reader.due <= self.now
        query = dict(self.reader.request(self.now).query)
        assert (query.pop("container"), query.pop("timestamps")) == ("main", "true")
        self.reader.opened(FakeFeed(), self.now)  # type: ignore[arg-type]
        return query

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.told += [found.line for found in self.reader.take(part, self.now, several=True)]

    def end(self, *, whole: bool = True) -> None:
        self.told += [found.line for found in self.reader.finish(self.now, whole=whole, several=True)]


def test_a_container_that_ends_is_read_once_more_and_done() -> None:
    kubelet = Kubelet(begin=Begin(tail=5))
    assert kubelet.asked() == {"tailLines": "5", "follow": "true"}
    kubelet.say(line(1, "a"), line(2, "b"))
    kubelet.reader.update(Life(ended=True), kubelet.now)
    kubelet.end()
    assert kubelet.asked() == {"tailLines": "500"}
    kubelet.say(line(1, "a"), line(2, "b"), line(3, "c"), b"2026-11-23T07:00:03.6Z no end")
    kubelet.end()
    assert kubelet.told == ["a", "b", "c", "no end"]
    assert kubelet.reader.done


def test_a_broken_connection_tears_no_line_and_loses_none() -> None:
    kubelet = Kubelet()
    assert kubelet.asked() == {"follow": "true"}
    kubelet.say(line(1, "a"), line(2, "b")[:-3])
    kubelet.end(whole=False)
    kubelet.now += 1
    assert kubelet.asked() == {"follow": "true", "tailLines": "500"}
    kubelet.say(line(1, "a") + line(2, "b") + line(2, "b2"))
    assert kubelet.told == ["a", "b", "b2"]


def test_a_server_that_goes_down_in_order_ends_no_container() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.say(line(1, "a"), b"2026-11-23T07:00:01.7Z hal")
    kubelet.end(whole=True)
    assert not kubelet.reader.done
    kubelet.now += 1
    assert kubelet.asked() == {"follow": "true", "tailLines": "500"}
    kubelet.say(line(1, "a"), b"2026-11-23T07:00:01.7Z half\n")
    assert kubelet.told == ["a", "half"]


def test_after_a_restart_the_end_of_the_former_life_comes_first() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.say(line(1, "a"))
    kubelet.reader.update(Life(1), kubelet.now)
    kubelet.end()
    assert kubelet.asked() == {"previous": "true", "tailLines": "500"}
    kubelet.say(line(1, "a"), line(2, "crash"))
    kubelet.end()
    assert kubelet.asked() == {"follow": "true"}  # a new life has a new log, all of which is new
    kubelet.say(line(4, "again"))
    assert kubelet.told == ["a", "crash", "again"]


def test_a_former_life_that_nobody_keeps() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.reader.update(Life(1), kubelet.now)
    kubelet.end()
    assert kubelet.asked()["previous"] == "true"
    kubelet.reader.refused(kubelet.now)
    assert kubelet.asked() == {"follow": "true"}


def test_a_life_that_was_read_to_its_end_is_not_read_again() -> None:
    kubelet = Kubelet(Life(ended=True))
    assert kubelet.asked() == {}
    kubelet.say(line(1, "a"))
    kubelet.end()
    assert kubelet.reader.done
    kubelet.reader.update(Life(1), kubelet.now)
    assert kubelet.asked() == {"follow": "true"}


def test_lives_before_the_first_look_are_nobodys_business() -> None:
    assert Kubelet(Life(7)).asked() == {"follow": "true"}


def test_a_log_that_does_not_end_with_its_container_is_ended() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.reader.update(Life(ended=True), kubelet.now)
    kubelet.now += QUIET_SECONDS / 2
    kubelet.say(line(1, "a"))
    kubelet.now += QUIET_SECONDS / 2 + 0.1
    assert not kubelet.reader.overdue(kubelet.now)
    kubelet.now += QUIET_SECONDS
    assert kubelet.reader.overdue(kubelet.now)
    kubelet.end(whole=False)
    assert kubelet.asked() == {"tailLines": "500"}


def test_a_container_that_goes_on_talking_is_read_to_where_it_is_now() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.reader.leave(kubelet.now, gone=False)  # its run has ended, and its kubelet does not know
    said = 0
    while not kubelet.reader.overdue(kubelet.now):
        kubelet.now += QUIET_SECONDS / 2
        said += 1
        kubelet.say(line(said, "still here"))
    assert said * QUIET_SECONDS / 2 > TALKING_SECONDS
    kubelet.end(whole=False)
    assert kubelet.asked() == {"tailLines": "500"}  # of a request without `follow` there is an end
    kubelet.say(*(line(number, "still here") for number in range(1, said + 3)))
    kubelet.end()
    assert kubelet.reader.done
    assert len(kubelet.told) == said + 2


def test_a_place_that_is_further_back_is_looked_for_there() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.say(line(1, "first"))
    kubelet.end(whole=False)
    kubelet.now += 1
    assert kubelet.asked() == {"follow": "true", "tailLines": "500"}
    lines = [line(2, str(number)) for number in range(700)]
    kubelet.say(*lines[200:])
    assert kubelet.reader.missed
    kubelet.end(whole=False)
    assert kubelet.asked() == {"follow": "true", "tailLines": "8000"}
    kubelet.say(line(1, "first"), *lines)
    assert kubelet.told == ["first", *map(str, range(700))]


def test_lines_of_a_log_that_was_rotated_away_are_told_when_no_more_come() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.say(line(1, "a"))
    kubelet.end(whole=False)
    kubelet.now += 1
    kubelet.asked()
    kubelet.say(line(2, "b"), line(3, "c"))
    assert kubelet.told == ["a"]
    assert kubelet.reader.settled(kubelet.now, several=True) == []
    kubelet.now += HELD_SECONDS + 0.1
    kubelet.told += [one.line for one in kubelet.reader.settled(kubelet.now, several=True)]
    kubelet.say(line(4, "d"))
    assert kubelet.told == ["a", "b", "c", "d"]


def test_the_last_words_of_a_pod_that_is_gone() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.say(line(1, "a"), b"2026-11-23T07:00:01.7Z bye")
    kubelet.reader.leave(kubelet.now, gone=True)
    kubelet.end(whole=False)
    assert kubelet.told == ["a", "bye"]
    assert kubelet.reader.done


def test_a_pod_that_is_gone_before_its_log_was_opened() -> None:
    kubelet = Kubelet()
    kubelet.asked()
    kubelet.reader.leave(kubelet.now, gone=True)
    kubelet.reader.refused(kubelet.now)
    assert kubelet.reader.done


def test_pauses_grow_until_something_comes() -> None:
    kubelet, pauses = Kubelet(), list[float]()
    for _ in range(7):
        kubelet.asked()
        kubelet.end(whole=False)
        assert kubelet.reader.due is not None
        pauses.append(kubelet.reader.due - kubelet.now)
        kubelet.now = kubelet.reader.due
    assert pauses == [0.25, 0.5, 1, 2, 4, 5, 5]
    assert kubelet.reader.fails == 7
    kubelet.asked()
    kubelet.say(line(1, "a"))
    kubelet.end(whole=False)
    assert (kubelet.reader.due, kubelet.reader.fails) == (kubelet.now + 0.25, 1)


def test_since_holds_from_the_beginning_on() -> None:
    kubelet = Kubelet(begin=Begin(tail=0, since_s=60))
    assert kubelet.asked() == {"tailLines": "0", "sinceSeconds": "60", "follow": "true"}
    kubelet.end(whole=False)
    kubelet.now += 5
    assert kubelet.asked() == {"sinceSeconds": "6", "follow": "true"}


def test_what_a_line_says_of_itself() -> None:
    reader = Reader(SOURCE, Life(), Begin(), 0.0)
    (found,) = reader.take(b"2026-11-23T07:00:01Z 50%\r100% \xff\r\n", 0.0, several=False)
    assert (found.title, found.role, found.index, found.time) == ("worker-3", "worker", 3, "2026-11-23T07:00:01Z")
    assert (found.line, found.several) == ("50%\r100% \ufffd", False)


def pod(*statuses: dict[str, Any], containers: str = "a", init: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "n", "uid": "u"}
    return {
        "metadata": metadata,
        "spec": {
            "containers": [{"name": name} for name in containers],
            "initContainers": [{"name": name} for name in init],
        },
        "status": {"containerStatuses": list(statuses), **more},
    }


def container(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "state": {state: {"startedAt": "T"} if state != "waiting" else {}}, **more}


CRASHED = container("a", "waiting", lastState={"terminated": {"startedAt": "T"}}, restartCount=3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(), {}),
        (pod(container("a", "waiting")), {}),
        (pod(container("a", "running")), {"p": Life()}),
        (
            pod(container("a", "running"), container("b", "terminated"), containers="ab"),
            {"p/a": Life(), "p/b": Life(0, True)},
        ),
        (pod(CRASHED), {"p": Life(3, True)}),
        (
            pod(container("a", "running"), init="i", initContainerStatuses=[container("i", "terminated")]),
            {"p/i": Life(0, True), "p": Life()},
        ),
    ],
)
def test_containers_that_have_said_something(found: dict[str, Any], expected: dict[str, Life]) -> None:
    assert {source.title: life for source, life in sources_of(found).items()} == expected


def test_containers_that_will_say_something() -> None:
    assert [source.title for source in expected_of(pod(containers="ab", init="i"))] == ["p/i", "p/a", "p/b"]
    assert [source.title for source in expected_of(pod())] == ["p"]


def test_a_restarted_container_is_the_same_source() -> None:
    """`run --follow` once told two pods' lines twice: a container that had ended was taken for another one."""
    running = {"name": "a", "state": {"running": {"startedAt": "12:00:01"}}}
    ended = {"name": "a", "state": {"terminated": {"startedAt": "12:00:00"}}}
    assert sources_of(pod(running)).keys() == sources_of(pod(ended)).keys()
