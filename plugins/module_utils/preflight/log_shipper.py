# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must be true of the namespace that the log shipper runs in: pure functions over what the cluster said.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.preflight.checks import Permission, applied
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

ENFORCED: t.Final = "pod-security.kubernetes.io/enforce"
VARIABLE: t.Final = "airflow_logging_shipper"


def wrong_namespace(values: Values, namespace: Object | None) -> t.Iterator[str]:
    """A namespace that is not there, or that admits no pod which reads files of the node."""
    there = values.shipper_namespace
    if namespace is None:
        if there != values.namespace:
            yield (
                f"{VARIABLE}.namespace names Namespace '{there}', which does not exist: have it made, with the label "
                f"{ENFORCED}: privileged"
            )
        return
    if there == values.namespace and values.rbac.namespace_managed:
        # A run sets its label.
        return
    level = (namespace["metadata"].get("labels") or {}).get(ENFORCED)
    if level in ("baseline", "restricted"):
        yield (
            f"the log shipper reads files of the node, which namespace {there} forbids (its label {ENFORCED} is "
            f"'{level}'): name another one by {VARIABLE}.namespace, or have the label changed"
        )


def permissions(objects: t.Iterable[Object], namespace: str) -> list[Permission]:
    """What the play does there."""
    found = {item["kind"] for item in objects if item["metadata"].get("namespace") == namespace}
    return [
        *applied(map(kinds.named, found)),
        Permission("", "pods", frozenset(["get", "list"])),
        Permission("", "secrets", frozenset(["get"])),
    ]


def secrets(values: Values) -> t.Iterator[tuple[str, str]]:
    """Secrets that its pods read there, with the variables that name them."""
    shipper = values.logging.shipper
    for name in values.instance.image_pull_secrets:
        yield "airflow_image_pull_secrets", name
    for option, reference in (("credentials", shipper.credentials), ("ca", shipper.ca)):
        if reference:
            yield f"{VARIABLE}.{option}.name", reference.name
