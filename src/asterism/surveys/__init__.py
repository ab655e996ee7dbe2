"""Survey files in, catalog rows out; and what files share with the simulator that writes them.

Doors, each the start of one way:

* `table`: tables of magnitudes or fluxes, by a map (`table_map`, `presets/`); its parts are `table_files` (with
  `table_text`, `table_binary`, `table_page`), `table_cells`, `table_units`, `photometry`, `table_rows`.
* `margnet`: the arrays of MargNet.
* `images`: FITS cutouts for the objects of a catalog (`stamps`, `sky`); `pictures` and `stamp_arrays` for JPEG and NumPy;
  `frame_stamps` cuts them from fields and bricks (`frame_files`, `frame_images`, `frame_choice`, `sdss_astrometry`, `sdss_psf`);
  `detection` finds the sources itself (`source_extraction`).
* `sdss`, `lamost`, `desi`, `legacy`, `mmu`: a survey's own files, by way of `doors` (parts, blocks, quarantine). Formats stand in
  `sdss_spectra`, `sdss_frames`, `lamost_spectra`, `desi_spectra`, `legacy_images`; files are opened by `fits_reading`
  (with `fits_headers`, `fits_images`); pixels go to `spectral_grids` by `spectrum_placing`.

Roads that simulator and doors share:

* `lamost_2d`: raw CCD frames of LAMOST to strips and spectra; its parts, in their order, are `lamost_frames` (files,
  geometry), `ccd_calibration`, `fibre_tracing`, `profile_measurement` (with `fibre_profiles`, `scattered_light`),
  `extraction`, `arc_calibration`, `fibre_spectra` (flat, sky), `lamost_strips` (with `lamost_stars`, the star catalogue).
* `stamp_measurement`: what a pipeline finds on a stamp; its parts are `cameras`, `conditions`, `psf`, `light_profiles`,
  `ellipses`, `deblending`.
* `dust`: Galactic reddening from a map.
"""
