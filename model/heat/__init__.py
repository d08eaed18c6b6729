"""Heat: the loop from temperature to power and back, where pages are placed for it, and how they get there."""
