"""Sphinx configuration: Markdown pages, numpydoc docstrings."""

from asterism import __version__

project = "Asterism"
author = "The Asterism developers"
copyright = "2026, The Asterism developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Asterism {release}"
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"
