# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Kubernetes would refuse in the pieces of objects that people write, as far as it is known without a cluster.

Each check yields a sentence, which begins with the path, for every mistake; none shows a value that may be a secret.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import ipaddress
import itertools
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import patch_types
from ansible_collections.dagops.airflow.plugins.module_utils.spec import forms
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import (
    Check,
    Form,
    below,
    said,
    sort_of,
    suggestion,
)

Mapping = dict[str, t.Any]

DEFAULT_NAMESPACE: t.Final = "default"
"""Where objects are that name no namespace: everybody's."""

RESERVED_LABELS: t.Final = frozenset(
    {
        *("tier", "component", "release"),
        *(f"airflow.dagops/{name}" for name in ("role", "feature", "worker-set", "team", "namespace")),
        *(f"app.kubernetes.io/{name}" for name in ("name", "instance", "component", "part-of", "managed-by")),
    }
)
"""Labels that the collection sets, by most of which it finds its objects and pods."""

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_ANNOTATIONS_LIMIT: t.Final = 256 * 1024

_COMPUTE: t.Final = ("cpu", "memory", "ephemeral-storage")
_COUNTED: t.Final = (
    *("pods", "services", "services.loadbalancers", "services.nodeports", "secrets", "configmaps"),
    *("persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "requests.storage"),
)
_QUOTA: t.Final = (
    *_COMPUTE,
    *(f"{part}.{name}" for part in ("requests", "limits") for name in _COMPUTE),
    *_COUNTED,
)

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|secret_key|secret_access_key|token|api_?key|private_key|fernet_key)$",
    re.IGNORECASE,
)
# An option of Airflow with this ending names where the secret is kept.
_SECRET_PLACE = re.compile(r"^AIRFLOW__\w+(?<!JWT)(?<!CLIENT)_SECRET$", re.IGNORECASE)
_PASSWORD_INSIDE = re.compile(r"://[^/\s:@]*:[^\s@$]+@|[\"']password[\"']\s*:", re.IGNORECASE)


def holds_secret(name: str, value: t.Any) -> bool:
    """Whether a setting looks like one that must not be readable by everybody; ``$(NAME)`` stands for another one."""
    if not isinstance(value, str) or not value or "$(" in value:
        return False
    if _PASSWORD_INSIDE.search(value):
        return True
    return bool(_SECRET_NAME.search(name)) and not _SECRET_PLACE.search(name)


# --- shapes -------------------------------------------------------------------------------------------------------


def shape(definition: str) -> Check:
    """The check of a mapping that is to be a definition: of ``core.v1``, unless it names another group."""
    kind = patch_types.Type(definition=definition if "." in definition else f"core.v1.{definition}")

    def check(value: t.Any, path: str) -> t.Iterator[str]:
        yield from patch_types.problems(value, kind, path)
        yield from _unknown(value, kind, path)

    return check


def _unknown(value: t.Any, kind: patch_types.Type, path: str) -> t.Iterator[str]:
    """Keys that no version of Kubernetes up to the newest known one has."""
    if isinstance(value, list) and kind.item:
        for index, item in enumerate(value):
            yield from _unknown(item, kind.item, f"{path}[{patch_types.element(item, kind.merge_key, index)}]")
    if not isinstance(value, dict):
        return
    known = patch_types.fields(kind.definition) if kind.definition else None
    for key, item in value.items():
        if known is not None and key not in known:
            yield f"{below(path, key)} is nothing that Kubernetes knows there{suggestion(str(key), known)}"
        else:
            yield from _unknown(item, kind.field(str(key)), below(path, key))


def _each(items: t.Any, path: str, definition: str) -> t.Iterator[tuple[Mapping | None, str, list[str]]]:
    """Each item of a list with its path and what is wrong with its shape; None for what is no mapping at all."""
    check = shape(definition)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        place = f"{path}[{index}]"
        if isinstance(item, dict):
            yield item, place, list(check(item, place))
        else:
            yield None, place, [f"{place} must be a mapping, not {sort_of(item)}"]


def _named(item: Mapping, place: str, key: str, form: Form) -> t.Iterator[str]:
    """A key that must be there, and how it must be written."""
    value = item.get(key)
    if value is None:
        yield f"{place}.{key} is required"
    elif isinstance(value, str) and not re.fullmatch(form.pattern, value):
        yield f"{place}.{key} is {said(value)}, which is not {form.words}"


def _one_of(item: Mapping, place: str, key: str, choices: t.Sequence[str]) -> t.Iterator[str]:
    value = item.get(key)
    if isinstance(value, str) and value not in choices:
        yield f"{place}.{key} is {said(value)}, which is none of {', '.join(choices)}{suggestion(value, choices)}"


