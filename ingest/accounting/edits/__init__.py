"""What people say about readings, with author and reason; each can be undone."""
