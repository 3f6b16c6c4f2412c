"""What people write becomes typed values, or one clear sentence for every mistake."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import KNOWN, VALUE_VARIABLES, load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE, CASES


def problems(**variables: t.Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load({**BASE, **variables})
    return list(caught.value.details["problems"])


@pytest.mark.parametrize("case", CASES)
def test_every_case_loads(case: str) -> None:
    assert load(CASES[case]).name == CASES[case]["airflow_instance"]


def test_a_survey_gives_strings() -> None:
    values = load(
        {
            **BASE,
            "airflow_core_scheduler": '{"replicas": "3"}',
            "airflow_database_pgbouncer": {"enabled": "true"},
            "airflow_image_pull_secrets": '["one", "two"]',
            "airflow_verify_timeout": "60",
            "airflow_core_base_url": "",
        }
    )
    assert values.core.scheduler.replicas == 3
    assert values.database.pgbouncer.enabled is True
    assert values.instance.image_pull_secrets == ["one", "two"]
    assert values.verify.timeout == 60
    assert values.core.base_url is None


def test_a_nested_default_keeps_what_was_not_written() -> None:
    values = load({**BASE, "airflow_database_postgres": {"image": {"tag": "16"}}, "airflow_image": {"tag": "mine"}})
    assert values.database.postgres.image.repository == "docker.io/library/postgres"
    assert values.database.postgres.image.tag == "16"
    assert values.instance.image.repository == "docker.io/apache/airflow"


def test_resources_are_laid_over_the_defaults_and_null_takes_one_away() -> None:
    values = load({**BASE, "airflow_core_scheduler": {"resources": {"limits": {"cpu": None, "memory": "4Gi"}}}})
    assert values.core.scheduler.resources == {
        "requests": {"cpu": "200m", "memory": "512Mi"},
        "limits": {"memory": "4Gi"},
    }


def test_namespace_is_the_instance_unless_given() -> None:
    assert load(BASE).namespace == "airflow"
    assert load({**BASE, "airflow_namespace": "data"}).namespace == "data"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"airflow_core_schedular": {}},
            "airflow_core_schedular is not a variable of this collection (did you mean 'airflow_core_scheduler'?)",
        ),
        ({"airflow_core_x": 1}, "airflow_core_x is not a variable of this collection"),
        (
            {"airflow_namespaces": "x"},
            "airflow_namespaces is not a variable of this collection (did you mean 'airflow_namespace'?)",
        ),
        (
            {"airflow_core_scheduler": {"replica": 1}},
            "airflow_core_scheduler.replica is not an option (did you mean 'replicas'?). Known are: nodeSelector",
        ),
        (
            {"airflow_core_scheduler": {"replicas": "two"}},
            'airflow_core_scheduler.replicas must be a whole number, not "two"',
        ),
        ({"airflow_core_scheduler": {"replicas": -1}}, "airflow_core_scheduler.replicas is -1, but must be at least 0"),
        (
            {"airflow_core_scheduler": {"replicas": True}},
            "airflow_core_scheduler.replicas must be a whole number, not true",
        ),
        ({"airflow_core_scheduler": ["x"]}, "airflow_core_scheduler must be a mapping of options, not a list"),
        (
            {"airflow_core_executor": "KubernetsExecutor"},
            'airflow_core_executor is "KubernetsExecutor", and KubernetsExecutor is none of LocalExecutor,',
        ),
        ({"airflow_image_pull_secrets": "pull"}, "airflow_image_pull_secrets must be a list, not text"),
        (
            {"airflow_image_pull_secrets": [True]},
            "airflow_image_pull_secrets[0] must be text, but YAML reads what was written as the boolean true",
        ),
        (
            {"airflow_instance": True},
            "airflow_instance must be text, but YAML reads what was written as the boolean true (as it does on, ",
        ),
        ({"airflow_instance": 123}, 'airflow_instance is "123", which is not lower-case letters'),
        ({"airflow_instance": "a" * 41}, "which is not lower-case letters, digits and dashes"),
        ({"airflow_instance": "Größe"}, "which is not lower-case letters, digits and dashes"),
        ({"airflow_version": "2.10.5"}, "airflow_version is 2.10.5, but the oldest Airflow that can be run is 2.11"),
        (
            {"airflow_version": "latest"},
            'airflow_version is "latest", which is not a whole version such as 3.3.2',
        ),
        (
            {"airflow_labels": {True: "x"}},
            "airflow_labels has the key True, which YAML reads as bool: write it in quotes, 'True'",
        ),
        (
            {"airflow_rbac_service_accounts": {"sheduler": {}}},
            "airflow_rbac_service_accounts.sheduler is not known (did you mean 'scheduler'?)",
        ),
        ({"airflow_database_host": "x"}, "airflow_database_host is 'x', but airflow_database_provider is 'embedded'"),
        (
            {"airflow_database_provider": "external"},
            "airflow_database_host is required where airflow_database_provider is 'external'",
        ),
        ({"airflow_database_credentials": {}}, "airflow_database_credentials.name is required"),
        ({"airflow_database_credentials": {"name": "x"}}, "airflow_database_credentials is for an external database"),
        ({"airflow_logging_store": "none"}, "the logs of tasks would be lost with their pods"),
        (
            {"airflow_image_digests_required": True},
            "airflow_image.digest is required, because airflow_image_digests_required is true",
        ),
        ({"airflow_image": {"digest": "abc"}}, 'airflow_image.digest is "abc", which is not a digest'),
        ({"airflow_ingress_enabled": True}, "airflow_core_base_url is required where airflow_ingress_enabled is true"),
        (
            {"airflow_core_config": {"core": {"fernet_key": "x"}}},
            "airflow_core_config.core.fernet_key would put a secret into a ConfigMap: use airflow_core_fernet_key",
        ),
        ({"airflow_core_config": {"core": "x"}}, "airflow_core_config.core must be a mapping of options, not text"),
        ({"airflow_verify_canary": "perhaps"}, 'airflow_verify_canary must be true or false, not "perhaps"'),
    ],
)
def test_a_mistake_is_named(variables: dict[str, t.Any], sentence: str) -> None:
    assert any(sentence in problem for problem in problems(**variables)), problems(**variables)


def test_all_mistakes_are_named_at_once() -> None:
    found = problems(
        airflow_core_executor="x", airflow_core_scheduler={"replicas": "x", "nope": 1}, airflow_core_triggerer=3
    )
    assert len(found) == 4


def test_variables_of_other_people_are_left_alone() -> None:
    load({**BASE, "airflow_dags_repository_of_my_team": "x", "other": 1, "airflow_kubeconfig": "x"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=4))
def test_anything_is_understood_or_refused(variables: dict[str, t.Any]) -> None:
    try:
        load({**BASE, **variables})
    except SpecError as error:
        named = [*VALUE_VARIABLES, *variables]
        for problem in error.details["problems"]:
            assert any(problem.startswith(name) for name in named), problem
