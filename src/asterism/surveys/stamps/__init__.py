"""Images around one object: cut, calibrated, detected, measured; cameras and their PSF."""
