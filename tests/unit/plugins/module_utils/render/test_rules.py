"""What each rule of the renderer is for, seen in what it renders; tools/mutations.py breaks the rules one at a time."""

from __future__ import annotations

import configparser
import dataclasses
import json
import re
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import secrets
from ansible_collections.dagops.airflow.plugins.module_utils.render import config, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.celery_workers import SET_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS, render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec import airflow_options
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, CASES, OF_DAGS

Object = dict[str, t.Any]

TEAM = "airflow.dagops/team"
PER_CASE = pytest.mark.parametrize("case", CASES)
# Images that are Airflow's own, among those of the database and of people's sidecars.
AIRFLOW_CONTAINERS = {
    "api-server",
    "base",
    "cleanup",
    "dag-processor",
    "db-cleanup",
    "flower",
    "migrate",
    "scheduler",
    "triggerer",
    "webserver",
    "worker",
}


def rendered(variables: Object) -> list[Object]:
    values = load(variables)
    return [*render_all(values), migration_job(values, "print('x')")]


def of_kind(items: list[Object], *kinds: str) -> list[Object]:
    return [item for item in items if item["kind"] in kinds]


def one(items: list[Object], kind: str, component: str) -> Object:
    """The instance's own, of which teams may have copies."""
    own = (item for item in of_kind(items, kind) if TEAM not in item["metadata"]["labels"])
    (found,) = (item for item in own if item["metadata"]["labels"]["component"] == component)
    return found


def pod(items: list[Object], kind: str, component: str) -> Object:
    template: Object = one(items, kind, component)["spec"]["template"]
    return template


def worker(items: list[Object]) -> Object:
    """The pod that the executor makes of its file."""
    template: Object = json.loads(one(items, "ConfigMap", "pod-template")["data"][names.POD_TEMPLATE_FILE])
    return template


def pods(items: list[Object]) -> list[Object]:
    """Every pod (template), the executor's included."""
    found = [item["spec"]["template"] for item in of_kind(items, "Deployment", "StatefulSet", "Job")]
    found += [item["spec"]["jobTemplate"]["spec"]["template"] for item in of_kind(items, "CronJob")]
    return [*found, *([worker(items)] if any("pod-template" in item["metadata"]["name"] for item in items) else [])]


def main(template: Object) -> Object:
    container: Object = template["spec"]["containers"][0]
    return container


def airflow_pods(items: list[Object]) -> list[Object]:
    return [template for template in pods(items) if main(template)["name"] in AIRFLOW_CONTAINERS]


def environment(container: Object) -> dict[str, Object]:
    return {variable["name"]: variable for variable in container["env"]}


def secret_keys(container: Object) -> dict[str, str]:
    """Variables that are read from Secrets, and the keys that they are read from."""
    sources = {
        name: variable.get("valueFrom", {}).get("secretKeyRef") for name, variable in environment(container).items()
    }
    return {name: source["key"] for name, source in sources.items() if source}


def mounts(container: Object) -> dict[str, Object]:
    return {mount["mountPath"]: mount for mount in container["volumeMounts"]}


def volumes(template: Object) -> dict[str, Object]:
    return {volume["name"]: volume for volume in template["spec"].get("volumes", [])}


def selectors(items: list[Object]) -> dict[str, dict[str, str]]:
    """What selects pods, and by which labels."""
    found = {}
    for item in of_kind(items, "Deployment", "StatefulSet", "PodDisruptionBudget"):
        found[f"{item['kind']}/{item['metadata']['name']}"] = item["spec"]["selector"]["matchLabels"]
    for item in of_kind(items, "Service"):
        found[f"Service/{item['metadata']['name']}"] = item["spec"]["selector"]
    return found


# --- identity: names, labels, selectors, namespaces ---


@PER_CASE
def test_objects_are_in_the_namespace_of_the_instance(case: str) -> None:
    values = load(CASES[case])
    for item in rendered(CASES[case]):
        team = item["metadata"]["labels"].get(TEAM)
        home = values.team_namespace(team) if team else values.namespace
        expected = None if item["kind"] == "Namespace" else home
        assert item["metadata"].get("namespace") == expected, item["metadata"]["name"]


