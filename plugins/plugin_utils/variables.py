# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one place where the variables of a host are read: every action that needs values calls ``gather``.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import GIVEN
from ansible_collections.dagops.airflow.plugins.module_utils.render import extra
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import (
    VALUE_VARIABLES,
    unknown_variables,
    unreadable_variables,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import PLAYBOOK_TYPES
from ansible_collections.dagops.airflow.plugins.plugin_utils import extra_files


def gather(task_vars: t.Mapping[str, t.Any], templar: Templar, loader: DataLoader) -> dict[str, t.Any]:
    """The host's ``airflow_*`` variables that shape objects, templated, with objects for files; never a secret.

    A misspelt variable is refused here, since only here all names are seen.
    """
    problems = unknown_variables(task_vars)
    values = _templated((*VALUE_VARIABLES, *PLAYBOOK_TYPES), task_vars, templar, problems)
    problems += unreadable_variables({name: values.pop(name, None) for name in PLAYBOOK_TYPES})
    if problems:
        raise SpecError(problems)
    if extra.VARIABLE in values:
        values[extra.VARIABLE] = extra_files.expanded(values[extra.VARIABLE], task_vars, templar, loader)
    return {"airflow_instance": task_vars.get("inventory_hostname"), **values}


def gather_secrets(task_vars: t.Mapping[str, t.Any], templar: Templar) -> dict[str, t.Any]:
    """The secrets that the person gave, by the option of the module `secrets` (``fernet_key``, ``database_password``).

    They are for ``no_log`` options only.
    """
    problems: list[str] = []
    found = _templated(GIVEN.values(), task_vars, templar, problems)
    if problems:
        raise SpecError(problems)
    return {option: found[variable] for option, variable in GIVEN.items() if variable in found}


def _templated(
    wanted: t.Iterable[str], task_vars: t.Mapping[str, t.Any], templar: Templar, problems: list[str]
) -> dict[str, t.Any]:
    """The variables that the host has; one that cannot be read is told with Ansible's own words."""
    found = {}
    for name in wanted:
        if name in task_vars:
            try:
                # What is encrypted or undefined shows when it is looked at.
                found[name] = templar.template(task_vars[name])
                json.dumps(found[name], default=str)
            except AnsibleError as error:
                why = " ".join(str(error.message).split()).rstrip(".")
                problems.append(f"{name} cannot be read: {why}. Define what it refers to, or give the vault's password")
    return found
