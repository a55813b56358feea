"""What an editor of JQL needs."""
