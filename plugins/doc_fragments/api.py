# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that talk to Airflow's API."""

    DOCUMENTATION = r"""
options:
  instance:
    description:
      - Name of the instance, for a task that does not work on an inventory host which describes one.
      - Mutually exclusive with O(values).
    type: str
  namespace:
    description: Namespace of O(instance); the instance's name if not given.
    type: str
  api_url:
    description:
      - Address of Airflow, with its path where it is not at the root.
      - If not given, a port is forwarded to a ready pod through the Kubernetes API, which needs no ingress.
    type: str
  api_username:
    description: User to log in as; the one of the Secret C(<instance>-admin) if not given.
    type: str
  api_password:
    description: Password of O(api_username).
    type: str
  api_validate_certs:
    description: Whether to verify the certificate of O(api_url).
    type: bool
    default: true
  api_ca_cert:
    description: File with the certificates to verify O(api_url) by; those of the system if not given.
    type: path
"""
