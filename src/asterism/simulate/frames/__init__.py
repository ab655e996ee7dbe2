"""Light onto a CCD: raw 2D frames of a plate."""
