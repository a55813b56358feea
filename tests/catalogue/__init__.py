"""The catalogue of actions: its guards, and the table people read."""
