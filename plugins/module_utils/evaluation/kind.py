# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster in a container, by kind.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import shutil
import tempfile
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    cache,
    command,
    images,
    oci,
    provider,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.kubectl import Kubectl, node_ready
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

NODE_IMAGE: t.Final = "kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f"
_BUILT_IN: t.Final = "coredns"
"""The add-on that kind's node has of itself."""
_VOLUMES: t.Final = "/var/lib/dagops-airflow/volumes"
"""In the node's container, so that volumes go when it goes."""
_PATIENCE: t.Final = 300


def engine() -> str | None:
    """The container engine that answers."""
    return next((name for name in ("docker", "podman") if command.attempt([name, "info"]).returncode == 0), None)


def installed() -> bool:
    return command.find("kind") is not None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A cluster of one node in a container, as it is wanted."""

    folders: state.Folders
    pod_cidr: str
    service_cidr: str
    addons: tuple[str, ...]
    say: cache.Say

    @property
    def name(self) -> str:
        return "kind"

    @property
    def kubeconfig(self) -> pathlib.Path:
        return self.folders.kubeconfig

    @property
    def context(self) -> str:
        return self.folders.name

    @property
    def kubectl(self) -> str | None:
        return command.find("kubectl")

    @property
    def record(self) -> state.Record:
        return {
            "name": self.folders.name,
            "provider": self.name,
            "components": "all",
            "pod_cidr": self.pod_cidr,
            "service_cidr": self.service_cidr,
        }

    def present(self) -> bool:
        state.refuse_other(self.folders, self.record)
        client = self._client()
        own = [name for name in self.addons if name != _BUILT_IN]
        tools = addons.images(own)
        built = [oci.ensure(tool, self.say) for tool in tools]
        with state.hold(self.folders, self.say):
            changed = [self.folders.write_record(self.record), self._create()]
            changed.append(self._write_kubeconfig())
            changed.append(bool(self.load([oci.archive_of(tool) for tool in tools])))
            facts = {"volumes": _VOLUMES}
            manifests = {name: addons.manifests(name, facts, client, self.say) for name in own}
            if _BUILT_IN in self.addons:
                manifests[_BUILT_IN] = []
            applied, objects = addons.ensure(client, self.folders, manifests)
            addons.wait(client, objects, _PATIENCE)
        return any([*built, *changed, applied])

    def absent(self, *, keep_data: bool) -> bool:
        if keep_data:
            raise Failure(f"Cluster {self.folders.name} is kind's, which cannot keep its data without its container.")
        with state.hold(self.folders, self.say):
            existed = self._exists()
            if existed:
                self._kind("delete", "cluster", purpose="delete the cluster")
            existed = existed or self.folders.state.exists()
            shutil.rmtree(self.folders.state, ignore_errors=True)
            self.folders.forget()
        return existed

    def status(self) -> provider.Status:
        if not self._exists():
            return provider.Status(exists=False)
        client = self._client()
        if not node_ready(client.get("nodes")):
            return provider.Status(exists=True, problems=("the node is not ready",))
        return provider.Status(exists=True, addons=addons.status(client, self.folders))

    def load(self, archives: c.Sequence[pathlib.Path], *, pretend: bool = False) -> list[str]:
        ctr = [engine() or "docker", "exec", f"{self.folders.name}-control-plane", "ctr", "--namespace=k8s.io"]
        missing = images.missing(images.loaded(ctr), archives)
        for archive, names in missing.items() if not pretend else ():
            images.tell_large(archive, names, self.say)
            self._kind("load", "image-archive", str(archive), purpose=f"load {archive}")
        return images.names(missing)

    def _create(self) -> bool:
        if self._exists():
            return False
        self.say("creating kind's cluster")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
            json.dump(self._config(), config)
            config.flush()
            # A file of its own, or kind makes the cluster the current one of the person's kubeconfig.
            options = [
                f"--config={config.name}",
                f"--kubeconfig={self.folders.state / 'kind.kubeconfig'}",
                "--wait=300s",
            ]
            self._kind("create", "cluster", *options, purpose="create the cluster")
        return True

    def _write_kubeconfig(self) -> bool:
        told = self._kind("get", "kubeconfig", purpose="write the kubeconfig")
        # The same context as the native provider's, so that an inventory fits both.
        return state.write(self.kubeconfig, told.replace(f"kind-{self.folders.name}", self.folders.name))

    def _config(self) -> dict[str, t.Any]:
        return {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            # As on the native node.
            "featureGates": {"MutatingAdmissionPolicy": True},
            "runtimeConfig": {"admissionregistration.k8s.io/v1beta1": "true"},
            "networking": {"podSubnet": self.pod_cidr, "serviceSubnet": self.service_cidr},
            "nodes": [{"role": "control-plane", "image": NODE_IMAGE}],
        }

    def _exists(self) -> bool:
        return self.folders.name in command.run(["kind", "get", "clusters"], purpose="list kind's clusters").split()

    def _kind(self, *arguments: str, purpose: str) -> str:
        return command.run(["kind", *arguments, f"--name={self.folders.name}"], purpose=f"{purpose} (kind)")

    def _client(self) -> Kubectl:
        program = self.kubectl
        if program is None:
            raise Failure("kubectl is not installed, and a cluster of kind needs it. Install kubectl 1.34 or later.")
        return Kubectl(program=program, kubeconfig=self.kubeconfig, context=self.context)
