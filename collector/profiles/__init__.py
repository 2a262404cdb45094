"""What one model's values mean: one TOML file per model in `models/`, and files of a user's own."""

from collector.profiles.model import MOST_WORDS, Confidence, CtPt, Profile, Register, load_profile, profile_names

__all__ = ["MOST_WORDS", "Confidence", "CtPt", "Profile", "Register", "load_profile", "profile_names"]
