"""FITS files: opened when they come from outside (`fits_reading`, `fits_headers`, `fits_images`), and written (`fits_files`)."""
