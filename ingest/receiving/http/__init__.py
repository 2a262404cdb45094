"""The way in by HTTP push: requests of gateways that prove who they are, answered after the commit."""
