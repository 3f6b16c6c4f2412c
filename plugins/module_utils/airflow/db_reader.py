# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes sure of the database user that KEDA counts with, who may read nothing else.

A pod of Airflow does it, since it knows the database and its owner: a tenth of a second, without a start of Airflow.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    AIRFLOW_COMPONENTS,
    Target,
    airflow_pods,
    described,
    newest_ready,
    run_inside,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import named
from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling, names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import POSTGRESQL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def run(face: Face) -> dict[str, t.Any]:
    """Make the user, if there is something to count, and let it read what it counts; else do nothing."""
    values = described(face.params)
    if not values.uses_keda:
        return {"changed": False, "user": None, "done": [], "diff": [], "api_requests": 0}
    cluster = connect(face.params, face.progress)
    account = _account(cluster, values)
    if account is None and not face.check_mode:
        place = f"Secret/{values.namespace}/{_secret(values)}"
        raise Failure(
            f"{place} is not there, or lacks user or password. Run the role airflow_database, which makes it."
        )
    pod = newest_ready(
        airflow_pods(cluster, Target(instance=values.name, namespace=values.namespace)), AIRFLOW_COMPONENTS
    )
    user = account.user if account else values.autoscaling.database.user
    if pod is None and not face.check_mode:
        raise Failure(
            f"No pod of instance {values.name} is ready that could make the database user {user}. Run the role "
            "airflow_core first, or see by playbooks/status.yml what keeps its pods from being ready."
        )
    done = [f"user {user}"]
    if pod and account:
        answer = run_inside(cluster, pod, "reader", stdin=_wanted(values, account, look=face.check_mode))
        if answer["problem"]:
            raise _refusal(values, account, answer["problem"])
        done = answer["done"]
    return {
        "changed": bool(done),
        "user": user,
        "done": done,
        "diff": [_difference(values, done)] if done else [],
        "api_requests": cluster.requests,
    }


def _secret(values: Values) -> str:
    own = values.autoscaling.database.credentials
    return own.name if own else names.name(values, "autoscaling")


def _account(cluster: Cluster, values: Values) -> secrets.Account | None:
    """Who KEDA is to the database; None where nobody has said yet."""
    own = values.autoscaling.database.credentials
    found = cluster.get(named("Secret"), _secret(values), values.namespace)
    data = (found or {}).get("data") or {}
    user, password = (
        base64.b64decode(data.get(key, "")).decode()
        for key in ((own.username_key, own.password_key) if own else ("username", "password"))
    )
    return secrets.Account(user=user, password=password) if user and password else None


def _wanted(values: Values, account: secrets.Account, *, look: bool) -> dict[str, t.Any]:
    host, port = names.server_address(values)
    server = {"host": host, "port": port, "dbname": values.database.name, "sslmode": secrets.sslmode(values)}
    return {
        # Nothing of ours stands before MySQL.
        "server": server if values.database_kind is POSTGRESQL else {},
        "user": account.user,
        "password": account.password,
        "managed": values.autoscaling.database.credentials is None,
        "columns": autoscaling.columns(values),
        "queries": autoscaling.queries(values),
        "look": look,
    }


def _refusal(values: Values, account: secrets.Account, problem: str) -> Failure:
    if values.autoscaling.database.credentials:
        return Failure(
            f"airflow_autoscaling_database.credentials names the user {account.user}, who cannot count what KEDA is to "
            f"scale by: {problem}. Have the user made ({values.database_kind.creation.format(account.user)}), and "
            f"these granted by the owner of the tables: {'; '.join(grants(values, account.user))}.",
        )
    return Failure(
        f"The database user {account.user}, who is to count for KEDA, could not be made: {problem}. If Airflow's own "
        f"user {values.database.user} may not make users, have one made by who may, put its name and password into a "
        "Secret, and name that in airflow_autoscaling_database.credentials."
    )


def grants(values: Values, user: str) -> list[str]:
    """What the user needs, as SQL."""
    return [
        values.database_kind.grant.format(", ".join(columns), table, user)
        for table, columns in autoscaling.columns(values).items()
    ]


def _difference(values: Values, done: list[str]) -> dict[str, str]:
    header = f"database of {values.name}"
    after = "".join(f"{one}\n" for one in done)
    return {"before_header": header, "after_header": header, "before": "", "after": after}
