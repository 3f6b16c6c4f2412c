# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tries something by a Job, before anything is changed that would need it.

What was found to work is noted in the Lease, which a run reads anyway: while nothing of it changes, no later run looks
again.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Jobs, Told, last_words
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Target
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
    """What is tried."""

    about: str
    """It, by its variable."""
    component: str
    note: str
    """The annotation of the Lease that tells of it."""
    fingerprint: str
    """What the annotation says of one that works."""
    job: t.Callable[[], Object]
    doing: str
    judged: t.Callable[[Told], bool]
    """Raises ``Failure`` for what does not work; whether it is known to work."""
    words: t.Callable[[t.Iterable[Object]], Told | None] = last_words
    """What the pods of the Job tell."""
    rest: t.Callable[[Told], t.Callable[[], Object] | None] = lambda _found: None
    """A Job for what was not tried yet, since something before it does not work; None where all was."""
    beside: t.Callable[[Object], t.Sequence[Object]] = lambda _job: ()
    """What the Job reads that nobody else does, and that goes with it."""


def tried(face: Face, values: Values, cluster: Cluster, probe: Probe) -> bool:
    """Try it, unless that is known to work or this is check mode; whether it was tried."""
    where = Target(instance=values.name, namespace=values.namespace, values=values)
    remembered: dict[str, str] | None = face.params["remembered"]
    part = Scope(instance=values.name, namespace=values.namespace, component=probe.component)
    lock = engine.lock_of(cluster, part, remembered)
    notes = lock.read_once() if remembered is None else remembered
    if notes.get(probe.note) == probe.fingerprint or face.check_mode:
        return False
    jobs = Jobs(
        cluster,
        where,
        lock,
        timeout=face.params["wait_timeout"],
        notify=face.progress,
        component=probe.component,
        words=probe.words,
    )
    try:
        found = jobs.try_out(probe.job(), probe.doing, probe.beside)
    except Failure as failure:
        raise Failure(f"{probe.about} could not be tried. {failure.message}", **failure.details) from failure
    found = found or {"unknown": "its pod is gone, with what it had to tell"}
    while more := probe.rest(found):
        try:
            found = jobs.try_out(more(), probe.doing, probe.beside) or {}
        except Failure:
            # What does not work is known, and told.
            break
    if probe.judged(found):
        lock.rest({probe.note: probe.fingerprint})
    return True


def refusal(told: t.Sequence[str], /, **details: t.Any) -> Failure:
    """What to raise for problems, all at once."""
    # The words of a server may be a sentence with its own stop.
    words = "; ".join(problem.removesuffix(".") for problem in told)
    message = f"{words}. The instance goes on as it was. Correct the variable, or what it names, and run again."
    return Failure(message, **details)


def known(face: Face, unknown: str, problems: t.Sequence[str], found: Told) -> bool:
    """Raise ``Failure`` for problems, all at once; whether it is known that there are none."""
    if problems:
        raise refusal(problems, problems=problems)
    if found.get("unknown"):
        face.warn(f"{unknown}: {found['unknown']}.")
    return not found.get("unknown")
