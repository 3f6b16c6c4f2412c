"""JSON patches, held against the examples of RFC 6902 and the library jsonpatch."""

from __future__ import annotations

import copy
import typing as t

import jsonpatch
import jsonpointer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dagops.airflow.plugins.module_utils.render import json_patch
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError

# What some libraries take for another: Python's true is 1, "0" can be a key and an index, and "" a key.
KEYS = st.sampled_from(["a", "b", "0", "1", "", "a/b", "m~n"])
SCALARS = st.none() | st.integers(2, 4) | st.sampled_from(["x", "y"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
DOCUMENTS = st.dictionaries(KEYS, JSON, max_size=3)
POINTERS = st.lists(st.one_of(KEYS, st.just("-"), st.just("2")), max_size=3).map(
    lambda tokens: jsonpointer.JsonPointer.from_parts(tokens).path
)


def operations(pointers: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, t.Any]]:
    def of(name: str, **fields: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
        return st.fixed_dictionaries({"op": st.just(name), "path": pointers, **fields})

    return st.one_of(
        *(of(name, value=JSON) for name in ("add", "replace", "test")),
        of("remove"),
        *(of(name, **{"from": pointers}) for name in ("move", "copy")),
    )


def pointers_of(value: t.Any, tokens: tuple[str, ...] = ()) -> t.Iterator[str]:
    """The pointers of a value and of all that it holds, and where a list ends."""
    yield jsonpointer.JsonPointer.from_parts(tokens).path
    if isinstance(value, list):
        yield jsonpointer.JsonPointer.from_parts((*tokens, "-")).path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from pointers_of(inner, (*tokens, str(key)))


@st.composite
def patches(draw: t.Callable[[st.SearchStrategy[t.Any]], t.Any]) -> tuple[t.Any, list[dict[str, t.Any]]]:
    """A document, and operations most of whose pointers are in it."""
    document = draw(DOCUMENTS)
    near = st.sampled_from(list(pointers_of(document)))
    return document, draw(st.lists(operations(near | POINTERS), max_size=3))


def applied(document: t.Any, *steps: t.Any) -> t.Any:
    return json_patch.applied(document, list(steps), "patch")


@given(patches())
def test_it_does_what_jsonpatch_does(pair: tuple[t.Any, list[dict[str, t.Any]]]) -> None:
    document, steps = pair
    before = copy.deepcopy(pair)
    try:
        expected = jsonpatch.apply_patch(document, steps)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
        with pytest.raises(ProblemError):
            applied(document, *steps)
    else:
        assert json_patch.same(applied(document, *steps), expected)
    assert pair == before


@given(DOCUMENTS, DOCUMENTS)
def test_it_leads_from_any_document_to_any_other(document: t.Any, goal: t.Any) -> None:
    steps = jsonpatch.make_patch(document, goal).patch
    assert json_patch.same(applied(document, *steps), goal)


@given(DOCUMENTS)
def test_no_operation_changes_nothing(document: t.Any) -> None:
    assert applied(document) == document


@pytest.mark.parametrize(
    ("document", "step", "result"),
    [
        # The examples of RFC 6902, appendix A, by their numbers.
        pytest.param({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "q"}, {"baz": "q", "foo": "bar"}, id="A.1"),
        pytest.param({"a": ["x", "z"]}, {"op": "add", "path": "/a/1", "value": "y"}, {"a": ["x", "y", "z"]}, id="A.2"),
        pytest.param({"baz": "q", "foo": "b"}, {"op": "remove", "path": "/baz"}, {"foo": "b"}, id="A.3"),
        pytest.param({"a": ["x", "y", "z"]}, {"op": "remove", "path": "/a/1"}, {"a": ["x", "z"]}, id="A.4"),
        pytest.param({"a": "q"}, {"op": "replace", "path": "/a", "value": "boo"}, {"a": "boo"}, id="A.5"),
        pytest.param(
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"},
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
            id="A.6",
        ),
        pytest.param(
            {"a": ["all", "grass", "cows", "eat"]},
            {"op": "move", "from": "/a/1", "path": "/a/3"},
            {"a": ["all", "cows", "eat", "grass"]},
            id="A.7",
        ),
        pytest.param({"a": ["x"]}, {"op": "test", "path": "/a/0", "value": "x"}, {"a": ["x"]}, id="A.8"),
        pytest.param({"a": 1}, {"op": "add", "path": "/b", "value": {"c": {}}}, {"a": 1, "b": {"c": {}}}, id="A.10"),
        pytest.param({"a": 1}, {"op": "add", "path": "/b", "value": 2, "xyz": 3}, {"a": 1, "b": 2}, id="A.11"),
        pytest.param({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}, id="A.14"),
        pytest.param({"a": ["x"]}, {"op": "add", "path": "/a/-", "value": ["y"]}, {"a": ["x", ["y"]]}, id="A.16"),
        pytest.param({"a": 1}, {"op": "test", "path": "/a", "value": 1.0}, {"a": 1}, id="numbers"),
        pytest.param({"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}, id="copy"),
        pytest.param({"a": 1}, {"op": "move", "from": "/a", "path": "/a"}, {"a": 1}, id="move to itself"),
        pytest.param({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}, id="the whole"),
    ],
)
def test_operations(document: t.Any, step: t.Any, result: t.Any) -> None:
    assert applied(document, step) == result


def test_a_copy_shares_nothing_with_its_source() -> None:
    steps = [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/c", "value": 1}]
    assert applied({"a": {}}, *steps) == {"a": {}, "b": {"c": 1}}


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("add", 'patch[0] must be a mapping with op and path, not "add"'),
        ({"path": "/a"}, "patch[0].op is null, which is none of add, remove, replace, move, copy, test"),
        ({"op": "replac"}, 'patch[0].op is "replac", which is none of add, remove, replace, move, copy, test (did you'),
        ({"op": "add", "value": 1}, "patch[0].path is required by the operation 'add'"),
        ({"op": "add", "path": "/a"}, "patch[0].value is required by the operation 'add'"),
        ({"op": "move", "path": "/a"}, "patch[0].from is required by the operation 'move'"),
        ({"op": "remove", "path": "spec"}, 'patch[0].path is "spec", but must be a JSON pointer'),
        ({"op": "remove", "path": "/a~2"}, 'patch[0].path is "/a~2", but must be a JSON pointer'),
        ({"op": "remove", "path": ""}, "patch[0].path '' is the whole object, which cannot be taken away"),
        ({"op": "remove", "path": 3}, "patch[0].path is 3, but must be a JSON pointer"),
        (
            {"op": "remove", "path": "/replcas"},
            "patch[0].path '/replcas' is not there: the object has no key 'replcas' (did you mean 'replicas'?)",
        ),
        (
            {"op": "replace", "path": "/list/2", "value": 1},
            "patch[0].path '/list/2' is not there: /list is a list of 2, counted from 0, and '2' is no element of it",
        ),
        (
            {"op": "add", "path": "/list/01", "value": 1},
            "patch[0].path '/list/01' is not there: /list is a list of 2, counted from 0, and '01' is no element of it",
        ),
        (
            {"op": "add", "path": "/replicas/a", "value": 1},
            "patch[0].path '/replicas/a' is not there: /replicas is 1, which has nothing below it",
        ),
        (
            {"op": "copy", "from": "/list/-", "path": "/a"},
            "patch[0].from '/list/-' is not there: /list is a list of 2, counted from 0, and '-' is no element of it",
        ),
        (
            {"op": "move", "from": "/map", "path": "/map/a"},
            "patch[0].path '/map/a' is inside of '/map', which is to be moved",
        ),
        (
            {"op": "test", "path": "/replicas", "value": True},
            "patch[0] tests that '/replicas' is true, but it is 1",
        ),
        ({"op": "test", "path": "/list", "value": [1]}, "patch[0] tests that '/list' is "),
    ],
)
def test_what_cannot_be_is_told(step: t.Any, problem: str) -> None:
    with pytest.raises(ProblemError) as caught:
        applied({"replicas": 1, "list": [1, 2], "map": {}}, step)
    assert str(caught.value).startswith(problem)
