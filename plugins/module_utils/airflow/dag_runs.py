# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Triggers a run of a DAG and follows it to its end; says why when the end is not a good one.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import time
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import access, rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rest import AirflowError, Answer, Rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Reach, Target, target
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import evidence
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.render import teams

Dag = dict[str, t.Any]
DagRun = dict[str, t.Any]
TaskInstance = dict[str, t.Any]

ENDED: t.Final = ("success", "failed")
_LOG_TAIL: t.Final = 20
_RUN_FIELDS: t.Final = (
    "dag_id",
    "dag_run_id",
    "run_type",
    "state",
    "logical_date",
    "start_date",
    "end_date",
    "conf",
    "note",
)
_TASK_FIELDS: t.Final = (
    "task_id",
    "map_index",
    "state",
    "try_number",
    "start_date",
    "end_date",
    "duration",
    "operator",
    "hostname",
)


def run(face: Face) -> dict[str, t.Any]:
    """Trigger a run unless it is there, and wait for its end unless told not to."""
    where = target(face.params)
    reach = Reach(face.params, face.progress)
    try:
        with access.opened(face.params, reach, where) as api:
            result = Trigger(face, api, lambda task, run_id: of_pod(reach, where, task, run_id)).run()
    except rest.Away as away:
        if not face.check_mode:
            raise
        # A play that would have made the instance by now.
        face.warn(f"Whether DAG {face.params['dag_id']} is there cannot be told. {away.message}")
        result = {"changed": True}
    return {**result, "api_requests": reach.requests}


