"""Whether the holder of a Lease still lives, as far as can be told from here."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.dagops.airflow.plugins.module_utils.kube import lease


def test_the_holder_is_the_process_that_starts_the_tasks() -> None:
    me = lease.holder()
    assert me.name.endswith(f"process {os.getppid()}")
    assert not lease.is_gone(me.process)


def test_a_process_that_has_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = lease._identity(other.pid)
        assert not lease.is_gone(process)
        other.communicate(b"\n")
    assert lease.is_gone(process)


def test_a_process_with_the_same_number_is_another_one() -> None:
    boot_and_place, _slash, _started = lease._identity(os.getpid()).rpartition("/")
    assert lease.is_gone(f"{boot_and_place}/1")


def test_of_other_machines_and_namespaces_nothing_is_known() -> None:
    _boot, namespace, number, started = lease._identity(os.getpid()).split("/")
    boot = lease._identity(os.getpid()).split("/")[0]
    assert not lease.is_gone(f"another-boot/{namespace}/{number}/0")
    assert not lease.is_gone(f"{boot}/pid:[1]/{number}/0")
    assert not lease.is_gone("")
    assert started
