# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The way in from outside the cluster.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.config import base_path
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def render(values: Values) -> list[Object]:
    """An Ingress to the API server."""
    wanted = values.ingress
    if not wanted.enabled:
        return []
    host = urllib.parse.urlsplit(values.core.base_url or "").hostname
    component = values.web_component
    backend = {"service": {"name": names.name(values, component), "port": {"name": component}}}
    path = {"path": base_path(values) or "/", "pathType": "Prefix", "backend": backend}
    spec = {
        "ingressClassName": wanted.class_name,
        "tls": [{"hosts": [host], "secretName": wanted.tls_secret}] if wanted.tls_secret else [],
        "rules": [{"host": host, "http": {"paths": [path]}}],
    }
    return [object_(values, "networking.k8s.io/v1", "Ingress", "ingress", annotations=wanted.annotations, spec=spec)]
