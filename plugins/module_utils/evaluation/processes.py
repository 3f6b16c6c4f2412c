# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs that go on running after the playbook has ended.

There are no pid files: a pid in a file may be another program's by now, or be missing because a run was interrupted at
the wrong moment. Each process carries in its environment which cluster and which daemon it belongs to instead (its
children inherit that), and the kernel keeps this for exactly as long as it lives.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import signal
import subprocess
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_CLUSTER: t.Final = "DAGOPS_AIRFLOW_CLUSTER"
_DAEMON: t.Final = "DAGOPS_AIRFLOW_DAEMON"
_SETUP: t.Final = "DAGOPS_AIRFLOW_SETUP"
_PROC: t.Final = pathlib.Path("/proc")


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to go on when it is forgotten, of which Python would warn."""

    def __del__(self) -> None:
        pass


@dataclasses.dataclass(frozen=True, kw_only=True)
class Daemon:
    """A program that should run."""

    name: str
    command: tuple[str, ...]
    files: tuple[pathlib.Path, ...] = ()
    """What it reads when it starts: it must start again when their content changes."""

    @property
    def program(self) -> str:
        return pathlib.Path(self.command[0]).name

    @property
    def setup(self) -> str:
        """The hash of the command and of the files: two processes with the same do the same."""
        parts = [*(argument.encode() for argument in self.command), *(path.read_bytes() for path in self.files)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Process:
    """A live process of a cluster."""

    pid: int
    program: str
    daemon: str
    setup: str


class Processes:
    """The processes of one cluster."""

    def __init__(self, state: pathlib.Path, logs: pathlib.Path, prefix: c.Sequence[str] = ()) -> None:
        self._state = str(state)
        self._logs = logs
        self._prefix = tuple(prefix)
        """What a command is started by: a program that prepares something and becomes the command (``nsenter``)."""

    def all(self) -> list[Process]:
        """Every process of the cluster, the children of its daemons too."""
        return [process for process in map(self._inspect, _pids()) if process]

    def of(self, daemon: Daemon) -> list[Process]:
        """The processes of a daemon itself. (The containers' shims are children of containerd, and outlive it.)"""
        return [one for one in self.all() if one.daemon == daemon.name and one.program == daemon.program]

    def ensure(self, daemon: Daemon) -> bool:
        """Have the daemon running as it is described; whether it had to be started."""
        running = self.of(daemon)
        if len(running) == 1 and running[0].setup == daemon.setup:
            return False
        stop([process.pid for process in running])
        self._start(daemon)
        return True

    def pids(self, daemons: c.Iterable[Daemon]) -> dict[str, int | None]:
        """The pid of each daemon, None where it does not run."""
        found = {(one.daemon, one.program): one.pid for one in self.all()}
        return {daemon.name: found.get((daemon.name, daemon.program)) for daemon in daemons}

    def log(self, daemon: str) -> pathlib.Path:
        return self._logs / f"{daemon}.log"

    def why_gone(self, daemon: Daemon) -> str | None:
        """None while the daemon runs, else its last words."""
        if self.of(daemon):
            return None
        log = self.log(daemon.name)
        said = command.last_words(log.read_text(errors="replace")) if log.exists() else "it left no log"
        return f"{daemon.name} has stopped: {said} (log: {log})"

    def _start(self, daemon: Daemon) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        marks = {_CLUSTER: self._state, _DAEMON: daemon.name, _SETUP: daemon.setup}
        try:
            with open(self.log(daemon.name), "wb") as log:
                # A session of its own: neither the terminal's Ctrl-C nor the end of the playbook reaches it. Nothing of
                # the caller's environment reaches it either.
                started = _Detached(
                    [*self._prefix, *daemon.command],
                    cwd="/",
                    env={"PATH": command.SEARCH_PATH, "HOME": self._state, **marks},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise Failure(f"Cannot start {daemon.name} ({daemon.command[0]}): {error.strerror}.") from error
        # Until it has become the daemon, the kernel shows another program, and for a moment no environment.
        while not self.of(daemon) and started.poll() is None:
            time.sleep(0.01)

    def _inspect(self, pid: int) -> Process | None:
        # Of a process that has ended, or that belongs to somebody else, there is nothing to read.
        with contextlib.suppress(OSError):
            environment = dict(pair.split("=", 1) for pair in _strings(_PROC / str(pid) / "environ") if "=" in pair)
            if environment.get(_CLUSTER) == self._state:
                arguments = _strings(_PROC / str(pid) / "cmdline")
                return Process(
                    pid=pid,
                    program=pathlib.Path(arguments[0]).name if arguments else "",
                    daemon=environment.get(_DAEMON, ""),
                    setup=environment.get(_SETUP, ""),
                )
        return None


def stop(pids: c.Collection[int], patience: float = 5.0) -> None:
    """End processes: politely, and after ``patience`` seconds by force."""
    _signal(pids, signal.SIGTERM)
    if not _gone(pids, patience):
        kill(pids)


def kill(pids: c.Collection[int]) -> None:
    """End processes at once, and wait until they are gone."""
    _signal(pids, signal.SIGKILL)
    if not _gone(pids, 10.0):
        left = ", ".join(str(pid) for pid in pids if _alive(pid))
        raise Failure(
            f"The processes {left} cannot be ended, even by force. See /proc/PID/stack for what they wait for."
        )


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]


def _strings(path: pathlib.Path) -> list[str]:
    return [part.decode(errors="replace") for part in path.read_bytes().split(b"\0") if part]


def _signal(pids: c.Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _alive(pid: int) -> bool:
    try:
        status = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    state = status.rpartition(")")[2].split()[0]
    if state == "Z":
        # Ours to collect when we started it ourselves in this very run.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return False
    return True


def _gone(pids: c.Collection[int], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
