"""The figures in a line of a training's log: JSON objects, and the usual forms of progress lines.

Keras, Hugging Face, Lightning, tqdm, and loops that print `epoch 3 loss 0.12` or `step=3, loss=0.12` are read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

RATES = ("images_per_second", "steps_per_second")
LINE_CHARACTERS = 4096  # a progress line is short; of a longer one only its end is searched

_NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?nan|[-+]?inf(?:inity)?"
_PAIR = re.compile(
    rf"""(?<![\w./])['"]?([A-Za-z]\w*)['"]?(\s*[:=]\s*\[?|\s+\[?)['"]?({_NUMBER})(?![\w.])""", re.IGNORECASE
)
_JSON_KEYS = re.compile(r'"(?:images_per_second|steps_per_second|replicas|global_batch|loss|step)"')
_TQDM = re.compile(rf"(\d+)/(\d+|\?)\s*\[\d[\d:]*<[\d:?]+,\s*({_NUMBER}|\?)\s*(it/s|s/it)", re.IGNORECASE)
_KERAS = re.compile(r"(?<!\d)(\d+)/(\d+)\s*(?:\[[=>. ]*\]|[━╸ ]+).*?(\d+(?:\.\d+)?)(us|µs|ms|s)/(?:step|epoch)")
_KERAS_HEAD = re.compile(r"\s*Epoch (\d+)/(\d+)\s*")
_BRACKET = re.compile(r"\s*\[(\d+),\s*(\d+)\]")  # [epoch, batch] as PyTorch's first tutorial prints
_TRAINING = re.compile(r"\s*(?:epoch|train|step|iter|\d+%\||\d+/)", re.IGNORECASE)  # else a bar of something that loads
_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_NAMES = {
    "images_per_second": ("images_per_second", "samples_per_second", "train_samples_per_second"),
    "steps_per_second": ("steps_per_second", "train_steps_per_second"),
    "step": ("step", "steps", "global_step", "iter", "iteration"),
    "epoch": ("epoch",),
    "loss": ("loss", "train_loss", "training_loss"),
}
_OF_NAME = {name: key for key, names in _NAMES.items() for name in names}
_SURE = ("loss", "images_per_second", "steps_per_second")  # a step or an epoch alone is any program's word


def figures(text: str) -> dict[str, Any] | None:
    """A line's figures by the keys of docs/logs.md, None if it has none. NaN and infinity are figures, too."""
    if text.startswith("{") and (found := _from_json(text)) is not None:
        return found
    last = text[-LINE_CHARACTERS:].rstrip("\r\b ").replace("\b", "\r").rpartition("\r")[2]
    if head := _KERAS_HEAD.fullmatch(last):
        return {"epoch": float(head[1])}
    return _from_progress(last)


def number(value: object) -> float | None:
    """A figure; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of JSON may have any number of digits
        return math.inf


def _from_json(text: str) -> dict[str, Any] | None:
    if not _JSON_KEYS.search(text):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _from_progress(text: str) -> dict[str, Any] | None:
    found: dict[str, Any] = dict(_pairs(text)) | dict(_bar(text))
    if head := _BRACKET.match(text):
        found = {"epoch": float(head[1]), "step": float(head[2])} | found
    if not any(key in found for key in _SURE):
        return None
    if "train_runtime" in text:  # the summary that Hugging Face's Trainer ends with
        found |= {"event": "done"}
    return found


def _pairs(text: str) -> Iterator[tuple[str, float]]:
    """The known names with a number behind them. A bare `loss 3` counts only beside an epoch or a step."""
    found = [(_OF_NAME.get(m[1].lower(), ""), m[2].strip(), m[3]) for m in _PAIR.finditer(text)]
    known = [(key, sign, value) for key, sign, value in found if key]
    counted = any(key in ("epoch", "step") for key, _, _ in known)
    seen: dict[str, float] = {}
    for key, sign, value in known:
        if sign.rstrip("[") or counted:
            seen.setdefault(key, float(value.replace(",", "").rstrip(".") or "nan"))
    yield from seen.items()


def _bar(text: str) -> Iterator[tuple[str, float]]:
    """Step and rate of a progress bar."""
    if bar := _TQDM.search(text):
        if not (_TRAINING.match(text) or "loss" in text):
            return
        yield "step", float(bar[1])
        if bar[3] != "?" and (rate := float(bar[3].replace(",", ""))) > 0:
            yield "steps_per_second", rate if bar[4].lower() == "it/s" else 1 / rate
    elif bar := _KERAS.search(text):
        yield "step", float(bar[1])
        if (seconds := float(bar[3]) * _UNITS[bar[4]]) > 0:
            yield "steps_per_second", 1 / seconds


def from_trainer_status(status: Mapping[str, Any]) -> dict[str, Any] | None:
    """The figures that a TrainJob's `status.trainerStatus` tells, None if it has none."""
    found: dict[str, Any] = {}
    for one in status.get("metrics") or []:
        key = _OF_NAME.get(str(one.get("name", "")).lower(), "")
        try:
            value = float(str(one.get("value", "")))
        except ValueError:
            continue
        if key:
            found.setdefault(key, value)
    percentage = number(status.get("progressPercentage"))
    return found | ({} if percentage is None else {"percentage": percentage}) or None
