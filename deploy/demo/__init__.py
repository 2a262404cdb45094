"""The simulated city on real components: what `quotawatt demo` runs, watches and audits."""
