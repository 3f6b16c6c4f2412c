# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job whose pod can write the shared volume of DAGs, which Airflow's own pods cannot.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import dags, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.render.trial import trial_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values, resources

COMPONENT = "dags-upload"
# An upload of the largest size is in memory some four times: as it comes, as JSON, and without base64.
RESOURCES = resources("50m", "64Mi", "1Gi")()
_OF_THE_CONTAINER = ("image", "imagePullPolicy", "securityContext", "terminationMessagePolicy")


def upload_job(values: Values, seconds: int) -> Object:
    """A Job whose pod waits for ``seconds`` to be told what to write.

    It runs where and as whom a pod of the DAG processor would, with the same image and identity, but without its
    secrets and its configuration.
    """
    job = trial_job(values, f"import time; time.sleep({seconds})")
    meta, template = job["metadata"], job["spec"]["template"]
    labels = names.labels(values, COMPONENT)
    template["metadata"]["labels"] |= labels
    spec = template["spec"]
    (main,) = spec["containers"]
    mounts = [mount for mount in main["volumeMounts"] if mount["name"] == dags.VOLUME]
    volumes = [volume for volume in spec["volumes"] if volume["name"] == dags.VOLUME]
    container = {
        **{key: value for key, value in main.items() if key in _OF_THE_CONTAINER},
        "name": COMPONENT,
        # Past the image's entrypoint, which would start Airflow.
        "command": main["args"],
        "resources": RESOURCES,
        "volumeMounts": [{key: value for key, value in mount.items() if key != "readOnly"} for mount in mounts],
    }
    spec = {
        **{key: value for key, value in spec.items() if key != "initContainers"},
        "automountServiceAccountToken": False,
        # There is nothing to be ended with care.
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": volumes,
    }
    body = {
        **job["spec"],
        # A run that is killed leaves nothing for longer.
        "activeDeadlineSeconds": seconds,
        "ttlSecondsAfterFinished": 60,
        "template": {**template, "spec": spec},
    }
    return {
        **job,
        "metadata": {**meta, "name": names.name(values, COMPONENT), "labels": {**meta["labels"], **labels}},
        "spec": body,
    }
