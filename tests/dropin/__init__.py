"""In the place of mtr: what programs of other people make of it, beside mtr itself."""
