"""The organisation's event actions: what `/event-actions` lists, and the commands' names for them.

The ids of only a few actions are public (`user_added_to_group`, `jira_issue_viewed`, ...); the
others have ids here that nobody can know before asking, so that only the display name tells.
"""

from __future__ import annotations

from msgspec import Struct


class EventAction(Struct, frozen=True):
    """One kind of event: its id, what people read, and the group it is listed under."""

    id: str
    display_name: str
    group: str


EVENT_ACTIONS = {
    "user_added_to_group": EventAction("user_added_to_group", "Added user to group", "Groups"),
    "user_removed_from_group": EventAction(
        "user_removed_from_group", "Removed user from group", "Groups"
    ),
    "group_created": EventAction("group_created", "Created group", "Groups"),
    "invite_user": EventAction("org_invitation_q1", "Invite user", "Users"),
    "grant_access": EventAction("product_access_granted", "Grant access", "Users"),
    "remove_user": EventAction("org_member_q2", "Remove user", "Users"),
    "revoke_access": EventAction("product_access_revoked", "Revoke access", "Users"),
    "site_invite": EventAction("site_invitation_q3", "Invited user to site", "Users"),
    "site_removal": EventAction("site_member_q4", "Removed user from site", "Users"),
    "account_deactivated": EventAction("managed_q5", "Deactivated account", "Managed accounts"),
    "account_reactivated": EventAction("managed_q6", "Reactivated account", "Managed accounts"),
    "account_deleted": EventAction("managed_q7", "Deleted account permanently", "Managed accounts"),
    "deletion_scheduled": EventAction(
        "managed_q8", "Scheduled deletion of account", "Managed accounts"
    ),
    "deletion_canceled": EventAction(
        "managed_q9", "Canceled deletion of account", "Managed accounts"
    ),
    "email_changed": EventAction("managed_q10", "Changed email address", "Managed accounts"),
    "name_changed": EventAction("managed_q11", "Changed display name", "Managed accounts"),
    "token_created": EventAction("cred_q12", "API token created", "API tokens"),
    "token_revoked": EventAction("cred_q13", "API token revoked", "API tokens"),
    "login": EventAction("user_login", "Logged in to account", "Account activity"),
    "logout": EventAction("user_q14", "Logged out of account", "Account activity"),
    "password_link": EventAction(
        "user_q15", "Requested password recovery link", "Account activity"
    ),
    "issue_viewed": EventAction("jira_issue_viewed", "Viewed Jira issue", "Jira activity"),
    "issue_created": EventAction("jira_issue_created", "Created Jira issue", "Jira activity"),
    "page_viewed": EventAction(
        "confluence_page_viewed", "Viewed Confluence page", "Confluence activity"
    ),
    "policy_updated": EventAction("policy_q16", "Updated authentication policy", "Security"),
}
"""By the name the commands use."""

DETAILED = {"invite_user", "grant_access", "remove_user", "revoke_access", "account_deleted"} | {
    "email_changed",
    "name_changed",
}
"""Kinds that share an action of the catalogue with others, which of them it was has to be kept."""
