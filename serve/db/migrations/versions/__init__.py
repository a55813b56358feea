"""The steps: `step_<number>_<what>.py`, each with an upgrade and a downgrade."""
