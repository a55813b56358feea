"""`python -m tests.sandbox serve …` and `python -m tests.sandbox check …`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.sandbox import checker
from tests.sandbox.clock import parse_iso
from tests.sandbox.faults import PlanError
from tests.sandbox.image import ImageError
from tests.sandbox.logs import StateError
from tests.sandbox.server import bind, serve
from tests.sandbox.site import Options, Site
from tests.sandbox.webhooks import Plan

USAGE_ERROR = 2
INTERRUPTED = 130
MOST = 100_000_000


def _moment(text: str) -> int:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO date and time") from error


def _now(text: str) -> int | None:
    return None if text == "live" else _moment(text)


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time zone") from error


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST:,}")
    return int(text)


def _share(high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not 0 <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between 0 and {high}")
        return value

    return number


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="serve a fake Atlassian site on loopback")
    server.add_argument("--seed", type=int, default=7, help="which site (default 7)")
    server.add_argument("--port", type=_port, default=0, help="0: any free port (default)")
    server.add_argument("--state", type=Path, help="directory of ledger and logs (default: temp)")
    server.add_argument("--image", type=Path, help="serve a site image instead of a made-up site")
    server.add_argument("--plan", type=Path, help="fault plan (TOML)")
    server.add_argument("--start", type=_moment, help="when the site began (default: a year ago)")
    server.add_argument(
        "--now", type=_now, default=None, help="ISO: frozen clock; live: the real one (default)"
    )
    server.add_argument("--actions-per-year", type=_positive, default=62_000)
    server.add_argument("--max-lag-minutes", type=_share(60), default=4, help="of the search index")
    server.add_argument(
        "--late-share", type=_share(1), default=0, help="of changes that it finds 3-30 hours late"
    )
    server.add_argument(
        "--page-limit", type=_positive, help="the most a search or changelog page holds"
    )
    server.add_argument("--time-zone", type=_zone, default="Europe/Zurich", help="of the API user")
    for kind in ("webhooks", "views"):
        server.add_argument(f"--{kind}", metavar="URL", help=f"send {kind} there, on loopback")
        server.add_argument(f"--{kind}-secret", default="", help="with which they are signed")
    check = commands.add_parser("check", help="compare a ledger with a snapshot")
    check.add_argument("--ledger", type=Path, required=True, help="ledger.jsonl or its directory")
    check.add_argument("--snapshot", type=Path, required=True, help="AUDIT_LOG_HOME or a .duckdb")
    check.add_argument("--json", action="store_true", help="the whole verdict as JSON")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def _serve(site: Site, listener: socket.socket) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _say(f"listening on {url} (site {site.world.site}, state {site.state})")
    await serve(site, listener, stopped)


def _run_server(arguments: argparse.Namespace) -> int:
    try:
        listener = bind(arguments.port)
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"port {arguments.port}: {reason}; give another --port" + "\n")
        return USAGE_ERROR
    began = time.monotonic()
    try:
        site = Site(
            Options(
                state=arguments.state or Path(tempfile.mkdtemp(prefix="sandbox-")),
                seed=arguments.seed,
                start=arguments.start,
                now=arguments.now,
                image=arguments.image,
                plan=arguments.plan,
                actions_per_year=arguments.actions_per_year,
                max_lag_minutes=arguments.max_lag_minutes,
                late_share=arguments.late_share,
                time_zone=arguments.time_zone,
                page_limit=arguments.page_limit,
            )
        )
        for kind in ("webhooks", "views"):
            if url := getattr(arguments, kind):
                site.connect(kind, Plan(url, getattr(arguments, f"{kind}_secret")))
    except (StateError, PlanError, ImageError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    _say(
        f"{len(site.world.issues)} issues, {site.world.line_count} ledger lines in "
        f"{time.monotonic() - began:.1f} s"
    )
    try:
        asyncio.run(_serve(site, listener))
    finally:
        site.close()
    return 0


def main() -> int:
    """Run the command line; 0, or 2 for what the caller must change, or the checker's verdict."""
    arguments = _arguments().parse_args()
    if arguments.command == "check":
        return checker.main(arguments.ledger, arguments.snapshot, as_json=arguments.json)
    try:
        return _run_server(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
