# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings a folder of DAGs onto the shared volume of an instance.

What differs is found out in a pod of Airflow, which mounts the volume read-only. Only then a pod that can write it is
made, under the Lease of the instance, and taken away again.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_folder, jobs
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dag_folder import Plan, Tree
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import bundles as payload
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import dag_files
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    Target,
    described,
    is_ready,
    newest_ready,
    run_inside,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import apply, engine, wait
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.lease import Lock
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.render import dags, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.dags_upload import COMPONENT, upload_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.dag_rules import VOLUME
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

READERS: t.Final = ("dag-processor", "scheduler")
"""Components whose pods may mount the volume, and run all the time."""
_JOB: t.Final = named("Job")
_MARGIN: t.Final = 60
"""Seconds that the pod may be there for longer than this run would wait for its start and its work."""


def run(face: Face) -> dict[str, t.Any]:
    """Make the volume hold what the folder holds."""
    params = face.params
    values = described(params)
    refuse_values(values)
    patterns: list[str] = params["exclude"]
    tree = dag_folder.unpack(params["packed"]) if params["packed"] else dag_folder.read(params["src"], patterns)
    if not dag_folder.may_hold_dags(tree):
        face.warn(
            f"No file of src ({params['src']}) is one that Airflow would look for DAGs in: it reads Python files that "
            "hold the words dag and airflow, and zip archives."
        )
    cluster = connect(params, face.progress)
    upload = Upload(face, cluster, values, tree)
    claim = upload.claim()
    seen, plan = upload.compared()
    upload.refuse_uncompilable(plan)
    if plan.wanted and not face.check_mode:
        upload.perform(plan)
    return {
        "changed": plan.wanted,
        "claim": claim,
        "added": list(map(shown, plan.added)),
        "updated": list(map(shown, plan.updated)),
        "removed": list(map(shown, plan.removed)),
        "diff": [difference(tree, seen, plan, claim, params["src"])] if plan.wanted else [],
        "api_requests": cluster.requests,
    }


def refuse_values(values: Values) -> None:
    """An instance without a volume that can be written has nothing to upload to."""
    volume = values.core.dags_volume
    if not volume.enabled:
        raise Failure(
            f"Instance {values.name} has no volume of DAGs: {VOLUME}.enabled is false. Set it to true and run site.yml "
            "first; docs/dags.md tells the other ways that DAGs can come."
        )
    if volume.access_mode == "ReadOnlyMany":
        raise Failure(
            f"{VOLUME}.accessMode of instance {values.name} is ReadOnlyMany, so something else fills the claim "
            f"{volume.existing_claim}, and no pod can write it. Upload there, or use a claim that is ReadWriteMany."
        )


def refuse_claim(claim: Object | None, values: Values) -> None:
    """A claim that is not there, or not for long, or that nobody can write."""
    volume = values.core.dags_volume
    name = f"PersistentVolumeClaim/{values.namespace}/{claim_name(values)}"
    if claim is None:
        remedy = (
            f"Make it, or correct {VOLUME}.existingClaim"
            if volume.existing_claim
            else "Run site.yml first, it makes it"
        )
        raise Failure(f"{name}, the volume of DAGs of instance {values.name}, is not there. {remedy}.")
    if claim["metadata"].get("deletionTimestamp"):
        raise Failure(f"{name} is being deleted, with all DAGs on it. Wait until it is gone, and run site.yml.")
    modes = claim["spec"].get("accessModes") or []
    if set(modes) <= {"ReadOnlyMany"}:
        raise Failure(
            f"{name} can only be read (its access mode is {', '.join(modes) or 'none'}), so nothing can be uploaded. "
            f"Use a claim that is ReadWriteMany ({VOLUME}.existingClaim), or fill it where its files come from."
        )


def claim_name(values: Values) -> str:
    """The claim that holds the DAGs."""
    return values.core.dags_volume.existing_claim or names.name(values, "dags")


