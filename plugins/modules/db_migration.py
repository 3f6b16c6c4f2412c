#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: db_migration
short_description: Migrate the metadata database of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Compares the revisions of the database (Airflow's own schema, and those of providers such as FAB) with the newest
    ones of the image, and migrates only where they differ.
  - A running pod of the same image is asked first. Where there is none, a Job of the image compares, and migrates if
    needed.
  - The Job also makes the first administrator while there are no users yet. Its password reaches it as a file from a
    Secret, so it is in no pod spec, argument or process list.
  - Teams of Airflow that sources of DAGs name (C(team) in C(airflow_git_sync_repositories) and
    C(airflow_core_dag_bundles)) are made, by the same Job or by a running pod. None is ever deleted.
  - A database that a newer Airflow has migrated is refused and left alone unless O(downgrade) says otherwise, and so is
    one that was used with another Fernet key.
  - One migration runs at a time. One that an interrupted run has left behind is waited for.
  - While a Job goes on, it tells which revision it is at; when it fails, its last log lines.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  wait_timeout:
    description: Seconds that the migration may take. It goes on in the cluster if the time is over.
    type: int
    default: 1800
  downgrade:
    description:
      - Consent to bring a database that a newer Airflow has migrated back to the revisions of the instance's image.
        What only newer tables and columns hold is lost.
      - Pods of the newer Airflow that still run meanwhile may fail, so stop them first if their tasks matter.
    type: bool
    default: false
  newer_image:
    description:
      - With O(downgrade=true), the image that has migrated the database. Only that one holds the way back.
      - If not given, it is found from the pods that still run.
    type: str
  show_sql:
    description:
      - In check mode, return the SQL that the migration would run.
      - Airflow makes the tables of an empty database from its models, so there is no SQL for these.
    type: bool
    default: false
  check_job:
    description:
      - In check mode, where no pod of the image runs that could be asked, run a Job that reads the revisions (with
        O(show_sql=true), the SQL, too), and delete it in the end.
      - It is the only thing that check mode makes in the cluster, so it wants this consent. It changes no database.
    type: bool
    default: false
  remembered:
    description:
      - What M(dagops.airflow.preflight) returned as C(remembered) in the same play. With it, a migration is refused
        when another run has changed the instance since.
    type: dict
  lost_fernet_key_accepted:
    description:
      - Consent to a Fernet key that decrypts nothing of what is encrypted in the database, because the old one is lost.
        Without it, such a database is refused before the pods that could not read it start.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: partial
    details:
      - Tells from which revisions to which where a running pod of the image can be asked, or a Job with
        O(check_job=true).
      - Else it tells where the database is now, if any pod of the instance runs, and that the Job would run, which may
        turn out to have nothing to do.
  diff_mode:
    description: Shows the revisions before and after, and the first administrator and teams where they are made.
    support: full
"""

EXAMPLES = r"""
- name: Migrate the database of the inventory host's instance
  dagops.airflow.db_migration:

- name: Give a large database an hour
  dagops.airflow.db_migration:
    wait_timeout: 3600

- name: Read the SQL that the upgrade would run, before any pod has the new image
  dagops.airflow.db_migration:
    show_sql: true
    check_job: true
  check_mode: true
  register: migration

- name: Go back to the older image that the inventory names again
  dagops.airflow.db_migration:
    downgrade: true
    newer_image: docker.io/apache/airflow:3.3.2
"""

RETURN = r"""
before:
  description: Revision of each schema before; null where there was none. Empty where nobody could be asked.
  type: dict
  returned: success
  sample:
    airflow: 1d6611b6ab7c
    fab: 02ca36b0235b
after:
  description: Revision of each schema after. Empty where nobody could be asked.
  type: dict
  returned: success
  sample:
    airflow: d2f4e1b3c5a7
    fab: 02ca36b0235b
administrator_created:
  description: Whether the first administrator was made.
  type: bool
  returned: success
teams_created:
  description: Teams of Airflow that were made.
  type: list
  elements: str
  returned: success
  sample: [data]
sql:
  description: For each schema, the SQL that the migration would run. Empty where nobody could be asked.
  type: dict
  returned: in check mode, if O(show_sql=true)
  sample:
    airflow: "BEGIN; ..."
image:
  description: Image whose schema the database has now.
  type: str
  returned: success
duration:
  description: Seconds that it took.
  type: float
  returned: success
job:
  description: Name of the Job.
  type: str
  returned: when the Job failed
revisions:
  description: Revisions of the database.
  type: dict
  returned: when the image does not know them
lost:
  description: Some of the rows that the Fernet key does not decrypt.
  type: list
  elements: str
  returned: when it decrypts none
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.migration import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "wait_timeout": {"type": "int", "default": 1800},
        "downgrade": {"type": "bool", "default": False},
        "newer_image": {"type": "str"},
        "show_sql": {"type": "bool", "default": False},
        "check_job": {"type": "bool", "default": False},
        "remembered": {"type": "dict"},
        "lost_fernet_key_accepted": {"type": "bool", "default": False, "no_log": False},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
