"""Receives what others push: Jira's webhooks and views of issues.

Nothing is interpreted here. A sender is known by a secret, the content is checked to be readable,
stored so that it survives a power cut, and only then acknowledged; the pipelines read it later.
Nothing here uses the threads or the memory of those who read the log.
"""
