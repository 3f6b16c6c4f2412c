# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From declared objects to a cluster that holds them: plan, rehearse, then make every change.

The rehearsal is the same apply with ``dryRun=All``. It tells what will change, defaults and admission included, and it
finds what the API server will refuse before anything is changed. In check mode it is all that happens.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import (
    diff,
    fields,
    holders,
    immutable,
    kinds,
    order,
    replicas,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER, Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import together

_GONE: t.Final = 120.0
"""Seconds to wait for an object to go before its successor comes."""
_OWNER: t.Final = 'conflict with "'


class Action(enum.Enum):
    """What is to be done with an object."""

    NOTHING = "unchanged"
    ADOPT = "adopted"
    """Its content stays; only whose it is changes."""
    CREATE = "created"
    UPDATE = "updated"
    REPLACE = "replaced"
    DELETE = "deleted"


CHANGES: t.Final = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """An object, as it is and as it is to be."""

    action: Action
    declared: Object | None = None
    """As the person declared it."""
    desired: Object | None = None
    """As it is applied: with checksums."""
    live: Object | None = None
    after: Object | None = None
    """As it is in the end, where the API server has told."""
    force: bool = False
    """Take over fields that others have set."""
    takes_back: bool = False
    """Take over the number of pods, which was left to an autoscaler."""

    @property
    def label(self) -> str:
        return kinds.label(self.desired or self.live or {})

    def diff(self, key: bytes | None) -> dict[str, str]:
        """What changes. What is new is shown as declared, since defaults cannot always be known before."""
        if self.action is Action.CREATE:
            return diff.entry(None, self.declared, key)
        if self.action is Action.REPLACE and self.live:
            return diff.entry(spoken(self.live), self.declared, key)
        after = diff.without_chance(self.after, self.live, self.declared) if self.after and self.live else self.after
        return diff.entry(self.live, after, key)


class Consent(t.NamedTuple):
    """What the person has agreed to."""

    replace: bool = False
    force_conflicts: bool = False
    adopt: bool = False


def spoken(live: Object) -> Object:
    """What we said of ``live``, with its address."""
    said = fields.applied(live, FIELD_MANAGER) or live
    address = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        **said,
        "metadata": {**(said.get("metadata") or {}), **address},
    }


def plan(declared: Object, desired: Object, live: Object | None, *, force: bool = False) -> Step:
    """What is to be done for one object, as far as can be seen from here."""
    desired = replicas.held(desired, live)
    if live is None:
        action = Action.CREATE
    elif fields.says(desired, live, FIELD_MANAGER):
        action = Action.NOTHING
    else:
        action = Action.UPDATE
    takes_back = replicas.taken_back(desired, live)
    return Step(action=action, declared=declared, desired=desired, live=live, force=force, takes_back=takes_back)


def rehearse(
    cluster: Cluster,
    steps: t.Sequence[Step],
    consent: Consent,
    warn: t.Callable[[str], None],
    going: t.Sequence[Object] = (),
) -> list[Step]:
    """The steps as the API server would take them; a ``Failure`` that tells everything it would refuse.

    ``going`` are objects that an earlier task has only said to take away.
    """
    missing = {
        step.desired["metadata"]["name"]
        for step in steps
        if step.action is Action.CREATE and step.desired and step.desired["kind"] == "Namespace"
    }

    def one(step: Step) -> Step | str:
        if step.action not in (Action.CREATE, Action.UPDATE) or step.desired is None:
            return step
        if step.desired["metadata"].get("namespace") in missing:
            return step
        return _rehearsed(cluster, step, step.desired, consent, warn, going)

    outcome = together(one, steps)
    problems = [item for item in outcome if isinstance(item, str)]
    if problems:
        raise Failure(told(problems, "Nothing was changed"), problems=problems)
    return [item for item in outcome if isinstance(item, Step)]


def told(problems: t.Sequence[str], consequence: str) -> str:
    """One or more problems as a message."""
    if len(problems) == 1:
        return f"{problems[0].rstrip('.')}. {consequence}."
    return f"{consequence}, since {len(problems)} objects cannot be applied:\n" + "\n".join(
        f"- {one}" for one in problems
    )


def _rehearsed(
    cluster: Cluster,
    step: Step,
    desired: Object,
    consent: Consent,
    warn: t.Callable[[str], None],
    going: t.Sequence[Object],
) -> Step | str:
    frozen = immutable.changes(desired, step.live) if step.live else []
    if frozen:
        return _replacement(step, desired, frozen, consent)
    try:
        after = _sent(cluster, step, desired, dry_run=True)
    except ApiError as error:
        if error.missing and step.live is None:
            # Its namespace, its CRD or the Role that it binds is not there yet.
            return step
        if step.live is None and replicas.still_managed(error.message, going):
            return step
        if immutable.refused(error):
            return _replacement(step, desired, [cause.get("field", "?") for cause in error.causes], consent)
        if "does not support dry run" in error.message:
            warn(f"What becomes of {step.label} can be told by its apply only: {error.message}")
            return dataclasses.replace(step, after=desired)
        return explained(error)
    if step.live is None:
        return dataclasses.replace(step, after=after)
    action = Action.UPDATE if diff.changed(step.live, after) else Action.ADOPT
    return dataclasses.replace(step, action=action, after=after)


def _sent(cluster: Cluster, step: Step, desired: Object, *, dry_run: bool = False) -> Object:
    """The object after its apply; the number of pods goes from hand to hand as its declarer and an autoscaler agree."""
    holds = replicas.least(desired) is not None and "replicas" in desired["spec"]
    try:
        return cluster.apply(desired, dry_run=dry_run, force=step.force and not holds)
    except ApiError as error:
        conflicts = {path for paths in owners(error).values() for path in paths}
        if holds and not step.takes_back and replicas.PATH in conflicts:
            # The autoscaler has just set another one, so it is its own now.
            desired = replicas.released(desired)
        elif not (step.takes_back and conflicts == {replicas.PATH}) and not (holds and step.force and conflicts):
            raise
    return cluster.apply(desired, dry_run=dry_run, force=step.force or step.takes_back)


