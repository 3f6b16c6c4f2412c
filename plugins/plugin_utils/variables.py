# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one place where the variables of a host are read: every action that needs values calls ``gather``.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.dagops.airflow.plugins.module_utils.render import extra
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import VALUE_VARIABLES, unknown_variables
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import SECRET_VARIABLES
from ansible_collections.dagops.airflow.plugins.plugin_utils import extra_files


def gather(task_vars: t.Mapping[str, t.Any], templar: Templar, loader: DataLoader) -> dict[str, t.Any]:
    """The host's ``airflow_*`` variables that shape objects, templated, with objects for files; never a secret.

    A misspelt variable is refused here, since only here all names are seen.
    """
    problems = unknown_variables(task_vars)
    if problems:
        raise SpecError(problems)
    values = {name: templar.template(task_vars[name]) for name in VALUE_VARIABLES if name in task_vars}
    if extra.VARIABLE in values:
        values[extra.VARIABLE] = extra_files.expanded(values[extra.VARIABLE], task_vars, templar, loader)
    return {"airflow_instance": task_vars.get("inventory_hostname"), **values}


def gather_secrets(task_vars: t.Mapping[str, t.Any], templar: Templar) -> dict[str, t.Any]:
    """The secrets that the person gave, by the option of the module `secrets` (``fernet_key``, ``database_password``).

    They are for ``no_log`` options only.
    """
    return {
        name.removeprefix("airflow_").removeprefix("core_"): templar.template(task_vars[name])
        for name in SECRET_VARIABLES
        if name in task_vars
    }
