"""Processes that go on: real ones, of small programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import processes
from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.processes import Daemon


@pytest.fixture
def running(tmp_path: Path) -> t.Iterator[processes.Processes]:
    running = processes.Processes(tmp_path / "state", tmp_path / "logs")
    yield running
    processes.kill([process.pid for process in running.all()])


SLEEPER = Daemon(name="sleeper", command=("sleep", "1000"))


def test_a_daemon_is_started_once(running: processes.Processes) -> None:
    assert running.ensure(SLEEPER) is True
    (process,) = running.of(SLEEPER)
    assert running.ensure(SLEEPER) is False
    assert running.pids([SLEEPER]) == {"sleeper": process.pid}


def test_a_daemon_shares_nothing_with_who_started_it(running: processes.Processes) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    running.ensure(SLEEPER)
    (process,) = running.of(SLEEPER)
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)
    assert os.getsid(process.pid) == process.pid
    assert "PYTEST_CURRENT_TEST" not in Path(f"/proc/{process.pid}/environ").read_text()


def test_whoever_started_a_daemon_ends_without_a_warning(running: processes.Processes, tmp_path: Path) -> None:
    module = processes.__name__
    script = (
        f"import pathlib; from {module} import Daemon, Processes\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        'Processes(folder / "state", folder / "logs").ensure(Daemon(name="sleeper", command=("sleep", "1000")))\n'
    )
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", script]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [process.daemon for process in running.of(SLEEPER)] == ["sleeper"]


def test_a_killed_daemon_is_missed_and_started_again(running: processes.Processes) -> None:
    running.ensure(SLEEPER)
    (process,) = running.of(SLEEPER)
    processes.kill([process.pid])
    assert running.pids([SLEEPER]) == {"sleeper": None}
    assert running.ensure(SLEEPER) is True


def test_another_command_is_another_process(running: processes.Processes) -> None:
    running.ensure(SLEEPER)
    (before,) = running.of(SLEEPER)
    changed = Daemon(name="sleeper", command=("sleep", "1001"))
    assert running.ensure(changed) is True
    (after,) = running.of(changed)
    assert after.pid != before.pid


def test_another_configuration_is_another_process(running: processes.Processes, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("one")
    daemon = Daemon(name="sleeper", command=("sleep", "1000"), files=(config,))
    assert running.ensure(daemon) is True
    assert running.ensure(daemon) is False
    config.write_text("two")
    assert running.ensure(daemon) is True


def test_what_a_daemon_started_belongs_to_the_cluster_and_is_not_the_daemon(running: processes.Processes) -> None:
    parent = Daemon(name="parent", command=("bash", "-c", "sleep 1000 & wait"))
    running.ensure(parent)
    deadline = time.monotonic() + 5
    # What bash forks is a bash until it has become the other program.
    while (programs := sorted(one.program for one in running.all())) != ["bash", "sleep"]:
        assert time.monotonic() < deadline, programs
        time.sleep(0.01)
    (process,) = running.of(parent)
    processes.kill([process.pid])
    assert running.of(parent) == []
    assert [process.program for process in running.all()] == ["sleep"]


def test_clusters_do_not_see_each_other(running: processes.Processes, tmp_path: Path) -> None:
    running.ensure(SLEEPER)
    assert processes.Processes(tmp_path / "other", tmp_path / "logs").all() == []


def test_a_daemon_that_ends_leaves_its_last_words(running: processes.Processes) -> None:
    failing = Daemon(name="failing", command=("sh", "-c", "echo starting; echo no such disk >&2; exit 1"))
    running.ensure(failing)
    deadline = time.monotonic() + 5
    while (why := running.why_gone(failing)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert why is not None
    assert why.startswith("failing has stopped: no such disk (log: ")


def test_a_program_may_be_started_by_another(tmp_path: Path) -> None:
    running = processes.Processes(tmp_path / "state", tmp_path / "logs", ("env", "--"))
    running.ensure(SLEEPER)
    (process,) = running.of(SLEEPER)
    assert process.program == "sleep"
    processes.kill([process.pid])


def test_stop_is_polite_first(running: processes.Processes, tmp_path: Path) -> None:
    farewell = tmp_path / "farewell"
    polite = Daemon(
        name="polite", command=("bash", "-c", f"trap 'touch {farewell}; exit' TERM; while :; do sleep 0.05; done")
    )
    running.ensure(polite)
    time.sleep(0.2)
    processes.stop([process.pid for process in running.of(polite)])
    assert farewell.exists()


def test_stop_ends_what_does_not_listen(running: processes.Processes) -> None:
    deaf = Daemon(name="deaf", command=("bash", "-c", "trap '' TERM; while :; do sleep 0.05; done"))
    running.ensure(deaf)
    time.sleep(0.2)
    processes.stop([process.pid for process in running.of(deaf)], patience=0.3)
    assert running.of(deaf) == []


def test_a_process_that_is_gone_already_is_no_error() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    processes.kill([pid])
