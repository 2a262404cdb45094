"""Ways to a meter: one folder per protocol, each behind the contract of `collector.drivers.line`."""
