# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The engine: declared objects in, a cluster that holds them out, and an account of what changed.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import (
    apply,
    checksums,
    kinds,
    lease,
    order,
    prune,
    scope,
    volumes,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube.apply import CHANGES, Action, Consent, Step
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import Key, Live, Place, key, place
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope

HELD: t.Final = "held"
"""In what the tasks of a run remember: who held the Lease when it began."""
RUN: t.Final = "run"
"""The same: a name of the run itself."""
LOG_STORE: t.Final = "airflow.dagops/log-store"
"""The annotation of the Lease that tells which log store was found to work."""
DAG_SOURCES: t.Final = "airflow.dagops/dag-sources"
"""The same of the git repositories that were found to be readable."""
BROKER: t.Final = "airflow.dagops/broker"
"""The same of Celery's broker and result backend that were found to answer."""
HIBERNATES: t.Final = "airflow.dagops/hibernates"
"""The same since when an instance sleeps."""
LOCK_PATIENCE: t.Final = 150.0
"""Seconds to wait for another run; more than it takes until the Lease of a killed one can be taken."""
TRIM_PATIENCE: t.Final = 120.0
"""Seconds to wait until what is taken away is gone."""
CHECKSUM_KEY: t.Final = "checksum-key"
"""The Secret of the instance (without its name) and its key that keys the fingerprints of all others."""


def _nothing() -> None:
    """Do it."""


class Voice(t.Protocol):
    """How the engine speaks to the person."""

    def warn(self, message: str) -> None:
        """Show a warning."""

    def progress(self, message: str) -> None:
        """Tell what a long step is doing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the engine."""

    objects: t.Sequence[Object]
    scope: Scope | None = None
    """Without one nothing is known of earlier runs: no Lease, nothing undeclared."""
    namespace: str | None = None
    """For objects that name none."""
    siblings: t.Sequence[Object] = ()
    """Objects that other tasks of the same run apply: what pods read of them counts as it will be."""
    secrets: t.Mapping[str, checksums.Prints] = dataclasses.field(default_factory=dict)
    """Fingerprints of Secrets by name, as an earlier task has made them, or in check mode would make them."""
    remembered: t.Mapping[str, str] | None = None
    """What ``begin`` returned to an earlier task of this run."""
    consent: Consent = Consent()
    prune: bool = False
    unused: t.Collection[str] = ()
    """Features that nothing is declared for any more: what was made for them goes without ``prune``."""
    superseded: t.Collection[str] = ()
    """Components that others have taken the place of: what was made for them goes without ``prune``."""
    delete_data: bool = False
    wakes: bool = False
    """The instance has what it needs to work when this is applied, so it sleeps no more."""
    trim: bool = False
    """Only take away what is not declared any more, and see it gone; apply nothing."""
    trimmed: bool = False
    """An earlier task has done so, or in check mode would have: what is not declared is not there to this one."""
    check_mode: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done, or would be."""

    steps: t.Sequence[Step]
    left: t.Sequence[Object] = ()
    """Objects that are ours, not declared, and still there."""
    key: bytes | None = None
    """What secret values are hashed with in diffs."""
    alive: t.Callable[[], None] = _nothing
    """To be called now and then while the run waits for what it has changed, so that it stays the only one."""

    @property
    def changed(self) -> bool:
        return any(step.action in CHANGES for step in self.steps)

    def result(self) -> dict[str, t.Any]:
        """The part of a module's result that tells of objects."""
        steps = [step for step in self.steps if step.action in CHANGES]
        names = {action.value: [step.label for step in steps if step.action is action] for action in CHANGES}
        return {
            "changed": self.changed,
            "diff": [step.diff(self.key) for step in steps],
            "objects": {**names, "unchanged": len(self.steps) - len(steps)},
            "undeclared": [kinds.label(obj) for obj in self.left],
        }


def lock_of(cluster: Cluster, part: Scope, remembered: t.Mapping[str, str] | None = None) -> lease.Lock:
    """The Lease of the instance, for a run that has begun when ``remembered`` was true."""
    known = remembered or {}
    who = lease.holder(known.get(RUN, ""))
    return lease.Lock(cluster, part.namespace, f"{part.instance}-lock", part.labels, who, known.get(HELD))


