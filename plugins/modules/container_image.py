#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: Build a container image from packages, without a container engine
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Builds an image of an evaluation cluster from a recipe, with Debian's buildah, and leaves it as an OCI archive in
    the cache of this collection.
  - The name of the archive holds the hash of the recipe, of what it copies and of the images below it. An archive that
    is there already is used as it is, which takes milliseconds.
  - Packages come from where this machine itself gets them (its apt sources, Python index, proxies and certificates);
    the image keeps no trace of that.
  - The cache is the folder E(DAGOPS_AIRFLOW_CACHE), else C(dagops-airflow) in E(XDG_CACHE_HOME) or C(~/.cache).
options:
  name:
    description: The image, as in V(localhost/airflow:3.3.2).
    type: str
    required: true
  source:
    description:
      - Folder with the recipes.
      - The recipe of V(localhost/NAME:TAG) is a Containerfile and what it copies, in C(images/NAME), laid over by
        C(images/NAME/TAG). It begins with V(FROM scratch), or with another image that has a recipe there.
      - An image that is a program of a locked Go module directory of this collection, as V(localhost/versitygw:1.8.0),
        has no recipe.
      - While it is built, its files are at C(/mnt/context), and what is in C(helpers) at C(/mnt).
    type: path
    required: true
attributes:
  check_mode:
    description: Tells whether the image would be built.
    support: full
  diff_mode:
    description: An archive has no diff.
    support: none
requirements:
  - root, on a machine with apt
  - buildah, mmdebstrap and uv
notes:
  - A build that is interrupted leaves nothing but a folder in the cache, which the next build of that image removes.
"""

EXAMPLES = r"""
- name: Have the image of Airflow in the cache
  dagops.airflow.container_image:
    name: localhost/airflow:3.3.2
    source: "{{ role_path }}/files"
  register: image
"""

RETURN = r"""
name:
  description: The image.
  type: str
  returned: success
  sample: localhost/airflow:3.3.2
packages:
  description: The Debian packages that this machine needs to build it.
  type: list
  elements: str
  returned: success
  sample: ["buildah", "mmdebstrap"]
missing:
  description: Whether the archive was not in the cache before.
  type: bool
  returned: success
archive:
  description: Where the OCI archive of the image is, or would be.
  type: str
  returned: success
  sample: /home/ada/.cache/dagops-airflow/images/airflow-3.3.2-0123456789ab.tar
log:
  description: The last lines of the build.
  type: list
  elements: str
  returned: failure of a build
"""

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.image import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import ArgumentSpec, run_module


def argument_spec() -> ArgumentSpec:
    """What the module and its action take."""
    return {
        "name": {"type": "str", "required": True},
        "source": {"type": "path", "required": True},
    }


def main() -> None:
    """Run as a module."""
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
