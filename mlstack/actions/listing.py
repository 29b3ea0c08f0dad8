"""Listing kinds in places: all at once, and in one request where a kind is spread over many namespaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from mlstack.actions.denied import Denied
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.objects import Listing
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError

Place = tuple[Resource, str]  # a kind and a namespace ("" for cluster-scoped kinds): what one LIST covers
Result = TypeVar("Result")

FEW_NAMESPACES = 3  # with more, one LIST of the whole cluster is asked for


def all_or_raise(results: Iterable[Result | MlstackError]) -> list[Result]:
    """The results of a concurrent map, or the first error among them."""
    found = []
    for result in results:
        if isinstance(result, MlstackError):
            raise result
        found.append(result)
    return found


def permitted(
    places: Iterable[Place], results: Iterable[Listing | MlstackError], denied: Denied | None
) -> dict[Place, Listing]:
    """The listings by their places. Raises the first error; what the user has no permission for is told to `denied`,
    if there is one."""
    found = {}
    for place, result in zip(places, results, strict=True):
        if isinstance(result, ForbiddenError) and denied is not None:
            denied.unlisted(place[0])
        elif isinstance(result, MlstackError):
            raise result
        else:
            found[place] = result
    return found


def list_labelled(
    client: Client, places: Iterable[Place], labels: str, denied: Denied | None = None
) -> dict[Place, Listing]:
    """The objects with these labels in each place. A kind in many namespaces is listed in the whole cluster at once,
    as (kind, ""), where the user has the permission; else in each namespace. A place that the user has no permission
    for is an error, or told to `denied` and left out.
    """
    wanted = set(places)

    def one(place: Place) -> Listing:
        return objects.list_objects(client, place[0], place[1] or None, labels=labels)

    spread = sorted(spread_kinds(wanted), key=order)
    found = permitted(spread, client.map(one, spread), Denied())  # the others are listed in each namespace
    rest = sorted((place for place in wanted if (place[0], "") not in found), key=order)
    return found | permitted(rest, client.map(one, rest), denied)


def spread_kinds(places: Iterable[Place]) -> list[Place]:
    """The kinds that are in many of the places' namespaces, as places of the whole cluster."""
    counted = Counter(resource for resource, _ in places)
    return [(resource, "") for resource, count in counted.items() if count > FEW_NAMESPACES]


def order(place: Place) -> tuple[str, str, str]:
    """By group, kind and namespace."""
    return place[0].group, place[0].plural, place[1]


def by_key(listings: Iterable[Listing], versions: Mapping[Key, str]) -> dict[Key, Manifest]:
    """The listed objects by their keys; one that was listed in two API versions in the one of `versions`."""
    found: dict[Key, Manifest] = {}
    for item in (item for listing in listings for item in listing.items):
        key = key_of(item)
        if key not in found or item["apiVersion"] == versions.get(key):
            found[key] = item
    return found
