"""Tests of the repository itself: its documents, its lock, its boundaries."""
