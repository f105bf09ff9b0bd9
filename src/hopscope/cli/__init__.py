"""The composition root: options and configuration to a front end. Imports lazily."""
