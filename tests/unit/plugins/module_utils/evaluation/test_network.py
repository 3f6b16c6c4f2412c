"""The node's network, as far as it is arithmetic."""

from __future__ import annotations

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import network

NETWORK = network.Network(
    name="dagops", link_cidr="10.200.0.0/30", pod_cidr="10.244.0.0/16", service_cidr="10.96.0.0/16"
)
OURS = {"link_cidr": "10.200.0.0/30", "pod_cidr": "10.244.0.0/16"}


def test_addresses_follow_from_the_networks() -> None:
    assert NETWORK.machine_address == "10.200.0.1"
    assert NETWORK.node_address == "10.200.0.2"
    assert NETWORK.dns_address == "10.96.0.10"
    assert NETWORK.interface == "dagops0"


@pytest.mark.parametrize(
    ("route", "option"),
    [
        ({"dst": "10.244.7.0/24", "dev": "tun0"}, "pod_cidr"),
        ({"dst": "10.0.0.0/8", "dev": "tun0"}, "link_cidr"),
        ({"dst": "10.200.0.2", "dev": "eth0"}, "link_cidr"),
    ],
)
def test_a_route_of_the_machine_into_our_networks_is_a_conflict(route: network.Route, option: str) -> None:
    assert network.conflict(OURS, [route], ours_by="dagops0") == (option, route)


@pytest.mark.parametrize(
    "route",
    [
        {"dst": "default", "dev": "eth0"},
        {"dst": "192.168.0.0/16", "dev": "eth0"},
        {"dst": "10.244.0.0/16", "dev": "dagops0"},
    ],
)
def test_other_routes_and_our_own_are_not(route: network.Route) -> None:
    assert network.conflict(OURS, [route], ours_by="dagops0") is None