class Trigger:
    """One run of one DAG."""

    def __init__(self, face: Face, api: Rest, of_pod: t.Callable[[TaskInstance, str], str]) -> None:
        """``of_pod`` gives the last words of the pod of a task of a run, by its name."""
        self._face = face
        self._api = api
        self._of_pod = of_pod
        self._dag_id: str = face.params["dag_id"]
        self._run_id: str = face.params["run_id"] or new_run_id()
        self._deadline = time.monotonic() + face.params["wait_timeout"]

    def run(self) -> dict[str, t.Any]:
        dag_run = self._find_run() if self._face.params["run_id"] else None
        triggered = dag_run is None
        if dag_run is None:
            if self._face.check_mode:
                return self._predicted()
            self._ready_dag()
            dag_run = self._trigger()
        if self._face.params["wait"] and not self._face.check_mode:
            dag_run = self._await_end(dag_run)
        tasks = self._tasks()
        if self._face.params["wait"] and dag_run["state"] == "failed":
            raise self._failed(dag_run, tasks)
        return {
            "changed": triggered,
            "run": {field: dag_run.get(field) for field in _RUN_FIELDS},
            "task_instances": [self._told(task) for task in tasks],
        }

    def _predicted(self) -> dict[str, t.Any]:
        """Check mode: a DAG that is known would be triggered; others may come with what the play would have changed."""
        dag = self._find_dag()
        if dag is None:
            self._face.warn(f"Airflow has no DAG {self._dag_id} yet.")
        elif dag["is_paused"]:
            self._check_unpaused(dag)
        return {"changed": True}

    # --- the DAG ---

    def _ready_dag(self) -> None:
        """Wait until the DAG is parsed, and see that its runs would not just queue."""
        dag = self._find_dag()
        pauses = pause_lengths()
        started = time.monotonic()
        while dag is None:
            self._fail_on_import_error(None)
            if time.monotonic() >= self._deadline:
                raise self._unparsed()
            waited = time.monotonic() - started
            if waited > 5:
                self._face.progress(f"waiting for DAG {self._dag_id} to be parsed")
            time.sleep(next(pauses))
            dag = self._find_dag()
        if dag.get("has_import_errors"):
            self._fail_on_import_error(dag)
        if dag["is_paused"]:
            self._check_unpaused(dag)
            self._api.request("PATCH", self._path(), body={"is_paused": False}, doing=f"unpause DAG {self._dag_id}")

    def _find_dag(self) -> Dag | None:
        """The DAG, if its file is (still) there."""
        dag: Dag | None = self._api.find(self._path(), doing=f"read DAG {self._dag_id}")
        return None if dag is None or is_gone(dag) else dag

    def _check_unpaused(self, dag: Dag) -> None:
        if not self._face.params["unpause"]:
            raise Failure(f"DAG {dag['dag_id']} is paused, so a run of it would never start: set unpause to true.")

    def _import_errors(self) -> list[dict[str, str]]:
        return self._api.pages(
            f"{self._api.facts.prefix}/importErrors", "import_errors", doing="list the import errors"
        )

    def _fail_on_import_error(self, dag: Dag | None) -> None:
        """A file that cannot be imported has no DAGs; that of an unknown DAG is guessed by its name."""
        for error in self._import_errors():
            if concerns(error, self._dag_id, dag):
                raise Failure(
                    f"DAG {self._dag_id} cannot be run: its file {error['filename']} cannot be imported: "
                    f"{last_line(error['stack_trace'])}",
                    stack_trace=error["stack_trace"],
                )

    def _unparsed(self) -> Failure:
        others = [f"{error['filename']} ({last_line(error['stack_trace'])})" for error in self._import_errors()]
        broken = f" Files that cannot be imported: {'; '.join(others)}." if others else ""
        return Failure(
            f"Airflow knows no DAG {self._dag_id} after {self._face.params['wait_timeout']} s. Is its file where the "
            f"DAG processor looks, and does the DAG processor run?{broken}"
        )

    # --- the run ---

    def _find_run(self) -> DagRun | None:
        path = self._run_path()
        found: DagRun | None = self._api.find(path, doing=f"read run {self._run_id} of DAG {self._dag_id}")
        return found

    def _trigger(self) -> DagRun:
        params = self._face.params
        body: dict[str, t.Any] = {"dag_run_id": self._run_id, "conf": params["conf"] or {}}
        if params["note"]:
            body["note"] = params["note"]
        if self._api.facts.major >= 3:
            body["logical_date"] = None
        try:
            answer = self._api.request(
                "POST", f"{self._path()}/dagRuns", body=body, doing=f"trigger DAG {self._dag_id}"
            )
        except Failure as failure:
            # Somebody else was first, or the answer to our own request was lost.
            lost = not isinstance(failure, AirflowError) or failure.status == 409
            if lost and (found := self._find_run()):
                return found
            raise
        dag_run: DagRun = answer.json()
        return dag_run

    def _await_end(self, dag_run: DagRun) -> DagRun:
        pauses = pause_lengths()
        spoken = time.monotonic()
        while dag_run["state"] not in ENDED:
            now = time.monotonic()
            if now >= self._deadline:
                raise self._timed_out(dag_run)
            if now - spoken >= 5:
                self._face.progress(f"run {self._run_id} of DAG {self._dag_id} is {dag_run['state']}")
                spoken = now
            time.sleep(min(next(pauses), max(self._deadline - now, 0.05)))
            dag_run = self._api.get(self._run_path(), doing=f"read run {self._run_id} of DAG {self._dag_id}")
        return dag_run

    def _tasks(self) -> list[TaskInstance]:
        path = f"{self._run_path()}/taskInstances"
        found = self._api.pages(path, "task_instances", doing=f"list the tasks of run {self._run_id}")
        return sorted(found, key=lambda task: (task.get("start_date") or "~", task["task_id"], task["map_index"]))

    def _told(self, task: TaskInstance) -> TaskInstance:
        told = {field: task.get(field) for field in _TASK_FIELDS}
        if self._face.params["logs"] and task.get("try_number"):
            told["log"] = "\n".join(self._log(task).lines)
        return told

    def _log(self, task: TaskInstance) -> Log:
        """Of a task's last try; Airflow has it from wherever its logs are kept."""
        name = urllib.parse.quote(task["task_id"], safe="")
        newer = self._api.facts.major >= 3
        answer = self._api.request(
            "GET",
            f"{self._run_path()}/taskInstances/{name}/logs/{task['try_number']}",
            query={"full_content": "true", "map_index": task["map_index"]},
            accept="application/json" if newer else "text/plain",
            doing=f"read the log of task {task['task_id']}",
        )
        return log_of(answer)

    # --- bad ends ---

    def _failed(self, dag_run: DagRun, tasks: list[TaskInstance]) -> Failure:
        culprit = next((task for task in tasks if task["state"] == "failed"), None)
        head = f"Run {self._run_id} of DAG {self._dag_id} failed"
        details: dict[str, t.Any] = {
            "run": {field: dag_run.get(field) for field in _RUN_FIELDS},
            "task_instances": [{field: task.get(field) for field in _TASK_FIELDS} for task in tasks],
        }
        if culprit is None:
            return Failure(f"{head}, though none of its tasks did. Its tasks: {states(tasks)}.", **details)
        try:
            log = self._log(culprit)
        except Failure as failure:
            log = Log(sources=[f"(no log: {failure.message})"], said=[])
        index = f"[{culprit['map_index']}]" if culprit["map_index"] >= 0 else ""
        message = f"{head}: task {culprit['task_id']}{index} failed in try {culprit['try_number']}."
        if log.lines:
            message += " Last log lines:" + "".join(f"\n  {line}" for line in log.lines[-_LOG_TAIL:])
        if not log.said:
            message += f"\nIts log has no line of the task. {self._of_pod(culprit, self._run_id)}"
        return Failure(message, **details)

    def _timed_out(self, dag_run: DagRun) -> Failure:
        tasks = self._tasks()
        return Failure(
            f"Run {self._run_id} of DAG {self._dag_id} is still {dag_run['state']} after "
            f"{self._face.params['wait_timeout']} s. Its tasks: {states(tasks)}. See dagops.airflow.info for what does "
            "not answer, or set wait_timeout higher.",
            run={field: dag_run.get(field) for field in _RUN_FIELDS},
        )

    def _path(self) -> str:
        return f"{self._api.facts.prefix}/dags/{urllib.parse.quote(self._dag_id, safe='')}"

    def _run_path(self) -> str:
        return f"{self._path()}/dagRuns/{urllib.parse.quote(self._run_id, safe='')}"


