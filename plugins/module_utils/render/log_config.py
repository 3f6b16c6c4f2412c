# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""log_config.py of instances whose logs are in a search server: Airflow's own, and what it lacks there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import inspect

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import print_logs
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import SearchLogs, Values

_OWN = '''\
"""Airflow's own settings of logging, by which ten times as many lines of a log are read from OpenSearch."""

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG, REMOTE_TASK_LOG

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
'''
# Airflow asks for a log once, for its first 1,000 lines. An index gives 10,000 at once (index.max_result_window).
_MORE_LINES = "REMOTE_TASK_LOG.MAX_LINE_PER_PAGE = 10_000\n"
_PRINTED = """\

# --- Airflow's own settings of logging, by which the log of a task is printed when the task ends ---------------------
import functools  # noqa: E402

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG, REMOTE_TASK_LOG  # noqa: E402

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
REMOTE_TASK_LOG.upload = functools.partial(printed, REMOTE_TASK_LOG, "{instance}")
"""


def content(values: Values) -> str | None:
    """What the file holds where the person gives none; None where Airflow's own settings will do."""
    store = values.logging.chosen
    # Airflow 2 has other ways to write logs.
    if not isinstance(store, SearchLogs) or values.major < 3:
        return None
    more_lines = _MORE_LINES if values.logging.store == "opensearch" else ""
    if store.write == "stdout":
        return inspect.getsource(print_logs) + _PRINTED.format(instance=values.name) + more_lines
    return _OWN + more_lines if more_lines else None
