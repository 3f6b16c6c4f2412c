#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: go_binary
short_description: Build the programs of a locked Go module directory
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Builds programs from Go modules whose versions and hashes are locked, and keeps them in a cache.
  - The cache's key is the content of the directory, so nothing is built twice, and a changed lock is a new entry.
  - An interruption at any moment leaves no half-made entry, and two runs at once build once.
options:
  source:
    description:
      - "Directory that holds C(go.mod), C(go.sum) and C(tool.toml)."
      - Its C(tool) directives, or its own source, say what is built.
      - "C(tool.toml) gives C(ldflags), C(binary) (the name of its only program, where that is not the directory's), and
        for a program that runs in a container C([image]) with C(name) and C(user)."
    type: path
    required: true
  image:
    description:
      - Also write the image of its only program, which C(tool.toml) has to describe in C([image]), as an OCI archive.
      - The image holds the program and nothing else.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells whether something would be built.
    support: full
  diff_mode:
    description: Has no diff.
    support: none
notes:
  - The cache is E(DAGOPS_AIRFLOW_CACHE), else C(dagops-airflow) in E(XDG_CACHE_HOME), else C(~/.cache/dagops-airflow).
requirements:
  - Go 1.21 or later, unless the programs are in the cache
"""

EXAMPLES = r"""
- name: Build etcd
  dagops.airflow.go_binary:
    source: "{{ role_path }}/files/go/etcd"
  register: etcd

- name: Build an image of the statsd exporter
  dagops.airflow.go_binary:
    source: "{{ role_path }}/files/go/statsd-exporter"
    image: true
  register: statsd_exporter

- name: Load it into the evaluation cluster
  dagops.airflow.local_cluster_image:
    archives:
      - "{{ statsd_exporter.archive }}"
"""

RETURN = r"""
path:
  description: Directory of the programs.
  type: str
  returned: success
  sample: /home/ada/.cache/dagops-airflow/bin/etcd-53b2c1d0a3f4
programs:
  description: Paths of the programs.
  type: list
  elements: str
  returned: success
archive:
  description: Path of the image's archive.
  type: str
  returned: when O(image) is true
  sample: /home/ada/.cache/dagops-airflow/images/statsd-exporter-0c1d2e3f4a5b.tar
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.oci import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module


def argument_spec() -> dict[str, t.Any]:
    return {"source": {"type": "path", "required": True}, "image": {"type": "bool", "default": False}}


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
