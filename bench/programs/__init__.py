"""Small programs that the parts run: references to compare with, and what has to be a process of its own."""
