"""What Airflow's own start is changed by: that a scheduler comes to its end."""

from __future__ import annotations

import multiprocessing
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import start


class Executor:
    """Ends as Airflow's LocalExecutor does where each worker is gone when it is counted: none is told to go."""

    def __init__(self, workers: int) -> None:
        self.activity_queue: t.Any = multiprocessing.SimpleQueue()
        self.workers = dict.fromkeys(range(workers))
        self.ended = 0

    def end(self) -> None:
        self.ended += 1


def test_every_worker_is_told_to_go_also_where_one_was_gone_before_it_was_counted() -> None:
    class Local(Executor):
        """A class of its own, since it is changed."""

    start.dismiss_every_worker(Local)
    executor = Local(3)
    executor.end()
    assert executor.ended == 1
    assert [executor.activity_queue.get() for _worker in range(3)] == [None] * 3
    assert executor.activity_queue.empty()
