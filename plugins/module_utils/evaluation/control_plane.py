# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""etcd and kube-apiserver, and the certificates of the cluster: the same for a whole node and for the API alone.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import ssl
import time
import typing as t
import urllib.error
import urllib.request

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command, processes, state
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

KUBERNETES_VERSION: t.Final = "v1.35.4"
DOMAIN: t.Final = "cluster.local"
_YEARS: t.Final = "87600h"
"""How long certificates are good for: nobody renews those of an evaluation cluster."""
_KUBEADM: t.Final = "kubeadm.k8s.io/v1beta4"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """The API of one cluster."""

    folders: state.Folders
    kubernetes: pathlib.Path
    """The folder of Kubernetes' programs."""
    etcd: pathlib.Path
    """etcd's program."""
    address: str
    """Where clients reach kube-apiserver."""
    service_cidr: str
    port: int = 6443
    etcd_port: int = 2379
    etcd_peer_port: int = 2380
    with_nodes: bool = True
    """Without nodes there is no controller-manager either: nobody makes the service accounts that pods need."""

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"

    @property
    def _advertised(self) -> str:
        """What kubeadm is told as the address: it refuses a loopback one, which nothing but the certificate uses."""
        return self.address if self.with_nodes else "192.0.2.1"

    @property
    def ca(self) -> pathlib.Path:
        return self.folders.pki / "ca.crt"

    @property
    def etcd_daemon(self) -> processes.Daemon:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.etcd_peer_port}"
        return processes.Daemon(
            name="etcd",
            command=(
                str(self.etcd),
                f"--name={self.folders.name}",
                f"--data-dir={self.folders.state / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster={self.folders.name}={peer}",
                # A power cut may cost an evaluation cluster its data; in return nothing waits for the disk.
                "--unsafe-no-fsync",
                "--log-level=warn",
            ),
        )

    @property
    def apiserver_daemon(self) -> processes.Daemon:
        pki = self.folders.pki
        alone = (
            # No kubernetes.default endpoint (it must not be a loopback address), and pods may do without a service
            # account, which no controller would make.
            "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount",
            f"--bind-address={self.address}",
        )
        return processes.Daemon(
            name="kube-apiserver",
            command=(
                str(self.kubernetes / "kube-apiserver"),
                f"--advertise-address={self.address}",
                f"--secure-port={self.port}",
                f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
                f"--service-cluster-ip-range={self.service_cidr}",
                f"--client-ca-file={self.ca}",
                f"--tls-cert-file={pki / 'apiserver.crt'}",
                f"--tls-private-key-file={pki / 'apiserver.key'}",
                f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
                f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
                # The node's name is in no DNS: `logs` and `exec` must use its address.
                "--kubelet-preferred-address-types=InternalIP",
                f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
                f"--service-account-key-file={pki / 'sa.pub'}",
                f"--service-account-signing-key-file={pki / 'sa.key'}",
                f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
                f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
                f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-username-headers=X-Remote-User",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                # Both are needed for MutatingAdmissionPolicy, which this version has off.
                "--feature-gates=MutatingAdmissionPolicy=true",
                "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
                *(() if self.with_nodes else alone),
            ),
        )

    def write_credentials(self) -> bool:
        """Have the certificates and all kubeconfigs; whether something had to be made."""
        if self.folders.kubeconfig.exists():
            return False
        folders = self.folders
        config = folders.state / "kubeadm.json"
        state.write(config, "\n---\n".join(json.dumps(part, indent=2) for part in self._kubeadm()) + "\n")
        kubeconfigs = f"--kubeconfig-dir={folders.kubeconfigs}"
        self._run_kubeadm("init", "phase", "certs", "all", f"--config={config}")
        if self.with_nodes:
            self._run_kubeadm("init", "phase", "kubeconfig", "all", f"--config={config}", kubeconfigs)
            # A name that Kubernetes' own roles know.
            proxy = self._run_kubeadm("kubeconfig", "user", f"--config={config}", "--client-name=system:kube-proxy")
            state.write(folders.kubeconfigs / "kube-proxy.conf", proxy)
        else:
            self._run_kubeadm("init", "phase", "kubeconfig", "super-admin", f"--config={config}", kubeconfigs)
        # Last, because it says that all the others are there. The context is named after the cluster.
        admin = (folders.kubeconfigs / "super-admin.conf").read_text(encoding="utf-8")
        context = f"kubernetes-super-admin@{folders.name}"
        return state.write(folders.kubeconfig, admin.replace(context, folders.name))

    def _run_kubeadm(self, *arguments: str) -> str:
        kubeadm = str(self.kubernetes / "kubeadm")
        return command.run([kubeadm, *arguments], purpose=f"make the certificates of cluster {self.folders.name}")

    def _kubeadm(self) -> c.Iterator[dict[str, t.Any]]:
        socket = self.folders.runtime / "containerd.sock"
        yield {
            "apiVersion": _KUBEADM,
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": self._advertised, "bindPort": self.port},
            "nodeRegistration": {"name": self.folders.name, "criSocket": f"unix://{socket}"},
        }
        yield {
            "apiVersion": _KUBEADM,
            "kind": "ClusterConfiguration",
            "clusterName": self.folders.name,
            "kubernetesVersion": KUBERNETES_VERSION,
            "controlPlaneEndpoint": f"{self.address}:{self.port}",
            "certificatesDir": str(self.folders.pki),
            # Ten RSA keys cost seconds on a small machine.
            "encryptionAlgorithm": "ECDSA-P256",
            "certificateValidityPeriod": _YEARS,
            "networking": {"serviceSubnet": self.service_cidr, "dnsDomain": DOMAIN},
            "etcd": {"external": {"endpoints": [f"http://127.0.0.1:{self.etcd_port}"]}},
            "apiServer": {"certSANs": ["localhost", "127.0.0.1"]},
        }

    def wait_ready(self, running: processes.Processes, patience: float) -> None:
        """Wait until the API serves; fails at once when one of its processes ends."""
        context = ssl.create_default_context(cafile=str(self.ca))
        deadline = time.monotonic() + patience
        while not is_ready(self.url, context):
            for daemon in (self.etcd_daemon, self.apiserver_daemon):
                if gone := running.why_gone(daemon):
                    raise Failure(f"Cluster {self.folders.name} has no API: {gone}")
            if time.monotonic() > deadline:
                raise Failure(
                    f"The API of cluster {self.folders.name} at {self.url} is not ready after {patience:.0f} s. "
                    f"See {running.log('kube-apiserver')}."
                )
            time.sleep(0.1)


def is_ready(url: str, context: ssl.SSLContext) -> bool:
    """Whether the API server at ``url`` says that it is ready, which it tells anybody."""
    # No proxy of the environment: the API is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{url}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
