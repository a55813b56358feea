"""Read-only access to the published snapshots; the only part of serve that knows DuckDB."""
