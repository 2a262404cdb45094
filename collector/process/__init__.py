"""The collector as a process: which parts run, and how a change of the file touches only what changed."""
