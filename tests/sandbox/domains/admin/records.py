"""What is administered, and the names that the audit log has for it."""

from __future__ import annotations

from msgspec import Struct, field

PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues",
    "ADD_COMMENTS": "Add Comments",
    "WORK_ON_ISSUES": "Work On Issues",
    "ADMINISTER_PROJECTS": "Administer Projects",
    "MANAGE_SPRINTS_PERMISSION": "Manage Sprints",
}
"""Key -> name, as the audit log writes it."""

HOLDERS = {"group": "Group", "projectRole": "Project Role", "reporter": "Reporter"}
"""Type of a holder -> its name in the audit log."""

SETTINGS = {
    "CUSTOMER_PERMISSIONS_CHANGED": ("Customer permissions changed", "Customer access", True),
    "AGENT_PORTAL_ANNOUNCEMENT_UPDATE_PERMISSION": (
        "Agent Portal Announcement Update Permission",
        "Agents can update announcements",
        True,
    ),
    "JIRA_SERVICE_DESK_CONFIGURATION": ("JIRA Service Desk configuration", "Setting", False),
    "LOGIN_FREE_PORTAL_SETTINGS_CHANGED": (
        "Login-free portal settings changed",
        "Login-free portal",
        False,
    ),
    "PUBLIC_SIGNUP_ENABLED": ("Public signup enabled", "Public signup", False),
    "PUBLIC_SIGNUP_DISABLED": ("Public signup disabled", "Public signup", False),
    "EMAIL_VERIFICATION_FOR_SIGNUP_CHANGED": (
        "Requirement for email verification for signup changed",
        "Email verification",
        False,
    ),
    "HELP_CENTER_PERMISSIONS_CHANGED": (
        "Help center permissions changed",
        "Who can view the help center",
        False,
    ),
    "HELP_CENTER_UPDATED": ("Help center updated", "Name", False),
}
"""Code -> summary, name of the changed setting, and whether it is a setting of one project."""


class Group(Struct):
    """A group and the accounts in it."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)


class Role(Struct):
    """A project role; who has it is kept per project."""

    id: str
    name: str
    description: str


class Grant(Struct, frozen=True):
    """A permission of a scheme. `value`: a group's id, a role's id, or nothing."""

    id: int
    permission: str
    holder: str
    value: str | None


class Scheme(Struct):
    """A permission scheme."""

    id: str
    name: str
    description: str
    grants: list[Grant] = field(default_factory=list)


class Organization(Struct):
    """An organisation of customers (Jira Service Management)."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
