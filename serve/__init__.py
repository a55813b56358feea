"""Decides who may see what: the HTTP layer over the published snapshot."""
