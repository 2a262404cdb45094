"""Deriving any range once more, or holding what was derived against what it must be."""
