"""Memory: pages and their owners, colours, eviction, heat."""
