# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Airflow's options as seen from inside its image, without a start of Airflow; other scripts import it."""

from __future__ import annotations

import configparser
import os


def section(name: str) -> dict[str, str]:
    """Options of a section as Airflow reads them: the environment first, then its file."""
    parser = configparser.ConfigParser(strict=False)
    home = os.environ.get("AIRFLOW_HOME", "/opt/airflow")
    parser.read(os.environ.get("AIRFLOW_CONFIG", os.path.join(home, "airflow.cfg")))
    prefix = f"AIRFLOW__{name}__".upper()
    given = {key[len(prefix) :].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
    return {**(parser[name] if parser.has_section(name) else {}), **given}


def setting(name: str, option: str) -> str:
    """An option of a section; empty where nobody has set it."""
    return section(name).get(option, "")
