"""A sky with known truth: objects are drawn, given spectra, put on stamps with noise, and measured there.

Along the path of the data: `constants` (every number with its source), `selection` (which objects a survey takes),
`population` (with `stars`, `galaxies`, `quasars`); what they shine from `seds` (embedded: `stellar_seds`,
`white_dwarf_seds`, `galaxy_seds`, `quasar_seds`, with their tables of lines and the `forest`) or `template_seds` (the table
of `libraries`, `star_templates`, `galaxy_templates`, `quasar_templates`, `eigenspectra`), both on `sampling` and an object's
own `chance`; `photometry` (filters), `cameras`, `psf`, `images` (stamps, by `rendering`, with `neighbours` and `hosts`),
`measurement` (what a pipeline finds on a stamp) after `deblending`, together in `observing`; `spectra` (with `extinction`,
`night_sky`, `fibres`, `spectrographs`, `spectral_response`); raw CCD frames from
`spectrograph_frames` (with `camera_optics`, `ccd`, `cosmic_rays`, `frame_defaults`), objects observed together in `plates`;
`rows` and `spectrum_columns`; `recipe` and `sky` (`simulate`); the files of a survey in `survey_files` (with `sdss_files`,
`desi_files`, `lamost_files`).
"""
