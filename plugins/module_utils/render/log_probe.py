# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job that tries the log store as a task would: with the ServiceAccount, environment and image that tasks have.

It runs before the configuration of an instance is changed, so it reads none of it, and gets its options as environment
variables.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_store, probe
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, named_by_content
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_logs
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

COMPONENT = "log-probe"
# Options that say where logs are and who may go there.
SECTIONS = (
    *("logging", "azure_remote_logging", "opensearch", "opensearch_configs", "elasticsearch", "elasticsearch_configs"),
    *("aws", "secrets"),
)


def wanted(values: Values) -> bool:
    """Whether there is a store that can be tried; Google's log takes lines, and gives none back to be deleted."""
    return values.logging.store in probe_logs.STORES


def fingerprint(values: Values) -> str:
    """Of all that says where logs are and who may go there: the same store needs no second look."""
    component, _shape = probe.tasks_run_in(values)
    return probe.fingerprint(
        values, options(values), log_store.env(values, component), log_store.volumes(values, component)
    )


def options(values: Values) -> list[Object]:
    """Options of airflow.cfg as environment variables."""
    # Its file is not there yet, and it changes nothing of where logs are.
    return probe.options(values, SECTIONS, but={"logging_config_class"})


def named_job(values: Values) -> Object:
    """The Job, whose name carries a hash of its content."""
    return named_by_content(job(values))


def job(values: Values) -> Object:
    """The Job with the person's overrides, which know it without the hash."""
    # DAGs may not be there yet either, and a fault of theirs is not one of the store.
    return probe.job(values, COMPONENT, probe_logs, values.logging.store, env=options(values))
