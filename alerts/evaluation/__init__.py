"""One step from totals to stored states; who makes it, and when."""
