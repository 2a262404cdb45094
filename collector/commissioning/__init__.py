"""Before a meter counts: what will be asked and how long it takes, and one poll with everything that came."""
