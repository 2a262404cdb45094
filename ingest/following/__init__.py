"""What gateways say of themselves, and which numbers of their streams are still to come."""
