# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a node runs besides the API: containerd, kubelet, kube-proxy, controller-manager and scheduler.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    command,
    control_plane,
    network,
    processes,
    state,
)

PAUSE_IMAGE: t.Final = "localhost/pause:3.10"
CNI_PLUGINS: t.Final = pathlib.Path("/usr/lib/cni")
_MAX_PODS: t.Final = 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """The only node of a cluster."""

    folders: state.Folders
    network: network.Network
    kubernetes: pathlib.Path

    @property
    def name(self) -> str:
        return self.folders.name

    @property
    def socket(self) -> pathlib.Path:
        return self.folders.runtime / "containerd.sock"

    @property
    def volumes(self) -> pathlib.Path:
        """Where the storage classes keep the data of volumes."""
        return self.folders.state / "volumes"

    @property
    def volume_plugins(self) -> pathlib.Path:
        return self.folders.state / "volume-plugins"

    @property
    def containerd_daemon(self) -> processes.Daemon:
        config = self.folders.state / "containerd.toml"
        return processes.Daemon(
            name="containerd",
            command=(command.find("containerd") or "containerd", f"--config={config}"),
            files=(config,),
        )

    @property
    def kubelet_daemon(self) -> processes.Daemon:
        config = self.folders.state / "kubelet.json"
        return processes.Daemon(
            name="kubelet",
            command=(
                str(self.kubernetes / "kubelet"),
                f"--config={config}",
                f"--kubeconfig={self.folders.kubeconfigs / 'kubelet.conf'}",
                f"--root-dir={self.folders.state / 'kubelet'}",
                f"--cert-dir={self.folders.state / 'kubelet' / 'pki'}",
                f"--hostname-override={self.name}",
                f"--node-ip={self.network.node_address}",
                "--v=1",
            ),
            files=(config,),
        )

    @property
    def controller_daemons(self) -> tuple[processes.Daemon, ...]:
        """What needs an API that is ready: these end when they do not find it."""
        folders, kubeconfigs = self.folders, self.folders.kubeconfigs
        return (
            processes.Daemon(
                name="kube-controller-manager",
                command=(
                    str(self.kubernetes / "kube-controller-manager"),
                    f"--kubeconfig={kubeconfigs / 'controller-manager.conf'}",
                    f"--authentication-kubeconfig={kubeconfigs / 'controller-manager.conf'}",
                    f"--authorization-kubeconfig={kubeconfigs / 'controller-manager.conf'}",
                    f"--service-account-private-key-file={folders.pki / 'sa.key'}",
                    f"--root-ca-file={folders.pki / 'ca.crt'}",
                    f"--cluster-signing-cert-file={folders.pki / 'ca.crt'}",
                    f"--cluster-signing-key-file={folders.pki / 'ca.key'}",
                    f"--cluster-cidr={self.network.pod_cidr}",
                    "--allocate-node-cidrs=false",
                    f"--flex-volume-plugin-dir={self.volume_plugins}",
                    "--use-service-account-credentials=true",
                    "--leader-elect=false",
                ),
            ),
            processes.Daemon(
                name="kube-scheduler",
                command=(
                    str(self.kubernetes / "kube-scheduler"),
                    f"--kubeconfig={kubeconfigs / 'scheduler.conf'}",
                    f"--authentication-kubeconfig={kubeconfigs / 'scheduler.conf'}",
                    f"--authorization-kubeconfig={kubeconfigs / 'scheduler.conf'}",
                    "--leader-elect=false",
                ),
            ),
            processes.Daemon(
                name="kube-proxy",
                command=(
                    str(self.kubernetes / "kube-proxy"),
                    f"--kubeconfig={kubeconfigs / 'kube-proxy.conf'}",
                    f"--hostname-override={self.name}",
                    f"--cluster-cidr={self.network.pod_cidr}",
                    "--proxy-mode=iptables",
                    # The machine's connection tracking stays as it is.
                    "--conntrack-max-per-core=0",
                    "--conntrack-tcp-timeout-established=0s",
                    "--conntrack-tcp-timeout-close-wait=0s",
                ),
            ),
        )

    def write_configuration(self) -> bool:
        """Have all configuration files; whether one had to be written."""
        # A file without servers: what CoreDNS does not know, nobody in the cluster knows.
        written = [
            state.write(self.folders.state / "resolv.conf", "# no servers\n"),
            state.write(self.folders.state / "containerd.toml", self._containerd()),
            state.write(self.folders.state / "kubelet.json", _json(self._kubelet())),
            state.write(self.folders.state / "cni" / "10-bridge.conflist", _json(self._cni())),
        ]
        return any(written)

    def _containerd(self) -> str:
        state_folder, runtime = self.folders.state, self.folders.runtime
        return f"""\
version = 2
root = "{state_folder}/containerd"
state = "{runtime}/containerd"

[grpc]
  address = "{self.socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{state_folder}/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Not every machine lets us lower it, and then no sandbox would start.
  restrict_oom_score_adj = true
  # Under our own folder rather than /run/netns: they are ours to remove.
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{state_folder}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{runtime}/runc"
"""

    def _cni(self) -> dict[str, t.Any]:
        bridge = {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "dataDir": str(self.folders.state / "cni" / "addresses"),
                "ranges": [[{"subnet": self.network.pod_cidr}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
        portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": self.cni_network, "plugins": [bridge, portmap]}

    @property
    def cni_network(self) -> str:
        return f"dagops-airflow-{self.name}"

    def _kubelet(self) -> dict[str, t.Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self.folders.pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [self.network.dns_address],
            "clusterDomain": control_plane.DOMAIN,
            "resolvConf": str(self.folders.state / "resolv.conf"),
            "maxPods": _MAX_PODS,
            "serializeImagePulls": False,
            "registryPullQPS": 0,
            "rotateCertificates": False,
            # Images are loaded, not pulled: what the kubelet removes does not come back.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi"},
            # Folders of this cluster rather than of the machine.
            "podLogsDir": str(self.folders.logs / "pods"),
            "volumePluginDir": str(self.volume_plugins),
        }


def _json(content: dict[str, t.Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
