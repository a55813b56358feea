"""Versions, global options, filters, issue types, boards and sprints of the sandbox."""

from tests.sandbox.domains.software.software import Software

__all__ = ["Software"]
