# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the schema of the metadata database to what the image needs.

A pod that runs the very image already can tell in 0.1 s whether anything is to be done. Else a Job of the image finds
out and does it, in one start of Airflow, together with the first administrator.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    AIRFLOW_COMPONENTS,
    Target,
    airflow_pods,
    described,
    image_of,
    newest_ready,
    run_inside,
    source,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure, Stopwatch
from ansible_collections.dagops.airflow.plugins.module_utils.kube import rollout, wait
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import image
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

Report = dict[str, dict[str, t.Any]]
Revisions: t.TypeAlias = "dict[str, str | None]"

_JOB: t.Final = named("Job")
_POD: t.Final = named("Pod")
_GONE_PATIENCE: t.Final = 60.0


def run(face: Face) -> dict[str, t.Any]:
    """Migrate if anything is to be migrated; ``changed`` only when a revision changed."""
    values = described(face.params)
    return Migration(face, connect(face.params, face.progress), values).run()


class Migration:
    """One run for one instance."""

    def __init__(self, face: Face, cluster: Cluster, values: Values) -> None:
        self._face = face
        self._cluster = cluster
        self._values = values
        self._where = Target(instance=values.name, namespace=values.namespace, values=values)
        self._image = image(values, values.instance.image, values.instance.version)
        self._stopwatch = Stopwatch()

    def run(self) -> dict[str, t.Any]:
        report = self._ask_pod()
        if report is not None:
            self._refuse_unknown(report)
            if not pending(report):
                return self._result(current(report), current(report))
        if self._face.check_mode:
            return self._predicted(report)
        told = self._migrate()
        if told is None:
            # The pod is gone already, with what it had to tell.
            before = current(report) if report else {}
            return self._result(before, {}, changed=True)
        if told["lost"]:
            self._face.warn(
                f"The Fernet key of instance {self._values.name} does not decrypt everything in its database, for "
                f"example {', '.join(told['lost'][:5])}. Enter these anew."
            )
        return self._result(current(told["before"]), current(told["after"]), administrator=told["administrator"])

    # --- what is there ---

    def _ask_pod(self) -> Report | None:
        """What a running pod of the wanted image tells; None where there is none, or it cannot be asked."""
        pods = [pod for pod in airflow_pods(self._cluster, self._where) if image_of(pod) == self._image]
        pod = newest_ready(pods, AIRFLOW_COMPONENTS)
        if pod is None:
            return None
        try:
            return run_inside(self._cluster, pod, "revisions")
        except Failure as failure:
            self._face.progress(f"{label(pod)} cannot be asked, so a Job finds out: {failure.message}")
            return None

    def _refuse_unknown(self, report: Report) -> None:
        """A database that a newer Airflow migrated is not touched: only that newer image could bring it back."""
        for schema, revision in sorted(report.items()):
            if not revision["known"]:
                raise Failure(
                    f"The database of instance {self._values.name} is at revision {revision['database']} of the schema "
                    f"{schema}, which the image {self._image} does not know: a newer Airflow has migrated it (or it is "
                    "older than this image can migrate). Nothing was changed. Go on with the newer image, downgrade "
                    "the schema with it first (airflow db downgrade --to-version), or restore a backup.",
                    revisions=current(report),
                )

    def _refuse_key(self, lost: list[str]) -> None:
        """A new key beside an old database is how connections are lost."""
        secret = f"Secret/{self._values.namespace}/{names.name(self._values, 'fernet-key')}"
        raise Failure(
            f"{secret} holds a Fernet key that decrypts nothing of what is in the database of instance "
            f"{self._values.name} (such as {', '.join(lost[:5])}): it was used with another key. Nothing was changed. "
            "Put that key into the Secret (or into airflow_core_fernet_key). If it is lost for good, set "
            "lost_fernet_key_accepted to true, and enter connections and variables anew.",
            lost=lost,
        )

    # --- the Job ---

    def _migrate(self) -> dict[str, t.Any] | None:
        job = self._job()
        self._wait_for_others(job)
        job = self._started(job)
        self._face.progress(f"{label(job)} migrates the database")
        try:
            wait.until_ready(
                self._cluster,
                [job],
                timeout=self._face.params["wait_timeout"],
                notify=self._face.progress,
                # The controller says so of the Job some three seconds after its container has said it.
                over=lambda: (self._last_words(job) or {"refused": True})["refused"] is None,
            )
        except Failure as failure:
            told = self._last_words(job)
            if told and told["refused"]:
                self._refuse_unknown(told["before"])
                self._refuse_key(told["lost"])
            raise Failure(
                f"The database of instance {self._values.name} could not be migrated. {failure.message}",
                job=job["metadata"]["name"],
                **failure.details,
            ) from failure
        return self._last_words(job)

    def _job(self) -> Object:
        admin = self._values.core.admin
        profile = {
            "email": admin.email,
            "first_name": admin.first_name,
            "last_name": admin.last_name,
            "folder": names.ADMIN_FOLDER,
            "lost_accepted": self._face.params["lost_fernet_key_accepted"],
        }
        return migration_job(self._values, source(), "migrate", json.dumps(profile, sort_keys=True))

    def _wait_for_others(self, job: Object) -> None:
        """One migration at a time: another image's may be under way, left by a run that was interrupted."""
        jobs = self._cluster.list(_JOB, self._where.namespace, label_selector=self._where.selector("migrate"))
        for other in jobs:
            if other["metadata"]["name"] != job["metadata"]["name"] and is_active(other):
                self._face.progress(f"{label(other)} is migrating the database; waiting for its end")
                wait.until_ready(
                    self._cluster, [other], timeout=self._face.params["wait_timeout"], notify=self._face.progress
                )

    def _started(self, job: Object) -> Object:
        """The running Job: made, or taken over from a run that was interrupted."""
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        deadline = time.monotonic() + _GONE_PATIENCE
        while True:
            try:
                return self._cluster.create(job)
            except ApiError as error:
                if not error.exists:
                    raise
            there = self._cluster.get(_JOB, name, namespace)
            # The controller calls a Job active for some seconds after its container's last words.
            if there and is_active(there) and self._last_words(there) is None:
                self._face.progress(f"{label(there)} is running already; waiting for its end")
                return there
            if there and not there["metadata"].get("deletionTimestamp"):
                # Jobs run once; what this one found may no longer be true (a backup was restored, say).
                uid = there["metadata"]["uid"]
                self._cluster.delete(_JOB, name, namespace, propagation="Background", uid=uid)
            elif time.monotonic() >= deadline:
                raise Failure(
                    f"{label(job)} of an earlier run is being deleted, and that does not end: see its finalizers "
                    f"(kubectl get job {name} -n {namespace} -o yaml)."
                )
            else:
                time.sleep(0.25)

    def _last_words(self, job: Object) -> dict[str, t.Any] | None:
        """What the container of the Job told at its end."""
        meta = job["metadata"]
        pods = self._cluster.list(
            _POD, meta["namespace"], label_selector=f"batch.kubernetes.io/job-name={meta['name']}"
        )
        for pod in sorted(pods, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True):
            for container in pod.get("status", {}).get("containerStatuses") or ():
                ended = (container.get("state") or {}).get("terminated") or {}
                if told := parsed(ended.get("message") or ""):
                    return told
        return None

    # --- what to tell ---

    def _predicted(self, report: Report | None) -> dict[str, t.Any]:
        """Check mode: from what to what where a pod can tell, else that the Job would find out."""
        if report is None:
            return self._result({}, {}, changed=True)
        return self._result(current(report), {schema: revision["image"] for schema, revision in report.items()})

    def _result(
        self, before: Revisions, after: Revisions, *, changed: bool | None = None, administrator: bool = False
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": before != after or administrator if changed is None else changed,
            "before": before,
            "after": after,
            "administrator_created": administrator,
            "image": self._image,
            "duration": round(self._stopwatch.seconds(), 1),
            "api_requests": self._cluster.requests,
        }
        if self._face.diff_mode:
            result["diff"] = [self._difference(before, after)] if result["changed"] else []
        return result

    def _difference(self, before: Revisions, after: Revisions) -> dict[str, str]:
        header = f"database of {self._values.name}"
        return {
            "before_header": header,
            "after_header": header,
            "before": lines(before) if before else "(the migration Job finds out)\n",
            "after": lines(after) if after else f"(the newest revisions of {self._image})\n",
        }


def pending(report: Report) -> bool:
    """Whether anything is to be migrated."""
    return any(revision["database"] != revision["image"] for revision in report.values())


def current(report: Report) -> Revisions:
    """The database's revision of each schema."""
    return {schema: revision["database"] for schema, revision in sorted(report.items())}


def lines(revisions: Revisions) -> str:
    """Revisions for a diff."""
    return "".join(f"{schema}: {revision or '(empty)'}\n" for schema, revision in sorted(revisions.items()))


def is_active(job: Object) -> bool:
    """Whether a Job goes on."""
    status = job.get("status") or {}
    ended = any(rollout.condition(status, name).get("status") == "True" for name in ("Complete", "Failed"))
    return not ended and not job["metadata"].get("deletionTimestamp")


def parsed(message: str) -> dict[str, t.Any] | None:
    """The script's JSON; log lines, which the kubelet puts there after a crash, are none."""
    try:
        told = json.loads(message)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "before" in told else None
