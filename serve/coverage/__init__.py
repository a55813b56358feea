"""What the log can tell and what it cannot: per source, and per action and source."""
