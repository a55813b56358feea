"""Locking, building, publishing, the command line and the Dagster location, on real files."""
