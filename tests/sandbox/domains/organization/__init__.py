"""The organisation above the site: its event log, managed accounts, and who looks at issues."""

from tests.sandbox.domains.organization.organization import Organization, View

__all__ = ["Organization", "View"]
