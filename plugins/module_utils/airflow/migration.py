# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the schema of the metadata database to what the image needs.

A pod that runs the very image already can tell in 0.1 s whether anything is to be done. Else a Job of the image finds
out and does it, in one start of Airflow, together with the first administrator and Airflow's own teams. Only the newer
of two images holds the way back, so a downgrade is a Job of that one, and a Job of the wanted image then sees whether
all is well.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import users
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Jobs, Told
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
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import image, parsed
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

Report = dict[str, dict[str, t.Any]]
Revisions: t.TypeAlias = "dict[str, str | None]"
Targets = dict[str, str]

_PATIENCE: t.Final = 300.0
"""Seconds that a pod may take to answer: for SQL it starts Airflow, which is slow where CPU is short."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Newer:
    """An image that knows revisions which the wanted one does not."""

    image: str
    pod: Object | None
    """A running pod of it."""


def run(face: Face) -> dict[str, t.Any]:
    """Migrate if anything is to be migrated, and make sure of Airflow's own teams; nothing else is a change."""
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
        part = Scope(instance=values.name, namespace=values.namespace, component="migrate")
        lock = engine.lock_of(cluster, part, face.params["remembered"])
        self._jobs = Jobs(cluster, self._where, lock, timeout=face.params["wait_timeout"], notify=face.progress)
        self._stopwatch = Stopwatch()

    def run(self) -> dict[str, t.Any]:
        pods = airflow_pods(self._cluster, self._where)
        pod = newest_ready([pod for pod in pods if image_of(pod) == self._image], AIRFLOW_COMPONENTS)
        report = self._ask(pod, "revisions") if pod else None
        if pod and report is not None and not pending(report):
            return self._result(current(report), current(report), teams=self._teams(pod))
        if self._face.check_mode:
            return self._predicted(pods, pod if report else None)
        if report is not None and unknown(report):
            told = self._back(report, pods)
        else:
            told = self._migrate()
            if told and told["refused"] == "revision":
                told = self._back(told["before"], pods)
        if told is None:
            # The pod is gone already, with what it had to tell.
            return self._result(current(report) if report else {}, {}, changed=True)
        if told["lost"]:
            self._face.warn(
                f"The Fernet key of instance {self._values.name} does not decrypt everything in its database, for "
                f"example {', '.join(told['lost'][:5])}. Enter these anew."
            )
        return self._result(
            current(told["before"]),
            current(told["after"]),
            administrator=told["administrator"],
            # A Job of an earlier version, which an interrupted run has left, made none.
            teams=told.get("teams", []),
        )

    def _teams(self, pod: Object) -> list[str]:
        """Those of Airflow's own teams that were not there: they are now, or would be."""
        wanted = self._values.airflow_teams
        if not wanted:
            return []
        asked = {"names": wanted, "look": self._face.check_mode}
        made: list[str] = run_inside(self._cluster, pod, "teams", stdin=asked)["made"]
        return made

    def _ask(self, pod: Object, command: str, *arguments: str) -> dict[str, t.Any] | None:
        """What a running pod tells; None where it cannot be asked."""
        try:
            return run_inside(self._cluster, pod, command, *arguments, timeout=_PATIENCE)
        except Failure as failure:
            self._face.progress(f"{label(pod)} cannot be asked ({command}): {failure.message}")
            return None

    # --- forward ---

    def _migrate(self) -> Told | None:
        _job, told = self._run_job(self._job(), "migrates the database")
        if told and told["refused"] == "version":
            raise Failure(
                f"airflow_version is {self._values.instance.version}, but the image {self._image} holds Airflow "
                f"{told['found']}. The database was not touched. Set airflow_version to {told['found']}, or "
                "airflow_image to an image of the version that is wanted."
            )
        if told and told["refused"] == "fernet_key":
            self._refuse_key(told["lost"])
        return told

    def _job(self) -> Object:
        admin = self._values.core.admin
        profile = {
            "email": admin.email,
            "first_name": admin.first_name,
            "last_name": admin.last_name,
            "folder": names.ADMIN_FOLDER,
            "lost_accepted": self._face.params["lost_fernet_key_accepted"],
            "version": self._values.instance.version,
            "teams": self._values.airflow_teams,
        }
        return migration_job(self._values, source(), "migrate", json.dumps(profile, sort_keys=True))

    def _run_job(self, job: Object, doing: str) -> tuple[Object, Told | None]:
        try:
            return self._jobs.run(job, doing)
        except Failure as failure:
            raise Failure(
                f"The database of instance {self._values.name} could not be migrated. {failure.message}",
                **failure.details,
            ) from failure

    def _refuse_key(self, lost: list[str]) -> None:
        """A new key beside an old database is how connections are lost."""
        secret = f"Secret/{self._values.namespace}/{names.name(self._values, 'fernet-key')}"
        raise Failure(
            f"{secret} holds a Fernet key that decrypts nothing of what is in the database of instance "
            f"{self._values.name} (such as {', '.join(lost[:5])}): it was used with another key. Nothing was changed. "
            "Put that key into the Secret. If it is lost for good, set lost_fernet_key_accepted to true, and enter "
            "connections and variables anew.",
            lost=lost,
        )

    # --- back ---

    def _back(self, report: Report, pods: list[Object]) -> Told | None:
        """With the newer image to what the wanted one knows; then that one has the last word."""
        targets = self._targets(report)
        newer = self._newer(report, pods)
        job = migration_job(
            with_image(self._values, newer.image), source(), "downgrade", json.dumps(targets, sort_keys=True)
        )
        _job, told = self._run_job(job, f"brings the database back to what {self._image} knows")
        if told and told["refused"]:
            raise self._unknown_to(newer.image, report)
        after = self._migrate()
        return after and {**after, "before": report}

    def _targets(self, report: Report) -> Targets:
        """The revisions to go back to; raises ``Failure`` where nobody has asked for it."""
        strange = unknown(report)
        if not self._face.params["downgrade"]:
            schema = strange[0]
            raise Failure(
                f"The database of instance {self._values.name} is at revision {report[schema]['database']} of the "
                f"schema {schema}, which the image {self._image} does not know: a newer Airflow has migrated it (or "
                "it is older than this image can migrate). Nothing was changed. Go on with the newer image, set "
                "downgrade to true (airflow_downgrade) to have the newer image bring the schema back (what only newer "
                "tables and columns hold is lost), or restore a backup.",
                revisions=current(report),
            )
        return {schema: report[schema]["image"] for schema in strange}

    def _newer(self, report: Report, pods: list[Object]) -> Newer:
        """The image that the task names, or that of a running pod which knows the database's revisions."""
        wanted = self._face.params["newer_image"]
        for name in sorted({image_of(pod) for pod in pods} - {self._image}):
            pod = newest_ready([pod for pod in pods if image_of(pod) == name], AIRFLOW_COMPONENTS)
            if pod is None or wanted not in (None, name):
                continue
            told = self._ask(pod, "revisions")
            if told is not None and not unknown(told):
                return Newer(image=name, pod=pod)
        if not wanted:
            raise self._unknown_to(f"{self._image} and those of running pods", report)
        return Newer(image=wanted, pod=None)

    def _unknown_to(self, images: str, report: Report) -> Failure:
        revisions = ", ".join(f"{report[schema]['database']} of the schema {schema}" for schema in unknown(report))
        return Failure(
            f"The database of instance {self._values.name} cannot be brought back: {images} cannot go from its "
            f"revision ({revisions}) to one that {self._image} knows. Nothing was changed. Set newer_image "
            "(airflow_newer_image) to the image that has migrated it, or restore a backup.",
            revisions=current(report),
        )

    # --- check mode ---

    def _predicted(self, pods: list[Object], pod: Object | None) -> dict[str, t.Any]:
        """From what to what, as far as somebody can tell: a pod of the image, a Job that only reads, or another pod."""
        sql = ["sql"] if self._face.params["show_sql"] else []
        plan = (self._ask(pod, "plan", "{}", *sql) if pod else None) or self._planned_by_job(self._values, {})
        if plan is None:
            return self._guessed(pods)
        report: Report = plan["before"]
        told: dict[str, str] = plan["sql"]
        if unknown(report):
            targets = self._targets(report)
            newer = self._newer(report, pods)
            if sql:
                told = self._sql_back(newer, targets)
        heads: Revisions = {schema: revision["image"] for schema, revision in report.items()}
        teams = self._teams(pod) if pod else []
        return self._result(current(report), heads, administrator=plan["administrator"], teams=teams, sql=told)

    def _sql_back(self, newer: Newer, targets: Targets) -> dict[str, str]:
        values = with_image(self._values, newer.image)
        asked = self._ask(newer.pod, "plan", json.dumps(targets), "sql") if newer.pod else None
        plan = asked or self._planned_by_job(values, targets)
        if plan is None:
            self._face.warn(f"No pod of {newer.image} runs that could tell the SQL of the way back: set check_job.")
            return {}
        sql: dict[str, str] = plan["sql"]
        return sql

    def _planned_by_job(self, values: Values, targets: Targets) -> dict[str, t.Any] | None:
        """A Job that only reads; None where nobody asked for one, or where there is nothing yet that it could read."""
        name = names.name(self._values, "metadata")
        if not self._face.params["check_job"] or not self._cluster.get(named("Secret"), name, self._values.namespace):
            return None
        sql = ["sql"] if self._face.params["show_sql"] else []
        job, _told = self._run_job(
            migration_job(values, source(), "plan", json.dumps(targets, sort_keys=True), *sql),
            "finds out what a migration would do",
        )
        plan: dict[str, t.Any] = json.loads(self._jobs.output(job).strip().splitlines()[-1])
        self._jobs.remove(job)
        return plan

    def _guessed(self, pods: list[Object]) -> dict[str, t.Any]:
        """Any pod of the instance knows where the database is; only one of the image knows where it goes."""
        if self._face.params["show_sql"]:
            self._face.warn(f"No pod of {self._image} runs that could tell the SQL of the migration: set check_job.")
        pod = newest_ready(pods, AIRFLOW_COMPONENTS)
        report = self._ask(pod, "revisions") if pod else None
        is_new = pod is None and self._is_new()
        teams = self._teams(pod) if pod else self._values.airflow_teams if is_new else []
        return self._result(
            current(report or {}),
            {},
            changed=True,
            administrator=is_new and self._values.uses_fab,
            teams=teams,
            is_new=is_new,
        )

    def _is_new(self) -> bool:
        """Whether the database is still to be made, so that it will be empty."""
        if self._values.database.provider != "embedded":
            return False
        name, namespace = names.name(self._values, "postgresql"), self._values.namespace
        places = (("StatefulSet", name), ("PersistentVolumeClaim", f"data-{name}-0"))
        return not any(self._cluster.get(named(kind), one, namespace) for kind, one in places)

    # --- what to tell ---

    def _result(
        self,
        before: Revisions,
        after: Revisions,
        *,
        changed: bool | None = None,
        administrator: bool = False,
        teams: t.Sequence[str] = (),
        is_new: bool = False,
        sql: dict[str, str] | None = None,
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": before != after or administrator or bool(teams) if changed is None else changed,
            "before": before,
            "after": after,
            "administrator_created": administrator,
            "teams_created": [*teams],
            "image": self._image,
            "duration": round(self._stopwatch.seconds(), 1),
            "api_requests": self._cluster.requests,
        }
        if self._face.check_mode and self._face.params["show_sql"]:
            result["sql"] = sql or {}
        if self._face.diff_mode:
            result["diff"] = [self._difference(before, after, is_new=is_new)] if changed or before != after else []
            result["diff"] += [first_administrator(self._values)] if administrator else []
            result["diff"] += [new_teams(self._values, teams)] if teams else []
        return result

    def _difference(self, before: Revisions, after: Revisions, *, is_new: bool) -> dict[str, str]:
        header = f"database of {self._values.name}"
        return {
            "before_header": header,
            "after_header": header,
            "before": lines(before) if before or is_new else "(the migration Job finds out)\n",
            "after": lines(after) if after else f"(the newest revisions of {self._image})\n",
        }


