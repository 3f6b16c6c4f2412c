# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""kubectl, for what the evaluation cluster asks its API.

kubectl rather than the collection's own client: it is always there where a cluster was made, needs no Python package,
and its start costs less than the import of one.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command

FIELD_MANAGER: t.Final = "dagops.airflow.local_cluster"
Object = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kubectl:
    program: str
    kubeconfig: pathlib.Path
    context: str

    def get(self, *what: str) -> list[Object]:
        """The objects of that name that exist."""
        return self._objects(["get", *what, "--ignore-not-found"], purpose=f"read {' '.join(what)}")

    def get_all(self, objects: list[Object]) -> list[Object]:
        """Those of ``objects`` that exist, as they are now."""
        return self._objects(["get", "-f", "-", "--ignore-not-found"], purpose="read the add-ons", objects=objects)

    def apply(self, objects: list[Object]) -> list[Object]:
        """Have ``objects`` as they are given; how they are then."""
        options = ["--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}"]
        return self._objects(["apply", "-f", "-", *options], purpose="apply the add-ons", objects=objects)

    def delete(self, objects: list[Object]) -> None:
        """Have none of ``objects``, and wait until they are gone."""
        options = ["--ignore-not-found", "--wait"]
        command.run([*self._command, "delete", "-f", "-", *options], purpose="delete add-ons", stdin=_list(objects))

    def kustomize(self, directory: pathlib.Path) -> str:
        """The objects of a kustomization, as YAML. No cluster is asked."""
        return command.run([self.program, "kustomize", directory], purpose=f"render {directory}")

    def wait(self, condition: str, objects: list[Object], seconds: int) -> bool:
        """Wait until all ``objects`` meet ``condition``; whether they do in the end."""
        options = ["-f", "-", f"--for=condition={condition}", f"--timeout={seconds}s"]
        return command.attempt([*self._command, "wait", *options], stdin=_list(objects)).returncode == 0

    @property
    def _command(self) -> list[str]:
        return [self.program, f"--kubeconfig={self.kubeconfig}", f"--context={self.context}"]

    def _objects(self, arguments: list[str], *, purpose: str, objects: list[Object] | None = None) -> list[Object]:
        stdin = None if objects is None else _list(objects)
        said = command.run([*self._command, *arguments, "--output=json"], purpose=purpose, stdin=stdin)
        return _flat(json.loads(said)) if said.strip() else []


def _list(objects: list[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _flat(answer: Object) -> list[Object]:
    return list(answer["items"]) if answer.get("kind") == "List" else [answer]


def node_ready(nodes: list[Object], since: float = 0) -> bool:
    """Whether one of ``nodes`` has said, at the time ``since`` or later, that it is ready."""
    conditions = [one for node in nodes for one in node["status"].get("conditions") or [] if one["type"] == "Ready"]
    return any(one["status"] == "True" and _time(one["lastHeartbeatTime"]) >= int(since) for one in conditions)


def _time(stamp: str) -> float:
    return datetime.datetime.fromisoformat(stamp).timestamp()
