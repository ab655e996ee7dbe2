"""A sky with known truth: objects are drawn, given spectra, put on stamps with noise, and measured there.

Along the path of the data: `constants` (every number with its source), `selection` (which objects a survey takes),
`population` (with `stars`, `galaxies`, `quasars`), `seds` (with `stellar_seds`, `galaxy_seds`, `quasar_seds`),
`photometry` (filters), `images` (stamps), `measurement` (what a pipeline finds on a stamp), `sky` (`simulate`).
"""
