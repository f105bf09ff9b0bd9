"""What every floor may ask of the operating system in one way: signals as flags, files that cannot block, TOML that
cannot hang. Imports nothing of the package."""
