# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: fernet_key
short_description: Make a Fernet key
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Makes a new Fernet key, for people who keep it in a vault of their own. Nothing else is needed for it.
  - With a passphrase as input, the key is derived from it (scrypt), so that the same input gives the same key.
options:
  _input:
    description: V(none) for a random key, or a passphrase of 20 characters or more to derive the key from.
    type: str
    required: true
  salt:
    description: Makes keys of the same passphrase differ, for example the name of the instance.
    type: str
    default: dagops.airflow
"""

EXAMPLES = r"""
- name: Make a key and keep it in a file
  ansible.builtin.copy:
    content: "airflow_core_fernet_key: {{ none | dagops.airflow.fernet_key }}"
    dest: fernet_key.yml
    force: false
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_value:
  description: The key, 44 characters.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure


def fernet_key(passphrase: str | None = None, salt: str = "dagops.airflow") -> str:
    try:
        return fernet.generate() if passphrase is None else fernet.derive(str(passphrase), salt)
    except Failure as failure:
        raise AnsibleFilterError(failure.message) from failure


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        return {"fernet_key": fernet_key}
