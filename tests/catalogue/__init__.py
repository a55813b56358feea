"""Guards of the action catalogue."""
