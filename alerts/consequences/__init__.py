"""What a policy attaches to a breach, as an estimate in yuan with its source; dated data, switched on per region."""