@PER_CASE
def test_a_workload_keeps_its_selector_whatever_labels_people_add(case: str) -> None:
    """A selector cannot be changed. (Labels of these names are refused before that.)"""
    labels = {"team": "data", "component": "theirs", "release": "theirs", "app.kubernetes.io/instance": "theirs"}
    values = load(CASES[case])
    theirs = dataclasses.replace(values, instance=dataclasses.replace(values.instance, labels=labels))
    before, after = rendered(CASES[case]), [*render_all(theirs), migration_job(theirs, "print('x')")]
    assert selectors(after) == selectors(before)
    for selector in selectors(after).values():
        assert selector.keys() - {SET_LABEL} == {"tier", "component", "release"}
        assert any(selector.items() <= template["metadata"]["labels"].items() for template in pods(after))
    for item in after:
        assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == CASES[case]["airflow_instance"]
        assert item["metadata"]["labels"]["team"] == "data"


def test_instances_of_one_namespace_leave_each_others_pods_alone() -> None:
    variables = {**BASE, "airflow_namespace": "data", "airflow_database_pgbouncer": {"enabled": True}}
    mine, other = (rendered({**variables, "airflow_instance": name}) for name in ("mine", "other"))
    for selector in selectors(mine).values():
        assert not any(selector.items() <= template["metadata"]["labels"].items() for template in pods(other))


@PER_CASE
def test_a_selector_reaches_one_component(case: str) -> None:
    items = rendered(CASES[case])
    for name, selector in selectors(items).items():
        found = {
            template["metadata"]["labels"]["component"]
            for template in pods(items)
            if selector.items() <= template["metadata"]["labels"].items()
        }
        assert len(found) == 1, name
        assert selector["component"] in found


@PER_CASE
def test_pods_of_one_component_keep_apart(case: str) -> None:
    items = rendered(CASES[case])
    several = {
        item["metadata"]["labels"]["component"]
        for item in of_kind(items, "Deployment", "StatefulSet")
        if item["metadata"]["labels"]["component"] not in ("postgresql", "redis", "flower")
    }
    for template in pods(items):
        labels = template["metadata"]["labels"]
        affinity = template["spec"].get("affinity")
        if labels["component"] not in several or template["spec"].get("restartPolicy") == "Never":
            assert affinity is None, labels["component"]
            continue
        terms = affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        for chosen in (term["podAffinityTerm"] for term in terms):
            expected = {key: labels[key] for key in ("tier", "component", "release", SET_LABEL) if key in labels}
            assert chosen["labelSelector"]["matchLabels"] == expected
        assert {term["podAffinityTerm"]["topologyKey"]: term["weight"] for term in terms} == {
            "kubernetes.io/hostname": 50,
            "topology.kubernetes.io/zone": 100,
        }


def test_an_object_tells_its_part() -> None:
    for part in RENDERERS:
        for item in render(load(CASES["everything"]), part):
            assert item["metadata"]["labels"][names.ROLE_LABEL] == part


# --- hardening ---


@PER_CASE
def test_files_of_a_pod_belong_to_its_group(case: str) -> None:
    for template in pods(rendered(CASES[case])):
        security = template["spec"]["securityContext"]
        assert security["fsGroup"] == security["runAsGroup"], main(template)["name"]
        assert security["runAsUser"] > 0


@PER_CASE
def test_airflow_runs_in_the_group_of_its_image(case: str) -> None:
    """Its files belong to group 0, so that OpenShift can choose any user."""
    for template in airflow_pods(rendered(CASES[case])):
        assert template["spec"]["securityContext"]["runAsGroup"] == 0


@PER_CASE
def test_pods_get_no_variables_for_services(case: str) -> None:
    for template in pods(rendered(CASES[case])):
        assert template["spec"]["enableServiceLinks"] is False


@PER_CASE
def test_an_identity_carries_a_token_only_where_a_pod_asks(case: str) -> None:
    for item in of_kind(rendered(CASES[case]), "ServiceAccount"):
        assert item["automountServiceAccountToken"] is False, item["metadata"]["name"]


@PER_CASE
def test_nobody_may_more_than_make_and_watch_pods(case: str) -> None:
    """In the namespace of the instance; tests/api/test_teams.py asks an API server about those of teams."""
    own = [item for item in of_kind(rendered(CASES[case]), "Role") if TEAM not in item["metadata"]["labels"]]
    for item in own:
        for rule in item["rules"]:
            assert rule["apiGroups"] == [""]
            # Tasks that launch pods read XComs out of them.
            entered = {"pods/exec"} if item["metadata"]["labels"]["component"] == "task-launcher" else set()
            assert set(rule["resources"]) <= {"pods", "pods/log", "events", *entered}
            assert set(rule["verbs"]) <= {"create", "delete", "get", "list", "patch", "watch"}
            if set(rule["resources"]) & {"pods/log", "events"}:
                assert set(rule["verbs"]) <= {"get", "list", "watch"}


