"""The verdicts of a check: counted per action code, with examples, and written as a report."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.sandbox.check_inputs import Action
from tests.sandbox.oracle import EPOCH, MICROSECOND, Evidence, Expected


@dataclass(slots=True)
class Tally:
    """The verdict on one action code."""

    expected: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    invented: int = 0
    wrong: int = 0
    unobservable: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    """Channel (`audit`, `webhook`, `listing`, `pull`, ...) -> true rows that it proved."""
    sources: Counter[str] = field(default_factory=Counter)
    """Source of the product -> true rows that name it."""

    @property
    def faults(self) -> int:
        """Number of faults of any class."""
        return self.lost + self.doubled + self.invented + self.wrong


@dataclass(slots=True)
class Report:
    """Tallies per code and the counter-examples, earliest in the ledger first."""

    tallies: dict[str, Tally]
    examples: list[dict[str, Any]]

    @property
    def faults(self) -> int:
        """Number of faults over all codes."""
        return sum(tally.faults for tally in self.tallies.values())

    def total(self, verdict: str) -> int:
        """Sum of one verdict (`lost`, `doubled`, `invented`, `wrong`, …) over all codes."""
        return sum(int(getattr(tally, verdict)) for tally in self.tallies.values())


class Recorder:
    """Counts verdicts and keeps the earliest examples of each kind of fault."""

    KEPT = 3

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._examples: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)

    def found(self, one: Expected) -> None:
        """Count an action that the snapshot has."""
        tally = self._tallies[one.line.code]
        tally.found += 1
        tally.expected += bool(one.carriers)

    def proved(self, one: Expected, row: Action) -> None:
        """Count the channels that told of a true row, and the sources it names."""
        self._tallies[one.line.code].sources.update((row.sources or "").split(","))
        channels = self._tallies[one.line.code].channels
        channels.update(one.told.channels if one.told else ())
        if not one.line.is_of_site:
            is_pulled = any(not carrier.startswith("webhook:") for carrier in one.carriers)
            channels["listing" if row.observed_from is not None else "pull"] += is_pulled

    def wrong(
        self, one: Expected, row: Action, differences: list[tuple[str, object, object]]
    ) -> None:
        """Count one whose fields are not true: (field, truth, what is said)."""
        self.found(one)
        self._tallies[one.line.code].wrong += 1
        told = [
            {"field": name, "expected": truth, "observed": said}
            for name, truth, said in differences
        ]
        names = tuple(name for name, _, _ in differences)
        self._keep(("WRONG", *names), one=one, row=row, differences=told)

    def lost(self, one: Expected) -> None:
        """Count an action that the snapshot lacks."""
        tally = self._tallies[one.line.code]
        tally.lost += 1
        tally.expected += 1
        self._keep(("LOST",), one=one)

    def unobservable(self, one: Expected) -> None:
        """Count an action that nothing could tell, with the reason."""
        self._tallies[one.line.code].unobservable[one.reason] += 1

    def doubled(self, row: Action, one: Expected) -> None:
        """Count a row whose action has another one already."""
        self._tallies[row.code].doubled += 1
        self._keep(("DOUBLED",), one=one, row=row)

    def invented(self, row: Action) -> None:
        """Count a row of nothing that happened."""
        self._tallies[row.code].invented += 1
        self._keep(("INVENTED",), row=row)

    def _keep(
        self,
        fault: tuple[str, ...],
        *,
        one: Expected | None = None,
        row: Action | None = None,
        differences: list[dict[str, object]] | None = None,
    ) -> None:
        code = one.line.code if one else row.code if row else ""
        kept = self._examples[(code, *fault)]
        example: dict[str, Any] = {"fault": fault[0], "code": code}
        if one:
            example["ledger"] = msgspec.to_builtins(one.line)
            example["requests"] = [self._request(key) for key in one.carriers]
        if row:
            example["row"] = {
                name: instant(value)
                if name in {"occurred_at", "observed_from", "observed_to"}
                else value
                for name, value in ((name, getattr(row, name)) for name in row.__slots__)
            }
        if differences:
            example["differences"] = differences
        kept.append(example)
        if len(kept) > self.KEPT:
            kept.sort(key=_place_of)
            kept.pop()

    def _request(self, key: str) -> dict[str, object]:
        served = self._evidence.first.get(key)
        if served is None:  # a listing: named by its request
            name, is_listing, request = key.rpartition("@")
            if not is_listing:  # of a log that was read beyond it
                return {"key": key, "request": None}
            return {"key": name, "request": int(request)}
        return {"key": key, "request": served.request, "served_at": served.served_at}

    def finish(self) -> Report:
        """Give what was counted."""
        examples = [one for kept in self._examples.values() for one in sorted(kept, key=_place_of)]
        return Report(dict(sorted(self._tallies.items())), examples)


def _place_of(example: dict[str, Any]) -> tuple[int, str]:
    ledger, row = example.get("ledger"), example.get("row")
    return (ledger["n"] if ledger else 1 << 62, row["action_id"] if row else "")


def instant(at: int | None) -> str | None:
    """Write an instant (microseconds since 1970 UTC) in ISO 8601."""
    return None if at is None else (EPOCH + at * MICROSECOND).isoformat()


def render_json(report: Report) -> str:
    """Write the whole report as one JSON document."""
    codes = {
        code: {
            name: getattr(tally, name)
            for name in ("expected", "found", "lost", "doubled", "invented", "wrong")
        }
        | {"unobservable": dict(tally.unobservable), "channels": dict(tally.channels)}
        for code, tally in report.tallies.items()
    }
    document = {"faults": report.faults, "codes": codes, "examples": report.examples}
    return json.dumps(document, indent=2) + "\n"


def render(report: Report) -> str:
    """Write a table per code, why the rest cannot be known, and the counter-examples."""
    columns = ("expected", "found", "lost", "doubled", "invented", "wrong")
    wide = max([20, *(len(code) + 1 for code in report.tallies)])
    head = "".join(f"{name:>10}" for name in columns)
    out = [f"{'action':<{wide}}{head}  unobservable  proved by"]
    for code, tally in report.tallies.items():
        numbers = "".join(f"{getattr(tally, name):>10,}" for name in columns)
        channels = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.channels.items()))
        out.append(f"{code:<{wide}}{numbers}{tally.unobservable.total():>14,}  {channels}")
    totals = "".join(f"{report.total(name):>10,}" for name in columns)
    unobservable = sum((tally.unobservable for tally in report.tallies.values()), Counter[str]())
    out.append(f"{'all':<{wide}}{totals}{unobservable.total():>14,}")
    if unobservable:
        out += ["", "Not observable, and why:"]
        out += [f"{count:>10,}  {reason}" for reason, count in unobservable.most_common()]
    for example in report.examples:
        out += ["", f"{example['fault']} {example['code']}"]
        out += [
            f"    {one['field']}: expected {one['expected']!r}, observed {one['observed']!r}"
            for one in example.get("differences", ())
        ]
        out += [
            f"    {name}: {json.dumps(example[name], ensure_ascii=False)}"
            for name in ("ledger", "requests", "row")
            if name in example
        ]
    verdict = f"{report.faults:,} faults" if report.faults else "exact: nothing lost, doubled, "
    out += ["", verdict if report.faults else verdict + "invented or wrong", ""]
    return "\n".join(out)
