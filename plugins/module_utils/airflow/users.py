# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the users of Airflow (FAB auth manager) to a desired state, all in one pass.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import access, rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rest import Credentials, Rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Reach, Target, run_inside, target
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Admin

User = dict[str, t.Any]

FIELDS: t.Final = ("email", "first_name", "last_name", "roles")
ADMIN_ROLE: t.Final = "Admin"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one user."""

    action: t.Literal["create", "update", "delete"]
    username: str
    before: User | None = None
    after: User | None = None
    password: str | None = None
    """The new password, if it changes."""

    def entry(self) -> dict[str, str]:
        """Its diff; a password is told by words."""
        header = f"user {self.username}"
        before, after = dict(self.before or {}), dict(self.after or {})
        if self.password is not None:
            before.update({"password": "(hidden)"} if self.before else {})
            after["password"] = "(hidden, another value)" if self.before else "(hidden)"
        return {
            "before_header": header,
            "after_header": header,
            "before": diff.to_yaml(before) if before else "",
            "after": diff.to_yaml(after) if after else "",
        }


# --- the plan, which is pure ---


def shown(record: User) -> User:
    """A user of the API by the fields that we compare."""
    return {
        **{field: record.get(field) for field in FIELDS if field != "roles"},
        "roles": sorted(role["name"] for role in record.get("roles") or ()),
    }


def wished(user: User) -> User:
    """The fields that a task says something about."""
    fields = {field: user[field] for field in FIELDS if user.get(field) is not None}
    return {**fields, "roles": sorted(set(fields["roles"]))} if "roles" in fields else fields


def plan(
    existing: t.Mapping[str, User],
    desired: t.Sequence[User],
    *,
    purge: bool,
    spared: t.Collection[str],
    new_passwords: t.Collection[str],
) -> list[Change]:
    """Deletions first, since they free e-mail addresses; ``new_passwords`` names users whose password has to change.

    A purge leaves those alone who are ``spared``.
    """
    names = {user["username"] for user in desired}
    absent = {user["username"] for user in desired if user["state"] == "absent"}
    if purge:
        absent |= set(existing) - names - set(spared)
    changes = [Change(action="delete", username=name, before=existing[name]) for name in sorted(absent & set(existing))]
    for user in desired:
        if user["state"] == "absent":
            continue
        name = user["username"]
        before = existing.get(name)
        after = {**(before or {}), **wished(user)}
        if before is None:
            changes.append(
                Change(action="create", username=name, after=complete(user, after), password=user["password"])
            )
        elif after != before or name in new_passwords:
            password = user["password"] if name in new_passwords else None
            changes.append(Change(action="update", username=name, before=before, after=after, password=password))
    return changes


def complete(user: User, after: User) -> User:
    """A new user needs all fields."""
    missing = [field for field in (*FIELDS, "password") if not user.get(field)]
    if missing:
        raise Failure(
            f"User {user['username']} does not exist yet, and cannot be made without {', '.join(missing)}: "
            "add to its entry in users what is missing."
        )
    return after


def validated(users: list[User]) -> list[User]:
    """Refuse what Airflow could not keep, before anything is changed."""
    seen: set[str] = set()
    for user in users:
        name = user["username"]
        if not name.strip() or "/" in name:
            raise Failure(f"'{name}' cannot be the name of a user: Airflow's API takes no empty name and no slash.")
        if name in seen:
            raise Failure(f"User {name} stands in users twice: leave one of the entries out.")
        if user["state"] == "present" and user["roles"] == []:
            raise Failure(f"User {name} has no roles: name at least one, such as Viewer or Public.")
        seen.add(name)
    return users


def unknown_roles(changes: t.Iterable[Change], known: t.Collection[str]) -> None:
    """Refuse roles that do not exist, all at once."""
    unknown = {
        role: change.username
        for change in changes
        for role in (change.after or {}).get("roles", ())
        if role not in known
    }
    if unknown:
        wishes = ", ".join(f"{role} (of user {name})" for role, name in sorted(unknown.items()))
        raise Failure(f"Airflow has no roles {wishes}. It has {', '.join(sorted(known))}: make the others first.")


def refuse_lockout(changes: t.Iterable[Change], ourselves: str) -> None:
    """Whoever removes the user that it logs in as, or takes its rights, locks itself out."""
    for change in changes:
        if change.username == ourselves and takes_rights(change):
            what = "removed" if change.action == "delete" else f"deprived of its role {ADMIN_ROLE}"
            raise Failure(
                f"User {ourselves} is the one that this task logs in as, so it cannot be {what}: log in as another "
                "administrator (api_username), or leave it as it is in users."
            )


def takes_rights(change: Change) -> bool:
    """Whether an administrator is none after it."""
    return ADMIN_ROLE in (change.before or {}).get("roles", ()) and ADMIN_ROLE not in (change.after or {}).get(
        "roles", ()
    )


def moves(change: Change) -> bool:
    """Whether a user gets another e-mail address."""
    return bool(change.after) and (change.after or {}).get("email") != (change.before or {}).get("email")


def refuse_anarchy(changes: t.Iterable[Change], existing: t.Mapping[str, User]) -> None:
    """Somebody has to be able to manage the others; ``existing`` are all users."""
    roles = {name: user["roles"] for name, user in existing.items()}
    lost = []
    for change in changes:
        lost += [change.username] if takes_rights(change) else []
        roles[change.username] = (change.after or {}).get("roles", [])
    if lost and not any(ADMIN_ROLE in held for held in roles.values()):
        raise Failure(
            f"Without {', '.join(lost)}, no user would have the role {ADMIN_ROLE}, and nobody could manage users any "
            "more: give the role to another user first."
        )


def refuse_shared_addresses(changes: t.Iterable[Change], existing: t.Mapping[str, User]) -> None:
    """Airflow keeps an e-mail address for one user only; told before anything is changed."""
    after = {**existing, **{change.username: change.after for change in changes}}
    owners: dict[str, str] = {}
    for name, user in sorted(after.items()):
        address = (user or {}).get("email")
        if address and owners.setdefault(address, name) != name:
            raise Failure(f"Users {owners[address]} and {name} would both have the e-mail address {address}.")


# --- the module ---


def run(face: Face) -> dict[str, t.Any]:
    """Reconcile the users; without a list, the first administrator of the instance, if Airflow keeps users at all."""
    where = target(face.params)
    reach = Reach(face.params, face.progress)
    changes: list[Change] = []
    reset: Change | None = None
    try:
        if face.params["users"] is not None or where.values is None or where.values.uses_fab:
            with access.opened(face.params, reach, where) as api:
                changes, reset = Users(face, reach, where, api).reconcile()
    except rest.Away as away:
        if not face.check_mode:
            raise
        # A play that would have made the instance by now. The migration makes the administrator with it.
        face.warn(f"Which users would change cannot be told. {away.message}")
    result: dict[str, t.Any] = {
        "changed": bool(changes or reset),
        "created": [change.username for change in changes if change.action == "create"],
        "updated": [change.username for change in changes if change.action == "update"],
        "deleted": [change.username for change in changes if change.action == "delete"],
        "administrator_reset": bool(reset),
        "api_requests": reach.requests,
    }
    if face.diff_mode:
        result["diff"] = [change.entry() for change in ([reset] if reset else []) + changes]
    return result


class Users:
    """One pass over the users of one instance."""

    def __init__(self, face: Face, reach: Reach, where: Target, api: Rest) -> None:
        self._face = face
        self._reach = reach
        self._where = where
        self._api = api
        self._told: dict[str, t.Any] | None = None
        self._all: dict[str, User] | None = None

    def reconcile(self) -> tuple[list[Change], Change | None]:
        """What was changed (in check mode: would be), and how the administrator had to be set from within before."""
        reset = self._log_in()
        desired = self._desired()
        existing = self._foreseen(reset) if self._is_blind(reset) else self._existing(desired)
        shown_users = {name: shown(record) for name, record in existing.items()}
        changes = plan(
            shown_users,
            desired,
            purge=self._face.params["purge"],
            spared=self._spared(),
            new_passwords=self._new_passwords(desired, existing),
        )
        refuse_lockout(changes, self._api.credentials.username)
        if any(takes_rights(change) or moves(change) for change in changes):
            everybody = shown_users if self._is_blind(reset) else self._everybody()
            refuse_anarchy(changes, everybody)
            refuse_shared_addresses(changes, everybody)
        if any((change.after or {}).get("roles") != (change.before or {}).get("roles") for change in changes):
            unknown_roles(changes, self._inside()["roles"] if self._is_blind(reset) else self._roles())
        if not self._face.check_mode:
            for change in changes:
                self._make(change)
        return changes, reset

    # --- who we are ---

    def _log_in(self) -> Change | None:
        """Log in; where the instance's own administrator cannot, set it from within a pod."""
        try:
            self._api.login()
        except rest.LoginRefused:
            if self._face.params["api_username"]:
                raise
        else:
            return None
        reset = self._reset()
        if not self._face.check_mode:
            self._set_administrator()
            self._api.login()
        return reset

    def _reset(self) -> Change:
        """How the administrator is set from within: made if it is not there, else given its password and role."""
        profile = self._profile()
        name = profile["username"]
        record = next((user for user in self._inside()["users"] if user["username"] == name), None)
        before = shown(record) if record else None
        made = before or {field: profile[field] for field in FIELDS if field != "roles"}
        after = {**made, "roles": sorted({ADMIN_ROLE, *made.get("roles", ())})}
        action: t.Literal["create", "update"] = "update" if before else "create"
        return Change(action=action, username=name, before=before, after=after, password=profile["password"])

    def _is_blind(self, reset: Change | None) -> bool:
        """Whether nobody can log in, since check mode resets nothing: then a pod tells what the API would."""
        return self._face.check_mode and reset is not None

    def _foreseen(self, reset: Change | None) -> dict[str, User]:
        """All users as they would be once the administrator can log in."""
        users = {user["username"]: user for user in self._inside()["users"]}
        if reset and reset.after:
            roles = [{"name": role} for role in reset.after["roles"]]
            users[reset.username] = {"active": True, **reset.after, "roles": roles}
        return users

    def _inside(self) -> dict[str, t.Any]:
        """Users and roles as the database has them, told by a pod."""
        if self._told is None:
            pod = access.web_pod(self._reach.cluster, self._where)
            self._told = run_inside(self._reach.cluster, pod, "users")
            if not self._told["fab"]:
                raise not_fab()
        return self._told

    def _spared(self) -> set[str]:
        """Users that a purge leaves alone: us, and the administrator that the next converge would make again."""
        values = self._where.values
        return {self._api.credentials.username, *([values.core.admin.username] if values else [])}

    def _profile(self) -> dict[str, str]:
        admin = self._where.values.core.admin if self._where.values else Admin()
        who = self._api.credentials
        return {
            "username": who.username,
            "password": who.password,
            "email": admin.email,
            "first_name": admin.first_name,
            "last_name": admin.last_name,
        }

    def _set_administrator(self) -> None:
        pod = access.web_pod(self._reach.cluster, self._where)
        self._face.progress(f"User {self._api.credentials.username} cannot log in yet; setting it from within a pod")
        if not run_inside(self._reach.cluster, pod, "administrator", stdin=self._profile())["done"]:
            raise not_fab()

    # --- what is wished ---

    def _desired(self) -> list[User]:
        given: list[User] | None = self._face.params["users"]
        if given is None:
            return [self._administrator()]
        own = self._api.credentials
        for user in given:
            is_kept = user["username"] == own.username and not self._face.params["api_username"]
            if is_kept and user["password"] and user["password"] != own.password:
                raise Failure(
                    f"The password of user {own.username} is kept in {own.source}, with which this module logs in: "
                    "change it there (airflow_core_admin_password), and leave it out of users."
                )
        return validated(given)

    def _administrator(self) -> User:
        """The first administrator, as the values and its Secret have it."""
        values = self._where.values
        own = self._api.credentials
        if values is None or own.username != values.core.admin.username:
            raise Failure("The option users is required, unless the first administrator of the values is meant.")
        admin = values.core.admin
        return {
            "username": own.username,
            "email": admin.email,
            "first_name": admin.first_name,
            "last_name": admin.last_name,
            "roles": [ADMIN_ROLE],
            # Our own login has proved it.
            "password": None,
            "state": "present",
        }

    # --- what is there ---

    def _existing(self, desired: t.Sequence[User]) -> dict[str, User]:
        """All users, or, where only one is asked for, that one."""
        if len(desired) == 1 and not self._face.params["purge"]:
            name = desired[0]["username"]
            record = self._api.find(self._path(name), doing=f"read user {name}")
            # A 404 of the path itself has other words than that of a user, and only a list tells the difference.
            if record is not None:
                return {name: record}
        return self._listed()

    def _everybody(self) -> dict[str, User]:
        return {name: shown(record) for name, record in self._listed().items()}

    def _roles(self) -> set[str]:
        roles = self._api.pages(self._api.facts.roles, "roles", doing="list the roles")
        return {role["name"] for role in roles}

    def _listed(self) -> dict[str, User]:
        if self._all is None:
            try:
                users = self._api.pages(self._api.facts.users, "users", doing="list the users")
            except rest.AirflowError as error:
                if error.missing:
                    raise not_fab() from error
                raise
            self._all = {record["username"]: record for record in users}
        return self._all

    def _new_passwords(self, desired: t.Sequence[User], existing: t.Mapping[str, User]) -> set[str]:
        """Users whose password is not the wished one: a login tells."""
        found: set[str] = set()
        if self._face.params["update_password"] != "always":  # noqa: S105
            return found
        for user in desired:
            name, password = user["username"], user["password"]
            if user["state"] == "absent" or not password or name not in existing:
                continue
            if (name, password) == (self._api.credentials.username, self._api.credentials.password):
                continue  # Our own login has proved it.
            if existing[name].get("active") is False:
                self._face.warn(f"User {name} is not active, so whether its password is the wished one is not known.")
            elif not self._api.accepts(name, password):
                found.add(name)
        return found

    # --- making it so ---

    def _make(self, change: Change) -> None:
        name = change.username
        if change.action == "delete":
            self._api.request("DELETE", self._path(name), doing=f"delete user {name}")
            return
        body = {"username": name, **(change.after or {})}
        body["roles"] = [{"name": role} for role in body["roles"]]
        if change.password is not None:
            body["password"] = change.password
        method, path = ("POST", self._api.facts.users) if change.action == "create" else ("PATCH", self._path(name))
        self._api.request(method, path, body=body, doing=f"{change.action} user {name}")
        if change.password is not None:
            self._prove(name, change.password)

    def _prove(self, name: str, password: str) -> None:
        """A new password counts once a login has shown it."""
        if name == self._api.credentials.username:
            self._api.become(Credentials(username=name, password=password, source="the new password"))
        elif not self._api.accepts(name, password):
            raise Failure(
                f"The password of user {name} was set, but a login with it is refused. Are logins of this Airflow "
                "checked elsewhere (LDAP, OAuth)? Then leave passwords out of users."
            )

    def _path(self, name: str) -> str:
        return f"{self._api.facts.users}/{urllib.parse.quote(name, safe='')}"


def not_fab() -> Failure:
    return Failure(
        "This Airflow's auth manager keeps no users that could be managed: only FAB does (core.auth_manager in "
        "airflow_core_config). Manage its users where it has them."
    )
