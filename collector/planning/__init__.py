"""Which reads bring the wanted values of a meter, how long they take, and what a device forbids."""
