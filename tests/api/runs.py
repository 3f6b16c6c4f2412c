"""Runs of the collection's tasks in processes of their own, which can be killed at any request to the API server."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import signal
import sys
import tempfile
import threading
import traceback
import typing as t

import urllib3

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import api_server, state
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.modules import manifests, preflight, secrets
from tests.api.plays import parts
from tests.api.support import Face, validated

Send = t.Callable[[], urllib3.BaseHTTPResponse]
Hook = t.Callable[[int, Send], urllib3.BaseHTTPResponse]
"""What happens at a request, given its number in the run, and how it is sent."""


MODULES = {"preflight": preflight, "secrets": secrets}
"""What is done for a part where that is not ``manifests``."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How a run ended."""

    killed: bool
    results: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)
    failure: str = ""

    @property
    def changed(self) -> list[str]:
        """Every object that was changed."""
        return [part["after_header"] for result in self.results if result["changed"] for part in result["diff"]]

    @property
    def requests(self) -> int:
        return sum(result["api_requests"] for result in self.results)

    @property
    def undeclared(self) -> list[str]:
        return [label for result in self.results for label in result.get("undeclared", ())]


def converge(
    kubeconfig: str,
    values: dict[str, t.Any],
    before: t.Mapping[str, t.Callable[[], t.Any]] | None = None,
    **consents: t.Any,
) -> Run:
    """What the tasks of site.yml do to the objects of an instance, here and now.

    ``before`` tells what else happens before the task of a part.
    """
    results: list[dict[str, t.Any]] = []
    lines: list[str] = []
    told: dict[str, t.Any] = {}
    # Secrets come once in a play.
    for part in dict.fromkeys(parts("site")):
        if before and part in before:
            before[part]()
        module = MODULES.get(part, manifests)
        wanted = {} if part in MODULES else {"component": part, **told, **consents}
        face = Face(params=validated(module, {"kubeconfig": kubeconfig, "values": values, **wanted}))
        try:
            results.append(module.run(face))
        except Failure as failure:
            return Run(killed=False, results=results, lines=[*lines, *face.lines], failure=failure.message)
        lines += face.lines
        # What site.yml hands on to later tasks.
        told |= {"remembered": results[-1]["remembered"]} if part == "preflight" else {}
        told |= {"secrets": results[-1]["fingerprints"]} if part == "secrets" else {}
    return Run(killed=False, results=results, lines=lines)


def hooked(hook: Hook) -> None:
    """Let ``hook`` send every request of this process from now on."""
    request, lock, numbers = urllib3.PoolManager.request, threading.Lock(), itertools.count(1)

    def counted(self: urllib3.PoolManager, *arguments: t.Any, **options: t.Any) -> urllib3.BaseHTTPResponse:
        with lock:
            number = next(numbers)
        return hook(number, lambda: request(self, *arguments, **options))

    urllib3.PoolManager.request = counted  # type: ignore[method-assign]


def killed_at(last: int) -> Hook:
    """Kill the whole run when it is about to send the request of that number."""

    def hook(number: int, send: Send) -> urllib3.BaseHTTPResponse:
        if number == last:
            os.killpg(0, signal.SIGKILL)
        return send()

    return hook


def losing(lost: int) -> Hook:
    """Let the API server do what the request of that number asks, and cut the connection before it answers."""

    def hook(number: int, send: Send) -> urllib3.BaseHTTPResponse:
        if number == lost:
            send()
            raise urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())
        return send()

    return hook


def restarting(name: str, at: int) -> Hook:
    """Kill the kube-apiserver of cluster ``name`` before the request of that number, and start it again."""

    def hook(number: int, send: Send) -> urllib3.BaseHTTPResponse:
        if number == at:
            server = api_server.ApiServer(folders=state.folders(name), say=quiet)
            process = server.status().daemons["kube-apiserver"]
            assert process
            os.kill(process, signal.SIGKILL)
            threading.Timer(1.0, server.present).start()
        return send()

    return hook


def quiet(_message: str) -> None:
    """Say nothing."""


def apart(work: t.Callable[[], Run], hook: Hook | None = None) -> Run:
    """``work`` as a task of a run of its own: like ansible-playbook, a process group of which a child does the work."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        run = os.fork()
        if run == 0:
            os.setpgid(0, 0)
            task = os.fork()
            if task == 0:
                _work(work, hook, told)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(task, 0)[1]))
        code = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
        if code == -signal.SIGKILL:
            return Run(killed=True)
        assert code == 0, "the run has told above what it met"
        told.seek(0)
        return Run(**json.load(told))


def _work(work: t.Callable[[], Run], hook: Hook | None, told: t.TextIO) -> t.NoReturn:
    try:
        if hook:
            hooked(hook)
        json.dump(dataclasses.asdict(work()), told)
        told.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
