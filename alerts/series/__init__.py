"""The named series that rules speak of, read for all quotas, units and meters at once."""