def _twice(items: t.Any, path: str, key: str) -> t.Iterator[str]:
    values = [item.get(key) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]
    for value, count in collections.Counter(value for value in values if isinstance(value, str)).items():
        if count > 1:
            yield f"{path} has {count} items with the {key} {said(value)}: leave one"


def _sources(item: Mapping, place: str, known: t.Collection[str]) -> t.Iterator[str]:
    """That exactly one of the keys says where something comes from."""
    given = [key for key in item if key in known]
    if len(given) != 1:
        found = f"has {', '.join(given)}" if given else "has none"
        yield f"{place} must have exactly one of {', '.join(sorted(known))}, and it {found}"


# --- metadata -----------------------------------------------------------------------------------------------------


def labels(value: Mapping, path: str) -> t.Iterator[str]:
    """Labels of objects and pods."""
    yield from selector(value, path)
    for key in value:
        yield from _reserved(key, below(path, key))


def label_names(value: Mapping, path: str) -> t.Iterator[str]:
    """Names of labels, without their values, that pods of others are to have."""
    for key in value:
        yield from _key(key, path)
        yield from _reserved(key, below(path, key))


def label_name(value: str, path: str) -> t.Iterator[str]:
    """One of these, whose form is known to be right."""
    yield from _reserved(value, f"{path} is {said(value)}, which")


def _reserved(name: str, what: str) -> t.Iterator[str]:
    if name in RESERVED_LABELS:
        yield f"{what} is a label that the collection sets itself: choose another name"


def selector(value: Mapping, path: str) -> t.Iterator[str]:
    """Labels that something else has."""
    for key, text in value.items():
        yield from _key(key, path)
        if not _LABEL_VALUE.fullmatch(text):
            yield (
                f"{below(path, key)} is {said(text)}, which is not the value of a label: letters, digits, dashes, "
                "underscores and dots, from and to a letter or digit, at most 63"
            )


def notes(value: Mapping, path: str) -> t.Iterator[str]:
    """Annotations, whose values may be anything, but not everything."""
    for key in value:
        yield from _key(key, path)
    if sum(len(key.encode()) + len(text.encode()) for key, text in value.items()) > _ANNOTATIONS_LIMIT:
        yield f"{path} has more than 256 KiB, which is the most that Kubernetes takes: shorten it"


def _key(key: str, path: str) -> t.Iterator[str]:
    prefix, slash, name = key.rpartition("/")
    if not _LABEL_NAME.fullmatch(name) or (slash and not re.fullmatch(forms.OBJECT_NAME.pattern, prefix)):
        yield (
            f"{below(path, key)} has a name that Kubernetes refuses: write it like cost-centre or example.com/team "
            "(at most 63 characters after the slash)"
        )


# --- amounts ------------------------------------------------------------------------------------------------------


def resources(value: Mapping, path: str) -> t.Iterator[str]:
    """Requests and limits of a container."""
    for part, amounts in value.items():
        if part not in ("requests", "limits"):
            known = ("requests", "limits")
            yield f"{below(path, part)} is not an option{suggestion(part, known)}. Known are: {', '.join(known)}"
        elif isinstance(amounts, dict):
            for name, quantity in amounts.items():
                yield from _compute(str(name), quantity, below(f"{path}.{part}", name))
    yield from _above_limits(value, path)


def _compute(name: str, quantity: t.Any, path: str) -> t.Iterator[str]:
    if name not in _COMPUTE and "/" not in name and not name.startswith("hugepages-"):
        yield f"{path} is no resource that a container can have{suggestion(name, _COMPUTE)}"
        return
    yield from _quantity(name, quantity, path)


def _quantity(name: str, quantity: t.Any, path: str) -> t.Iterator[str]:
    amount = forms.amount(quantity) if isinstance(quantity, (str, int, float)) else None
    if amount is None:
        yield f"{path} is {said(quantity)}, which is not {forms.QUANTITY.words}{_meant(quantity)}"
    elif name.endswith("cpu") and str(quantity).endswith(("i", "k", "M", "G")):
        yield f"{path} is {said(quantity)}, but CPU is counted in cores: write it like 500m or 2"
    elif name.endswith(("memory", "storage")) and 0 < amount < 1024:
        yield f"{path} is {said(quantity)}, which is less than a kibibyte: write it like 512Mi or 2Gi"


