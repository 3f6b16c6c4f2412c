"""A folder of DAGs on its way to a volume: what is refused, what differs, and what the script in the pod does."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_folder, dags_upload
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import dag_files
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import source
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.dags_upload import COMPONENT, upload_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, CASES

DEFAULT = dag_folder.EXCLUDED
DAG = b"from airflow.sdk import dag\n"


def fill(folder: pathlib.Path, **files: str | bytes) -> pathlib.Path:
    """Write files; two underscores stand for a slash."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def script(command: str, *arguments: str, stdin: t.Any = None) -> dict[str, t.Any]:
    """The script as a pod runs it, in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", source(dag_files), command, *arguments],
        input=json.dumps(stdin),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def upload(
    src: pathlib.Path, volume: pathlib.Path, *, delete: bool = True, exclude: t.Sequence[str] = DEFAULT
) -> dag_folder.Plan:
    """What an upload does, without the pods."""
    tree = dag_folder.read(str(src), exclude)
    plan = dag_folder.plan(tree, script("look", str(volume)), exclude, delete=delete)
    if plan.wanted:
        archive = base64.b64encode(dag_folder.pack({name: tree[name] for name in plan.sent})).decode()
        seen = script("write", str(volume), stdin={"archive": archive, "remove": plan.removed})
        assert not dag_folder.plan(tree, seen, exclude, delete=delete).wanted
    return plan


def files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def src(tmp_path: pathlib.Path) -> pathlib.Path:
    return fill(tmp_path / "src", one_py=DAG, lib__tool_py="x = 1\n", data__table="1,2\n")


@pytest.fixture
def volume(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


def test_a_volume_comes_to_hold_what_the_folder_holds(src: pathlib.Path, volume: pathlib.Path) -> None:
    first = upload(src, volume)
    assert (first.added, first.updated, first.removed) == (["data/table", "lib/tool.py", "one.py"], [], [])
    assert files(volume) == files(src)
    assert not upload(src, volume).wanted
    fill(src, one_py=DAG + b"\n", two_py=DAG)
    shutil.rmtree(src / "lib")
    second = upload(src, volume)
    assert (second.added, second.updated, second.removed) == (["two.py"], ["one.py"], ["lib/tool.py"])
    assert files(volume) == files(src)
    assert not (volume / "lib").exists()


def test_files_of_others_stay_without_delete(src: pathlib.Path, volume: pathlib.Path) -> None:
    fill(volume, other__dag_py=DAG)
    assert upload(src, volume, delete=False).removed == []
    assert set(files(volume)) == {*files(src), "other/dag.py"}


def test_what_is_excluded_is_neither_uploaded_nor_removed(src: pathlib.Path, volume: pathlib.Path) -> None:
    fill(src, lib__tool_pyc="mine", secret="mine")
    (src / ".git").mkdir()
    fill(volume, secret="theirs")
    (volume / "lost+found").mkdir()
    fill(volume / "lost+found", inode="kept")
    plan = upload(src, volume, exclude=[*DEFAULT, "secret"])
    assert plan.removed == []
    assert files(volume) == {
        "one.py": DAG,
        "lib/tool.py": b"x = 1\n",
        "data/table": b"1,2\n",
        "secret": b"theirs",
        "lost+found/inode": b"kept",
    }


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("a/__pycache__/b.pyc", "__pycache__", True),
        ("a/__pycache__/b.pyc", "__pycache__/", True),
        ("a/b.pyc", "*.pyc", True),
        ("a/b.py", "*.pyc", False),
        ("tests/a.py", "/tests/*", True),
        ("team/tests/a.py", "team/tests", True),
        ("team/tests/a.py", "tests/a.py", False),
        (".dagops-upload/.0", "nothing", True),
        ("a/lost+found", "nothing", False),
    ],
)
def test_patterns(name: str, pattern: str, expected: bool) -> None:
    assert dag_folder.excluded(name, [pattern]) is expected


def test_a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file(
    src: pathlib.Path, volume: pathlib.Path
) -> None:
    fill(volume, lib="a file", one_py__deep__x="y", one_py__z="z")
    (volume / "data").symlink_to(src)
    before = files(volume)
    with pytest.raises(Failure, match=r"data on the volume is in the way.*delete=true"):
        upload(src, volume, delete=False)
    assert files(volume) == before
    assert upload(src, volume).removed == ["data", "lib", "one.py/deep/x", "one.py/z"]
    assert files(volume) == files(src)
    assert not (volume / "data").is_symlink()


def test_a_link_on_the_volume_becomes_the_file(src: pathlib.Path, volume: pathlib.Path) -> None:
    (volume / "one.py").symlink_to(src / "one.py")
    assert upload(src, volume).updated == ["one.py"]
    assert not (volume / "one.py").is_symlink()
    assert (src / "one.py").read_bytes() == DAG


def test_what_a_killed_run_left_goes(src: pathlib.Path, volume: pathlib.Path) -> None:
    upload(src, volume)
    work = volume / dag_files.WORK
    work.mkdir()
    fill(work, half="of a f")
    plan = upload(src, volume)
    assert plan.left
    assert (plan.sent, plan.removed) == ([], [])
    assert files(volume) == files(src)
    assert not upload(src, volume).wanted


class Killed(BaseException):
    """Nothing that the script could catch."""


@pytest.mark.parametrize("step", range(1, 12))
def test_a_run_that_is_killed_anywhere_is_made_good(
    src: pathlib.Path, volume: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    fill(volume, one_py=b"old", gone__a="a", gone__b="b")
    tree = dag_folder.read(str(src), DEFAULT)
    plan = dag_folder.plan(tree, dag_files.look(str(volume)), DEFAULT, delete=True)
    archive = base64.b64encode(dag_folder.pack(tree)).decode()
    calls = 0

    def until(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def counted(*arguments: t.Any, **named: t.Any) -> t.Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise Killed
            return function(*arguments, **named)

        return counted

    with monkeypatch.context() as patch:
        for name in ("mkdir", "replace", "unlink", "rmdir"):
            patch.setattr(os, name, until(getattr(os, name)))
        with pytest.raises(Killed):
            dag_files.write(str(volume), archive, plan.removed)
    # Nobody reads half of a file, at no time.
    assert (volume / "one.py").read_bytes() in (b"old", DAG)
    upload(src, volume)
    assert files(volume) == files(src)


def test_files_on_their_way_are_hidden_from_airflow(src: pathlib.Path, volume: pathlib.Path) -> None:
    work = volume / dag_files.WORK
    work.mkdir()
    ready = dag_files.unpack(dag_folder.pack(dag_folder.read(str(src), DEFAULT)), str(work))
    assert all(os.path.basename(path).startswith(".") for path in ready.values())


def test_files_can_be_read_and_written_by_the_group(src: pathlib.Path, volume: pathlib.Path) -> None:
    (src / "one.py").chmod(0o600)
    upload(src, volume)
    assert (volume / "one.py").stat().st_mode & 0o777 == 0o664
    assert (volume / "lib").stat().st_mode & 0o777 == 0o775


def test_what_the_volume_refuses_is_told(src: pathlib.Path, tmp_path: pathlib.Path) -> None:
    archive = base64.b64encode(dag_folder.pack(dag_folder.read(str(src), DEFAULT))).decode()
    told = script("write", str(tmp_path / "nowhere"), stdin={"archive": archive, "remove": []})
    assert told == {"refused": f"{tmp_path}/nowhere/{dag_files.WORK}: No such file or directory"}


def test_what_is_refused_leaves_nothing_behind(
    src: pathlib.Path, volume: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: t.Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    archive = base64.b64encode(dag_folder.pack(dag_folder.read(str(src), DEFAULT))).decode()
    with pytest.raises(OSError, match="No space left"):
        dag_files.write(str(volume), archive, [])
    assert list(volume.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OSError(13, "Permission denied", "/dags/.dags-upload/.0", None, "/dags/a.py"),
            "/dags/a.py: Permission denied",
        ),
        (OSError(13, "Permission denied", "/dags/lib"), "/dags/lib: Permission denied"),
        (OSError(28, "No space left on device"), "the volume: No space left on device"),
    ],
)
def test_the_file_that_is_refused_is_named(error: OSError, expected: str) -> None:
    assert dag_files.reason(error) == expected


def test_python_that_does_not_compile_is_told_with_its_line() -> None:
    sources = {
        "good.py": DAG,
        "cookie.py": "# coding: latin-1\nx = 'ä'\n".encode("latin-1"),
        "bad.py": b"x = 1\ndef f(:\n",
        "bytes.py": b"x = '\xff'\n",
        "null.py": b"x = 1\0\n",
        "warns.py": rb"x = '\d'",
    }
    told = script("compile", stdin={name: base64.b64encode(code).decode() for name, code in sources.items()})
    assert told["errors"][0][:2] == ["bad.py", 2]
    assert [name for name, _line, _why in told["errors"]] == ["bad.py", "bytes.py", "null.py"]
    assert all(why for _name, _line, why in told["errors"])


def test_links_within_the_folder_are_followed(src: pathlib.Path, volume: pathlib.Path) -> None:
    (src / "alias.py").symlink_to("one.py")
    (src / "copy").symlink_to(src / "lib")
    upload(src, volume)
    assert (volume / "alias.py").read_bytes() == DAG
    assert not (volume / "alias.py").is_symlink()
    assert (volume / "copy/tool.py").read_bytes() == b"x = 1\n"


@pytest.mark.parametrize(
    ("link", "target", "words"),
    [
        ("out.py", "../elsewhere.py", "out.py in src is a link that leads out of src"),
        ("lib/up", "../../", "lib/up in src is a link that leads out of src"),
        ("lost.py", "nowhere.py", "lost.py in src is a link to nowhere.py, which is not there"),
        ("lib/loop", "..", "lib/loop in src is a link to a folder that it is in"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(src: pathlib.Path, link: str, target: str, words: str) -> None:
    fill(src.parent, elsewhere_py="x")
    (src / link).symlink_to(target)
    with pytest.raises(Failure, match=words):
        dag_folder.read(str(src), DEFAULT)
    assert dag_folder.read(str(src), [*DEFAULT, os.path.basename(link)])


def test_what_is_no_folder_of_dags_is_refused(tmp_path: pathlib.Path, src: pathlib.Path) -> None:
    with pytest.raises(Failure, match="does not exist"):
        dag_folder.read(str(tmp_path / "none"), DEFAULT)
    with pytest.raises(Failure, match="is no folder"):
        dag_folder.read(str(src / "one.py"), DEFAULT)
    (tmp_path / "empty/__pycache__").mkdir(parents=True)
    fill(tmp_path / "empty/__pycache__", a="x")
    with pytest.raises(Failure, match="holds no file"):
        dag_folder.read(str(tmp_path / "empty"), DEFAULT)


def test_what_is_no_file_is_refused(src: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The address of a socket is short.
    monkeypatch.chdir(src)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(Failure, match="socket in src is no file"):
            dag_folder.read(str(src), DEFAULT)


@pytest.mark.parametrize("name", [b"a\xff.py", b"a\n.py"])
def test_names_that_airflow_cannot_read_are_refused(src: pathlib.Path, name: bytes) -> None:
    with open(os.path.join(os.fsencode(src), name), "wb"):
        pass
    with pytest.raises(Failure, match="a name that Airflow cannot read"):
        dag_folder.read(str(src), DEFAULT)


def test_what_is_too_large_is_refused_before_it_is_read(src: pathlib.Path) -> None:
    with (src / "model.bin").open("wb") as file:
        file.truncate(dag_folder.MOST_BYTES)
    with pytest.raises(Failure, match=r"64 MiB.*The largest file is model.bin. Leave out by exclude"):
        dag_folder.read(str(src), DEFAULT)


def test_an_archive_is_the_same_for_the_same_files(src: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tree = dag_folder.read(str(src), DEFAULT)
    archive = dag_folder.pack(tree)
    os.utime(src / "one.py", (1, 1))
    assert dag_folder.pack(dag_folder.read(str(src), DEFAULT)) == archive
    (tmp_path / "archive.tar").write_bytes(archive)
    assert dag_folder.unpack(str(tmp_path / "archive.tar")) == tree


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a.py": DAG}, True),
        ({"a.py": b"x = 1"}, False),
        ({"a.txt": DAG}, False),
        ({"a.zip": b""}, True),
    ],
)
def test_where_airflow_looks_for_dags(tree: dict[str, bytes], expected: bool) -> None:
    assert dag_folder.may_hold_dags(tree) is expected


VOLUME: dict[str, t.Any] = {**BASE, "airflow_core_dags_volume": {"enabled": True}}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (BASE, r"airflow_core_dags_volume\.enabled is false"),
        (CASES["git-sync-2.11"], r"airflow_core_dags_volume\.accessMode of instance airflow is ReadOnlyMany"),
    ],
)
def test_an_instance_without_a_volume_to_write_is_refused(variables: dict[str, t.Any], words: str) -> None:
    with pytest.raises(Failure, match=words):
        dags_upload.refuse_values(load(variables))


def claim(*modes: str, **metadata: str) -> dict[str, t.Any]:
    return {"metadata": metadata, "spec": {"accessModes": list(modes)}}


@pytest.mark.parametrize(
    ("volume", "found", "words"),
    [
        ({}, None, r"PersistentVolumeClaim/airflow/airflow-dags.* is not there. Run site.yml first"),
        ({"existingClaim": "mine"}, None, r"airflow/mine.* is not there. Make it, or correct .*existingClaim"),
        ({}, claim("ReadOnlyMany"), "can only be read"),
        ({}, claim("ReadWriteMany", deletionTimestamp="2026-01-01T00:00:00Z"), "is being deleted"),
    ],
)
def test_a_claim_that_nobody_can_write_is_refused(
    volume: dict[str, t.Any], found: dict[str, t.Any] | None, words: str
) -> None:
    values = load({**BASE, "airflow_core_dags_volume": {"enabled": True, **volume}})
    with pytest.raises(Failure, match=words):
        dags_upload.refuse_claim(found, values)
    dags_upload.refuse_claim(claim("ReadWriteMany", "ReadOnlyMany"), values)


def test_only_pods_that_mount_the_claim_are_asked() -> None:
    pods = {item["metadata"]["name"]: item["spec"]["template"] for item in rendered("Deployment", VOLUME)}
    assert [name for name, pod in pods.items() if dags_upload.mounts(pod, "airflow-dags")] == ["airflow-dag-processor"]
    assert not dags_upload.mounts(pods["airflow-dag-processor"], "another")


def rendered(kind: str, variables: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [item for item in render_all(load(variables)) if item["kind"] == kind]


@pytest.mark.parametrize("case", ["dags-volume", "dags-volume-2.11-local"])
def test_the_pod_can_write_the_volume_and_nothing_else(case: str) -> None:
    values = load({**CASES[case], "airflow_core_env": [{"name": "TZ", "value": "UTC"}]})
    job = upload_job(values, 100)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    processor = next(
        item["spec"]["template"]["spec"]
        for item in render_all(values)
        if item["metadata"]["name"] == names.name(values, "dag-processor") and item["kind"] == "Deployment"
    )
    (box,) = pod["containers"]
    (reading,) = [one for one in processor["containers"][0]["volumeMounts"] if one["name"] == "dags-volume"]
    assert reading.pop("readOnly") is True
    assert box["volumeMounts"] == [reading]
    assert [volume["persistentVolumeClaim"] for volume in pod["volumes"]] == [{"claimName": names.name(values, "dags")}]
    assert not {"env", "envFrom", "args"} & set(box)
    assert "initContainers" not in pod
    assert pod["automountServiceAccountToken"] is False
    assert box["image"] == processor["containers"][0]["image"]
    for shared in ("serviceAccountName", "securityContext"):
        assert pod[shared] == processor[shared]
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) == (50000, 0)
    assert box["securityContext"] == processor["containers"][0]["securityContext"]
    assert box["securityContext"]["readOnlyRootFilesystem"] is True
    assert set(box["resources"]["limits"]) == set(box["resources"]["requests"]) == {"cpu", "memory"}
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"], pod["restartPolicy"]) == (100, 0, "Never")
    for meta in (job["metadata"], spec["template"]["metadata"]):
        assert names.labels(values, COMPONENT).items() <= meta["labels"].items()


def test_what_differs_is_told_by_name_and_checksum() -> None:
    tree = {"a.py": b"new", "b.py": b"b"}
    seen = {"files": {"a.py": "0" * 64, "link": None, "bad\udcff": "1" * 64}, "left": True}
    plan = dag_folder.plan(tree, seen, DEFAULT, delete=True)
    told = dags_upload.difference(tree, seen, plan, "claim", "src")
    assert told["before"].splitlines() == [
        ".dagops-upload (left by a run that was killed)",
        "a.py 000000000000",
        "bad\\udcff 111111111111",
        "link (no readable file)",
    ]
    assert told["after"].splitlines() == [
        f"a.py {dag_folder.digest_of(b'new')[:12]}",
        f"b.py {dag_folder.digest_of(b'b')[:12]}",
    ]
