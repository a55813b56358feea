"""Tests of serve against real DuckDB snapshots."""
