#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage the users of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Brings the users of Airflow to a desired state, all in one pass over its REST API.
  - Works with the FAB auth manager of Airflow 3 and of 2.11.
  - Where the instance's own administrator, whose password the Secret C(<instance>-admin) keeps, cannot log in, it is
    made, or its password set, from within a running pod. The password goes there by standard input.
  - A changed password is applied, and proved by a login.
  - Refuses what would lock people out; to remove the user that the module logs in as, to take its role C(Admin), or to
    leave no user with that role.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
  - dagops.airflow.api
options:
  users:
    description:
      - The users. What an entry does not name is left as it is.
      - If not given, the first administrator of the values, with the role C(Admin); nobody where an auth manager other
        than FAB's (C(core.auth_manager) in C(airflow_core_config)) knows the users.
    type: list
    elements: dict
    suboptions:
      username:
        description: Name of the user.
        type: str
        required: true
      email:
        description: E-mail address, which no two users may share.
        type: str
      first_name:
        description: First name.
        type: str
      last_name:
        description: Last name.
        type: str
      roles:
        description: Names of all roles of the user.
        type: list
        elements: str
      password:
        description: Password. A login tells whether it has to be changed.
        type: str
      state:
        description: Whether the user exists.
        type: str
        choices: [present, absent]
        default: present
  purge:
    description:
      - Delete users that O(users) does not name, except the one that the module logs in as and the first administrator
        of the values, which would be made again.
    type: bool
    default: false
  update_password:
    description: Whether to set the password of a user whose password is another one, or of new users only.
    type: str
    choices: [always, on_create]
    default: always
attributes:
  check_mode:
    description:
      - Tells what it would do, and changes nothing. A login counts as such in Airflow's records of its users.
      - Where the administrator cannot log in yet, a running pod reads the users from the database.
    support: full
  diff_mode:
    description: Shows each user before and after, passwords only by whether they change.
    support: full
"""

EXAMPLES = r"""
- name: Make sure of the first administrator of the inventory host's instance
  dagops.airflow.user:

- name: Manage all users
  dagops.airflow.user:
    purge: true
    users:
      - username: zoe
        email: zoe@example.com
        first_name: Zoe
        last_name: Zander
        roles: [Op]
        password: "{{ vault_zoe_password }}"

- name: Remove a user of an instance elsewhere
  dagops.airflow.user:
    instance: analytics
    namespace: data
    users:
      - username: bob
        state: absent
"""

RETURN = r"""
created:
  description: Names of users that were made.
  type: list
  elements: str
  returned: success
updated:
  description: Names of users that were changed.
  type: list
  elements: str
  returned: success
deleted:
  description: Names of users that were removed.
  type: list
  elements: str
  returned: success
administrator_reset:
  description: Whether the instance's administrator was made, or its password set, from within a pod.
  type: bool
  returned: success
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.access import API_CONSTRAINTS, API_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import TARGET_CONSTRAINTS, TARGET_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.users import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS

CONSTRAINTS = {**TARGET_CONSTRAINTS, **API_CONSTRAINTS}


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        **TARGET_OPTIONS,
        **API_OPTIONS,
        "users": {
            "type": "list",
            "elements": "dict",
            "options": {
                "username": {"type": "str", "required": True},
                "email": {"type": "str"},
                "first_name": {"type": "str"},
                "last_name": {"type": "str"},
                "roles": {"type": "list", "elements": "str"},
                "password": {"type": "str", "no_log": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            },
        },
        "purge": {"type": "bool", "default": False},
        "update_password": {
            "type": "str",
            "choices": ["always", "on_create"],
            "default": "always",
            "no_log": False,
        },
    }


def main() -> None:
    run_module(argument_spec(), run, **CONSTRAINTS)


if __name__ == "__main__":
    main()
