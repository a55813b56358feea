"""The activity itself: listed, counted, exported."""
