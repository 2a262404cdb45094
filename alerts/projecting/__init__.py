"""How a period will end: profiles of its course, methods of projection, their intervals, and what tells them apart."""
