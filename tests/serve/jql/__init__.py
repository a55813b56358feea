"""Tests of the local JQL."""
