# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What differs between the major versions of Airflow for whoever talks to it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """Where a major version of Airflow answers what."""

    major: int
    component: str
    """The component that serves the API."""
    prefix: str
    """Path of the REST API."""
    health: str
    """Path of the health report, which needs no login."""
    version: str
    """Path of the version, which needs no login."""
    users: str
    roles: str
    session_key: str
    """Name (after the instance's) and key of the Secret that signs web sessions."""


AIRFLOW_3 = Facts(
    major=3,
    component="api-server",
    prefix="/api/v2",
    health="/api/v2/monitor/health",
    version="/api/v2/version",
    users="/auth/fab/v1/users",
    roles="/auth/fab/v1/roles",
    session_key="api-secret-key",
)
AIRFLOW_2 = Facts(
    major=2,
    component="webserver",
    prefix="/api/v1",
    health="/health",
    version="/api/v1/version",
    users="/auth/fab/v1/users",
    roles="/auth/fab/v1/roles",
    session_key="webserver-secret-key",
)
WEB_COMPONENTS = (AIRFLOW_3.component, AIRFLOW_2.component)


def facts(major: int) -> Facts:
    """Facts of a major version."""
    return AIRFLOW_3 if major >= 3 else AIRFLOW_2


def facts_of_component(component: str) -> Facts:
    """Facts of the version whose API a component serves."""
    return AIRFLOW_2 if component == AIRFLOW_2.component else AIRFLOW_3
