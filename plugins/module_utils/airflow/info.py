# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads the state of an instance in a few requests to the Kubernetes API, without logging in to Airflow.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import configparser
import contextlib
import dataclasses
import datetime
import socket
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_ids, health, migration
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.access import base_path
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.health import Component, Report
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    AIRFLOW_COMPONENTS,
    Target,
    component_of,
    image_of,
    newest_ready,
    run_inside,
    target,
)
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import (
    WEB_COMPONENTS,
    Facts,
    facts_of_component,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, named
from ansible_collections.dagops.airflow.plugins.module_utils.render.config import airflow_cfg
from ansible_collections.dagops.airflow.plugins.module_utils.render.config import base_path as base_path_of
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import parsed
from ansible_collections.dagops.airflow.plugins.module_utils.spec import counts
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

_REACHABLE: t.Final = 0.5
_PAUSE: t.Final = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """One look at an instance."""

    components: list[Component]
    pods: list[Object]
    version: str | None
    database: str | None
    """What Airflow says of its database."""
    reasons: list[str]

    @property
    def healthy(self) -> bool:
        return not self.reasons


def run(face: Face) -> dict[str, t.Any]:
    """The state of the instance; with ``wait``, once it is healthy."""
    where = target(face.params)
    cluster = connect(face.params, face.progress)
    return Info(face, cluster, where).run()


class Info:
    """What is known of one instance."""

    def __init__(self, face: Face, cluster: Cluster, where: Target) -> None:
        self._face = face
        self._cluster = cluster
        self._where = where

    def run(self) -> dict[str, t.Any]:
        look = self._awaited() if self._face.params["wait"] and not self._face.check_mode else self._look()
        settings = self._settings()
        url = self._url(settings, look) if self._face.params["url"] else None
        result: dict[str, t.Any] = {
            "changed": False,
            "instance": self._where.instance,
            "namespace": self._where.namespace,
            "healthy": look.healthy,
            "reasons": look.reasons,
            "version": look.version,
            "database": look.database,
            "image": running_image(look.pods),
            "executor": settings.get("core", "executor", fallback=None),
            "components": {component.name: component.told() for component in look.components},
            "duplicates": self._duplicates(look),
            "url": url,
        }
        if self._face.params["migration"]:
            result["migration"] = self._migration(look)
        result["summary"] = summary(result, look)
        if self._face.params["url"]:
            result["welcome"] = self._welcome(look, url)
        result["api_requests"] = self._cluster.requests
        return result

    # --- health ---

    def _awaited(self) -> Look:
        """Look until the instance is healthy."""
        started = spoken = time.monotonic()
        while not (look := self._look()).healthy:
            now = time.monotonic()
            if now - started >= self._face.params["wait_timeout"]:
                raise Failure(
                    f"Instance {self._where.instance} in namespace {self._where.namespace} is not healthy after "
                    f"{self._face.params['wait_timeout']} s: {'; '.join(look.reasons)}.",
                    reasons=look.reasons,
                )
            if now - spoken >= 5:
                self._face.progress(f"not healthy yet: {'; '.join(look.reasons)}")
                spoken = now
            time.sleep(_PAUSE)
        return look

    def _look(self) -> Look:
        values = self._where.values
        return self._looked() if self._face.params["pods"] or not values else self._heard(values)

    def _heard(self, values: Values) -> Look:
        """What Airflow says of itself, in one request."""
        facts = facts_of_component(values.web_component)
        report: Report | None = None
        silence = ""
        try:
            report = self._get(facts, base_path_of(values) + facts.health)
        except Failure as failure:
            silence = failure.message
        expected = [name for name in health.HEARTBEATS if name != "triggerer" or counts.triggerers(values).least]
        now = datetime.datetime.now(datetime.UTC)
        return Look(
            components=[],
            pods=[],
            version=None,
            database=health.database(report),
            reasons=[*health.reported(report, expected, silence, now)],
        )

    def _looked(self) -> Look:
        selector = self._where.selector()
        workloads = [
            workload
            for kind in ("Deployment", "StatefulSet")
            for workload in self._cluster.list(named(kind), self._where.namespace, label_selector=selector)
        ]
        pods = self._cluster.list(named("Pod"), self._where.namespace, label_selector=selector)
        report, version, silence = self._ask(pods, {component_of(workload) for workload in workloads})
        now = datetime.datetime.now(datetime.UTC)
        found = health.components(workloads, pods, report, now)
        return Look(
            components=found,
            pods=pods,
            version=version,
            database=health.database(report),
            reasons=health.reasons(found, report, silence, now),
        )

    def _ask(self, pods: list[Object], names: set[str]) -> tuple[Report | None, str | None, str]:
        """Airflow's health report and version, or why there are none."""
        component = next((name for name in WEB_COMPONENTS if name in names), None)
        if component is None:
            return None, None, f"the instance has none of {', '.join(WEB_COMPONENTS)}"
        pod = newest_ready(pods, (component,))
        if pod is None:
            return None, None, f"no pod of {component} is ready"
        facts = facts_of_component(component)
        prefix = base_path(pod, facts)
        try:
            report: Report = self._get(facts, prefix + facts.health)
            version = self._get(facts, prefix + facts.version).get("version")
        except Failure as failure:
            return None, None, failure.message
        return report, version, ""

    def _get(self, facts: Facts, path: str) -> t.Any:
        return self._cluster.service_proxy(
            self._where.namespace, self._where.name(facts.component), facts.component, path
        )

    # --- more than health ---

    def _settings(self) -> configparser.RawConfigParser:
        """airflow.cfg of the instance; an empty one where it is kept elsewhere."""
        parser = configparser.RawConfigParser(strict=False)
        if self._where.values:
            parser.read_string(airflow_cfg(self._where.values))
            return parser
        found = self._cluster.get(named("ConfigMap"), self._where.name("config"), self._where.namespace)
        with contextlib.suppress(configparser.Error):
            parser.read_string(((found or {}).get("data") or {}).get("airflow.cfg", ""))
        return parser

    def _migration(self, look: Look) -> dict[str, t.Any] | None:
        """Revisions of the database and of the image, told by a running pod."""
        pod = newest_ready(look.pods, AIRFLOW_COMPONENTS)
        if pod is None:
            return None
        report = run_inside(self._cluster, pod, "revisions")
        return {"pending": migration.pending(report), "schemas": report}

    def _duplicates(self, look: Look) -> dict[str, list[str]]:
        """Ids of DAGs that are there several times, which is no lack of health, and which nobody else tells of."""
        values = self._where.values
        duplicates = dag_ids.found(self._cluster, values, look.pods) if values and look.pods else {}
        for dag_id, places in duplicates.items():
            self._face.warn(f"Instance {self._where.instance}: {dag_ids.sentence(dag_id, places)}. Rename one.")
        return duplicates

    def _url(self, settings: configparser.RawConfigParser, look: Look) -> str | None:
        """Where people reach Airflow from here, if that is known."""
        for section in ("api", "webserver"):
            if base := settings.get(section, "base_url", fallback=""):
                return base
        for component in look.components:
            if component.name in WEB_COMPONENTS:
                service = self._cluster.get(named("Service"), self._where.name(component.name), self._where.namespace)
                return self._service_url(service) if service else None
        return None

    @staticmethod
    def _service_url(service: Object) -> str | None:
        """A Service is reached where its cluster's network is: on an evaluation cluster's own machine, for example."""
        port = service["spec"]["ports"][0]["port"]
        balancers = (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or ()
        hosts = [one.get("hostname") or one.get("ip") for one in balancers] + [service["spec"].get("clusterIP")]
        for host in hosts:
            if host and host != "None" and reachable(host, port):
                return f"http://{host}:{port}"
        return None

    def _welcome(self, look: Look, url: str | None) -> list[str]:
        """How to go on, for a person who has just installed it."""
        kubectl = self._kubectl()
        component = next((item.name for item in look.components if item.name in WEB_COMPONENTS), WEB_COMPONENTS[0])
        lines = [f"Airflow {look.version or ''} of instance {self._where.instance}".replace("  ", " ")]
        if url:
            lines[0] += f" is at {url}"
        else:
            lines[0] += " is at http://localhost:8080 while this runs:"
            lines.append(f"  {kubectl} port-forward service/{self._where.name(component)} 8080:{component}")
        username = self._where.values.core.admin.username if self._where.values else "admin"
        secret = self._where.name("admin")
        lines.append(f"Log in as {username}; this shows the password:")
        lines.append(f"  {kubectl} get secret {secret} -o jsonpath='{{.data.password}}' | base64 -d")
        return lines

    def _kubectl(self) -> str:
        """kubectl for the cluster of the task; its kubeconfig is an option that is never shown."""
        context = self._face.params.get("context")
        return "kubectl" + (f" --context {context}" if context else "") + f" -n {self._where.namespace}"


def summary(result: dict[str, t.Any], look: Look) -> list[str]:
    """The state in a few lines."""
    state = "healthy" if look.healthy else "NOT healthy"
    what = ", ".join(
        part for part in (f"Airflow {look.version}" if look.version else "", result["executor"] or "") if part
    )
    head = f"{result['instance']} in namespace {result['namespace']} is {state}" + (f" ({what})" if what else "")
    lines = [head, *(f"  {component.line()}" for component in look.components)]
    if result.get("migration"):
        pending = result["migration"]["pending"]
        lines.append(f"  database: {'a migration is pending' if pending else 'migrated'}")
    lines += [f"  but: {dag_ids.sentence(dag_id, places)}" for dag_id, places in result["duplicates"].items()]
    return [*lines, *(f"  why: {reason}" for reason in look.reasons)]


def running_image(pods: t.Iterable[Object]) -> dict[str, str | None] | None:
    """The one image of Airflow that all pods of its components run; None where there are several, or none.

    A pod that a rollout is taking away counts no more.
    """
    found = {
        image_of(pod)
        for pod in pods
        if component_of(pod) in AIRFLOW_COMPONENTS and not pod["metadata"].get("deletionTimestamp")
    }
    if len(found) != 1:
        return None
    image = parsed(found.pop())
    return {"repository": image.repository, "tag": image.tag, "digest": image.digest}


def reachable(host: str, port: int) -> bool:
    """Whether a connection from here succeeds at once."""
    try:
        socket.create_connection((host, port), timeout=_REACHABLE).close()
    except OSError:
        return False
    return True
