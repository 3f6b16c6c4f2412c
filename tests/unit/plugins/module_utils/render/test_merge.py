"""Patches that look like the object."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dagops.airflow.plugins.module_utils.render import merge, patch_types
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError
from tests.unit import patches

Object = dict[str, t.Any]


def kind(api_version: str, name: str) -> patch_types.Type:
    found = patch_types.of_kind(api_version, name)
    assert found
    return found


DEPLOYMENT = kind("apps/v1", "Deployment")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab~/", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.text("ab", max_size=2), JSON, max_size=3)


def merged(original: Object, patch: Object) -> Object:
    return merge.strategic(original, patch, DEPLOYMENT, "patch")


def pod(**spec: t.Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}


def patched_pod(before: Object, patch: Object) -> Object:
    """The spec of a pod after a patch of it."""
    result: Object = merged(pod(**before), {"spec": {"template": {"spec": patch}}})["spec"]["template"]["spec"]
    return result


# --- strategic: properties ----------------------------------------------------------------------------------------


@given(patches.deployments())
def test_the_empty_patch_changes_nothing(original: Object) -> None:
    assert merged(original, {}) == original


@given(patches.deployments())
def test_an_object_is_a_patch_that_makes_itself(original: Object) -> None:
    assert merged(original, original) == original
    assert merged({}, original) == original


@given(patches.pairs())
def test_a_patch_has_no_more_to_say_when_it_was_applied(pair: tuple[Object, Object]) -> None:
    once = merged(*pair)
    assert merged(once, pair[1]) == once


@given(patches.pairs())
def test_arguments_stay_as_they_are_and_results_share_nothing(pair: tuple[Object, Object]) -> None:
    before = copy.deepcopy(pair)
    result = merged(*pair)
    empty(result)
    assert pair == before


def empty(value: t.Any) -> None:
    """Take everything out of a value and of what it holds."""
    for inner in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()):
        empty(inner)
    if isinstance(value, (dict, list)):
        value.clear()


@given(patches.pairs())
def test_nothing_of_the_language_of_patches_is_left(pair: tuple[Object, Object]) -> None:
    def keys(value: t.Any) -> t.Iterator[str]:
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            assert inner is not None
            if isinstance(name, str):
                yield name
            if isinstance(inner, (dict, list)):
                yield from keys(inner)

    assert [name for name in keys(merged(*pair)) if name.startswith("$")] == []


@given(patches.deployments(), patches.deployments())
def test_what_a_patch_without_directives_says_is_there(original: Object, patch: Object) -> None:
    def says(result: t.Any, wanted: t.Any, name: str = "") -> None:
        if isinstance(wanted, dict):
            for key, value in wanted.items():
                says(result[key], value, key)
        elif name in patches.KEYS:
            key = patches.KEYS[name]
            found = {one[key]: one for one in result}
            for one in wanted:
                says(found[one[key]], one)
            named = [one[key] for one in result if one[key] in [each[key] for each in wanted]]
            assert named == [one[key] for one in wanted]
        elif name == "finalizers":
            assert set(wanted) <= set(result)
        else:
            assert result == wanted

    says(merged(original, patch), patch)


@given(patches.pairs())
def test_merge_lists_hold_each_key_once(pair: tuple[Object, Object]) -> None:
    for container in merged(*pair)["spec"]["template"]["spec"].get("containers", []):
        for name, key in patches.KEYS.items():
            found = [one[key] for one in container.get(name, [])]
            assert len(found) == len(set(found))


# --- strategic: the language --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        pytest.param(
            {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]},
            {"containers": [{"name": "b", "image": "y"}]},
            {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]},
            id="by key",
        ),
        pytest.param(
            {"containers": [{"name": "a"}]},
            {"containers": [{"name": "new"}]},
            {"containers": [{"name": "new"}, {"name": "a"}]},
            id="new ones come first, as with kubectl",
        ),
        pytest.param(
            {"containers": [{"name": "a"}]},
            {"containers": [{"name": "new"}], "$setElementOrder/containers": [{"name": "a"}, {"name": "new"}]},
            {"containers": [{"name": "a"}, {"name": "new"}]},
            id="in the order that is wanted",
        ),
        pytest.param(
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b"}]},
            {"tolerations": [{"key": "b"}]},
            id="tolerations are replaced",
        ),
        pytest.param(
            {"volumes": [{"name": "a", "emptyDir": {}}]},
            {"volumes": [{"name": "a", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]},
            {"volumes": [{"name": "a", "secret": {"secretName": "s"}}]},
            id="retained keys",
        ),
        pytest.param(
            {"volumes": [{"name": "a"}, {"name": "b"}]},
            {"volumes": [{"name": "a", "$patch": "delete"}]},
            {"volumes": [{"name": "b"}]},
            id="an element goes",
        ),
        pytest.param(
            {"volumes": [{"name": "a"}, {"name": "b"}]},
            {"volumes": [{"name": "c"}, {"$patch": "replace"}]},
            {"volumes": [{"name": "c"}]},
            id="a list is replaced",
        ),
        pytest.param(
            {"volumes": [{"name": "a", "emptyDir": {}}]},
            {"volumes": [{"name": "a", "$patch": "merge", "emptyDir": {"medium": "Memory"}}]},
            {"volumes": [{"name": "a", "emptyDir": {"medium": "Memory"}}]},
            id="to merge is what happens anyway",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": 1}},
            {"securityContext": {"$patch": "replace", "runAsGroup": 2}},
            {"securityContext": {"runAsGroup": 2}},
            id="a mapping is replaced",
        ),
        pytest.param(
            {"nodeSelector": {"a": "b"}}, {"nodeSelector": {"$patch": "delete"}}, {"nodeSelector": {}}, id="emptied"
        ),
        pytest.param({}, {"nodeSelector": {"$patch": "delete"}}, {}, id="nothing to empty"),
        pytest.param({"nodeSelector": {"a": "b"}}, {"nodeSelector": None}, {}, id="null takes away"),
        pytest.param({}, {"nodeSelector": {"a": None, "b": "c"}}, {"nodeSelector": {"b": "c"}}, id="null adds nothing"),
        pytest.param(
            {},
            {"containers": [{"name": "a", "env": [{"name": "b", "value": None}, {"name": "c", "$patch": "delete"}]}]},
            {"containers": [{"name": "a", "env": [{"name": "b"}]}]},
            id="what is new has no directives either",
        ),
        pytest.param(
            {"containers": [{"name": "a", "ports": [{"containerPort": 1, "name": "x"}]}]},
            {"containers": [{"name": "a", "ports": [{"containerPort": 1, "name": "y"}, {"containerPort": 2}]}]},
            {"containers": [{"name": "a", "ports": [{"containerPort": 1, "name": "y"}, {"containerPort": 2}]}]},
            id="ports",
        ),
        pytest.param(
            {"imagePullSecrets": [{"name": "a"}]},
            {"imagePullSecrets": [{"name": "b"}]},
            {"imagePullSecrets": [{"name": "b"}, {"name": "a"}]},
            id="pull secrets",
        ),
    ],
)
def test_strategic(before: Object, patch: Object, after: Object) -> None:
    assert patched_pod(before, patch) == after


def test_lists_of_scalars() -> None:
    before = {"metadata": {"finalizers": ["a", "b"]}}
    assert merged(before, {"metadata": {"finalizers": ["c", "b"]}}) == {"metadata": {"finalizers": ["c", "a", "b"]}}
    removal = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "z"]}}
    assert merged(before, removal) == {"metadata": {"finalizers": ["b"]}}
    assert merged({}, removal) == {"metadata": {}}
    order = {"metadata": {"$setElementOrder/finalizers": ["b", "a"]}}
    assert merged(before, order) == {"metadata": {"finalizers": ["b", "a"]}}


def test_a_mapping_that_is_replaced_as_a_whole() -> None:
    budget = kind("policy/v1", "PodDisruptionBudget")
    before = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "maxUnavailable": 1}}
    patch = {"spec": {"selector": {"matchExpressions": []}}}
    after = {"spec": {"selector": {"matchExpressions": []}, "maxUnavailable": 1}}
    assert merge.strategic(before, patch, budget, "patch") == after


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"$patch": "remove"}, 'patch.spec.template.spec.$patch is "remove", which is none of delete, merge, replace'),
        (
            {"containers": ["a"]},
            "patch.spec.template.spec.containers[0] must be a mapping with the key 'name', not \"a\"",
        ),
        ({"containers": [{"image": "x"}]}, "patch.spec.template.spec.containers[0] lacks the key 'name'"),
        ({"containers": [{"$patch": "delete"}]}, "patch.spec.template.spec.containers[0] lacks the key 'name'"),
        (
            {"containers": [{"name": "a", "env": [{"value": "x"}]}]},
            "patch.spec.template.spec.containers[a].env[0] lacks the key 'name'",
        ),
        ({"$retainKeys": "a"}, 'patch.spec.template.spec.$retainKeys must be a list of keys, not "a"'),
        ({"$retainKeys": [], "a": 1}, "patch.spec.template.spec.$retainKeys does not name 'a'"),
        (
            {"$deleteFromPrimitiveList/a": "b"},
            "patch.spec.template.spec.$deleteFromPrimitiveList/a must be a list of elements to take away",
        ),
        (
            {"$setElementOrder/tolerations": []},
            "patch.spec.template.spec.$setElementOrder/tolerations is for lists that patches merge",
        ),
        (
            {"$setElementOrder/containers": ["a"]},
            "patch.spec.template.spec.$setElementOrder/containers must be a list of mappings with the key 'name'",
        ),
        (
            {"containers": [{"name": "a"}], "$setElementOrder/containers": [{"name": "b"}]},
            'patch.spec.template.spec.$setElementOrder/containers does not name "a"',
        ),
        (
            {
                "containers": [{"name": "a"}, {"name": "b"}],
                "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            },
            "patch.spec.template.spec.$setElementOrder/containers has another order than the elements",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_path(patch: Object, problem: str) -> None:
    with pytest.raises(ProblemError) as caught:
        patched_pod({}, patch)
    assert str(caught.value).startswith(problem)


# --- JSON merge patch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        # The examples of RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_json_merge(original: t.Any, patch: t.Any, result: t.Any) -> None:
    assert merge.json_merge(original, patch) == result


@given(JSON, JSON)
def test_a_json_merge_has_no_more_to_say_when_it_was_applied(original: t.Any, patch: t.Any) -> None:
    once = merge.json_merge(original, patch)
    assert merge.json_merge(once, patch) == once


@given(MAPPINGS)
def test_an_empty_json_merge_changes_nothing(original: Object) -> None:
    assert merge.json_merge(original, {}) == original
