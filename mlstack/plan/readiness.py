"""Whether an object is ready, by the rule of its kind (plan/kinds.py).

The reference is kstatus (sigs.k8s.io/cli-utils, pkg/kstatus/status/core.go and generic.go); each rule names its
function there. Our deviations:
- a claim that waits for its first consumer is ready (its pod's state tells the rest; kstatus waits for Bound);
- a failed Pod is a failure (kstatus: current), a crash loop and an unschedulable pod are none: they may still come
  (kstatus gives up at once, or after 15 seconds); who waits with --fail-fast gives up where nodes cannot come;
- a Job is ready when all its pods have started, not when the first has;
- a Service of type LoadBalancer is ready without an address (minikube never gives one; nor does kstatus ask for it);
- a suspended job in a queue waits for its turn;
- a Deployment, StatefulSet or PodDisruptionBudget whose controller has not been there (no observedGeneration) is not
  ready, whatever its counts are (kstatus asks that of DaemonSets alone);
- a lost claim and a job whose pods are being ended (FailureTarget) are failures, which kstatus does not look at;
- Stalled counts before Reconciling, in whichever order they stand;
- an APIService is ready once its API is available (kstatus: current at once);
- training jobs, HPAs, webhook configurations and namespaces have rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.kinds import kind_of
from mlstack.plan.runrules import QUEUE, replica_specs, training_job
from mlstack.plan.state import Readiness, Rule, State, condition, is_true, waiting, words
from mlstack.plan.staterules import generic

__all__ = ["QUEUE", "Readiness", "State", "condition", "readiness", "replica_specs", "rule_for", "waits"]

# Groups whose kinds are as they should be once they exist.
INSTANT_GROUPS = frozenset(
    {"rbac.authorization.k8s.io", "networking.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "node.k8s.io"},
)


def readiness(live: Manifest) -> Readiness:
    """The state of a live object by its own fields."""
    metadata, status = live["metadata"], live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Readiness(State.TERMINATING, reason=_finalizers(metadata))
    generation = metadata.get("generation")
    if generation is not None and status.get("observedGeneration", generation) != generation:
        return waiting(reason="its controller has not seen the change yet")
    stalled = condition(live, "Stalled")
    if is_true(stalled):
        return Readiness(State.FAILED, reason=words(stalled))
    reconciling = condition(live, "Reconciling")
    if is_true(reconciling):
        return waiting(reason=words(reconciling))
    return rule_for(live)(live, live.get("spec") or {}, status)


def rule_for(live: Manifest) -> Rule:
    """The rule of the object's kind, the generic one where the table has none."""
    key = key_of(live)
    if replica_specs(live):
        return training_job
    return kind_of(key.group, key.kind).rule or generic


def waits(manifest: Manifest) -> bool:
    """Whether objects of this kind can be anything else than ready once they exist."""
    key = key_of(manifest)
    known = kind_of(key.group, key.kind)
    return known.rule is not None or not (known.instant or key.group in INSTANT_GROUPS)


def _finalizers(metadata: Mapping[str, Any]) -> str:
    names = metadata.get("finalizers") or []
    return f"waiting for finalizer {', '.join(names)}" if names else ""
