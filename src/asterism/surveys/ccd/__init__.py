"""Raw CCD frames to strips and spectra: tracing, profiles, extraction, wavelengths, sky."""
