"""What the log holds and how fresh it is."""
