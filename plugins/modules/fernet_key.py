#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: fernet_key
short_description: Make, rotate and prove the Fernet key of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Airflow encrypts passwords of connections and its variables in the database with a Fernet key. Without the key they
    are lost.
  - Makes a valid key once and keeps it, refuses one that is invalid or that cannot read what is encrypted, and rotates
    a key without loss.
  - Where the key is lost, but the database of a running instance holds what was encrypted with it, no new one is made.
  - A key is never shown, neither in results nor in messages, arguments of processes or diffs.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  state:
    description:
      - V(present) makes sure that there is a key. The given one counts first, then the existing one, and only then one
        is generated.
      - V(rotated) puts a new key in front of the old one, applies the components whose pods read it, which restarts
        these, has Airflow encrypt everything with the new key, and proves that it decrypts all of it. If a rotation has
        been left unfinished, it goes on with that one.
      - V(finalized) proves that nothing needs an old key any more, takes the old keys away, and restarts the pods.
    type: str
    choices: [present, rotated, finalized]
    default: present
  key:
    description:
      - The key, or several separated by commas, the newest first. With O(state=rotated), the new one.
      - If O(values) is not given, the variable C(airflow_core_fernet_key) of the inventory host is taken.
    type: str
  verify:
    description:
      - With O(state=present), prove that the key decrypts all that is encrypted in the database, if a pod of the
        instance runs. The other states always do so.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for the restarted pods.
    type: int
    default: 600
attributes:
  check_mode:
    description: Tells what would change. What is encrypted is proved, and nothing is changed.
    support: full
  diff_mode:
    description:
      - Tells where the key comes from, which workloads change, and how many values are encrypted anew; never a key.
    support: full
seealso:
  - module: dagops.airflow.secrets
  - plugin: dagops.airflow.fernet_key
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Make sure of the Fernet key of the inventory host's instance
  dagops.airflow.fernet_key:

- name: Rotate it
  dagops.airflow.fernet_key:
    state: rotated

- name: Take the old key away
  dagops.airflow.fernet_key:
    state: finalized
"""

RETURN = r"""
origin:
  description: How the key got there (V(given), V(existing) or V(generated)).
  type: str
  returned: if O(state=present)
keys:
  description: Number of keys that the instance has (or, in check mode, would have).
  type: int
  returned: if O(state=rotated) or O(state=finalized)
verified:
  description: Number of encrypted values that the first key decrypts (in check mode with O(state=rotated), would
    decrypt), and of those that need an older one. Null where no pod runs that could tell.
  type: dict
  returned: when it was proved
  sample:
    first_key: 42
    older_keys: 0
lost:
  description: Some of the rows that no key decrypts.
  type: list
  elements: str
  returned: when there are any
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rotation import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "state": {"type": "str", "choices": ["present", "rotated", "finalized"], "default": "present"},
        "key": {"type": "str", "no_log": True},
        "verify": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