@PER_CASE
def test_a_binding_gives_a_role_to_pods_of_the_instance(case: str) -> None:
    items = rendered(CASES[case])
    roles = {item["metadata"]["name"] for item in of_kind(items, "Role")}
    accounts = {template["spec"]["serviceAccountName"] for template in pods(items)}
    bound = of_kind(items, "RoleBinding")
    assert {item["roleRef"]["name"] for item in bound} == roles
    for item in bound:
        assert item["roleRef"]["kind"] == "Role"
        for subject in item["subjects"]:
            assert subject["kind"] == "ServiceAccount"
            assert subject["name"] in accounts
            assert subject["namespace"] in {item["metadata"]["namespace"], load(CASES[case]).namespace}


def holders(variables: Object) -> dict[str, set[str]]:
    """Who may do what, by role."""
    bound = of_kind(rendered(variables), "RoleBinding")
    return {
        item["metadata"]["labels"]["component"]: {subject["name"] for subject in item["subjects"]} for item in bound
    }


def test_tasks_may_make_pods_by_consent_only() -> None:
    consent = {"airflow_rbac_tasks_launch_pods": True}
    assert holders(BASE) == {"pod-launcher": {"airflow-scheduler"}, "log-reader": {"airflow-api-server"}}
    given = {"task-launcher": {"airflow-worker"}, "task-watcher": {"airflow-triggerer"}}
    assert holders({**BASE, **consent}) == {**holders(BASE), **given}
    assert holders(CASES["local-executor"]) == {}
    given = {"task-launcher": {"ml-scheduler"}, "task-watcher": {"ml-triggerer"}}
    assert holders({**CASES["local-executor"], **consent}) == given


def test_xcoms_are_read_out_of_pods_unless_they_are_not_wanted() -> None:
    teams = {"data": {}, "ml": {"jobs": True}}
    consent = {"airflow_rbac_tasks_launch_pods": True, "airflow_rbac_teams": teams}

    def enter(**more: t.Any) -> set[tuple[str, str]]:
        found = of_kind(rendered({**BASE, **consent, **more}), "Role")
        return {
            (item["metadata"]["namespace"], item["metadata"]["labels"]["component"])
            for item in found
            if any("pods/exec" in rule["resources"] for rule in item["rules"])
        }

    launcher, watcher = "task-launcher", "task-watcher"
    # Of a Job that is waited for, the triggerer reads it.
    expected = {("airflow", launcher), ("airflow-data", launcher), ("airflow-ml", launcher), ("airflow-ml", watcher)}
    assert enter() == expected
    assert enter(airflow_rbac_tasks_read_xcom=False) == set()


