"""The native evaluation cluster: up, repaired, stopped, up again, away, and nothing left of it.

It is a second cluster beside the one that a person may have, with a name and networks of its own. The tests follow its
life, so they run in this order.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "dagops-e2e"
STATE = pathlib.Path("/var/lib/dagops-airflow", NAME)
VARIABLES: t.Final[dict[str, t.Any]] = {
    "local_cluster_name": NAME,
    "local_cluster_provider": "native",
    "local_cluster_link_cidr": "10.200.255.0/30",
    "local_cluster_pod_cidr": "10.254.0.0/16",
    "local_cluster_service_cidr": "10.106.0.0/16",
}
DNS = "10.106.0.10"
PLACES = (
    "/etc/cni",
    "/opt/containerd",
    "/run/containerd",
    "/run/dagops-airflow",
    "/run/netns",
    "/usr/libexec/kubernetes",
    "/var/lib/cni",
    "/var/lib/dagops-airflow",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
"""Where a node's programs write, whatever they are told."""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a native cluster needs root"),
    # The machine is compared with what it was.
    pytest.mark.alone,
]


# What a person does


class Play(t.NamedTuple):
    rc: int
    output: str
    changed: bool


def command(**variables: t.Any) -> list[str]:
    extra = json.dumps({**VARIABLES, **variables})
    return [
        str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
        "playbooks/local_cluster.yml",
        "-e",
        extra,
        "--tags=cluster",
    ]


