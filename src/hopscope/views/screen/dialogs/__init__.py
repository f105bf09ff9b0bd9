"""What opens in front of the screen, one file each. Imported when first opened."""
