# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds out whether the git repositories of an instance can be read, before anything is changed that would need them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import git_words
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Told, last_words
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.probe import Probe, known, tried
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_source, git_sync
from ansible_collections.dagops.airflow.plugins.module_utils.spec.dag_rules import BUNDLES, REPOSITORIES
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitSource, Values

SYNCED: t.Final = "synced"
"""In what is told: what git-sync said of each repository that it could not fetch, by the name of its container."""


def run(face: Face) -> dict[str, t.Any]:
    """Read the repositories unless they are known to be readable; never ``changed``, since nothing stays."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    sources = [REPOSITORIES] if values.git_sync.repositories else []
    sources += [BUNDLES] if dag_source.bundles(values) else []
    unread = Unread(values)
    probe = Probe(
        about=f"{' and '.join(sources)}: the git repositories of instance {values.name}",
        component=dag_source.COMPONENT,
        note=engine.DAG_SOURCES,
        fingerprint=dag_source.fingerprint(values),
        job=lambda: dag_source.named_job(values),
        doing="reads the git repositories",
        judged=lambda found: judged(face, values, unread.with_all(found)),
        words=words,
        rest=unread.rest,
    )
    probed = bool(sources) and tried(face, values, cluster, probe)
    return {"changed": False, "probed": probed, "api_requests": cluster.requests}


class Unread:
    """Repositories that git-sync could not fetch: the first ends the pod, and the others are tried without it."""

    def __init__(self, values: Values) -> None:
        self._left = values
        self._said: dict[str, str] = {}

    def rest(self, found: Told) -> t.Callable[[], Object] | None:
        """The Job for the others; None where there are none, or nothing was in their way."""
        failed = found.get(SYNCED) or {}
        self._said |= failed
        given = self._left.git_sync.repositories
        kept = {name: one for name, one in given.items() if git_sync.first_name(name) not in failed}
        self._left = dataclasses.replace(
            self._left, git_sync=dataclasses.replace(self._left.git_sync, repositories=kept)
        )
        left = self._left
        return (lambda: dag_source.named_job(left)) if len(kept) < len(given) and dag_source.wanted(left) else None

    def with_all(self, found: Told) -> Told:
        """What was told last, and of all that could not be fetched."""
        return {**found, SYNCED: self._said} if self._said else found


def words(pods: t.Iterable[Object]) -> Told | None:
    """What git-sync said where it failed, else what was found in what it has fetched."""
    seen = list(pods)
    said = {
        container["name"]: str(ended.get("message") or "")
        for pod in seen
        for container in pod.get("status", {}).get("initContainerStatuses") or ()
        if (ended := (container.get("state") or {}).get("terminated") or {}).get("exitCode")
    }
    return {SYNCED: said} if said else last_words(seen)


def judged(face: Face, values: Values, found: Told) -> bool:
    """Raise ``Failure`` for what cannot be read; whether all is known to be readable."""
    problems = list(_problems(values, found))
    return known(face, f"The git repositories of instance {values.name} were not read", problems, found)


def _problems(values: Values, found: Told) -> t.Iterator[str]:
    """A sentence for each repository that cannot be read."""
    synced = found.get(SYNCED) or {}
    known = {git_sync.first_name(name): name for name in values.git_sync.repositories}
    for container, said in synced.items():
        if container not in known:
            yield f"{REPOSITORIES}: container {container} failed: {git_words.last_line(said)}"
            continue
        repository = values.git_sync.repositories[known[container]]
        yield f"{REPOSITORIES}.{known[container]}: {git_words.meaning(repository, repository.ref, said)}"
    for name in found.get("folders") or ():
        yield f"{REPOSITORIES}.{name}: {_no_folder(values.git_sync.repositories[name])}"
    for name, said in (found.get("said") or {}).items():
        bundle = values.core.dag_bundles[name]
        yield f"{BUNDLES}.{name}: {git_words.meaning(bundle, bundle.ref or '', said)}"
    for name in found.get("bundles") or ():
        yield f"{BUNDLES}.{name}: {_no_folder(values.core.dag_bundles[name])}"


def _no_folder(source: GitSource) -> str:
    return f"there is no folder '{source.sub_path}' (subPath) at {getattr(source, 'ref', None)}"
