# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes, rotates and proves the Fernet key of an instance, so that nothing encrypted is ever lost.

A rotation puts a new key in front of the old one (``new,old``), restarts what reads it, has Airflow encrypt everything
anew, and proves that the new key reads it all. Finalizing then takes the old key away. Each step is found again where
an interrupted run has left it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet, secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.proof import KEY, Proof, prove, running_pod
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secret_store import (
    Outcome,
    SecretStore,
    difference,
    encoded,
)
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import Entry, Wanted
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import component_of, described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff, engine, wait
from ansible_collections.dagops.airflow.plugins.module_utils.kube.checksums import Prints, Reference, references
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.engine import Request
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS, render
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

_ROTATION_TIMEOUT: t.Final = 3600

Keys = list[str]


def run(face: Face) -> dict[str, t.Any]:
    """Bring the Fernet key to the wished state."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    result = FernetKey(face, cluster, values).run()
    return {**result, "api_requests": cluster.requests}


def next_keys(state: str, existing: Keys, given: Keys) -> Keys:
    """The list of keys that the wished state asks for: the first one encrypts, all decrypt."""
    if state == "finalized":
        _refuse_other(existing, given)
        return existing[:1]
    if len(existing) > 1 and (not given or given[0] == existing[0]):
        return existing  # A rotation is under way: go on with it.
    fresh = given or [fernet.generate()]
    if fresh[0] in existing:
        raise Failure(
            "The given Fernet key is one that the instance uses already, so there is nothing to rotate to: give a new "
            "one, or leave key (and airflow_core_fernet_key) out to have one made."
        )
    return [*fresh, *(key for key in existing if key not in fresh)]


def _refuse_other(existing: Keys, given: Keys) -> None:
    if given and given[0] != existing[0]:
        raise Failure(
            "The given Fernet key (key or airflow_core_fernet_key) is not the first one of the instance, so finalizing "
            "would keep another one than is wished: rotate to it first (state: rotated), or leave it out."
        )


class FernetKey:
    """The Fernet key of one instance."""

    def __init__(self, face: Face, cluster: Cluster, values: Values) -> None:
        self._face = face
        self._cluster = cluster
        self._values = values
        self._store = SecretStore(cluster, values, check_mode=face.check_mode)
        self._name = names.name(values, KEY)

    def run(self) -> dict[str, t.Any]:
        if self._face.params["state"] == "present":
            return self._present()
        existing = self._existing()
        wished = next_keys(self._face.params["state"], existing, self._given())
        if self._face.params["state"] == "finalized":
            return self._finalized(existing, wished)
        return self._rotated(existing, wished)

    def _given(self) -> Keys:
        key = self._face.params["key"]
        return fernet.split(fernet.checked(key, "key (or airflow_core_fernet_key)")) if key else []

    def _existing(self) -> Keys:
        found = self._store.own(self._name) or {}
        where = f"Secret/{self._values.namespace}/{self._name}"
        if not found.get(KEY):
            raise Failure(f"{where} has no Fernet key yet, so there is none to rotate: make it first (state: present).")
        return fernet.split(fernet.checked(found[KEY], where))

    # --- states ---

    def _present(self) -> dict[str, t.Any]:
        given = self._face.params["key"]
        wanted = Wanted(name=self._name, entries={KEY: secrets.fernet_entry({"fernet_key": given}, replace=False)})
        self._store.check(wanted)
        self._store.guard_fernet_key(given)
        outcome = self._store.ensure(wanted)
        result: dict[str, t.Any] = {"changed": outcome.is_change, "origin": outcome.origins[KEY]}
        if self._face.diff_mode:
            result["diff"] = self._difference(outcome)
        if self._face.params["verify"] and not outcome.created:
            proof = self._proof(fernet.split(outcome.texts[KEY]), needed=False)
            result["verified"] = proof and counts(proof)
        return result

    def _rotated(self, existing: Keys, wished: Keys) -> dict[str, t.Any]:
        """Put the new key in front, restart, encrypt anew, prove."""
        # A key that could not read what is there now would only be found out after the restart.
        before = self._proof(existing, needed=True) or {}
        held = counts(before)
        if wished != existing:
            held = {"first_key": 0, "older_keys": sum(held.values())}
        goal = {"first_key": sum(held.values()), "older_keys": 0}
        outcome = self._write(wished)
        differences = [*self._difference(outcome), *self._roll_out(outcome)]
        differences += [self._encryption(held, goal)] if held != goal else []
        if not self._face.check_mode:
            if wished != existing or held != goal:
                self._reencrypt()
            goal = self._proved(wished)
        return self._result(wished, goal, differences)

    def _proved(self, keys: Keys) -> dict[str, int]:
        proof = self._proof(keys, needed=True) or {}
        if proof["later"]:
            raise Failure(
                f"After the rotation {proof['later']} encrypted values still need an old Fernet key: a pod that runs "
                "with the old keys only has written them. Run again; both keys are kept meanwhile."
            )
        return counts(proof)

    def _finalized(self, existing: Keys, wished: Keys) -> dict[str, t.Any]:
        """Take the old keys away, once it is proved that nobody needs them."""
        proof = self._proof(existing, needed=wished != existing)
        if wished != existing and proof and proof["later"]:
            raise Failure(
                f"{proof['later']} encrypted values in the database still need an old Fernet key, so it is kept: "
                "encrypt them anew first (state: rotated)."
            )
        if proof is None:
            return self._result(wished, None, [])  # Nothing runs, and there is nothing to take away.
        outcome = self._write(wished)
        return self._result(wished, counts(proof), [*self._difference(outcome), *self._roll_out(outcome)])

    # --- what to tell ---

    def _result(
        self, keys: Keys, verified: dict[str, int] | None, differences: list[dict[str, t.Any]]
    ) -> dict[str, t.Any]:
        result = {"changed": bool(differences), "keys": len(keys), "verified": verified}
        return {**result, "diff": differences} if self._face.diff_mode else result

    def _difference(self, outcome: Outcome) -> list[dict[str, t.Any]]:
        return [difference(self._values.namespace, outcome)] if outcome.is_change else []

    def _encryption(self, before: dict[str, int], after: dict[str, int]) -> dict[str, t.Any]:
        header = f"encrypted values of {self._values.name}"
        texts = {"before": diff.to_yaml(before), "after": diff.to_yaml(after)}
        return {"before_header": header, "after_header": header, **texts}

    # --- steps ---

    def _write(self, keys: Keys) -> Outcome:
        return self._store.ensure(Wanted(name=self._name, entries={KEY: Entry(given=fernet.join(keys))}))

    def _roll_out(self, key: Outcome) -> list[dict[str, t.Any]]:
        """Apply the workloads that read the key: the checksum of the Secret restarts them, and nothing else."""
        outcomes = [self._apply(part, key) for part in readers(self._values, self._name)]
        if not self._face.check_mode:
            steps = [step for outcome in outcomes for step in outcome.steps if step.desired]
            scope = Scope(instance=self._values.name, namespace=self._values.namespace, component="")
            wait.until_ready(
                self._cluster,
                [item for step in steps if (item := step.after or step.live)],
                timeout=self._face.params["wait_timeout"],
                notify=self._face.progress,
                selector=scope.selector,
            )
        return [entry for outcome in outcomes for entry in outcome.result()["diff"]]

    def _apply(self, part: str, key: Outcome) -> engine.Outcome:
        siblings = [item for other in RENDERERS if other != part for item in render(self._values, other)]
        scope = Scope(instance=self._values.name, namespace=self._values.namespace, component=part)
        request = Request(
            objects=render(self._values, part),
            siblings=siblings,
            scope=scope,
            secrets=self._prints(key),
            check_mode=self._face.check_mode,
        )
        return engine.converge(self._cluster, request, self._face)

    def _prints(self, key: Outcome) -> dict[str, Prints]:
        """Fingerprints of the Secret as it is now, or, in check mode, would be."""
        name = names.name(self._values, engine.CHECKSUM_KEY)
        secret = (self._store.own(name) or {}).get(engine.CHECKSUM_KEY)
        if secret is None:
            return {}
        by = encoded(secret).encode()
        return {self._name: {name: diff.fingerprint(encoded(text), by) for name, text in key.texts.items()}}

    def _reencrypt(self) -> None:
        """Airflow's own command: all rows in one transaction. Keys reach it by the pod's environment only."""
        pod = self._pod(needed=True)
        meta = pod["metadata"]
        self._face.progress(f"{label(pod)} encrypts everything with the new key")
        result = self._cluster.exec(
            meta["namespace"],
            meta["name"],
            component_of(pod),
            ["airflow", "rotate-fernet-key"],
            timeout=_ROTATION_TIMEOUT,
        )
        if result.rc != 0:
            lines = (result.stderr or result.stdout).strip().splitlines()
            raise Failure(
                f"Airflow could not encrypt its connections and variables anew ({label(pod)}): "
                f"{lines[-1] if lines else 'no reason given'}. Nothing is lost: all keys are kept. Run again."
            )

    def _proof(self, keys: Keys, *, needed: bool) -> Proof | None:
        """How many encrypted values the first key reads; raises ``Failure`` where no key reads one."""
        pod = self._pod(needed=needed)
        if not pod:
            return None
        proof = prove(self._cluster, pod, keys)
        if proof["lost"]:
            shown = ", ".join(proof["lost"][:5])
            raise Failure(
                f"The Fernet key in Secret/{self._values.namespace}/{self._name} does not decrypt what is in the "
                f"database, such as {shown}: put the key that encrypted them back (as the last of the list, after a "
                "comma), or delete and enter these anew.",
                lost=proof["lost"],
            )
        return proof

    def _pod(self, *, needed: bool) -> Object:
        """A running pod of Airflow; an empty object where there is none and none is needed."""
        pod = running_pod(self._cluster, self._values)
        if pod is None and needed:
            raise Failure(
                f"Instance {self._values.name} in namespace {self._values.namespace} has no ready pod, and only a "
                "running Airflow can rotate its Fernet key and prove it: apply the instance and wait for it first."
            )
        return pod or {}


def readers(values: Values, secret: str) -> list[str]:
    """Parts of the instance with workloads whose pods read a Secret."""
    reference = Reference("Secret", values.namespace, secret)
    return [part for part in RENDERERS if any(reference in references(item) for item in render(values, part))]


def counts(proof: Proof) -> dict[str, int]:
    """A proof as part of a result."""
    return {"first_key": proof["first"], "older_keys": proof["later"]}
