"""What an action does to the process that it runs in."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import signal
import time

import pytest

from ansible_collections.dagops.airflow.plugins.plugin_utils.action import BackendAction

FORK = multiprocessing.get_context("fork")


def outlive(folder: pathlib.Path, parent: int, early: bool) -> None:
    """A task of ansible-playbook whose run is killed before it asks to end with it, or after."""
    os.setsid()
    if not early:
        BackendAction._die_with_parent()
    (folder / "begun").touch()
    while early and os.getppid() == parent:
        time.sleep(0.01)
    if early:
        BackendAction._die_with_parent()
    time.sleep(0.5)
    (folder / "went-on").touch()


def run(folder: pathlib.Path, early: bool) -> None:
    task = FORK.Process(target=outlive, args=(folder, os.getpid(), early))
    task.start()
    (folder / "task").write_text(str(task.pid), encoding="utf-8")
    while not (folder / "begun").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("early", [False, True])
def test_no_task_goes_on_without_its_run(tmp_path: pathlib.Path, early: bool) -> None:
    playbook = FORK.Process(target=run, args=(tmp_path, early))
    playbook.start()
    playbook.join()
    assert playbook.exitcode == -signal.SIGKILL
    task = int((tmp_path / "task").read_text(encoding="utf-8"))
    while alive(task):
        time.sleep(0.01)
    assert not (tmp_path / "went-on").exists()


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return ") Z " not in pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
