"""Quotas: which one governs whom, of what, in which period and bands, from which document."""
