"""Workloads, and patches of them, for properties of merges."""

from __future__ import annotations

import typing as t

from hypothesis import strategies as st

Object = dict[str, t.Any]
Draw = t.Callable[[st.SearchStrategy[t.Any]], t.Any]

NAMES = st.lists(st.sampled_from("abcde"), max_size=3, unique=True)
TEXT = st.sampled_from("xyz")
KEYS = {"containers": "name", "env": "name", "ports": "containerPort", "volumeMounts": "mountPath", "volumes": "name"}


def _some(draw: Draw, **fields: st.SearchStrategy[t.Any]) -> Object:
    """A mapping with some of the fields."""
    return {name: draw(strategy) for name, strategy in fields.items() if draw(st.booleans())}


def _named(key: str, fields: st.SearchStrategy[Object], prefix: str = "") -> st.SearchStrategy[list[Object]]:
    """A list of mappings that are told apart by ``key``."""
    pairs = st.lists(st.tuples(st.sampled_from("abcde"), fields), max_size=3, unique_by=lambda pair: pair[0])
    return pairs.map(lambda found: [{key: prefix + name, **rest} for name, rest in found])


ENV = _named("name", st.one_of(TEXT.map(lambda text: {"value": text}), st.just({"valueFrom": {"fieldRef": {}}})))
MOUNTS = _named("mountPath", TEXT.map(lambda text: {"name": text}), "/")
PORTS = st.lists(
    st.fixed_dictionaries({"containerPort": st.integers(80, 83), "name": TEXT}),
    max_size=3,
    unique_by=lambda port: port["containerPort"],
)
TOLERATIONS = NAMES.map(lambda found: [{"key": name} for name in found])
VOLUMES = _named("name", st.sampled_from([{"emptyDir": {}}, {"secret": {"secretName": "s"}}]))


@st.composite
def _container(draw: Draw) -> Object:
    return _some(draw, image=TEXT, args=NAMES, env=ENV, ports=PORTS, volumeMounts=MOUNTS)


@st.composite
def bodies(draw: Draw) -> Object:
    """What a Deployment says besides its address."""
    pod = _some(
        draw,
        tolerations=TOLERATIONS,
        volumes=VOLUMES,
        nodeSelector=st.dictionaries(st.sampled_from("abc"), TEXT),
        securityContext=st.fixed_dictionaries({"runAsUser": st.integers(1, 3), "supplementalGroups": st.just([1, 2])}),
    )
    spec = {"template": {"spec": {"containers": draw(_named("name", _container())), **pod}}}
    strategy = st.sampled_from(
        [{"type": "Recreate"}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, {"rollingUpdate": {}}]
    )
    return {"metadata": _some(draw, finalizers=NAMES), "spec": {**spec, **_some(draw, strategy=strategy)}}


def deployment(body: Object) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", **body, "metadata": {"name": "web", **body["metadata"]}}


def deployments() -> st.SearchStrategy[Object]:
    return bodies().map(deployment)


@st.composite
def pairs(draw: Draw) -> tuple[Object, Object]:
    """A Deployment, and a patch with directives that speak of what is there."""
    there = draw(deployments())
    return there, _directed(draw, draw(bodies()), there)


def _directed(draw: Draw, patch: t.Any, there: t.Any, depth: int = 0) -> t.Any:
    if not isinstance(patch, dict):
        return patch
    result: Object = {}
    for name, value in patch.items():
        old = there.get(name) if isinstance(there, dict) else None
        can_go = name == "strategy" or (depth > 2 and name not in KEYS.values())
        if old is not None and can_go and draw(st.integers(0, 9)) == 0:
            result[name] = None
        elif name in KEYS and isinstance(old, list):
            result.update(_directed_list(draw, name, value, old, depth))
        else:
            result[name] = _directed(draw, value, old, depth + 1)
    if isinstance(there, dict) and "type" in result and draw(st.booleans()):
        result["$retainKeys"] = list(result)
    elif isinstance(there, dict) and there and depth > 2 and "name" not in patch and draw(st.integers(0, 9)) == 0:
        result["$patch"] = draw(st.sampled_from(["delete", "replace"]))
    if isinstance(there, dict) and there.get("finalizers") and "finalizers" not in result and draw(st.booleans()):
        result["$deleteFromPrimitiveList/finalizers"] = there["finalizers"][:1]
    return result


def _directed_list(draw: Draw, name: str, patch: list[Object], there: list[Object], depth: int) -> Object:
    key = KEYS[name]
    old = {one[key]: one for one in there}
    merged = [_directed(draw, one, old.get(one[key]), depth + 1) for one in patch]
    gone = [one[key] for one in there if one[key] not in [new[key] for new in patch] and draw(st.integers(0, 3)) == 0]
    deletions = [{key: name, "$patch": "delete"} for name in gone]
    if draw(st.integers(0, 9)) == 0:
        return {name: [*merged, *deletions, {"$patch": "replace"}]}
    result: Object = {name: [*merged, *deletions]}
    if draw(st.integers(0, 3)) == 0:
        order = [*(one[key] for one in patch), *(one[key] for one in there)]
        result[f"$setElementOrder/{name}"] = [{key: one} for one in dict.fromkeys(order)]
    return result
