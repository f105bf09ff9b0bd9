"""What was found, in plain words and numbers: the one place where a sentence is made, for every output."""