def play(**variables: t.Any) -> Play:
    done = subprocess.run(
        command(**variables), cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return Play(done.returncode, done.stdout + done.stderr, "changed=0" not in done.stdout)


def bring(state: str, **variables: t.Any) -> Play:
    done = play(local_cluster_state=state, **variables)
    assert done.rc == 0, done.output
    return done


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import tools

    program = tools.named("kubernetes").target / "kubectl"
    done = subprocess.run(
        [program, f"--kubeconfig={STATE / 'kubeconfig'}", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What a machine is like


def lines(*program: str) -> list[str]:
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()


def others() -> set[str]:
    """Clusters that live beside ours and change while we look."""
    parent = STATE.parent
    return {path.name for path in parent.iterdir() if path.name != NAME} if parent.exists() else set()


def cgroups() -> set[str]:
    root = pathlib.Path("/sys/fs/cgroup")
    return {folder for folder, _folders, _files in os.walk(root) if not others() & set(pathlib.Path(folder).parts)}


def files() -> set[str]:
    found = {place for place in PLACES if os.path.exists(place)}
    for place in PLACES:
        found |= {f"{place}/{name}" for name in (os.listdir(place) if os.path.isdir(place) else ())}
    return found


def settings() -> list[str]:
    names = ("vm.overcommit_memory", "vm.panic_on_oom", "kernel.panic", "kernel.panic_on_oops", "net.ipv4.ip_forward")
    return lines("sysctl", *names, "net.netfilter.nf_conntrack_max")


def processes() -> set[str]:
    """Processes that belong to our cluster: by their command, their environment or their cgroup."""
    found = set()
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                told = b"".join((process / name).read_bytes() for name in ("cmdline", "environ", "cgroup"))
                if str(STATE).encode() in told or f"/{NAME}/".encode() in told:
                    found.add(f"{process.name} {(process / 'comm').read_text().strip()}")
    return found


def machine() -> dict[str, t.Any]:
    """All that a cluster must leave as it was."""
    return {
        "mount": sorted(pathlib.Path("/proc/self/mounts").read_text().splitlines()),
        "ip netns": lines("ip", "netns"),
        "ip route": lines("ip", "route"),
        "ip link": [line.split()[0] for line in lines("ip", "-br", "link")],
        "iptables-save": [line for line in lines("iptables-save") if not line.startswith("#")],
        "sysctl": settings(),
        "cgroups": cgroups(),
        "files": files(),
        "processes": processes(),
    }


@pytest.fixture(scope="module", autouse=True)
def before() -> t.Iterator[dict[str, t.Any]]:
    bring("absent")
    found = machine()
    assert found["processes"] == set()
    yield found
    bring("absent")


# Its life


def test_up(before: dict[str, t.Any]) -> None:
    assert bring("present").changed
    assert any(NAME in line.split() for line in lines("ip", "netns"))
    assert settings() == before["sysctl"]
    assert [line for line in lines("iptables-save") if not line.startswith("#")] == before["iptables-save"]


def test_up_again_changes_nothing_and_is_quick() -> None:
    started = time.monotonic()
    assert not bring("present").changed
    assert time.monotonic() - started < 20


def test_status_is_ready() -> None:
    assert f"Cluster {NAME} is ready" in bring("status").output


def test_the_kubeconfig_is_for_its_owner_alone() -> None:
    assert (STATE / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert kubectl("config", "current-context").strip() == NAME


def test_logs_are_read_through_the_api() -> None:
    assert "CoreDNS" in kubectl("logs", "--namespace=kube-system", "deployment/coredns")


def test_this_machine_reaches_pods_and_services() -> None:
    address = kubectl(
        *("get", "pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns"),
        "--output=jsonpath={.items[0].status.podIP}",
    )
    with socket.create_connection((address, 8181), timeout=5):
        pass
    question = bytes.fromhex("123401000001000000000000") + b"".join(
        bytes([len(part)]) + part.encode() for part in ["kubernetes", "default", "svc", "cluster", "local", ""]
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(5)
        asked.sendto(question + bytes.fromhex("00010001"), (DNS, 53))
        assert asked.recv(512).endswith(socket.inet_aton("10.106.0.1"))


def test_volumes_of_both_classes() -> None:
    """A pod of the helper's image makes a folder in each volume, which shows on the machine, and is removed with it."""

    def claim(name: str, mode: str, storage_class: str) -> dict[str, t.Any]:
        spec = {
            "accessModes": [mode],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "1Mi"}},
        }
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}

    def writer(name: str) -> dict[str, t.Any]:
        container = {
            "name": "writer",
            "image": "localhost/local-path-helper:0.0.30",
            "args": ["-p", "/data/written", "-a", "create"],
            "securityContext": {"runAsUser": 50000},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
        spec = {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}

    names = {"own": ("ReadWriteOnce", "local-path"), "shared": ("ReadWriteMany", "local-path-shared")}
    items = [claim(name, *how) for name, how in names.items()] + [writer(name) for name in names]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    kubectl("create", "--filename=-", stdin=listed)
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s", *(f"pod/{name}" for name in names))
    assert len(list(STATE.glob("volumes/*/*/written"))) == 2
    kubectl("delete", "--filename=-", stdin=listed)
    deadline = time.monotonic() + 60
    while list(STATE.glob("volumes/*/*")) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert list(STATE.glob("volumes/*/*")) == []


def pid(daemon: str) -> int:
    (found,) = [line for line in processes() if line.split()[1] == daemon]
    return int(found.split()[0])


def running_containers() -> str:
    ids = "--output=jsonpath={.items[*].status.containerStatuses[*].containerID}"
    return kubectl("get", "pods", "--namespace=kube-system", ids)


def test_what_was_killed_is_told_and_started_again() -> None:
    for daemon in ("kube-scheduler", "containerd", "kubelet"):
        os.kill(pid(daemon), signal.SIGKILL)
    containers = running_containers()
    told = play(local_cluster_state="status")
    assert told.rc != 0
    assert "containerd does not run; kubelet does not run; kube-scheduler does not run" in " ".join(told.output.split())
    assert bring("present").changed
    bring("status")
    assert running_containers() == containers


def test_data_can_be_kept(before: dict[str, t.Any]) -> None:
    kubectl("create", "configmap", "kept")
    assert bring("absent", local_cluster_keep_data=True).changed
    now = machine()
    assert now["processes"] == set()
    assert {name: now[name] for name in now if name != "files"} == {
        name: before[name] for name in before if name != "files"
    }
    bring("present")
    kubectl("get", "configmap", "kept")


def test_another_network_is_refused() -> None:
    refused = play(local_cluster_state="present", local_cluster_pod_cidr="10.253.0.0/16")
    assert refused.rc != 0
    assert "exists with pod_cidr 10.254.0.0/16, not 10.253.0.0/16. Remove it first" in " ".join(refused.output.split())


def test_an_addon_off_the_list_is_removed_and_comes_back_with_it() -> None:
    def figures() -> str:
        return kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--ignore-not-found", "--output=name")

    less = ["coredns", "local-path"]
    assert figures()
    assert bring("present", local_cluster_addons=less).changed
    assert figures() == ""
    assert not bring("present", local_cluster_addons=less).changed
    # Who does not say what he wants keeps what there is.
    assert not bring("present").changed
    assert bring("present", local_cluster_addons=[*less, "metrics-server"]).changed
    assert figures()


def test_nothing_is_left(before: dict[str, t.Any]) -> None:
    assert bring("absent").changed
    assert machine() == before
    assert not bring("absent").changed


def kill_all_with(mark: str) -> None:
    """Ansible's workers have sessions of their own, but all have the environment that the first of them got."""
    while pids := [
        int(process.name)
        for process in pathlib.Path("/proc").iterdir()
        if process.name.isdecimal() and mark in environment(process)
    ]:
        for one in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def environment(process: pathlib.Path) -> str:
    with contextlib.suppress(OSError):
        return (process / "environ").read_bytes().decode(errors="replace")
    return ""


@pytest.mark.parametrize("seconds", [1.5, 3, 6])
def test_nothing_is_left_of_an_interrupted_start(before: dict[str, t.Any], seconds: float) -> None:
    mark = f"DAGOPS_E2E_INTERRUPTED={os.getpid()}-{seconds}"
    name, _equals, value = mark.partition("=")
    with subprocess.Popen(
        command(local_cluster_state="present"),
        cwd=ROOT,
        env={**os.environ, name: value},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        time.sleep(seconds)
        kill_all_with(mark)
    bring("absent")
    assert machine() == before


def test_a_route_of_the_machine_into_its_networks_is_refused(before: dict[str, t.Any]) -> None:
    subprocess.run(["ip", "route", "add", "blackhole", "10.254.7.0/24"], check=True)
    try:
        refused = play(local_cluster_state="present")
    finally:
        subprocess.run(["ip", "route", "delete", "blackhole", "10.254.7.0/24"], check=True)
    assert refused.rc != 0
    assert "cannot use pod_cidr 10.254.0.0/16: this machine has a route to 10.254.7.0/24" in " ".join(
        refused.output.split()
    )
    bring("absent")
    assert machine() == before


def test_what_has_its_name_and_is_not_its_own_stays(before: dict[str, t.Any]) -> None:
    subprocess.run(["ip", "link", "add", f"{NAME}0", "type", "veth", "peer", "name", f"{NAME}1"], check=True)
    try:
        refused = play(local_cluster_state="present")
        bring("absent")
        assert pathlib.Path("/sys/class/net", f"{NAME}0").exists()
    finally:
        subprocess.run(["ip", "link", "delete", f"{NAME}0"], check=True)
    assert refused.rc != 0
    assert f"This machine has a network interface {NAME}0 already" in " ".join(refused.output.split())
    assert machine() == before
