"""Every reading on disk before it is offered to the network, until ingest confirms it."""
