"""What one model's values mean: one TOML file per model in `models/`, and files of a user's own."""

from collector.profiles.block import RawNumber, RegisterBlock
from collector.profiles.library import AnyProfile, Library, load_any_profile, load_profile, profile_names
from collector.profiles.model import MOST_BITS, MOST_WORDS, Addresses, Profile, ProfileBase
from collector.profiles.register import Part, Register
from collector.profiles.value import DISPLAY, RATIOS, Confidence, CtPt, Ratio, Value

__all__ = [
    "DISPLAY",
    "MOST_BITS",
    "MOST_WORDS",
    "RATIOS",
    "Addresses",
    "AnyProfile",
    "Confidence",
    "CtPt",
    "Library",
    "Part",
    "Profile",
    "ProfileBase",
    "Ratio",
    "RawNumber",
    "Register",
    "RegisterBlock",
    "Value",
    "load_any_profile",
    "load_profile",
    "profile_names",
]
