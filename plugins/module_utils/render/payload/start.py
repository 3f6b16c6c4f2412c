# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starts ``airflow`` with a garbage collector that looks less often; runs inside Airflow's image.

To start is to make millions of objects that stay. Python's default looks for garbage among them after every 700 new
ones, which is a fifth of the start of an API server (11.0 s of CPU instead of 9.1 s, Airflow 3.3.2). What is not part
of a cycle is freed at once all the same. Usage: ``start.py COMMAND [ARGUMENT ...]``, as for ``airflow``.

A scheduler that is told to go comes to its end here: soon, and no sooner than the last of its own tasks.
"""

import contextlib
import datetime
import gc
import multiprocessing
import signal
import sys
import threading
import traceback
import typing as t

gc.set_threshold(50_000, 20, 20)

BEAT_SECONDS: t.Final = 5.0
IDLE_BEATS: t.Final = 6
PATIENCE_SECONDS: t.Final = 15.0


def stop_between_rounds(runner: t.Any, seconds: float = PATIENCE_SECONDS) -> None:
    """Have a scheduler that is told to go do so between two rounds of its work, or where it is if that takes long.

    Airflow leaves by an exception wherever the signal meets it. Where that is a function which the garbage collector
    calls (SQLAlchemy has one in every round), Python ignores it: such a scheduler goes on and starts tasks until it is
    killed, and they with it. Seen once in some fifty stops (Airflow 3.3.2).
    """
    leave, schedule = runner._exit_gracefully, runner._do_scheduling
    told: list[int] = []

    def tell(self: t.Any, number: int, frame: t.Any) -> None:
        # Processes of executors inherit this, and are told to go in another way.
        if multiprocessing.parent_process() is not None:
            return
        if told:  # Again: whoever tells it does not want to wait for its tasks.
            leave(self, number, frame)
        told.append(number)
        signal.signal(signal.SIGALRM, lambda _alarm, frame: leave(self, number, frame))
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def scheduled(self: t.Any, session: t.Any) -> t.Any:
        if told:
            no_alarm()
            leave(self, told[0], None)
        return schedule(self, session)

    runner._exit_gracefully, runner._do_scheduling = tell, scheduled


def no_alarm() -> None:
    """From here on nothing but another signal ends the wait for tasks."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def end_after_tasks(executor: t.Any, beat: t.Callable[[t.Any], None], seconds: float = BEAT_SECONDS) -> None:
    """Have the end of a LocalExecutor wait for its tasks, and for nothing else.

    Each worker is told to go before Airflow counts which of them are there. Airflow 3 tells one for each that it sees
    alive, one after the other: the first may take what is told and be gone before it is counted; then the last waits
    for ever, the scheduler for it, and the pod for the end of its grace
    (https://github.com/apache/airflow/issues/67870 is another way to the same). A worker that stays all the same
    when every task has ended is killed after some beats.

    Meanwhile the scheduler's heart beats: another scheduler takes the tasks of one that is silent for lost, after
    ``[scheduler] orphaned_tasks_check_interval`` at the latest, has them killed and runs them again.
    """
    end = executor.end
    count_what_is_given(executor)

    def ended(self: t.Any) -> None:
        over = threading.Event()
        # Airflow 2 has workers of another kind, which go by themselves.
        workers = dict(self.workers) if hasattr(self, "activity_queue") else {}
        if workers:
            self._read_results = one_at_a_time(self._read_results)

        def beats() -> None:
            idle = 0
            # The first at once: it is a while since the last of a round that took long.
            while not over.is_set():
                try:
                    beat(self.job_id)
                except Exception:  # A database that is away for a moment comes back.
                    traceback.print_exc()
                if workers:
                    # The end itself reads them when its wait is over, and then closes where they come from.
                    with contextlib.suppress(OSError):
                        self._read_results()
                    idle = 0 if self.given else idle + 1
                if idle > IDLE_BEATS:
                    for worker in workers.values():
                        with contextlib.suppress(ValueError):  # The end has closed it by now.
                            worker.kill()
                over.wait(seconds)

        no_alarm()
        thread = threading.Thread(target=beats, daemon=True)
        thread.start()
        try:
            for _worker in workers:
                self.activity_queue.put(None)
            end(self)
        finally:
            over.set()
            thread.join()

    executor.end = ended


def count_what_is_given(executor: t.Any) -> None:
    """Have a LocalExecutor of Airflow 3 count in ``given`` what its workers were given and have not ended.

    And have its ``running`` name them, by which a scheduler gives it no more than ``[core] parallelism``. Unlike other
    executors it never adds to that (Airflow 3.0 to 3.3, https://github.com/apache/airflow/pull/71914): a scheduler
    would give it all that is due. What waits for a worker then fails after ``[scheduler] task_queued_timeout``, and a
    full pipe to the workers keeps the scheduler from its work.
    """
    start = executor.start

    def started(self: t.Any) -> None:
        start(self)
        if not hasattr(self, "activity_queue"):
            return
        self.given = 0
        put, get = self.activity_queue.put, self.result_queue.get

        def give(workload: t.Any) -> None:
            if workload is not None:
                self.given += 1
                # Up to Airflow 3.2 it is the task that has the key; a callback has none that its end would tell.
                if key := getattr(workload, "key", None) or getattr(getattr(workload, "ti", None), "key", None):
                    self.running.add(key)
            put(workload)

        def take() -> t.Any:
            result = get()
            # A callback tells that it has begun, too.
            self.given -= 1 if result[1] != "running" else 0
            return result

        self.activity_queue.put, self.result_queue.get = give, take

    executor.start = started


def one_at_a_time(read: t.Callable[[], None]) -> t.Callable[[], None]:
    """Have one thread read at a time: between another's look and its read it would take what that one waits for."""
    lock = threading.Lock()

    def alone() -> None:
        with lock:
            read()

    return alone


def beat(job_id: t.Any) -> None:
    """Note that a scheduler is there."""
    from airflow.jobs.job import Job
    from airflow.utils.session import create_session
    from sqlalchemy import update

    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017  # images may have an older Python
    with create_session() as session:
        session.execute(update(Job).where(Job.id == job_id).values(latest_heartbeat=now))


def go_when_told(watcher: t.Any) -> None:
    """Have a KubernetesExecutor's watcher, a process, end by the signal by which the executor ends it.

    It inherits the scheduler's handler, which does nothing in another process: each scheduler would wait 20 s for it.
    """
    run = watcher.run

    def ran(self: t.Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run(self)

    watcher.run = ran


def scheduler() -> None:
    """Run Airflow's scheduler, none of whose processes stays when it has come to its end."""
    from airflow.__main__ import main
    from airflow.configuration import conf
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    stop_between_rounds(SchedulerJobRunner)
    executors = conf.get("core", "executor")
    # Who names an executor of their own need not have the provider.
    with contextlib.suppress(ImportError):
        if "Local" in executors:
            from airflow.executors.local_executor import LocalExecutor

            end_after_tasks(LocalExecutor, beat)
        if "Kubernetes" in executors:
            from airflow.providers.cncf.kubernetes.executors.kubernetes_executor_utils import KubernetesJobWatcher

            go_when_told(KubernetesJobWatcher)
    try:
        main()
    finally:
        # Python waits for them without end, and a server of logs for those who read them.
        for child in multiprocessing.active_children():
            child.kill()


# A worker process of the API server imports this file under another name.
if __name__ == "__main__":
    sys.argv[0] = "airflow"
    if sys.argv[1:2] == ["scheduler"]:
        scheduler()
    else:
        from airflow.__main__ import main

        main()
