# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The only file that imports kubernetes.core: its authentication options and how they become a configuration.

kubernetes.core promises no API to other collections. These names have been the same since its version 2.4, and a unit
test imports every one, so that a new major version breaks one test and no user.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import copy
import os
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core

from ansible_collections.dagops.airflow.plugins.module_utils.face import ArgumentSpec, Failure

KUBERNETES_IMPORT_ERROR: str | None
try:
    import kubernetes
    from kubernetes.config import kube_config
except ImportError:
    KUBERNETES_IMPORT_ERROR = traceback.format_exc()
else:
    KUBERNETES_IMPORT_ERROR = None

CLUSTER_OPTIONS: t.Final[ArgumentSpec] = copy.deepcopy(AUTH_ARG_SPEC)


class Configuration(t.NamedTuple):
    """How to speak to one API server."""

    client: t.Any
    """A ``kubernetes.client.Configuration``."""
    headers: dict[str, t.Any]
    """Impersonation."""
    source: str
    """Where it came from, in words."""


def _auth(params: dict[str, t.Any]) -> dict[str, t.Any]:
    given = {name: value for name, value in params.items() if name in AUTH_ARG_SPEC and value is not None}
    auth: dict[str, t.Any] = core._create_auth_spec(None, **given)
    # kubernetes reads KUBECONFIG when it is imported, which is before a task's `environment` is known. In a pod without
    # further words, the pod's own service account comes first, as in kubernetes.core.
    if not auth.get("kubeconfig") and not auth.get("host") and "KUBERNETES_SERVICE_HOST" not in os.environ:
        auth["kubeconfig"] = os.environ.get("KUBECONFIG")
    return auth


def _source(auth: dict[str, t.Any]) -> str:
    kubeconfig, context = auth.get("kubeconfig"), auth.get("context")
    if auth.get("host"):
        return "option host"
    if kubeconfig or context or "KUBERNETES_SERVICE_HOST" not in os.environ:
        where = "kubeconfig" if isinstance(kubeconfig, dict) else f"kubeconfig {kubeconfig or '~/.kube/config'}"
        return f"{where}, context {context}" if context else where
    return "the service account of this pod"


def configure(params: dict[str, t.Any]) -> Configuration:
    """The configuration that kubernetes.core makes of its options, ``K8S_AUTH_*``, kubeconfig or the pod we run in."""
    if KUBERNETES_IMPORT_ERROR is not None:
        raise Failure(missing_required_lib("kubernetes"), exception=KUBERNETES_IMPORT_ERROR)
    auth = _auth(params)
    source = _source(auth)
    kubeconfig = auth.get("kubeconfig")
    if isinstance(kubeconfig, str):
        auth["kubeconfig"] = _existing(kubeconfig)
    # kubernetes keeps what it loads as the default for what comes next: another cluster must not get our credentials.
    kubernetes.client.Configuration.set_default(None)
    try:
        client = core._create_configuration(auth)
        headers: dict[str, t.Any] = core._create_headers(None, **params)
    except kubernetes.config.ConfigException as error:
        raise Failure(
            f"The Kubernetes API cannot be found by {source}: {str(error).rstrip('.')}. "
            "Set kubeconfig and context (or K8S_AUTH_KUBECONFIG and K8S_AUTH_CONTEXT) to a cluster you can use."
        ) from error
    except Exception as error:
        # A broken kubeconfig raises whatever its parser or its credential plugin raises.
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise Failure(
            f"{source} is no valid configuration ({why}). Compare it with what kubectl config view prints."
        ) from error
    if not client.host.startswith(("https://", "http://")):
        raise Failure(f"The API server of {source} is {client.host!r}; it must be a URL such as https://host:6443.")
    return Configuration(client, headers, source)


def _existing(kubeconfig: str) -> str:
    paths = [os.path.expanduser(path) for path in kubeconfig.split(os.pathsep) if path]
    if not any(os.path.exists(path) for path in paths):
        raise Failure(
            f"There is no kubeconfig {kubeconfig}. Set kubeconfig or K8S_AUTH_KUBECONFIG to an existing file."
        )
    for path in paths:
        if os.path.exists(path) and not os.access(path, os.R_OK):
            raise Failure(f"The kubeconfig {path} cannot be read by this user: permission denied.")
    return os.pathsep.join(paths)


def forget_files() -> None:
    """Remove the certificates that kubernetes wrote to temporary files.

    It removes them when Python exits in the ordinary way, which the workers of ansible-core never do.
    """
    cleanup = getattr(kube_config, "_cleanup_temp_files", None)
    if cleanup:
        cleanup()
