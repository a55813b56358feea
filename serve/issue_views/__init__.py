"""Who looked at which issue, and when."""