def begin(cluster: Cluster, instance: str, namespace: str, voice: Voice, *, check_mode: bool) -> dict[str, str]:
    """Begin a run while nobody else changes the instance; returns what its tasks need to know of the Lease."""
    lock = lock_of(cluster, Scope(instance=instance, namespace=namespace, component=""))
    lock.read()
    if not check_mode:
        lock.await_free(LOCK_PATIENCE, voice.progress)
    elif other := lock.other():
        voice.warn(f"Another run is changing this instance: {other}. What is told here may not be true when it ends.")
    proven = {name: note for name, note in lock.notes.items() if name in (LOG_STORE, DAG_SOURCES, BROKER, HIBERNATES)}
    return {**scope.notes_of_kinds(lock.notes), **proven, HELD: lock.held, RUN: secrets.token_hex(8)}


class Ground:
    """What both ways, converge and remove, stand on: the declared objects, the Lease and what is live."""

    def __init__(self, cluster: Cluster, request: Request) -> None:
        self.request = request
        self.scope = request.scope
        self.declared = order.ordered(scope.prepared(request.objects, request.scope, request.namespace, cluster.kind))
        self.keys = {key(obj) for obj in self.declared}
        self.live = Live(cluster, request.scope.selector if request.scope else None)
        self.lock: lease.Lock | None = None
        self.remembered: set[Place] = set()
        if request.scope:
            self.lock = lock_of(cluster, request.scope, request.remembered)
        self.read()

    def read(self) -> None:
        """Read the Lease, where objects were, and where they are to be."""
        if self.lock and self.scope:
            self.remembered = scope.remembered(self.notes.get(self.scope.note, ""))
        wanted = [] if self.request.trim else self.declared
        self.live.list_all(self.remembered | {place(obj) for obj in wanted})
        self.live.fetch((obj["apiVersion"], key(obj)) for obj in wanted)

    @property
    def notes(self) -> t.Mapping[str, str]:
        """What the Lease remembers."""
        if self.request.remembered is not None:
            return self.request.remembered
        return self.lock.read_once() if self.lock else {}

    def left(self) -> list[Object]:
        return prune.undeclared(self.live.objects(), self.keys, self.scope) if self.scope else []


def converge(cluster: Cluster, request: Request, voice: Voice) -> Outcome:
    """Make the cluster hold what is declared; in check mode tell what that would change."""
    ground = Ground(cluster, request)
    secret, steps = (None, []) if request.trim else _plan(ground)
    left = [] if request.trimmed else ground.left()
    doomed = [obj for obj in left if prune.prunable(obj) and (request.prune or _has_gone(obj, request))]
    kept = [obj for obj in left if obj not in doomed]
    deletions = [Step(action=Action.DELETE, live=obj) for obj in reversed(doomed)]
    going = ground.left() if request.trimmed and request.check_mode else []
    steps = apply.rehearse(cluster, steps, request.consent, voice.warn, going)
    steps += apply.rehearse(cluster, volumes.growth(cluster, steps), request.consent, voice.warn)
    steps.sort(key=lambda step: order.position(step.desired or {}))
    note = scope.note_of({place(obj) for obj in (*ground.declared, *kept)})
    if request.check_mode:
        prune.delete(cluster, doomed, dry_run=True)
    elif deletions or any(step.action is not Action.NOTHING for step in steps):
        made = _make(cluster, ground, steps, doomed, note, voice)
        if made is None:
            # Another run has ended meanwhile, and may have changed anything. The Lease is ours now.
            return converge(cluster, dataclasses.replace(request, remembered=None), voice)
        steps = made
    elif not request.trim and ground.lock and ground.scope and ground.notes.get(ground.scope.note, "") != note:
        ground.lock.acquire({ground.scope.note: note}, LOCK_PATIENCE, voice.progress)
        ground.lock.rest({})
    alive = ground.lock.renew if ground.lock else _nothing
    return Outcome(steps=[*steps, *deletions], left=kept, key=secret, alive=alive)


