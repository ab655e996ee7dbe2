"""Survey files in, catalog rows out.

* `table`: tables of magnitudes or fluxes, by a map (`table_map`, `presets/`); its parts are `table_files` (with
  `table_text`, `table_binary`, `table_page`), `table_cells`, `table_units`, `photometry`, `table_rows`.
* `margnet`: the arrays of MargNet.
* `images`: FITS cutouts for the objects of a catalog; its parts are `stamps` and `sky`.
* `lamost_2d`: raw CCD frames of LAMOST to strips and spectra; its parts, in their order, are `lamost_frames` (files,
  geometry), `ccd_calibration`, `fibre_tracing`, `profile_measurement` (with `fibre_profiles`, `scattered_light`),
  `extraction`, `arc_calibration`, `fibre_spectra` (flat, sky), `lamost_strips` (with `lamost_stars`, the star catalogue).
* `dust`: Galactic reddening from a map.
"""