def _meant(quantity: t.Any) -> str:
    """``2GB`` and ``2 Gi`` are near to what they should be."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KkMGT])i?[Bb]?\s*", str(quantity))
    return f" (did you mean '{found[1]}{found[2].upper()}i'?)" if found else ""


def _above_limits(value: Mapping, path: str) -> t.Iterator[str]:
    for words in _out_of_order(value, path, "requests", "limits"):
        yield f"{words} (as it is if not given): raise the limit or lower the request"


def _out_of_order(value: Mapping, path: str, low: str, high: str) -> t.Iterator[str]:
    """Each quantity in one part of a mapping that is more than that of the same name in another, in words."""
    lower, upper = value.get(low) or {}, value.get(high) or {}
    for name in sorted(set(lower) & set(upper), key=str):
        least, most = forms.amount(lower[name]), forms.amount(upper[name])
        if least is not None and most is not None and least > most:
            yield (
                f"{below(f'{path}.{low}', name)} is {said(lower[name])}, which is more than "
                f"{below(f'{path}.{high}', name)}, {said(upper[name])}"
            )


def quota(value: Mapping, path: str) -> t.Iterator[str]:
    """Hard limits of a ResourceQuota."""
    for name, quantity in value.items():
        special = name.startswith("count/") or "/" in name or "hugepages-" in name or ".storageclass." in name
        if name not in _QUOTA and not special:
            yield f"{below(path, name)} is nothing that a quota limits{suggestion(name, _QUOTA)}"
        else:
            yield from _quantity(name, quantity, below(path, name))


def limit_range(items: t.Any, path: str) -> t.Iterator[str]:
    """Limits of a LimitRange."""
    for item, place, problems in _each(items, path, "LimitRangeItem"):
        yield from problems
        if item is None:
            continue
        if "type" not in item:
            yield f"{place}.type is required"
        yield from _one_of(item, place, "type", ("Container", "Pod", "PersistentVolumeClaim"))
        for part in ("max", "min", "default", "defaultRequest"):
            if isinstance(item.get(part), dict):
                for name, quantity in item[part].items():
                    yield from _quantity(str(name), quantity, below(f"{place}.{part}", name))
        if not problems:
            yield from _contradictions(item, place)
    yield from _twice(items, path, "type")


def _contradictions(item: Mapping, place: str) -> t.Iterator[str]:
    """Bounds of a LimitRange that no container, pod or claim can be within."""
    kind, in_order = item.get("type"), ("min", "defaultRequest", "default", "max")
    if kind == "Pod":
        yield from (
            f"{place}.{part} is for containers, and a Pod has none: leave it out, or give it to the type Container"
            for part in ("default", "defaultRequest")
            if item.get(part)
        )
    if kind == "PersistentVolumeClaim" and not any("storage" in (item.get(part) or {}) for part in ("min", "max")):
        yield f"{place} limits volume claims, but has neither min.storage nor max.storage: give one, or leave it out"
    for low, high in itertools.combinations(in_order, 2):
        for words in _out_of_order(item, place, low, high):
            yield f"{words}: lower it, or raise the other"


# --- pods ---------------------------------------------------------------------------------------------------------


def env(items: t.Any, path: str) -> t.Iterator[str]:
    """Environment variables, none of which may show a secret to everybody who may see pods."""
    for item, place, problems in _each(items, path, "EnvVar"):
        yield from problems
        if item is None:
            continue
        yield from _named(item, place, "name", forms.ENV_NAME)
        name, value, source = item.get("name"), item.get("value"), item.get("valueFrom")
        if value is not None and source is not None:
            yield f"{place} has both value and valueFrom: leave one out"
        if isinstance(source, dict):
            known = patch_types.fields("core.v1.EnvVarSource")
            yield from _sources(source, f"{place}.valueFrom", known)
        if isinstance(name, str) and holds_secret(name, value):
            yield (
                f"{place}.value would show a secret ({name}) to everybody who may see pods: put it into a Secret of "
                "yours, and name that by valueFrom.secretKeyRef"
            )
    yield from _twice(items, path, "name")


def env_from(items: t.Any, path: str) -> t.Iterator[str]:
    """ConfigMaps and Secrets whose keys become environment variables."""
    for item, place, problems in _each(items, path, "EnvFromSource"):
        yield from problems
        if item is None:
            continue
        yield from _sources(item, place, ("configMapRef", "secretRef"))
        for key in ("configMapRef", "secretRef"):
            if isinstance(item.get(key), dict):
                yield from _named(item[key], f"{place}.{key}", "name", forms.OBJECT_NAME)


def volumes(items: t.Any, path: str) -> t.Iterator[str]:
    """Volumes of a pod."""
    known = [name for name in patch_types.fields("core.v1.Volume") if name != "name"]
    for item, place, problems in _each(items, path, "Volume"):
        yield from problems
        if item is None:
            continue
        yield from _named(item, place, "name", forms.LABEL)
        yield from _sources(item, place, known)
    yield from _twice(items, path, "name")


def volume_mounts(items: t.Any, path: str) -> t.Iterator[str]:
    """Where volumes are in a container."""
    for item, place, problems in _each(items, path, "VolumeMount"):
        yield from problems
        if item is None:
            continue
        yield from _named(item, place, "name", forms.LABEL)
        yield from _named(item, place, "mountPath", forms.MOUNT_PATH)
    yield from _twice(items, path, "mountPath")


def containers(items: t.Any, path: str) -> t.Iterator[str]:
    """Containers beside the main one."""
    for item, place, problems in _each(items, path, "Container"):
        yield from problems
        if item is None:
            continue
        yield from _named(item, place, "name", forms.LABEL)
        if not item.get("image"):
            yield f"{place}.image is required"
        yield from env(item.get("env"), f"{place}.env")
        yield from volume_mounts(item.get("volumeMounts"), f"{place}.volumeMounts")
        if isinstance(item.get("resources"), dict):
            yield from resources({k: v for k, v in item["resources"].items() if k != "claims"}, f"{place}.resources")
    yield from _twice(items, path, "name")


METRIC_TYPES: t.Final = ("Resource", "ContainerResource", "Pods", "Object", "External")


def metrics(items: t.Any, path: str) -> t.Iterator[str]:
    """What a HorizontalPodAutoscaler goes by."""
    for item, place, problems in _each(items, path, "autoscaling.v2.MetricSpec"):
        yield from problems
        if item is not None:
            kind = item.get("type")
            if kind is None:
                yield f"{place}.type is required"
            if kind in METRIC_TYPES and not isinstance(item.get(_source_of(kind)), dict):
                yield f"{place}.{_source_of(kind)} is required where type is {kind}"
            yield from _one_of(item, place, "type", METRIC_TYPES)


def _source_of(metric_type: str) -> str:
    """The key by which a metric of a type says what it is: ``containerResource`` of ``ContainerResource``."""
    return metric_type[0].lower() + metric_type[1:]


_BEHAVIOR: t.Final = shape("autoscaling.v2.HorizontalPodAutoscalerBehavior")


def keda_advanced(value: Mapping, path: str) -> t.Iterator[str]:
    """``spec.advanced`` of KEDA's ScaledObject (AdvancedConfig in its scaledobject_types.go, 2.21)."""
    known = ("horizontalPodAutoscalerConfig", "restoreToOriginalReplicaCount", "scalingModifiers")
    yield from _nothing_else(value, path, known)
    autoscaler, place = value.get(known[0], {}), below(path, known[0])
    if not isinstance(autoscaler, dict):
        yield f"{place} must be a mapping, not {sort_of(autoscaler)}"
        return
    yield from _nothing_else(autoscaler, place, ("behavior", "name"))
    yield from _BEHAVIOR(autoscaler.get("behavior", {}), f"{place}.behavior")


