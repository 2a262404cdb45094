"""What a unit or a district used in a month: CSV, JSON, and a page to print."""
