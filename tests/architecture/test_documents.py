"""What the documents say is compared with the code: a claim that nothing holds is a bug."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from orchestration.cli import app as command_line
from pipelines.config import Settings
from serve.app import create_app
from serve.config import ServeSettings

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
MAKEFILE = (REPOSITORY / "Makefile").read_text()


def test_every_make_target_named_in_the_documents_exists_and_has_a_help_text() -> None:
    named = set(re.findall(r"`?\bmake ([a-z][a-z-]+)\b", README + CONTRIBUTING)) - {"sure"}
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, flags=re.MULTILINE))

    assert {"demo", "test"} <= named
    assert named - explained == set()


def test_the_command_line_table_lists_every_command_and_no_other() -> None:
    in_readme = set(re.findall(r"^\| `audit-log ([a-z-]+)`", README, flags=re.MULTILINE))
    click_group = get_command(command_line)

    assert in_readme == set(click_group.commands)  # type: ignore[attr-defined]  # a group, by its callback


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    app = create_app(ServeSettings(home=tmp_path_factory.mktemp("home")))
    return {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }


def test_the_route_table_lists_every_route_and_no_other(routes: set[str]) -> None:
    in_readme = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)`", README, re.MULTILINE))

    assert in_readme == routes


def _settings_with_defaults() -> dict[str, str]:
    """Every variable that is read, with its default as it is written in a .env; "": it has none."""
    defaults: dict[str, str] = {}
    for settings in (Settings, ServeSettings):
        for name, field in settings.model_fields.items():
            alias = field.validation_alias or f"{settings.model_config.get('env_prefix', '')}{name}"
            default = field.default
            if isinstance(default, tuple):
                default = ",".join(default)
            text = "" if default is None else str(default)
            defaults[str(alias).upper()] = text.lower() if isinstance(default, bool) else text
    return defaults


def test_the_example_environment_has_every_setting_with_its_default() -> None:
    example = (REPOSITORY / ".env.example").read_text()
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    filled_in = {  # where an example says more than no default, or writes it differently
        "ATLASSIAN_SITE_URL": "https://your-site.atlassian.net",
        "ATLASSIAN_EMAIL": "auditor@example.com",
        "AUDIT_LOG_DATABASE_URL": "postgresql+psycopg://user:password@localhost/audit_log",
        "AUDIT_LOG_HOME": "./data",
    }

    assert shown == _settings_with_defaults() | filled_in


def test_the_readme_names_only_settings_that_are_read() -> None:
    named = set(re.findall(r"\b(?:ATLASSIAN|AUDIT_LOG)_[A-Z_]+\b", README + CONTRIBUTING))

    assert named
    assert named - set(_settings_with_defaults()) == set()


def test_relative_links_of_the_documents_lead_somewhere() -> None:
    broken = [
        f"{document.name}: {target}"
        for document in REPOSITORY.glob("*.md")
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text())
        if "://" not in target and not (REPOSITORY / target).exists()
    ]

    assert broken == []
