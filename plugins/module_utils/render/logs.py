# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What task logs need besides Airflow: a shared volume and what keeps it from filling, or what ships them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_cleanup, log_shipper
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_logging."""
    if values.logging.store != "volume":
        return log_shipper.render(values)
    return [*claim(values), *log_cleanup.render(values)]


def claim(values: Values) -> list[Object]:
    """The claim of the volume, unless a person names one of theirs."""
    volume = values.logging.volume
    if volume.existing_claim:
        return []
    spec = {
        "accessModes": [volume.access_mode],
        "storageClassName": volume.storage_class_name,
        "resources": {"requests": {"storage": volume.size}},
    }
    return [object_(values, "v1", "PersistentVolumeClaim", "logs", spec=spec)]
