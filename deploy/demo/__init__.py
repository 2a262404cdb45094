"""The simulated city on real components: what `quotawatt demo` runs, watches and audits."""

from pathlib import Path

BAOJI = Path(__file__).with_name("cities") / "baoji.toml"
"""The example city; `docs/demo-city.md` explains it."""
