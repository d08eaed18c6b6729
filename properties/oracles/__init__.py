"""Plain second versions of each mechanism: obvious rather than fast. The model is compared with them."""
