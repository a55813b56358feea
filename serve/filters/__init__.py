"""The filter itself: what it says, and the one text that it is written as."""
