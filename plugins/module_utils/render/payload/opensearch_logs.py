# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""log_config.py of instances whose logs are in OpenSearch: Airflow's own, but it shows more of a log.

Airflow asks for a log once, for its first 1,000 lines. An index gives 10,000 at once (index.max_result_window).
"""

from __future__ import annotations

LOG_CONFIG = '''\
"""Airflow's own settings of logging, by which ten times as many lines of a log are read from OpenSearch."""

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG, REMOTE_TASK_LOG

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
REMOTE_TASK_LOG.MAX_LINE_PER_PAGE = 10_000
'''
