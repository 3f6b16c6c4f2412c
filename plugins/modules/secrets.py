#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets
short_description: Make sure that the Secrets of an Airflow instance exist
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Makes the Fernet key, the JWT secret, the key of web sessions, the password of the first administrator and that of
    the database user, each in a Secret that is named as in the official Helm chart; with a CeleryExecutor those of the
    broker and of Flower, too.
  - A value is the given one, else the existing one, else it is generated once. It is never generated anew, whatever
    else happens to the instance.
  - The connection strings of Airflow, its broker's address and the files of PgBouncer are derived from these in each
    run.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
  - dagops.airflow.given
options:
  state:
    description:
      - V(present) makes sure of the Secrets.
      - V(absent) deletes those that this module made. An instance cannot read its encrypted connections without them.
    type: str
    choices: [present, absent]
    default: present
  replace_fernet_key:
    description:
      - Consent to a Fernet key in place of one that it cannot stand in for, which exists, or is gone though the
        database of the running instance still holds what was encrypted with it. What is encrypted there is lost with
        that; M(dagops.airflow.fernet_key) rotates a key without loss.
    type: bool
    default: false
  keep_broker:
    description:
      - Leave the address of an external broker as it is, where there is one, for M(dagops.airflow.broker) to put
        another one there once it was found to answer. Fingerprints are those of the other one.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells what it would do, and changes nothing.
    support: full
  diff_mode:
    description: Tells for each key where its value comes from, never the value.
    support: full
seealso:
  - module: dagops.airflow.fernet_key
"""

EXAMPLES = r"""
- name: Make sure of the secrets of the inventory host's instance
  dagops.airflow.secrets:

- name: Bring a Fernet key of one's own
  dagops.airflow.secrets:
    values:
      airflow_instance: analytics
      airflow_core_executor: LocalExecutor
    given:
      fernet_key: "{{ lookup('community.hashi_vault.vault_kv2_get', 'analytics').secret.fernet_key }}"
"""

RETURN = r"""
secrets:
  description:
    - For each Secret, how each of its keys got its value (V(given), V(existing), V(generated), V(derived) from others,
      or V(fixed) by a variable).
  type: dict
  returned: success
  sample:
    analytics-fernet-key:
      fernet-key: existing
replaced:
  description:
    - Keys (C(<Secret>/<key>)) whose old value was replaced. Pods that read them need a restart.
  type: list
  elements: str
  returned: success
fingerprints:
  description:
    - For each Secret, keyed fingerprints of the values that it holds (in check mode, would hold), for
      O(dagops.airflow.manifests#module:secrets). Secrets of your own that pods read are among them.
  type: dict
  returned: when O(state=present)
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secret_store import run
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import GIVEN
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "given": {"type": "dict", "no_log": True, "options": {name: {"type": "str", "no_log": True} for name in GIVEN}},
        "replace_fernet_key": {"type": "bool", "default": False, "no_log": False},
        "keep_broker": {"type": "bool", "default": False},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
