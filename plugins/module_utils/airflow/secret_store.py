# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the Secrets of an instance to what the plan says, without ever losing a value.

One LIST finds those that are there. What is missing is created by POST, so that of two runs at once one wins and the
other takes over its values. What is there is only ever patched, key by key, on condition that nobody changed it since.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import proof, secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.access import texts
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import Texts, Wanted
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import checksums, diff
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.engine import CHECKSUM_KEY
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import together
from ansible_collections.dagops.airflow.plugins.module_utils.render import broker_probe, names
from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

COMPONENT: t.Final = "secrets"
# Keys whose values were made here and exist nowhere else.
GENERATED: t.Final = "airflow.dagops/generated"
_ATTEMPTS: t.Final = 5

Origins = dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """One Secret after a run."""

    name: str
    texts: Texts
    origins: Origins
    created: bool
    changed: tuple[str, ...]
    """Keys whose value is new or another one."""
    relabelled: bool = False

    @property
    def is_change(self) -> bool:
        return bool(self.created or self.changed or self.relabelled)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Keys whose old value is gone: pods that read it need a restart."""
        return () if self.created else self.changed


class SecretStore:
    """The Secrets of one instance."""

    def __init__(self, cluster: Cluster, values: Values, *, check_mode: bool) -> None:
        self._cluster = cluster
        self._values = values
        self._check_mode = check_mode
        self._kind = named("Secret")
        found = cluster.list(self._kind, values.namespace, f"app.kubernetes.io/instance={values.name}")
        self._live = {item["metadata"]["name"]: item for item in found}
        self._others: dict[str, Object | None] = {}
        """Secrets that a person keeps, once they were looked up."""

    def ensure(self, wanted: Wanted) -> Outcome:
        """Make sure of a Secret that keeps something."""
        return self._reconcile(wanted.name, lambda existing: self._settled(wanted, existing))

    def check(self, wanted: Wanted) -> None:
        """Raise ``Failure`` for a value that cannot be used, before anything is changed."""
        self._settled(wanted, self._existing(wanted.name))

    def guard_fernet_key(self, given: str | None) -> None:
        """Raise ``Failure`` where the Fernet key is gone, and the one that would take its place decrypts nothing."""
        if not self._existing(names.name(self._values, proof.KEY)).get(proof.KEY):
            proof.refuse_blind_key(self._cluster, self._values, given)

    def _existing(self, name: str) -> Texts:
        live = self._live.get(name)
        return texts(live) if live else {}

    def _settled(self, wanted: Wanted, existing: Texts) -> tuple[Texts, Origins]:
        where = f"Secret/{self._values.namespace}/{wanted.name}"
        data = self._live.get(wanted.name, {}).get("data") or {}
        for key in wanted.entries:
            if data.get(key) and key not in existing:
                raise Failure(f"{where}, key {key} holds bytes that are no text (UTF-8): put the right value there.")
        return secrets.settled(wanted, existing, where)

    def texts(self, wanted: Wanted) -> Texts:
        """What ``ensure`` would bring a Secret to."""
        return self._settled(wanted, self._existing(wanted.name))[0]

    def derive(self, name: str, content: Texts, keep: t.Collection[str] = ()) -> Outcome:
        """Bring a Secret to what was computed for it, but for keys that stay as they are where they are there."""

        def settle(existing: Texts) -> tuple[Texts, Origins]:
            kept = {key: existing[key] for key in keep if key in existing}
            return {**content, **kept}, dict.fromkeys(content, "derived")

        # It tells what the Secret will hold.
        return dataclasses.replace(self._reconcile(name, settle), texts=content)

    def fingerprint(self, texts: t.Sequence[str]) -> str:
        """A fingerprint of secrets with which nobody can try passwords."""
        key = self._existing(names.name(self._values, CHECKSUM_KEY)).get(CHECKSUM_KEY) or secrets.token()
        return diff.fingerprint(list(texts), encoded(key).encode())

    def own(self, name: str) -> Texts | None:
        """Content of a Secret that a person keeps."""
        live = self._look_up(name)
        return None if live is None else texts(live)

    def _look_up(self, name: str) -> Object | None:
        if name not in self._others:
            self._others[name] = self._live.get(name) or self._cluster.get(self._kind, name, self._values.namespace)
        return self._others[name]

    def others(self) -> list[Object]:
        """Secrets of the person's own that pods read, as far as they are there."""
        wanted = {one.name for one in references.of_pods(self._values) if one.kind == self._kind.kind}
        return [found for found in together(self._look_up, sorted(wanted)) if found]

    def remove_all(self) -> list[str]:
        """Delete every Secret of the instance that this collection made."""
        ours = [
            name
            for name, live in sorted(self._live.items())
            if (live["metadata"].get("labels") or {}).get(names.ROLE_LABEL) == COMPONENT
        ]
        for name in ours:
            self._cluster.delete(self._kind, name, self._values.namespace, dry_run=self._check_mode)
        return ours

    # --- one Secret ---

    def _reconcile(self, name: str, settle: t.Callable[[Texts], tuple[Texts, Origins]]) -> Outcome:
        for _attempt in range(_ATTEMPTS):
            live, existing = self._live.get(name), self._existing(name)
            content, origins = settle(existing)
            try:
                if live is None:
                    self._create(self._object(name, content, origins))
                    return Outcome(name=name, texts=content, origins=origins, created=True, changed=tuple(content))
                return self._update(live, existing, content, origins)
            except ApiError as error:
                if not (error.exists or error.conflict or (error.missing and live is not None)):
                    raise
                self._look_again(name)
        raise Failure(
            f"Secret/{self._values.namespace}/{name} is changed by somebody else again and again: find out who does it "
            "(kubectl get secret -o yaml --show-managed-fields), then run again."
        )

    def _look_again(self, name: str) -> None:
        self._live.pop(name, None)
        if live := self._cluster.get(self._kind, name, self._values.namespace):
            self._live[name] = live

    def _create(self, secret: Object) -> None:
        try:
            self._cluster.create(secret, dry_run=self._check_mode)
        except ApiError as error:
            if not error.missing:
                raise
            # In check mode the namespace may be one that this very play would have made.
            if not self._check_mode:
                raise Failure(
                    f"{label(secret)} cannot be created: namespace {self._values.namespace} does not exist. Apply the "
                    "role airflow_rbac first, or have the namespace made."
                ) from error

    def _update(self, live: Object, existing: Texts, content: Texts, origins: Origins) -> Outcome:
        changed = tuple(key for key, text in content.items() if existing.get(key) != text)
        missing = _missing(self._metadata(live["metadata"]["name"], origins, live), live["metadata"])
        outcome = Outcome(
            name=live["metadata"]["name"],
            texts=content,
            origins=origins,
            created=False,
            changed=changed,
            relabelled=bool(missing),
        )
        if outcome.is_change:
            # With its version, somebody else's change in between makes this a conflict.
            metadata = {"resourceVersion": live["metadata"]["resourceVersion"], **missing}
            self._patch(live, {"metadata": metadata, "data": {key: encoded(content[key]) for key in changed}})
        return outcome

    def _patch(self, live: Object, patch: Object) -> None:
        meta = live["metadata"]
        if live.get("immutable") and patch["data"]:
            raise Failure(
                f"Secret/{meta['namespace']}/{meta['name']} is immutable, but has to change (keys "
                f"{', '.join(sorted(patch['data']))}): have it made anew without `immutable: true`."
            )
        self._cluster.patch(self._kind, meta["name"], meta["namespace"], patch, dry_run=self._check_mode)

    def _object(self, name: str, content: Texts, origins: Origins) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self._metadata(name, origins),
            "type": "Opaque",
            "data": {key: encoded(text) for key, text in sorted(content.items())},
        }

    def _metadata(self, name: str, origins: Origins, live: Object | None = None) -> Object:
        made = {key for key, origin in origins.items() if origin == "generated"}
        annotations = dict(self._values.instance.annotations)
        if live is not None:
            kept = ((live["metadata"].get("annotations")) or {}).get(GENERATED, "")
            made |= {key for key in kept.split(",") if origins.get(key) == "existing"}
        if made:
            annotations[GENERATED] = ",".join(sorted(made))
        return {
            "name": name,
            "namespace": self._values.namespace,
            "labels": {**names.labels(self._values, COMPONENT), names.ROLE_LABEL: COMPONENT},
            **({"annotations": annotations} if annotations else {}),
        }


