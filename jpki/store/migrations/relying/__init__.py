"""One module per step of a relying party's schema."""
