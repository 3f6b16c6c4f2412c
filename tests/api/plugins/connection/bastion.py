"""This machine as if it were another one: what is not ``local`` gets the module instead of the action plugin."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: bastion
short_description: This machine as if it were another one
description: For tests of the module face.
author: dagops.airflow contributors
extends_documentation_fragment: connection_pipelining
"""


class Connection(LocalConnection):
    transport = "bastion"
