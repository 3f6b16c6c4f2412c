"""The plan for users: what is named is compared, the rest is left alone, and nobody locks themselves out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import users
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.modules import user as user_module
from tests.api.support import Face, validated
from tests.unit.cases import BASE

ZOE = {"email": "zoe@example.com", "first_name": "Zoe", "last_name": "Z", "roles": ["Op", "Viewer"]}
ADMIN = {"email": "admin@example.com", "first_name": "A", "last_name": "B", "roles": ["Admin"]}
EXISTING = {"admin": ADMIN, "zoe": ZOE}


def user(username: str, **fields: t.Any) -> dict[str, t.Any]:
    empty = dict.fromkeys((*users.FIELDS, "password"))
    return {**empty, "username": username, "state": "present", **fields}


def plan(*desired: dict[str, t.Any], purge: bool = False, new_passwords: t.Collection[str] = ()) -> list[users.Change]:
    return users.plan(EXISTING, desired, purge=purge, spared={"admin"}, new_passwords=new_passwords)


def test_a_user_as_wished_is_no_change() -> None:
    assert plan(user("zoe", **{**ZOE, "roles": ["Viewer", "Op", "Op"]}, password="x")) == []


def test_what_is_not_named_is_left_alone() -> None:
    (change,) = plan(user("zoe", email="new@example.com"))
    assert change.after == {**ZOE, "email": "new@example.com"}
    assert change.before == ZOE
    assert change.password is None


def test_a_new_user_is_made_with_its_password() -> None:
    (change,) = plan(user("bob", **ZOE, password="secret"))
    assert (change.action, change.after, change.password) == ("create", ZOE, "secret")


@pytest.mark.parametrize("missing", [*users.FIELDS, "password"])
def test_a_new_user_needs_everything(missing: str) -> None:
    with pytest.raises(Failure, match=f"User bob does not exist yet, and cannot be made without {missing}"):
        plan(user("bob", **{**ZOE, "password": "x", missing: None}))


def test_a_new_password_is_a_change_of_its_own() -> None:
    (change,) = plan(user("zoe", password="secret"), new_passwords={"zoe"})
    assert (change.action, change.password) == ("update", "secret")
    entry = change.entry()
    assert "secret" not in str(entry)
    assert "password: (hidden)\n" in entry["before"]
    assert "password: (hidden, another value)\n" in entry["after"]


def test_an_absent_user_is_removed_once() -> None:
    (change,) = plan(user("zoe", state="absent"), user("nobody", state="absent"))
    assert (change.action, change.username, change.entry()["after"]) == ("delete", "zoe", "")


def test_purge_removes_whom_nobody_names_but_not_ourselves() -> None:
    assert [(change.action, change.username) for change in plan(purge=True)] == [("delete", "zoe")]


def test_deletions_come_first() -> None:
    changes = plan(user("bob", **ZOE, password="x"), purge=True)
    assert [change.action for change in changes] == ["delete", "create"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"state": "absent"}, "it cannot be removed"),
        ({"roles": ["Viewer"]}, "it cannot be deprived of its role Admin"),
    ],
)
def test_nobody_locks_itself_out(wish: dict[str, t.Any], words: str) -> None:
    changes = plan(user("admin", **wish))
    with pytest.raises(Failure, match=words):
        users.refuse_lockout(changes, "admin")
    users.refuse_lockout(changes, "zoe")


def test_our_own_names_may_change() -> None:
    users.refuse_lockout(plan(user("admin", email="new@example.com", roles=["Admin", "Op"])), "admin")


@pytest.mark.parametrize("wish", [{"state": "absent"}, {"roles": ["Viewer"]}])
def test_somebody_stays_administrator(wish: dict[str, t.Any]) -> None:
    changes = plan(user("admin", **wish))
    with pytest.raises(Failure, match="Without admin, no user would have the role Admin"):
        users.refuse_anarchy(changes, EXISTING)
    users.refuse_anarchy(changes, {**EXISTING, "root": ADMIN})
    users.refuse_anarchy(plan(user("admin", **wish), user("zoe", roles=["Admin"])), EXISTING)
    users.refuse_anarchy(plan(user("zoe", **wish)), EXISTING)


def test_an_address_is_for_one_user() -> None:
    changes = plan(user("bob", **ZOE, password="x"))
    with pytest.raises(Failure, match=r"Users bob and zoe would both have the e-mail address zoe@example.com"):
        users.refuse_shared_addresses(changes, EXISTING)
    users.refuse_shared_addresses(plan(user("bob", **ZOE, password="x"), user("zoe", state="absent")), EXISTING)


@pytest.mark.parametrize(
    ("wish", "moves"),
    [({"email": "new@example.com"}, True), ({"first_name": "Ada"}, False), ({"state": "absent"}, False)],
)
def test_only_a_new_address_can_be_taken(wish: dict[str, t.Any], moves: bool) -> None:
    (change,) = plan(user("zoe", **wish))
    assert users.moves(change) is moves


@pytest.mark.parametrize("name", ["", " ", "a/b"])
def test_names_that_the_api_cannot_take_are_refused(name: str) -> None:
    with pytest.raises(Failure, match="cannot be the name of a user"):
        users.validated([user(name)])


def test_a_user_without_roles_is_refused() -> None:
    with pytest.raises(Failure, match="User zoe has no roles"):
        users.validated([user("zoe", roles=[])])


def test_a_user_named_twice_is_refused() -> None:
    with pytest.raises(Failure, match="User zoe stands in users twice"):
        users.validated([user("zoe"), user("zoe", state="absent")])


def test_unknown_roles_are_all_named() -> None:
    changes = plan(user("zoe", roles=["Nope", "Viewer"]), user("admin", roles=["Never"]))
    with pytest.raises(Failure, match=r"no roles Never \(of user admin\), Nope \(of user zoe\). It has Admin, Viewer"):
        users.unknown_roles(changes, {"Admin", "Viewer"})


def test_a_record_of_the_api_is_read_by_what_is_compared() -> None:
    record = {**ZOE, "roles": [{"name": "Viewer"}, {"name": "Op"}], "username": "zoe", "login_count": 7, "active": True}
    assert users.shown(record) == ZOE


def test_no_administrator_is_made_where_the_auth_manager_keeps_no_users() -> None:
    """Nor is a cluster asked: there is none here."""
    elsewhere = {"airflow_core_config": {"core": {"auth_manager": "acme.auth.Manager"}}}
    done = users.run(t.cast("t.Any", Face(params=validated(user_module, {"values": {**BASE, **elsewhere}}))))
    assert (done["changed"], done["created"], done["api_requests"]) == (False, [], 0)
