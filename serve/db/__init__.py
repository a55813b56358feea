"""The application's own state (`app.db`): models, migrations, connections.

Nothing of it is derived from the lake: received webhooks wait here until the pipelines have copied
them. A new table is a model in `models.py` and the next numbered file in `migrations/versions/`; a
test compares the two on every engine.
"""