def of_pod(reach: Reach, where: Target, task: TaskInstance, run_id: str) -> str:
    """What Kubernetes tells of the pod of a task, or why it cannot; to say more of a failure must not be one itself."""
    namespaces = teams.with_pods(where.values) if where.values else [where.namespace]
    # A namespace is asked where none before it has a pod that names the task.
    pods = (pod for one in namespaces for pod in reach.cluster.list(named("Pod"), one, label_selector=where.selector()))
    try:
        pod = pod_of(pods, task, run_id)
    except Failure as failure:
        return f"Its pod cannot be asked: {failure.message}"
    if pod is None:
        return (
            f"No pod of it is left in {' or '.join(namespaces)} that could be asked: Airflow deletes the pods of tasks "
            "that have ended (airflow_core_kubernetes_executor: delete_pods, delete_failed_pods)."
        )
    told = (
        evidence.explain(reach.cluster, pod, None) or " it has ended well, or goes on, and there are no events of it."
    )
    return f"Of {label(pod)}, where it ran:{told}"


def pod_of(pods: t.Iterable[Object], task: TaskInstance, run_id: str) -> Object | None:
    """The pod of a task: the one that KubernetesExecutor made for this try, else the one that the task ran in."""
    wanted = {
        "dag_id": task.get("dag_id"),
        "task_id": task["task_id"],
        "run_id": run_id,
        "try_number": str(task["try_number"]),
        **({"map_index": str(task["map_index"])} if task["map_index"] >= 0 else {}),
    }
    host = None
    for pod in pods:
        notes = pod["metadata"].get("annotations") or {}
        if all(notes.get(key) == value for key, value in wanted.items()):
            return pod
        if task.get("hostname") in (pod["metadata"]["name"], (pod.get("status") or {}).get("podIP")):
            host = pod
    return host if task.get("hostname") else None


def new_run_id() -> str:
    """Made here, so that a trigger whose answer was lost can be found again; unique even within one second."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"manual__{now}+00:00_{secrets.token_hex(4)}"


def pause_lengths() -> t.Iterator[float]:
    """Seconds between two looks: short at first, since most things are quick, then easy on the server."""
    length = 0.25
    while True:
        yield length
        length = min(length * 1.25, 3.0)


def is_gone(dag: Dag) -> bool:
    """Whether the DAG's file was removed; 2.11 calls it inactive."""
    return bool(dag.get("is_stale")) or dag.get("is_active") is False


def concerns(error: dict[str, str], dag_id: str, dag: Dag | None) -> bool:
    """Whether an import error is about the file of a DAG."""
    name = error["filename"]
    if dag is not None:
        return name in (dag.get("relative_fileloc"), dag.get("fileloc")) or str(dag.get("fileloc", "")).endswith(
            f"/{name}"
        )
    stem = os.path.splitext(os.path.basename(name))[0]
    return dag_id in (stem, name) or f"'{dag_id}'" in error["stack_trace"] or f'"{dag_id}"' in error["stack_trace"]


def last_line(text: str) -> str:
    """The line of a stack trace that says what is wrong."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "(no reason given)"


def states(tasks: t.Sequence[TaskInstance]) -> str:
    """``extract success, load queued``."""
    return ", ".join(f"{task['task_id']} {task['state'] or 'not scheduled'}" for task in tasks) or "none yet"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Log:
    """The log of one try of a task."""

    sources: list[str]
    """Where Airflow has looked for it, and what it met there."""
    said: list[str]
    """What the task and its worker wrote."""

    @property
    def lines(self) -> list[str]:
        return [*self.sources, *self.said]


def log_of(answer: Answer) -> Log:
    """A task's log (3.x gives events, 2.11 text), without the marks by which the user interface folds lines."""
    sources: list[str] = []
    said: list[str] = []
    in_sources = False
    for line in _raw_lines(answer):
        if "::group::" in line or "::endgroup::" in line:
            in_sources = "::group::Log message source details" in line
        else:
            (sources if in_sources or line.startswith("***") else said).append(line)
    return Log(sources=sources, said=said)


def _raw_lines(answer: Answer) -> list[str]:
    if answer.kind != "application/json":
        return answer.body.decode(errors="replace").splitlines()
    content = answer.json().get("content")
    if isinstance(content, str):
        return content.splitlines()
    return [line for event in content or () for line in _event_lines(event)]


def _event_lines(event: t.Any) -> t.Iterator[str]:
    """One event: its words, and the error that it tells of."""
    if not isinstance(event, dict):
        yield str(event)
        return
    words = (event.get("timestamp"), str(event.get("level", "")).upper(), str(event.get("event", "")))
    yield " ".join(word for word in words if word)
    for error in event.get("error_detail") or ():
        yield f"{error.get('exc_type')}: {error.get('exc_value')}"
