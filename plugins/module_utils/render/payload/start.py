# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starts ``airflow`` with a garbage collector that looks less often; runs inside Airflow's image.

To start is to make millions of objects that stay. Python's default looks for garbage among them after every 700 new
ones, which is a fifth of the start of an API server (11.0 s of CPU instead of 9.1 s, Airflow 3.3.2). What is not part
of a cycle is freed at once all the same. Usage: ``start.py COMMAND [ARGUMENT ...]``, as for ``airflow``.
"""

import gc
import sys
import typing as t

gc.set_threshold(50_000, 20, 20)


def dismiss_every_worker(executor: t.Any) -> None:
    """Have the end of a LocalExecutor tell each of its workers to go, before Airflow counts which of them are there.

    Airflow 3 tells one for each that it sees alive, one after the other. The first may take what is told and be gone
    before it is counted; then the last waits for ever, the scheduler for it, and the pod for the end of its grace
    (https://github.com/apache/airflow/issues/67870 is another way to the same).
    """
    end = executor.end

    def ended(self: t.Any) -> None:
        for _worker in self.workers:
            self.activity_queue.put(None)
        end(self)

    executor.end = ended


# A worker process of the API server imports this file under another name.
if __name__ == "__main__":
    from airflow.__main__ import main

    sys.argv[0] = "airflow"
    if sys.argv[1:2] == ["scheduler"]:
        from airflow.configuration import conf

        if "LocalExecutor" in conf.get("core", "executor"):
            from airflow.executors.local_executor import LocalExecutor

            # Airflow 2 has another way.
            if "activity_queue" in LocalExecutor.__annotations__:
                dismiss_every_worker(LocalExecutor)
    main()
