# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.modules import manifests
from ansible_collections.dagops.airflow.plugins.plugin_utils.action import ValuesAction


class ActionModule(ValuesAction):
    MODULE = manifests

    def reads_variables(self, arguments: dict[str, t.Any]) -> bool:
        return arguments.get("objects") is None
