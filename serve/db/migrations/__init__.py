"""Alembic's directory: `env.py` and the numbered steps in `versions/`."""
