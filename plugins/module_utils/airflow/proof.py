# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a running Airflow can tell of the Fernet key: which of the values in its database a key decrypts.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    AIRFLOW_COMPONENTS,
    Target,
    airflow_pods,
    component_of,
    newest_ready,
    run_inside,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

KEY: t.Final = "fernet-key"

Proof = dict[str, t.Any]


def running_pod(cluster: Cluster, values: Values) -> Object | None:
    """A ready pod of Airflow, which can ask the database."""
    where = Target(instance=values.name, namespace=values.namespace, values=values)
    return newest_ready(airflow_pods(cluster, where), AIRFLOW_COMPONENTS)


def prove(cluster: Cluster, pod: Object, keys: list[str]) -> Proof:
    """How many values the first key decrypts, how many only another one, and some of those that none does."""
    return run_inside(cluster, pod, "decrypts", stdin=keys)


def refuse_blind_key(cluster: Cluster, values: Values, given: str | None) -> None:
    """Refuse to make a key for an instance without one whose database holds what only the lost key decrypts.

    Without a running pod nobody can tell; then the migration, which comes before the pods, finds out.
    """
    pod = running_pod(cluster, values)
    if pod is None:
        return
    # One that nobody has used stands for the one that would be generated.
    proof = prove(cluster, pod, fernet.split(given) if given else [fernet.generate()])
    if not proof["lost"] or proof["first"] + proof["later"]:
        return
    meta = pod["metadata"]
    secret = f"Secret/{values.namespace}/{names.name(values, KEY)}"
    other = "the given key (airflow_core_fernet_key) does not decrypt it" if given else "a new key could not decrypt it"
    raise Failure(
        f"{secret} is gone or empty, but the database of instance {values.name} holds what was encrypted with its key "
        f"(such as {', '.join(proof['lost'][:5])}), and {other}. Nothing was changed. Give the old key by "
        "airflow_core_fernet_key for one run: from a vault or a backup, or from a pod that still runs with it (kubectl "
        f"exec -n {values.namespace} {meta['name']} -c {component_of(pod)} -- printenv AIRFLOW__CORE__FERNET_KEY). If "
        "nothing is to be kept, dagops.airflow.secrets with replace_fernet_key makes a new one.",
        lost=proof["lost"],
    )
