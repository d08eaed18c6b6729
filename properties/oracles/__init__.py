"""Plain second versions of each mechanism, written to be obvious rather than fast; the model is compared with them."""
