"""The account of what came: envelopes by gateway and day, and the readings of every point against its interval."""
