"""Survey files in, catalog rows out.

* `table`: tables of magnitudes or fluxes, by a map (`table_map`, `presets/`); its parts are `table_files` (with
  `table_text`, `table_binary`, `table_page`), `table_cells`, `table_units`, `photometry`, `table_rows`.
* `margnet`: the arrays of MargNet.
* `images`: FITS cutouts for the objects of a catalog; its parts are `stamps` and `sky`.
* `dust`: Galactic reddening from a map.
"""
