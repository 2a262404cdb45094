"""The course of consumption over gaps: check meter, then days of the same type."""