def _missing(wanted: Object, live: Object) -> Object:
    """Labels and annotations that are not there yet, or are others."""
    found = {}
    for part in ("labels", "annotations"):
        has = live.get(part) or {}
        if lacking := {key: value for key, value in (wanted.get(part) or {}).items() if has.get(key) != value}:
            found[part] = lacking
    return found


def encoded(text: str) -> str:
    """``text`` as a Secret keeps it."""
    return base64.b64encode(text.encode()).decode()


# --- the module ---


def run(face: Face) -> dict[str, t.Any]:
    """Make sure that every Secret of the instance exists, or remove them."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    store = SecretStore(cluster, values, check_mode=face.check_mode)
    if face.params["state"] == "absent":
        removed = store.remove_all()
        result: dict[str, t.Any] = {"changed": bool(removed), "secrets": {}, "replaced": []}
        differences = [_removal(values.namespace, name) for name in removed]
    else:
        replace = face.params["replace_fernet_key"]
        keep = (names.BROKER_KEY,) if face.params["keep_broker"] and broker_probe.described(values) else ()
        outcomes = ensure_all(store, values, face.params["given"] or {}, replace_fernet_key=replace, keep=keep)
        result = {
            "changed": any(outcome.is_change for outcome in outcomes),
            "secrets": {outcome.name: dict(sorted(outcome.origins.items())) for outcome in outcomes},
            "replaced": [f"{outcome.name}/{key}" for outcome in outcomes for key in outcome.replaced],
            "fingerprints": fingerprints(values, outcomes, store.others()),
        }
        differences = [difference(values.namespace, outcome) for outcome in outcomes if outcome.is_change]
    if face.diff_mode:
        result["diff"] = differences
    result["api_requests"] = cluster.requests
    return result


def ensure_all(
    store: SecretStore,
    values: Values,
    given: secrets.Given,
    *,
    replace_fernet_key: bool,
    keep: t.Collection[str] = (),
) -> list[Outcome]:
    """Those that keep something first, since the others are derived from them, but for keys to ``keep``."""
    wanted = secrets.required_secrets(values, given, replace_fernet_key=replace_fernet_key)
    for item in wanted:
        store.check(item)
    if not replace_fernet_key:
        store.guard_fernet_key(given.get("fernet_key"))
    kept = [store.ensure(item) for item in wanted]
    settled = {outcome.name: outcome.texts for outcome in kept}
    reference = values.database.credentials
    account = secrets.account(values, settled, store.own(reference.name) if reference else None)
    celery = secrets.celery_accounts(values, settled, store.own)
    scaler = secrets.scaler_account(values, settled, store.own)
    content_of = secrets.derived_secrets(values, account, celery, scaler)
    derived = [store.derive(name, content, keep) for name, content in content_of.items()]
    return sorted([*kept, *derived], key=lambda outcome: outcome.name)


def fingerprints(
    values: Values, outcomes: t.Sequence[Outcome], others: t.Iterable[Object] = ()
) -> dict[str, checksums.Prints]:
    """Fingerprints of what the Secrets hold now, or would hold: by these a later task sees which pods to restart."""
    name = names.name(values, CHECKSUM_KEY)
    text = next(outcome.texts[CHECKSUM_KEY] for outcome in outcomes if outcome.name == name)
    key = encoded(text).encode()
    foreign = {other["metadata"]["name"]: checksums.fingerprints(other, key) or {} for other in others}
    return foreign | {
        outcome.name: {field: diff.fingerprint(encoded(text), key) for field, text in outcome.texts.items()}
        for outcome in outcomes
    }


def difference(namespace: str, outcome: Outcome) -> dict[str, str]:
    """Words instead of values: where each value comes from."""
    before, after = [], []
    for key, origin in sorted(outcome.origins.items()):
        if key in outcome.changed:
            before += [] if outcome.created else [f"{key}: (another value)\n"]
            after.append(f"{key}: ({origin})\n")
        else:
            before.append(f"{key}: (kept)\n")
            after.append(f"{key}: (kept)\n")
    if outcome.relabelled:
        after.append("labels of the instance\n")
    header = f"Secret/{namespace}/{outcome.name}"
    return {"before_header": header, "after_header": header, "before": "".join(before), "after": "".join(after)}


def _removal(namespace: str, name: str) -> dict[str, str]:
    header = f"Secret/{namespace}/{name}"
    return {"before_header": header, "after_header": header, "before": "(present)\n", "after": ""}
