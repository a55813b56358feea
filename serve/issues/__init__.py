"""The issues behind a number: a local list without a limit, and links into Jira."""
