"""Tests of `pipelines`: units on servers of their own, syncs against the sandbox."""
