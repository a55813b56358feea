"""Type-ahead for everything a filter can name, and the names of what it holds."""
