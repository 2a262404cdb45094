"""The dated factors of coal and CO2 in the database."""
