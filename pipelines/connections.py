"""What sources speak to: each kind of connection, what it needs, what is lost without it.

    jira, jira_admin, assets, confluence   the site, as the account of ATLASSIAN_EMAIL
    guard                                  the organisation's administration, with its own key
    inbox                                  the application's own database; nobody is asked

A source names its connection (`SourceSpec.connection`). One that is not set up disables only the
sources that need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.config import Settings
from pipelines.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """One kind of connection. `needs` and `loses` are for people; `loses` completes "without it".

    `asks`: whom a source of this kind asks. `is_essential`: without it there is no audit log, so
    a run that cannot use it publishes nothing.
    """

    name: str
    title: str
    needs: str
    loses: str
    asks: Literal["site", "organization", "nobody"] = "site"
    is_essential: bool = False

    def require(self, settings: Settings) -> None:
        """Raise what keeps a source of this kind from running, as far as settings tell.

        NotConnectedError when it is not set up, ConfigurationError when the site itself is not.
        """
        if self.asks != "nobody":
            settings.connection()
        if self.asks == "organization":
            settings.organization()

    def is_set_up(self, settings: Settings) -> bool:
        """Say whether somebody connected it, as far as settings tell."""
        try:
            self.require(settings)
        except ConfigurationError:
            return False
        return True


_ACCOUNT = "ATLASSIAN_SITE_URL, ATLASSIAN_EMAIL, ATLASSIAN_API_TOKEN"

CONNECTIONS = {
    entry.name: entry
    for entry in (
        ConnectionSpec("jira", "Jira site", _ACCOUNT, "there is no audit log", is_essential=True),
        ConnectionSpec(
            "jira_admin",
            "Jira administration log",
            f"{_ACCOUNT}, of an account that may Administer Jira",
            "who changed projects, people, groups, schemes and permissions is unknown",
        ),
        ConnectionSpec(
            "guard",
            "Organisation (Atlassian Guard)",
            "ATLASSIAN_ORG_ID, ATLASSIAN_ORG_API_KEY",
            "logins, invitations, API tokens, account changes and last active dates are not "
            "recorded, and issue views only if a collector sends them",
            asks="organization",
        ),
        ConnectionSpec(
            "assets",
            "Assets",
            f"{_ACCOUNT}, of an account that manages the Assets schemas",
            "changes of assets and of their roles are not recorded",
        ),
        ConnectionSpec(
            "confluence",
            "Confluence",
            f"{_ACCOUNT}, of an account that is a Confluence administrator",
            "administration of Confluence is not recorded",
        ),
        ConnectionSpec(
            "inbox",
            "Webhooks and issue views",
            "webhooks or a collector that send to /ingest",
            "actions arrive with the next poll, some of them without the person who did them",
            asks="nobody",
        ),
    )
}
"""Every kind of connection by its name."""
