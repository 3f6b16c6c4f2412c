# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """The secrets that a person may give."""

    DOCUMENTATION = r"""
options:
  given:
    description:
      - Secrets to use instead of existing and generated ones. If O(values) is not given, the variables of the inventory
        host are taken.
    type: dict
    suboptions:
      fernet_key:
        description: Fernet key, or several separated by commas, the newest first (C(airflow_core_fernet_key)).
        type: str
      jwt_secret:
        description: Secret that signs API tokens, 64 bytes or more (C(airflow_core_jwt_secret)).
        type: str
      api_secret_key:
        description: Secret that signs web sessions (C(airflow_core_api_secret_key)).
        type: str
      admin_password:
        description: Password of the first administrator (C(airflow_core_admin_password)).
        type: str
      database_password:
        description: Password of the database user (C(airflow_database_password)).
        type: str
      broker_password:
        description: Password of Celery's broker (C(airflow_celery_broker_password)).
        type: str
      flower_password:
        description: Password of Flower's user (C(airflow_celery_flower_password)).
        type: str
"""
