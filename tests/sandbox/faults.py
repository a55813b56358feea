"""Faults by plan: which requests go wrong, how, and when. Seeded, so a plan repeats itself.

A plan is TOML:

    seed = 1
    [[fault]]
    path = "/rest/api/3/search/jql"   # fnmatch pattern of the request path
    kind = "rate_limited"             # see `Kind`; issue_error: a bulk fetch
                                      # puts its first issue into issueErrors
    probability = 0.1                 # of each matching request; or
    nth = [1, 4]                      # exactly these matching requests, counted from 1; or
    times = 3                         # the next three
    retry_after = 1                   # rate_limited, server_error: seconds (0: no header)
    style = "date"                    # Retry-After as an HTTP date instead of seconds
    status = 503                      # server_error: 500, 502, 503
    seconds = 0.5                     # slow
    minutes = 2                       # overtaken (frozen clocks): the answer is worked out, and so
                                      # much time passes before it is sent
"""

from __future__ import annotations

import fnmatch
import random
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal[
    "rate_limited",
    "server_error",
    "truncated",
    "html",
    "repeated_page",
    "expired_token",
    "reset",
    "slow",
    "near_limit",
    "issue_error",
    "overtaken",
]


class PlanError(Exception):
    """A plan that cannot be used; the text names the file and the field."""


class Fault(Struct, forbid_unknown_fields=True):
    """One rule of a plan; exactly one of `probability`, `nth`, `times` is given."""

    path: str
    kind: Kind
    probability: float | None = None
    nth: tuple[int, ...] | None = None
    times: int | None = None
    retry_after: int = 1
    style: Literal["seconds", "date"] = "seconds"
    status: Literal[500, 502, 503, 504] = 503
    seconds: float = 0.2
    minutes: float = 1

    def __post_init__(self) -> None:
        if [self.probability, self.nth, self.times].count(None) != 2:
            raise ValueError("exactly one of probability, nth, times must be given")


class _Plan(Struct, forbid_unknown_fields=True):
    seed: int = 0
    fault: tuple[Fault, ...] = ()


class Faults:
    """The faults still to come, from a plan and from the control endpoints."""

    def __init__(self, seed: int = 0, rules: tuple[Fault, ...] = ()) -> None:
        self._seed = seed
        self._rules: list[Fault] = []
        self._draws: list[random.Random] = []
        self._calls: list[int] = []
        for rule in rules:
            self.add(rule)

    @classmethod
    def load(cls, path: Path) -> Faults:
        """Read a plan. PlanError names what is wrong with it."""
        try:
            plan = msgspec.convert(tomllib.loads(path.read_text()), _Plan)
        except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise PlanError(f"fault plan {path}: {error}") from error
        return cls(plan.seed, plan.fault)

    def add(self, rule: Fault) -> None:
        """Add a rule behind the others."""
        self._draws.append(random.Random(f"{self._seed} {len(self._rules)}"))
        self._rules.append(rule)
        self._calls.append(0)

    def pick(self, path: str, *, has_token: bool) -> Fault | None:
        """Choose this request's fault, if any; paging faults only strike requests with a token."""
        chosen = None
        for number, rule in enumerate(self._rules):
            if not fnmatch.fnmatchcase(path, rule.path):
                continue
            if rule.kind in ("repeated_page", "expired_token") and not has_token:
                continue
            self._calls[number] += 1
            if rule.probability is not None:
                strikes = self._draws[number].random() < rule.probability
            elif rule.nth is not None:
                strikes = self._calls[number] in rule.nth
            else:
                strikes = self._calls[number] <= (rule.times or 0)
            if strikes and chosen is None:
                chosen = rule
        return chosen
