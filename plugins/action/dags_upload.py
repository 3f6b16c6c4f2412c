# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import tempfile
import typing as t

from ansible.module_utils.common.validation import check_type_list, check_type_path

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_folder
from ansible_collections.dagops.airflow.plugins.modules import dags_upload
from ansible_collections.dagops.airflow.plugins.plugin_utils.action import ValuesAction


class ActionModule(ValuesAction):
    MODULE = dags_upload

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The folder is on the controller: a module on a target gets an archive of it."""
        arguments = super().arguments(task_vars)
        if self._connection.transport != "local" and arguments.get("src"):
            arguments["packed"] = self._brought(arguments)
        return arguments

    def _brought(self, arguments: dict[str, t.Any]) -> str:
        """The archive's place on the target; it goes with the task's other files there."""
        patterns = check_type_list(arguments.get("exclude", list(dag_folder.EXCLUDED)))
        tree = dag_folder.read(check_type_path(arguments["src"]), patterns)
        place: str = self._connection._shell.join_path(self._make_tmp_path(), "dags.tar")
        with tempfile.NamedTemporaryFile() as file:
            file.write(dag_folder.pack(tree))
            file.flush()
            self._transfer_file(file.name, place)
        self._fixup_perms2((self._connection._shell.tmpdir, place))
        return place