def pending(report: Report) -> bool:
    """Whether anything is to be migrated."""
    return any(revision["database"] != revision["image"] for revision in report.values())


def unknown(report: Report) -> list[str]:
    """Schemas whose revision the image does not know."""
    return sorted(schema for schema, revision in report.items() if not revision["known"])


def current(report: Report) -> Revisions:
    """The database's revision of each schema."""
    return {schema: revision["database"] for schema, revision in sorted(report.items())}


def lines(revisions: Revisions) -> str:
    """Revisions for a diff; a schema without one is not there yet."""
    return "".join(f"{schema}: {one}\n" for schema, one in sorted(revisions.items()) if one) or "(empty)\n"


def first_administrator(values: Values) -> dict[str, str]:
    """The user that a migration makes, for a diff."""
    admin = values.core.admin
    after = {"email": admin.email, "first_name": admin.first_name, "last_name": admin.last_name}
    return users.Change(
        action="create", username=admin.username, after={**after, "roles": [users.ADMIN_ROLE]}, password=""
    ).entry()


def new_teams(values: Values, teams: t.Iterable[str]) -> dict[str, str]:
    """Teams that were not there, for a diff."""
    header = f"teams of {values.name}"
    after = "".join(f"{team}\n" for team in teams)
    return {"before_header": header, "after_header": header, "before": "", "after": after}


def with_image(values: Values, reference: str) -> Values:
    """The same instance with another image of Airflow: ``registry/name:tag@digest``."""
    wanted = dataclasses.replace(parsed(reference), pull_policy=values.instance.image.pull_policy)
    # The reference is complete, so no registry is put in front of it.
    return dataclasses.replace(values, instance=dataclasses.replace(values.instance, image=wanted, image_registry=None))