@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_the_namespace_enforces_pod_security(level: str) -> None:
    (namespace,) = of_kind(rendered({**BASE, "airflow_rbac_pod_security": level}), "Namespace")
    labels = namespace["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {level}


# --- secrets ---


@PER_CASE
def test_what_pods_read_of_our_secrets_is_in_them(case: str) -> None:
    values = load(CASES[case])
    planned = {item.name: set(item.entries) for item in secrets.required_secrets(values, {"database_password": "x"})}
    account = secrets.Account(user="x", password="y")
    accounts = secrets.CeleryAccounts(broker=account, flower=account)
    planned |= {name: set(texts) for name, texts in secrets.derived_secrets(values, account, accounts).items()}
    planned |= {"my-results": {"url"}}
    for template in pods(rendered(CASES[case])):
        for container in template["spec"]["containers"]:
            for variable in container.get("env", []):
                source = variable.get("valueFrom", {}).get("secretKeyRef")
                if source and source["name"] not in OF_DAGS:
                    assert source["key"] in planned[source["name"]], variable["name"]


def test_each_address_of_the_database_is_the_one_for_it() -> None:
    addresses = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "connection",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "connection-async",
    }
    items = rendered(CASES["everything"])
    for component in ("api-server", "scheduler", "dag-processor"):
        assert addresses.items() <= secret_keys(main(pod(items, "Deployment", component))).items()
    # Asyncpg came with Airflow 3; and a migration holds locks of its session, which a pooler would hand to others.
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC" not in secret_keys(
        main(pod(rendered(CASES["airflow-2.11"]), "Deployment", "scheduler"))
    )
    migration = secret_keys(main(pod(items, "Job", "migrate")))
    assert migration["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "connection-direct"


@PER_CASE
def test_every_section_of_airflow_cfg_is_one_of_airflows(case: str) -> None:
    values = load(CASES[case])
    assert config.settings(values).keys() - values.core.config.keys() <= set(airflow_options.SECTIONS)


@PER_CASE
def test_no_option_of_airflow_cfg_is_a_secret(case: str) -> None:
    for section, options in config.settings(load(CASES[case])).items():
        for option in options:
            assert not re.search(r"fernet_key|secret|password|sql_alchemy_conn|_cmd$|broker_url", option), section


def test_passwords_of_the_pooler_are_in_a_secret() -> None:
    template = pod(rendered(CASES["everything"]), "Deployment", "pgbouncer")
    file = main(template)["command"][-1]
    mount = mounts(main(template))[file.rpartition("/")[0]]
    assert volumes(template)[mount["name"]] == {
        "name": mount["name"],
        "secret": {"secretName": "airflow-pgbouncer-config"},
    }
    assert mount["readOnly"] is True


# --- environment and files ---


def test_a_variable_of_a_component_wins_over_one_of_all() -> None:
    """And over ours: server-side apply refuses two of one name."""
    variables = {
        **BASE,
        "airflow_core_env": [{"name": "A", "value": "all"}, {"name": "CONNECTION_CHECK_MAX_COUNT", "value": "5"}],
        "airflow_core_scheduler": {"env": [{"name": "A", "value": "mine"}]},
    }
    items = rendered(variables)
    for component, value in (("scheduler", "mine"), ("dag-processor", "all")):
        container = main(pod(items, "Deployment", component))
        given = [variable["name"] for variable in container["env"]]
        assert len(given) == len(set(given))
        assert environment(container)["A"]["value"] == value
        assert environment(container)["CONNECTION_CHECK_MAX_COUNT"]["value"] == "5"


@PER_CASE
def test_no_start_of_airflow_is_for_looking_at_the_database(case: str) -> None:
    for template in airflow_pods(rendered(CASES[case])):
        assert environment(main(template))["CONNECTION_CHECK_MAX_COUNT"]["value"] == "0"


@PER_CASE
def test_volumes_have_a_source(case: str) -> None:
    for template in pods(rendered(CASES[case])):
        for volume in template["spec"].get("volumes", []):
            assert len(volume) == 2, volume


@PER_CASE
def test_single_files_are_in_their_config_map(case: str) -> None:
    items = rendered(CASES[case])
    data = {item["metadata"]["name"]: item["data"] for item in of_kind(items, "ConfigMap")}
    for template in airflow_pods(items):
        for path, mount in mounts(main(template)).items():
            source = volumes(template).get(mount["name"], {}).get("configMap")
            if source and mount["name"] != "pod-template":
                assert mount["subPath"] in data[source["name"]]
                assert path.rpartition("/")[2] == mount["subPath"]


@pytest.mark.parametrize("case", ["kubernetes-executor", "local-executor"])
def test_the_canary_is_in_a_bundle_of_airflow_3(case: str) -> None:
    items = rendered(CASES[case])
    bundles = config.settings(load(CASES[case]))["dag_processor"]["dag_bundle_config_list"]
    paths = {bundle["kwargs"].get("path", names.DAGS_FOLDER) for bundle in bundles}
    runs_tasks = worker(items) if case == "kubernetes-executor" else pod(items, "Deployment", "scheduler")
    for template in (pod(items, "Deployment", "dag-processor"), runs_tasks):
        (path,) = (path for path in mounts(main(template)) if path.endswith(names.CANARY_FILE))
        assert path.rpartition("/")[0] in paths - {names.DAGS_FOLDER}


def test_the_canary_is_in_the_dags_folder_of_airflow_2() -> None:
    template = pod(rendered(CASES["airflow-2.11"]), "Deployment", "dag-processor")
    assert f"{names.DAGS_FOLDER}/{names.CANARY_FILE}" in mounts(main(template))


@PER_CASE
def test_dags_are_parsed_by_the_dag_processor_alone(case: str) -> None:
    """The scheduler of Airflow 2 does it, too, unless it is told not to."""
    values = load(CASES[case])
    if values.major < 3:
        assert config.settings(values)["scheduler"]["standalone_dag_processor"] is True
    assert one(rendered(CASES[case]), "Deployment", "dag-processor")


def test_text_of_several_lines_reads_back() -> None:
    text = "one\n[two]\nthree = 3 %"
    parser = configparser.ConfigParser()
    parser.read_string(config.airflow_cfg(load({**BASE, "airflow_core_config": {"email": {"footer": text}}})))
    assert parser["email"]["footer"] == text


# --- the executor and its pods ---


@pytest.mark.parametrize("case", ["kubernetes-executor", "airflow-2.11", "everything"])
def test_the_executor_finds_its_template_and_namespace(case: str) -> None:
    items = rendered(CASES[case])
    scheduler = one(items, "Deployment", "scheduler")
    executor = config.settings(load(CASES[case]))["kubernetes_executor"]
    assert executor["namespace"] == scheduler["metadata"]["namespace"]
    folder, _slash, file = executor["pod_template_file"].rpartition("/")
    template = scheduler["spec"]["template"]
    source = volumes(template)[mounts(main(template))[folder]["name"]]["configMap"]["name"]
    (config_map,) = (item for item in of_kind(items, "ConfigMap") if item["metadata"]["name"] == source)
    assert file in config_map["data"]


@pytest.mark.parametrize("case", ["kubernetes-executor", "airflow-2.11", "everything"])
def test_a_task_runs_once_and_is_not_moved(case: str) -> None:
    template = worker(rendered(CASES[case]))
    assert template["spec"]["restartPolicy"] == "Never"
    stays = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
    assert template["metadata"]["annotations"].items() >= stays.items()
    # The executor sets the arguments of the container of this name.
    assert main(template)["name"] == "base"
    assert "args" not in main(template)


def test_a_task_of_airflow_2_starts_no_executor() -> None:
    container = main(worker(rendered(CASES["airflow-2.11"])))
    assert environment(container)["AIRFLOW__CORE__EXECUTOR"]["value"] == "LocalExecutor"


def test_what_runs_tasks_or_keeps_data_has_time_to_end() -> None:
    def seconds(template: Object) -> int:
        return int(template["spec"]["terminationGracePeriodSeconds"])

    items, local = rendered(BASE), rendered(CASES["local-executor"])
    assert seconds(worker(items)) >= 600
    assert seconds(pod(local, "Deployment", "scheduler")) >= 600
    assert seconds(pod(items, "Deployment", "scheduler")) <= 60
    assert seconds(pod(items, "StatefulSet", "postgresql")) >= 120


# --- running: probes, ports, rolling ---


@PER_CASE
def test_a_slow_start_is_given_five_minutes(case: str) -> None:
    for item in of_kind(rendered(CASES[case]), "Deployment", "StatefulSet"):
        probe = main(item["spec"]["template"]).get("startupProbe")
        if probe:
            assert probe["periodSeconds"] * probe["failureThreshold"] >= 300, item["metadata"]["name"]
            assert probe["timeoutSeconds"] >= 5


@PER_CASE
def test_probes_ask_ports_that_the_container_has(case: str) -> None:
    for template in pods(rendered(CASES[case])):
        ports = {port["name"] for port in main(template).get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            told = main(template).get(probe, {})
            for way in ("httpGet", "tcpSocket"):
                if way in told:
                    assert told[way]["port"] in ports


def test_a_component_is_judged_by_its_own_heartbeat() -> None:
    jobs = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
    items = rendered(BASE)
    for component, job in jobs.items():
        container = main(pod(items, "Deployment", component))
        assert container["livenessProbe"]["exec"]["command"][2:] == [job]
        assert container["startupProbe"]["exec"]["command"][2:] == [job, "--started"]


@PER_CASE
def test_a_roll_takes_no_pod_away_before_another_is_there(case: str) -> None:
    for item in of_kind(rendered(CASES[case]), "Deployment"):
        rolling = item["spec"]["strategy"]["rollingUpdate"]
        assert (rolling["maxUnavailable"], rolling["maxSurge"]) == (0, 1)


@PER_CASE
def test_requests_go_on_while_a_pod_stops(case: str) -> None:
    items = rendered(CASES[case])
    served = [item["spec"]["selector"] for item in of_kind(items, "Service")]
    for item in of_kind(items, "Deployment"):
        template = item["spec"]["template"]
        if any(selector.items() <= template["metadata"]["labels"].items() for selector in served):
            program, seconds = main(template)["lifecycle"]["preStop"]["exec"]["command"]
            assert program == "sleep"
            assert 5 <= int(seconds) < template["spec"]["terminationGracePeriodSeconds"] / 2


def test_logs_are_served_where_tasks_and_triggers_run() -> None:
    def ports(items: list[Object], component: str) -> dict[str, int]:
        container = main(pod(items, "Deployment", component))
        return {port["name"]: port["containerPort"] for port in container.get("ports", [])}

    # Airflow's own defaults: [logging] worker_log_server_port and trigger_log_server_port.
    assert ports(rendered(CASES["local-executor"]), "scheduler") == {"logs": 8793}
    assert ports(rendered(BASE), "scheduler") == {}
    assert ports(rendered(BASE), "triggerer") == {"logs": 8794}


# --- the database, the migration and the logs ---


def test_data_outlives_its_workload() -> None:
    item = one(rendered(BASE), "StatefulSet", "postgresql")
    assert item["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_data_is_on_its_volume_below_its_root() -> None:
    """A root may hold lost+found, which initdb refuses."""
    item = one(rendered(BASE), "StatefulSet", "postgresql")
    container = main(item["spec"]["template"])
    claims = {claim["metadata"]["name"] for claim in item["spec"]["volumeClaimTemplates"]}
    (root,) = (path for path, mount in mounts(container).items() if mount["name"] in claims)
    assert environment(container)["PGDATA"]["value"].startswith(f"{root}/")


def test_a_stateful_set_has_its_headless_service() -> None:
    items = rendered(BASE)
    item = one(items, "StatefulSet", "postgresql")
    (service,) = (found for found in of_kind(items, "Service") if found["spec"].get("clusterIP") == "None")
    assert item["spec"]["serviceName"] == service["metadata"]["name"]


def test_an_external_database_has_nothing_of_ours() -> None:
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    assert not [item for item in rendered({**BASE, **external}) if "postgresql" in item["metadata"]["name"]]


def test_another_migration_is_another_job() -> None:
    values = load(BASE)
    first, same, other = (migration_job(values, script) for script in ("one", "one", "other"))
    assert first == same
    assert first["metadata"]["name"] != other["metadata"]["name"]


@PER_CASE
def test_a_failed_migration_is_told_and_not_tried_blindly(case: str) -> None:
    item = one(rendered(CASES[case]), "Job", "migrate")
    assert item["spec"]["backoffLimit"] == 0
    assert item["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert main(item["spec"]["template"])["terminationMessagePolicy"] == "FallbackToLogsOnError"


@PER_CASE
def test_a_migration_waits_for_no_volume(case: str) -> None:
    template = pod(rendered(CASES[case]), "Job", "migrate")
    assert not [volume for volume in template["spec"]["volumes"] if "persistentVolumeClaim" in volume]


def test_logs_are_on_one_volume_for_all() -> None:
    items = rendered(BASE)
    claim = one(items, "PersistentVolumeClaim", "logs")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        template = pod(items, "Deployment", component)
        mount = mounts(main(template))[names.LOGS_FOLDER]
        wanted = {"claimName": claim["metadata"]["name"]}
        assert volumes(template)[mount["name"]]["persistentVolumeClaim"] == wanted


def test_a_claim_of_a_persons_takes_the_place_of_ours() -> None:
    items = rendered({**BASE, "airflow_logging_store": "volume", "airflow_logging_volume": {"existingClaim": "mine"}})
    assert not of_kind(items, "PersistentVolumeClaim")
    assert volumes(worker(items))["logs"]["persistentVolumeClaim"] == {"claimName": "mine"}


# --- the way in ---


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://airflow.example.com/data", "airflow.example.com", "/data"),
        ("https://airflow.example.com/data/", "airflow.example.com", "/data"),
        ("https://airflow.example.com", "airflow.example.com", "/"),
        ("https://airflow.example.com:8443/a/b", "airflow.example.com", "/a/b"),
    ],
)
@pytest.mark.parametrize("version", ["3.3.2", "2.11.2"])
def test_an_ingress_leads_from_the_address_to_the_service(url: str, host: str, path: str, version: str) -> None:
    variables = {"airflow_ingress_enabled": True, "airflow_ingress_tls_secret": "tls", "airflow_core_base_url": url}
    items = rendered({**BASE, **variables, "airflow_version": version})
    (ingress,) = of_kind(items, "Ingress")
    (rule,) = ingress["spec"]["rules"]
    (way,) = rule["http"]["paths"]
    assert (rule["host"], way["path"], way["pathType"]) == (host, path, "Prefix")
    assert ingress["spec"]["tls"] == [{"hosts": [host], "secretName": "tls"}]
    target = way["backend"]["service"]
    (service,) = (item for item in of_kind(items, "Service") if item["metadata"]["name"] == target["name"])
    assert target["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
