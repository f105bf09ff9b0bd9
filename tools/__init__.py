"""Programs for those who work on hopscope."""
