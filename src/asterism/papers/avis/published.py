"""What is published of embeddings of images and spectra, to stand beside ours: of real galaxies of DESI, not of these objects."""

from __future__ import annotations

__all__ = ["AIMS", "CITATIONS", "PUBLISHED"]

CITATIONS = {
    "AstroCLIP": "Parker et al. 2024, MNRAS 531, 4990",
    "reproduction": "a public reproduction of AstroCLIP with InfoNCE",
}

PUBLISHED: dict[str, dict[str, float]] = {
    "AstroCLIP, image": {"r2": 0.79},
    "AstroCLIP, spectrum": {"r2": 0.99},
    "AstroCLIP, MLP on photometry": {"r2": 0.68},
    "reproduction, image": {"r2": 0.66, "recall_at_10": 0.119},
    "reproduction, spectrum": {"r2": 0.84},
}
"""R² of galaxies' redshifts, zero-shot by neighbours (photometry: learned), and recall at 10 of retrieval."""

AIMS = (
    ("redshift of galaxies from spectrum, R²", 0.97),
    ("redshift of galaxies from image, R²", 0.65),
    ("image less LightGBM on photometry, R² of galaxies, lower end of the interval", 0.0),
    ("retrieval, flux-normalised, matched in magnitude, recall at 10", 0.12),
    ("clusters against class, AMI", 0.5),
    ("clusters against target class, AMI", 0.4),
)
"""What was aimed at before anything was trained, in the order in which `asterism.papers.avis.results` answers."""
