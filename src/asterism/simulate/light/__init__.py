"""Spectra of objects before any instrument: embedded, and from libraries."""
