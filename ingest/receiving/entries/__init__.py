"""Entries that gateways send in the name of their unit; a route of the HTTP server."""
