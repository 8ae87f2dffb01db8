"""One module per way out of the building."""
