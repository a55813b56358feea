"""Administration of a Jira site: projects, roles, people, groups, permissions, help desks."""

from tests.sandbox.domains.admin.admin import Admin

__all__ = ["Admin"]
