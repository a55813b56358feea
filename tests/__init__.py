"""Tests, the sandbox site and the benchmarks."""