class Upload:
    """The way of one folder onto the volume of one instance."""

    def __init__(self, face: Face, cluster: Cluster, values: Values, tree: Tree) -> None:
        self._face = face
        self._cluster = cluster
        self._values = values
        self._tree = tree
        self._where = Target(instance=values.name, namespace=values.namespace, values=values)
        self._folder = dags.volume_folder(values)
        self._timeout: int = face.params["wait_timeout"]

    def claim(self) -> str:
        """The claim, in words, which is there and can be written."""
        name = claim_name(self._values)
        found = self._cluster.get(named("PersistentVolumeClaim"), name, self._values.namespace)
        refuse_claim(found, self._values)
        return f"PersistentVolumeClaim/{self._values.namespace}/{name}"

    def compared(self) -> tuple[dict[str, t.Any], Plan]:
        """What is on the volume, and what has to change."""
        seen = self._asked(self._reader(), "look", self._folder)
        return seen, self._plan(seen)

    def refuse_uncompilable(self, plan: Plan) -> None:
        """Refuse Python that Airflow's own Python does not understand; the controller's may be another one."""
        new = {name: encoded(self._tree[name]) for name in plan.sent if name.endswith(".py")}
        if not new:
            return
        errors = self._asked(self._reader(), "compile", stdin=new)["errors"]
        if errors:
            told = [f"{name}{f', line {line}' if line else ''}: {why}" for name, line, why in errors]
            raise Failure(
                f"{len(told)} of the files in src {'is' if len(told) == 1 else 'are'} no Python that Airflow could "
                f"read: {'; '.join(told)}. Nothing was changed. Correct them, or leave them out by exclude.",
                uncompilable=[name for name, _line, _why in errors],
            )

    def perform(self, plan: Plan) -> None:
        """Change the volume by a pod of its own, while nobody else changes the instance."""
        scope = Scope(instance=self._values.name, namespace=self._values.namespace, component=COMPONENT)
        lock = engine.lock_of(self._cluster, scope)
        waited = lock.acquire({}, engine.LOCK_PATIENCE, self._face.progress)
        try:
            if waited:
                # What was seen before may be another run's past.
                _seen, plan = self.compared()
                self.refuse_uncompilable(plan)
            with self._writer(lock) as pod:
                archive = dag_folder.pack({name: self._tree[name] for name in plan.sent})
                told = {"archive": encoded(archive), "remove": plan.removed}
                seen = self._written(lock, pod, told)
        finally:
            lock.rest({})
        if self._plan(seen).wanted:
            raise Failure(
                f"The volume of DAGs of instance {self._values.name} does not hold what was uploaded a moment ago: "
                "somebody else writes to it. Run again when that has ended."
            )
        self._have_it_seen()

    def _have_it_seen(self) -> None:
        """Airflow 3 looks at the volume at once if it is asked, and else when it would anyway, which will do."""
        if self._values.major >= 3:
            with contextlib.suppress(Failure):
                run_inside(self._cluster, self._reader(), "refresh", "0", stdin=[dags.VOLUME_BUNDLE], script=payload)

    def _plan(self, seen: dict[str, t.Any]) -> Plan:
        params = self._face.params
        return dag_folder.plan(self._tree, seen, params["exclude"], delete=params["delete"])

    def _reader(self) -> Object:
        """A pod of Airflow that mounts the claim."""
        pods = self._cluster.list(named("Pod"), self._values.namespace, label_selector=self._where.selector(*READERS))
        name = claim_name(self._values)
        pod = newest_ready([pod for pod in pods if mounts(pod, name)], READERS)
        if pod is None:
            raise Failure(
                f"No pod of instance {self._values.name} that reads DAGs from the claim {name} is ready "
                f"({', '.join(READERS)}), so nobody can tell what is on it. Nothing was changed. Run site.yml, and see "
                "by status.yml what keeps the pods."
            )
        return pod

    def _asked(self, pod: Object, command: str, *arguments: str, stdin: t.Any = None) -> dict[str, t.Any]:
        told = run_inside(self._cluster, pod, command, *arguments, stdin=stdin, timeout=self._timeout, script=dag_files)
        if "refused" in told:
            raise Failure(
                f"The volume of DAGs of instance {self._values.name} refuses {label(pod)}, which runs as user "
                f"{user_of(pod)}: {told['refused']}. Its files and folders have to be readable and writable for that "
                "user or its group, and there has to be room. What was begun is made good by the next run."
            )
        return told

    def _written(self, lock: Lock, pod: Object, told: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write, and go on telling others that this run lives."""
        self._face.progress(f"{label(pod)} writes to the volume")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            writing = pool.submit(self._asked, pod, "write", self._folder, stdin=told)
            while not concurrent.futures.wait([writing], timeout=5).done:
                lock.renew()
            return writing.result()

    @contextlib.contextmanager
    def _writer(self, lock: Lock) -> t.Iterator[Object]:
        """A pod that can write the volume; it goes in the end, and so does one that a killed run has left."""
        job = upload_job(self._values, 2 * self._timeout + _MARGIN)
        old = self._cluster.get(_JOB, job["metadata"]["name"], self._values.namespace)
        if old:
            # Its pod goes first, so that nothing of an earlier run writes any more.
            self._remove(old)
            apply.await_gone(self._cluster, [old], self._timeout, self._face.progress)
        job = self._cluster.create(job)
        try:
            pod = self._started(lock, job)
            yield pod
        except BaseException:
            with contextlib.suppress(Failure):
                self._remove(job)
            raise
        self._remove(job)

    def _started(self, lock: Lock, job: Object) -> Object:
        """The pod of the Job, once it runs."""
        running: list[Object] = []

        def runs() -> bool:
            running[:] = filter(is_ready, jobs.pods_of(self._cluster, job))
            return bool(running)

        try:
            wait.until_ready(
                self._cluster,
                [job],
                timeout=self._timeout,
                notify=self._face.progress,
                alive=lock.renew,
                over=runs,
            )
        except Failure as failure:
            raise Failure(
                f"No pod that can write the claim {claim_name(self._values)} comes up, so nothing was changed. "
                f"{failure.message}",
                **failure.details,
            ) from failure
        if not running:
            raise Failure(f"{label(job)} has ended before it was used. Nothing was changed. Run again.")
        return running[0]

    def _remove(self, job: Object) -> None:
        meta = job["metadata"]
        self._cluster.delete(_JOB, meta["name"], meta["namespace"], propagation="Foreground", uid=meta["uid"])


def encoded(content: bytes) -> str:
    """Bytes as JSON takes them."""
    return base64.b64encode(content).decode("ascii")


def mounts(pod: Object, claim: str) -> bool:
    """Whether a pod has a claim among its volumes: one of before a change of the variables has not."""
    volumes = pod["spec"].get("volumes") or ()
    return any((volume.get("persistentVolumeClaim") or {}).get("claimName") == claim for volume in volumes)


def user_of(pod: Object) -> str:
    """The user that a pod runs as, in words."""
    return str((pod["spec"].get("securityContext") or {}).get("runAsUser", "of its image"))


def shown(name: str) -> str:
    """A path as it can be printed: on the volume it may be any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()


def difference(
    tree: t.Mapping[str, bytes], seen: t.Mapping[str, t.Any], plan: Plan, claim: str, src: str
) -> dict[str, str]:
    """Files that differ, each with the beginning of its checksum."""
    there: dict[str, str | None] = seen["files"]
    before = [(name, there[name]) for name in (*plan.updated, *plan.removed)]
    after = [(name, dag_folder.digest_of(tree[name])) for name in plan.sent]
    left = [f"{dag_files.WORK} (left by a run that was killed)\n"] if plan.left else []
    return {
        "before_header": claim,
        "after_header": src,
        "before": "".join([*left, *map(line, sorted(before, key=lambda item: item[0]))]),
        "after": "".join(map(line, sorted(after))),
    }


def line(item: tuple[str, str | None]) -> str:
    name, digest = item
    return f"{shown(name)} {digest[:12] if digest else '(no readable file)'}\n"
