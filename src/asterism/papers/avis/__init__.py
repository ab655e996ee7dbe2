"""AVIS: images and spectra aligned without labels, and what the embedding knows of redshifts, classes and rarities.

`published` holds the figures to stand beside, `data` the sky, `methods` who takes part and with which settings, `rows` the
rows of the table, `runner` makes them, `results` puts them together.
"""

from asterism.papers.avis.runner import reproduce

__all__ = ["reproduce"]
