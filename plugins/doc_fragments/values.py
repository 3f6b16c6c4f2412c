# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that work on an instance."""

    DOCUMENTATION = r"""
options:
  values:
    description:
      - The C(airflow_*) variables that describe the instance, as the roles document them.
      - If not given, those of the inventory host are taken, so tasks need not name them. A module that runs on a
        target gets them from its action plugin.
    type: dict
"""
