"""Knows a sender by a secret, in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re

from pydantic import SecretStr
from starlette.datastructures import Headers

from serve.errors import ProblemError

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")


def required(secret: SecretStr | None, variable: str) -> bytes:
    """Return the secret's bytes. ProblemError (503) naming the variable when it is not set."""
    value = secret.get_secret_value() if secret else ""
    if not value:
        raise ProblemError(
            "not-receiving",
            f"{variable} is not set, so nothing is received here",
            f"set {variable} in the environment or in .env of serve, and start it again",
        )
    return value.encode()


def check_signature(secret: bytes, headers: Headers, body: bytes) -> None:
    """Check Jira's `X-Hub-Signature: sha256=<hex>`, an HMAC over the raw body.

    ProblemError (401) if there is not exactly one, or it is not that of `body`. All ways to be
    wrong are answered alike.
    """
    given = headers.getlist("x-hub-signature")
    match = _SIGNATURE.fullmatch(given[0]) if len(given) == 1 else None
    expected = hmac.new(secret, body, hashlib.sha256).digest()
    if match is None or not hmac.compare_digest(bytes.fromhex(match[1]), expected):
        raise ProblemError(
            "unauthorized",
            "the X-Hub-Signature header is not that of this body",
            "give the webhook in Jira the same secret as AUDIT_LOG_WEBHOOK_SECRET",
        )


def check_bearer(secret: bytes, headers: Headers) -> None:
    """Check `Authorization: Bearer <secret>`. ProblemError (401) if it is not exactly that."""
    given = headers.getlist("authorization")
    kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    # Digests are equally long, so that not even the secret's length can be measured.
    is_same = hmac.compare_digest(_digest(token.encode("latin-1")), _digest(secret))
    if kind.lower() != "bearer" or not is_same:
        raise ProblemError(
            "unauthorized",
            "the Authorization header is not the bearer secret of this address",
            "send Authorization: Bearer with the value of AUDIT_LOG_VIEWS_SECRET",
        )


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
