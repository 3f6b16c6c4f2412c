"""What is planned, and how refusals are told."""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import apply
from ansible_collections.dagops.airflow.plugins.module_utils.kube.apply import Action, Step
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError

OBJECT: dict[str, t.Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "n"},
    "data": {"x": "1"},
}


def live(**data: str) -> dict[str, t.Any]:
    mine = {
        "manager": "dagops.airflow",
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsV1": {"f:data": {f"f:{name}": {} for name in data}},
    }
    meta = {**OBJECT["metadata"], "uid": "1", "managedFields": [mine]}
    return {**OBJECT, "metadata": meta, "data": data}


def test_plan() -> None:
    assert apply.plan(OBJECT, OBJECT, None).action is Action.CREATE
    assert apply.plan(OBJECT, OBJECT, live(x="1")).action is Action.NOTHING
    assert apply.plan(OBJECT, OBJECT, live(x="2")).action is Action.UPDATE


def test_a_creation_is_shown_as_declared() -> None:
    step = Step(action=Action.CREATE, declared=OBJECT, desired=OBJECT, after={**OBJECT, "defaulted": True})
    assert "defaulted" not in step.diff(None)["after"]


def test_a_replacement_is_shown_as_said_before_and_after() -> None:
    declared = {**OBJECT, "data": {"x": "2"}}
    shown = Step(action=Action.REPLACE, declared=declared, desired=declared, live=live(x="1")).diff(None)
    assert shown["before"].replace("'1'", "'2'") == shown["after"]


def conflict(*causes: tuple[str, str]) -> ApiError:
    details = {
        "causes": [
            {"reason": "FieldManagerConflict", "message": f'conflict with "{who}" using v1', "field": field}
            for who, field in causes
        ]
    }
    return ApiError(409, "Conflict", "Cannot apply ConfigMap/n/a: Apply failed with 2 conflicts: ...", details)


def test_conflicts_name_fields_and_owners() -> None:
    told = apply.explained(conflict(("helm", ".data.b"), ("helm", ".data.a"), ("kubectl-edit", ".data.c")))
    assert told.startswith(
        "Cannot apply ConfigMap/n/a: data.a, data.b set by helm; data.c set by kubectl-edit. Leave these fields"
    )
    assert "force_conflicts" in told


def test_other_errors_are_told_as_they_are() -> None:
    assert apply.explained(ApiError(409, "Conflict", "the object has been modified")) == "the object has been modified"


def test_one_problem_is_a_sentence_and_several_are_a_list() -> None:
    assert apply.told(["Cannot x."], "Nothing was changed") == "Cannot x. Nothing was changed."
    assert apply.told(["a", "b"], "Nothing was changed") == (
        "Nothing was changed, since 2 objects cannot be applied:\n- a\n- b"
    )
