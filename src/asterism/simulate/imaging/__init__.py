"""Light through seeing onto pixels, with neighbours and noise."""
