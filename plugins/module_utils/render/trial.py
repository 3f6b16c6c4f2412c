# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job that looks at an image before a release: what the DAG processor would find in it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import copy

from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_processor, names, overrides
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, named_by_content, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

COMPONENT = "trial"
_OF_A_SERVER = ("livenessProbe", "readinessProbe", "startupProbe", "ports", "lifecycle")


def trial_job(values: Values, script: str, *arguments: str) -> Object:
    """A Job that runs ``script`` (Python) with ``arguments`` once, as a pod of the DAG processor would run it.

    So it has the same image, identity, configuration and DAGs, with all that the person's overrides change in these.
    What only accompanies a server is left out: probes, and containers beside the main one.
    """
    component = "dag-processor"
    processor = next(item for item in dag_processor.render(values) if item["kind"] == "Deployment")
    template = copy.deepcopy(overrides.applied(values, processor)["spec"]["template"])
    spec = template["spec"]
    main = next(one for one in spec["containers"] if one["name"] == component)
    # Else it would be taken for one of the DAG processor's own.
    template["metadata"]["labels"] |= names.labels(values, COMPONENT)
    spec["containers"] = [
        {
            **{key: value for key, value in main.items() if key not in _OF_A_SERVER},
            "name": COMPONENT,
            "args": ["python", "-c", script, *arguments],
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }
    ]
    spec["restartPolicy"] = "Never"
    content = {"backoffLimit": 0, "ttlSecondsAfterFinished": 3600, "template": template}
    return named_by_content(object_(values, "batch/v1", "Job", COMPONENT, spec=content))
