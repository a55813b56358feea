"""Tests of the transformation: raw rows in, marts out."""
