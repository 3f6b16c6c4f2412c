# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads the files that ``airflow_extra_manifests`` names, on the controller, where they are.

What reads and templates them are Ansible's own lookups, so vaulted files work, and templates may include others.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import glob
import os
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.dagops.airflow.plugins.module_utils.render import extra
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError, SpecError, decoded

_PLACES: t.Final = {"inventory_dir": "inventory", "playbook_dir": "playbook"}
"""Folders that relative paths are looked for in, the first of them that has any; and what they hold."""
_TEMPLATE: t.Final = ".j2"


def expanded(given: t.Any, task_vars: t.Mapping[str, t.Any], templar: Templar, loader: DataLoader) -> t.Any:
    """``airflow_extra_manifests`` with a List of objects for each path; what is no list is left to others to refuse."""
    items = decoded(given)
    if not isinstance(items, list):
        return items
    reader = _Reader(task_vars, templar, loader)
    result: list[t.Any] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            result.append(reader.list_of(item, f"{extra.VARIABLE}[{index}]") if isinstance(item, str) else item)
        except ProblemError as problem:
            problems.append(str(problem))
    # What must not leave the controller (values of Secrets) is refused here, before a module on a target logs it.
    problems = problems or extra.problems(result)
    if problems:
        raise SpecError(problems)
    return result


class _Reader:
    """Reads files as the play of one host does."""

    def __init__(self, task_vars: t.Mapping[str, t.Any], templar: Templar, loader: DataLoader) -> None:
        self._task_vars = task_vars
        self._templar = templar
        self._loader = loader

    def list_of(self, pattern: str, path: str) -> dict[str, t.Any]:
        """The objects in the files that a path or glob names, as one List, so that each item stays one."""
        found = [item for file in self._files(pattern, path) for item in self._objects(file, path)]
        return {"apiVersion": "v1", "kind": "List", "items": found}

    def _files(self, pattern: str, path: str) -> list[str]:
        pattern = os.path.expanduser(pattern)
        folders = {name: str(self._task_vars[name]) for name in _PLACES if self._task_vars.get(name)}
        for folder in folders.values():
            found = (os.path.join(folder, name) for name in glob.glob(pattern, root_dir=folder, recursive=True))
            files = sorted(name for name in found if os.path.isfile(name))
            if files:
                return files
        looked = " and ".join(f"beside the {_PLACES[name]} ({folder})" for name, folder in folders.items())
        where = "" if os.path.isabs(pattern) else f"; looked {looked}"
        raise ProblemError(f"{path} is '{pattern}', which is no file, and matches none{where}")

    def _objects(self, file: str, path: str) -> list[t.Any]:
        content = self._content(file, path)
        if not isinstance(content, str):
            # A template that is one expression gives what that gives.
            return content if isinstance(content, list) else [content]
        try:
            documents = list(yaml.safe_load_all(content))
        except yaml.YAMLError as error:
            raise ProblemError(f"{path}: {file} is no valid YAML: {' '.join(str(error).split())}") from error
        return [one for one in documents if one is not None]

    def _content(self, file: str, path: str) -> t.Any:
        name = "template" if file.endswith(_TEMPLATE) else "file"
        lookup = lookup_loader.get(f"ansible.builtin.{name}", loader=self._loader, templar=self._templar)
        try:
            return lookup.run([file], variables=dict(self._task_vars))[0]
        except AnsibleError as error:
            what = "templated" if name == "template" else "read"
            raise ProblemError(f"{path}: {file} cannot be {what}: {' '.join(str(error).split())}") from error