def _has_gone(obj: Object, request: Request) -> bool:
    """Whether what an object was made for is no more, so that nobody is asked before it goes."""
    return prune.unused(obj, request.unused) or prune.is_of(obj, request.superseded)


def _plan(ground: Ground) -> tuple[bytes | None, list[Step]]:
    secret, desired = _with_checksums(ground)
    steps, problems = [], []
    consent = ground.request.consent
    for declared, wanted in zip(ground.declared, desired, strict=True):
        live = ground.live.find(key(wanted))
        makers = ground.scope.makers(live) if live and ground.scope else ""
        if live and ground.scope and (other := ground.scope.foreign(live)):
            problems.append(
                f"{kinds.label(wanted)} belongs to the instance {other}. Give this instance another name or namespace"
            )
        elif makers and not consent.adopt:
            problems.append(
                f"{kinds.label(wanted)} is there already, made by {makers}. Give this instance another name or "
                "namespace, or set adopt to true to take the object over for good"
            )
        steps.append(apply.plan(declared, wanted, live, force=consent.force_conflicts or bool(makers)))
    if problems:
        raise Failure(apply.told(problems, "Nothing was changed"), problems=problems)
    return secret, steps


def _with_checksums(ground: Ground) -> tuple[bytes | None, list[Object]]:
    """The declared objects with checksums of what their pods read, and the key of those hashes."""
    declared = {key(obj): obj for obj in (*ground.request.siblings, *ground.declared)}
    told = ground.request.secrets
    unknown = [
        one
        for one in {reference for obj in ground.declared for reference in checksums.references(obj)}
        if _key_of(one) not in declared and not (one.kind == "Secret" and one.name in told)
    ]
    ground.live.list_all(Place("v1", one.kind, one.namespace) for one in unknown)
    ground.live.fetch(("v1", _key_of(one)) for one in unknown)
    secret = _hash_key(ground)

    def find(one: checksums.Reference) -> checksums.Prints | None:
        if one.kind == "Secret" and one.name in told:
            return told[one.name]
        found = declared.get(_key_of(one)) or ground.live.find(_key_of(one))
        return checksums.fingerprints(found, secret) if found else None

    return secret, [checksums.annotated(obj, find) for obj in ground.declared]


def _key_of(one: checksums.Reference) -> Key:
    return Key("", one.kind, one.namespace, one.name)


def _hash_key(ground: Ground) -> bytes | None:
    if ground.scope is None:
        return None
    name = f"{ground.scope.instance}-{CHECKSUM_KEY}"
    found = ground.live.find(Key("", "Secret", ground.scope.namespace, name))
    value = ((found or {}).get("data") or {}).get(CHECKSUM_KEY)
    return str(value).encode() if value else None


def _is_namespace(step: Step) -> bool:
    return step.desired is not None and step.desired["kind"] == "Namespace"


def _make(
    cluster: Cluster, ground: Ground, steps: list[Step], doomed: list[Object], note: str, voice: Voice
) -> list[Step] | None:
    """Make the changes under the Lease of the instance; None where another run held it until now."""
    lock, part = ground.lock, ground.scope
    if not lock or not part:
        return apply.perform(cluster, steps, _nothing)
    # The Lease lives in the namespace, so a new one comes first; one that is there is changed under the Lease.
    first = [step for step in steps if step.action is Action.CREATE and _is_namespace(step)]
    made = apply.perform(cluster, first, _nothing)
    # Before anything is made of a new kind, so that a killed run leaves nothing that is not remembered.
    everything = scope.note_of(ground.remembered | {place(obj) for obj in ground.declared})
    if lock.acquire({part.note: everything}, LOCK_PATIENCE, voice.progress):
        return None
    final = everything
    try:
        made += apply.perform(cluster, [step for step in steps if step not in first], lock.renew)
        prune.delete(cluster, doomed, dry_run=False)
        if ground.request.trim:
            apply.await_gone(cluster, doomed, TRIM_PATIENCE, voice.progress)
        final = note
    finally:
        lock.rest({part.note: final, **({HIBERNATES: ""} if ground.request.wakes and final == note else {})})
    return made
