"""What is filled in by hand, file or API: purchases, stocks, production, certificates."""
