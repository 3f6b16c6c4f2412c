# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pods a label selector takes, as the API server reads it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object


def matches(selector: Object, labels: t.Mapping[str, str]) -> bool:
    """Whether all of ``selector`` holds for ``labels``; an empty one takes everything."""
    wanted = (selector.get("matchLabels") or {}).items()
    return wanted <= labels.items() and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Object, labels: t.Mapping[str, str]) -> bool:
    key = expression["key"]
    match expression["operator"]:
        case "In":
            return labels.get(key) in expression["values"]
        case "NotIn":
            return labels.get(key) not in expression["values"]
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"{other} is no operator of a label selector")