def _nothing_else(value: Mapping, path: str, known: t.Sequence[str]) -> t.Iterator[str]:
    for key in value:
        if key not in known:
            yield f"{below(path, key)} is nothing that KEDA knows there{suggestion(str(key), known)}"


def tolerations(items: t.Any, path: str) -> t.Iterator[str]:
    """Tolerations of a pod."""
    for item, place, problems in _each(items, path, "Toleration"):
        yield from problems
        if item is None:
            continue
        yield from _one_of(item, place, "operator", ("Exists", "Equal", "Lt", "Gt"))
        yield from _one_of(item, place, "effect", ("NoSchedule", "PreferNoSchedule", "NoExecute"))
        if item.get("operator") == "Exists" and item.get("value"):
            yield f"{place}.value has no meaning where operator is Exists: leave one of them out"
        if not item.get("key") and item.get("operator", "Equal") != "Exists":
            yield f"{place}.key is required where operator is not Exists"


def spread(items: t.Any, path: str) -> t.Iterator[str]:
    """Topology spread constraints of a pod."""
    for item, place, problems in _each(items, path, "TopologySpreadConstraint"):
        yield from problems
        if item is not None:
            yield from (
                f"{place}.{key} is required"
                for key in ("maxSkew", "topologyKey", "whenUnsatisfiable")
                if item.get(key) is None
            )
            yield from _one_of(item, place, "whenUnsatisfiable", ("DoNotSchedule", "ScheduleAnyway"))


def taints(items: t.Any, path: str) -> t.Iterator[str]:
    """Taints of nodes."""
    for item, place, problems in _each(items, path, "Taint"):
        yield from problems
        if item is not None:
            yield from (f"{place}.{key} is required" for key in ("key", "effect") if not item.get(key))
            yield from _one_of(item, place, "effect", ("NoSchedule", "PreferNoSchedule", "NoExecute"))


def host_aliases(items: t.Any, path: str) -> t.Iterator[str]:
    """Names in /etc/hosts."""
    for item, place, problems in _each(items, path, "HostAlias"):
        yield from problems
        if item is None:
            continue
        yield from (f"{place}.{key} is required" for key in ("ip", "hostnames") if not item.get(key))
        if isinstance(item.get("ip"), str) and not _is_address(item["ip"]):
            yield f"{place}.ip is {said(item['ip'])}, which is no IP address"
    yield from _twice(items, path, "ip")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
