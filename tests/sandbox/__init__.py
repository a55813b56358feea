"""A fake Atlassian site: a seeded world on a virtual clock, its ledger of truth, an HTTP server."""
