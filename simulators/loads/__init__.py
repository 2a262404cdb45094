"""What simulated meters measure: recorded consumption as a curve over data time, and the truth to audit against."""
