#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Tell what an image of Airflow holds
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Runs the image of an instance's description (C(airflow_image)) once, in a Job, just as the instance's DAG processor
    would run it, with the configuration and the DAGs that this one would see, and tells what it finds.
  - Nothing of the instance changes, so it can be asked before an image is rolled out. The instance has to be there.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  wait_timeout:
    description: Seconds that the Job may take, with the pull of the image.
    type: int
    default: 600
attributes:
  check_mode:
    description: Changes nothing of the instance, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so it has no diff.
    support: none
"""

EXAMPLES = r"""
- name: Look into the image that the inventory names
  dagops.airflow.image_info:
  register: image

- name: Tell what speaks against it
  ansible.builtin.debug:
    msg: "{{ image.problems }}"
"""

RETURN = r"""
image:
  description: The image.
  type: str
  returned: success
  sample: docker.io/apache/airflow:3.3.2
version:
  description: Version of Airflow in it; null where there is no package of that name.
  type: str
  returned: success
dags:
  description: Ids of the DAGs of each bundle (Airflow 2 has but one). Empty where the version is not the wanted one.
  type: dict
  returned: success
  sample:
    dags-folder: [dagops_canary]
import_errors:
  description: For each bundle, the files that cannot be imported, with the errors.
  type: dict
  returned: success
  sample:
    dags-folder: {}
duplicates:
  description: Ids of DAGs that several bundles hold, with the names of these.
  type: dict
  returned: success
problems:
  description: A sentence for everything that speaks against running the image.
  type: list
  elements: str
  returned: success
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.image_info import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "wait_timeout": {"type": "int", "default": 600},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
