"""What Airflow's own start is changed by: that a scheduler comes to its end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import types
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import start

SECONDS = 0.01


class Worker:
    """A process of a LocalExecutor."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def kill(self) -> None:
        self.gone.set()


class Executor:
    """Ends as Airflow's LocalExecutor does where each worker is gone when it is counted: none is told to go."""

    job_id = 7

    def __init__(self, workers: int) -> None:
        self.workers = {number: Worker() for number in range(workers)}
        # Airflow declares it, and adds nothing to it.
        self.running: set[str] = set()

    def start(self) -> None:
        self.activity_queue: t.Any = multiprocessing.SimpleQueue()
        self.result_queue: t.Any = multiprocessing.SimpleQueue()

    def _read_results(self) -> None:
        while not self.result_queue.empty():
            key, _state, _error = self.result_queue.get()
            self.running.discard(key)

    def end(self) -> None:
        for worker in self.workers.values():
            assert worker.gone.wait(60)


class Workload(types.SimpleNamespace):
    """What a worker is given: a task has a key, or, up to Airflow 3.2, its ``ti`` has."""


@pytest.fixture
def local() -> type[Executor]:
    """A class of its own, since it is changed."""

    class Local(Executor):
        pass

    return Local


def started(local: type[Executor], workers: int) -> Executor:
    """An executor that has started after it was changed."""
    executor = local(workers)
    executor.start()
    return executor


def nothing(_job: int) -> None:
    """A heartbeat that nobody listens to."""


def test_every_worker_is_told_to_go_also_where_one_was_gone_before_it_was_counted(local: type[Executor]) -> None:
    start.end_after_tasks(local, nothing)
    executor = started(local, 3)
    for worker in executor.workers.values():
        worker.gone.set()
    executor.end()
    assert [executor.activity_queue.get() for _worker in range(3)] == [None] * 3
    assert executor.activity_queue.empty()


def test_the_heart_of_a_scheduler_beats_until_its_tasks_have_ended(local: type[Executor]) -> None:
    beats: list[int] = []

    def beat(job: int) -> None:
        beats.append(job)
        if len(beats) == 2:
            raise ConnectionError("a database that is away for a moment")
        if len(beats) == 4 * start.IDLE_BEATS:
            executor.workers[0].gone.set()

    start.end_after_tasks(local, beat, SECONDS)
    executor = started(local, 1)
    executor.activity_queue.put("a task")
    executor.result_queue.put(("a callback", "running", None))
    executor.end()
    ended = len(beats)
    assert beats == [7] * ended
    assert ended >= 4 * start.IDLE_BEATS
    time.sleep(10 * SECONDS)
    assert len(beats) == ended


def test_a_worker_that_stays_is_killed_once_the_last_task_has_ended(local: type[Executor]) -> None:
    """Before that none is: in the test above a task runs for longer than workers without one may stay."""
    start.end_after_tasks(local, nothing, SECONDS)
    executor = started(local, 2)
    executor.activity_queue.put("a task")
    executor.result_queue.put(("a task", "success", None))
    executor.end()
    assert all(worker.gone.is_set() for worker in executor.workers.values())


@pytest.mark.parametrize("workload", [Workload(key="a task"), Workload(ti=Workload(key="a task"))])
def test_what_a_worker_was_given_runs_until_its_end(local: type[Executor], workload: Workload) -> None:
    """So that a scheduler gives no more than it may: else what waits in the pipe would fail, or fill it."""
    start.end_after_tasks(local, nothing)
    executor = started(local, 1)
    executor.activity_queue.put(workload)
    assert executor.running == {"a task"}
    executor.result_queue.put(("a task", "success", None))
    executor._read_results()
    assert executor.running == set()


def test_what_a_worker_is_given_may_have_no_key(local: type[Executor]) -> None:
    start.end_after_tasks(local, nothing)
    executor = started(local, 1)
    for workload in (Workload(callback="of Airflow 3.2"), None):
        executor.activity_queue.put(workload)
    assert executor.running == set()


def test_one_thread_reads_at_a_time() -> None:
    """Else two could see one result, and one of them wait for ever for another."""
    results, read = ["one"], threading.Event()

    def take() -> None:
        if results:
            read.set()
            time.sleep(SECONDS)
            results.pop()

    alone = start.one_at_a_time(take)
    other = threading.Thread(target=alone)
    other.start()
    assert read.wait(60)
    alone()
    other.join()
    assert results == []


class Runner:
    """Leaves as Airflow's scheduler does."""

    def _exit_gracefully(self, number: int, _frame: object) -> None:
        raise SystemExit(f"by signal {number}")

    def _do_scheduling(self, session: str) -> str:
        return f"scheduled in {session}"


@pytest.fixture
def told() -> t.Iterator[Runner]:
    """A scheduler that will be told to go, and that looks after 0.1 s whether it has."""

    class Scheduler(Runner):
        """A class of its own, since it is changed."""

    start.stop_between_rounds(Scheduler, 0.1)
    runner = Scheduler()
    before = signal.signal(signal.SIGTERM, runner._exit_gracefully)
    yield runner
    start.no_alarm()
    signal.signal(signal.SIGTERM, before)


def test_a_scheduler_goes_before_its_next_round(told: Runner) -> None:
    assert told._do_scheduling("a session") == "scheduled in a session"
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="by signal 15"):
        told._do_scheduling("a session")
    # Nothing interrupts the wait for its tasks.
    time.sleep(0.2)


@pytest.mark.usefixtures("told")
def test_a_scheduler_whose_round_does_not_end_goes_all_the_same() -> None:
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="by signal 15"):
        time.sleep(60)


@pytest.mark.usefixtures("told")
def test_a_scheduler_that_is_told_twice_goes_at_once() -> None:
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="by signal 15"):
        signal.raise_signal(signal.SIGTERM)


def test_a_watcher_ends_by_the_signal_that_its_scheduler_takes_for_itself() -> None:
    began, wait = os.pipe()

    class Watcher(multiprocessing.get_context("fork").Process):  # type: ignore[name-defined,misc]
        def run(self) -> None:
            os.write(wait, b".")
            time.sleep(60)

    start.go_when_told(Watcher)
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    try:
        watcher = Watcher()
        watcher.start()
        assert os.read(began, 1)
        watcher.terminate()
        watcher.join(30)
        assert watcher.exitcode == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
        watcher.kill()
