"""The Textual screen, a folder that mirrors what is seen."""
