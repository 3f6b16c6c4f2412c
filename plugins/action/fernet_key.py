# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.modules import fernet_key
from ansible_collections.dagops.airflow.plugins.plugin_utils.action import ValuesAction


class ActionModule(ValuesAction):
    MODULE = fernet_key
    SECRETS = True

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Of the secrets that the person gave, this noun wants one, under a name of its own."""
        arguments = super().arguments(task_vars)
        given = arguments.pop("given", {})
        arguments.setdefault("key", given.get("fernet_key"))
        return arguments
