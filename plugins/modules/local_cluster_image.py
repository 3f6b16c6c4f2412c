#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: local_cluster_image
short_description: Load image archives into the evaluation cluster
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Loads the images of OCI archives into the node, so that pods can name them without any registry.
  - An image that the node has with the same digest is not loaded again.
extends_documentation_fragment:
  - dagops.airflow.local_cluster
options:
  archives:
    description:
      - Paths of OCI image archives. An image has the name that its archive's index gives it, in the annotation
        C(io.containerd.image.name) or C(org.opencontainers.image.ref.name), with its registry part.
    type: list
    elements: path
    required: true
attributes:
  check_mode:
    description: Tells which images would be loaded.
    support: full
  diff_mode:
    description: Has no diff.
    support: none
seealso:
  - module: dagops.airflow.local_cluster
"""

EXAMPLES = r"""
- name: Load the images that were built
  dagops.airflow.local_cluster_image:
    archives:
      - /home/ada/.cache/dagops-airflow/images/airflow-3.3.2-0c1d2e3f4a5b.tar
"""

RETURN = r"""
loaded:
  description: Names of the images that came.
  type: list
  elements: str
  returned: success
  sample: ["localhost/airflow:3.3.2"]
provider:
  description: What the cluster is made by.
  type: str
  returned: success
kubeconfig:
  description: Kubeconfig of an administrator.
  type: str
  returned: success
context:
  description: Context in the kubeconfig.
  type: str
  returned: success
kubectl:
  description: A kubectl that fits; null where there is none.
  type: str
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.cluster import WHICH
from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.cluster import run_image as run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module


def argument_spec() -> dict[str, t.Any]:
    return {**WHICH, "archives": {"type": "list", "elements": "path", "required": True}}


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