def _replacement(step: Step, desired: Object, frozen: t.Sequence[str], consent: Consent) -> Step | str:
    if consent.replace and immutable.replaceable(desired):
        return dataclasses.replace(step, action=Action.REPLACE)
    return f"{step.label}: {immutable.explanation(desired, frozen)}"


def owners(error: ApiError) -> dict[str, list[str]]:
    """The paths of fields that an apply would have changed, by the managers who set them."""
    found: dict[str, list[str]] = {}
    for cause in error.causes:
        if cause.get("reason") == "FieldManagerConflict":
            who = cause.get("message", "").removeprefix(_OWNER).partition('"')[0]
            found.setdefault(who, []).append(cause.get("field", "?"))
    return found


def explained(error: ApiError) -> str:
    """The error; for fields that another manager set, whose they are and what to do."""
    found = owners(error)
    if not found:
        return error.message
    what = error.message.partition(":")[0]
    whose = "; ".join(
        f"{', '.join(sorted(path.lstrip('.') for path in paths))} set by {who}" for who, paths in sorted(found.items())
    )
    return (
        f"{what}: {whose}. Leave these fields to their owner, or set force_conflicts to true to take them over for good"
    )


def perform(cluster: Cluster, steps: t.Sequence[Step], between: t.Callable[[], None]) -> list[Step]:
    """Make the changes in their order; ``between`` is called after each stage."""
    by_label = {step.label: step for step in steps}
    done: list[Step] = [step for step in steps if step.action is Action.NOTHING]
    pending = [step.desired for step in steps if step.desired and step.action is not Action.NOTHING]
    for stage in order.stages(pending):
        outcome = together(lambda desired: _performed(cluster, by_label[kinds.label(desired)], desired), stage)
        problems = [item for item in outcome if isinstance(item, str)]
        if problems:
            raise Failure(told(problems, "The run stopped there; what was applied before stays"), problems=problems)
        done += [item for item in outcome if isinstance(item, Step)]
        between()
    return done


def _performed(cluster: Cluster, step: Step, desired: Object) -> Step | str:
    try:
        if step.action is Action.REPLACE and step.live:
            _clear_the_way(cluster, desired, step.live)
            desired = replicas.anew(desired, step.live)
        after = _sent(cluster, step, desired)
        if desired["kind"] == "CustomResourceDefinition":
            _await_served(cluster, after)
    except ApiError as error:
        return explained(error)
    if step.action in (Action.UPDATE, Action.ADOPT) and step.live:
        action = Action.UPDATE if diff.changed(step.live, after) else Action.ADOPT
        return dataclasses.replace(step, action=action, after=after)
    return dataclasses.replace(step, after=after)


def _clear_the_way(cluster: Cluster, desired: Object, live: Object) -> None:
    meta = live["metadata"]
    kind = cluster.kind_of(live)
    namespace = meta.get("namespace")
    cluster.delete(kind, meta["name"], namespace, propagation=immutable.propagation(desired, live), uid=meta["uid"])
    await_gone(cluster, [live], _GONE)


def await_gone(
    cluster: Cluster, objects: t.Sequence[Object], timeout: float, notify: t.Callable[[str], None] | None = None
) -> None:
    """Wait until none of ``objects`` is there any more; others with the same name do not count."""
    deadline, told_at, left = time.monotonic() + timeout, time.monotonic(), list(objects)
    while left := [obj for obj in left if _is_there(cluster, obj)]:
        names = ", ".join(kinds.label(obj) for obj in left)
        if time.monotonic() > deadline:
            if mounted := holders.holding(cluster, left):
                raise Failure(
                    f"{names} did not go within {timeout:g} s; still mounted by {mounted}. Delete what has ended, end "
                    "what runs, and run again."
                )
            held = sorted({one for obj in left for one in obj["metadata"].get("finalizers") or ()})
            why = f"; held by the finalizers {', '.join(held)}" if held else ""
            raise Failure(f"{names} did not go within {timeout:g} s{why}. Look at its events and finalizers.")
        if notify and time.monotonic() - told_at > 5:
            mounted = holders.holding(cluster, left)
            notify(f"waiting for {names} to go" + (f"; still mounted by {mounted}" if mounted else ""))
            told_at = time.monotonic()
        time.sleep(0.3)


def _is_there(cluster: Cluster, obj: Object) -> bool:
    meta = obj["metadata"]
    kind = cluster.kind_of(obj)
    now = cluster.get(kind, meta["name"], meta.get("namespace"))
    return now is not None and now["metadata"]["uid"] == meta["uid"]


def _await_served(cluster: Cluster, definition: Object) -> None:
    """Wait until objects of a new kind can be made, which takes about a second.

    That the definition is Established is not enough: what the API server tells of a group, and
    what it answers for the group's objects, follow in loops of their own.
    """
    kind, name, spec = kinds.named("CustomResourceDefinition"), definition["metadata"]["name"], definition["spec"]
    served = [f"{spec['group']}/{version['name']}" for version in spec["versions"] if version["served"]]
    deadline = time.monotonic() + 30
    while True:
        conditions = ((cluster.get(kind, name) or {}).get("status") or {}).get("conditions") or ()
        established = any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
        if established and all(cluster.serves(version, spec["names"]["kind"]) for version in served):
            return
        if time.monotonic() > deadline:
            raise Failure(f"CustomResourceDefinition/{name} is not served after 30 s. Look at its conditions.")
        time.sleep(0.2)
